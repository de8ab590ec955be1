// SPDX-License-Identifier: GPL-2.0-only
/*
 * A bounded bit of everything a kernel locks for: processes, pipes, sockets, timers,
 * signals, files, memory, futexes, aio. For soak tests: what matters is that it ends, and
 * that what a kernel does not have is skipped and said, not failed.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/aio_abi.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE 4096
#define MAX_WORKERS 64

/* A load leaves nothing open when it succeeds; returns 0, or -errno. */
struct load {
	const char *name;
	int (*run)(void);
};

static int result(bool ok)
{
	return ok ? 0 : errno ? -errno : -EIO;
}

static void close_all(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static int wait_child(pid_t child)
{
	int status;

	if (child < 0 || waitpid(child, &status, 0) != child)
		return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECHILD;
}

static int load_fork(void)
{
	pid_t child = fork();

	if (child == 0) {
		execl("/proc/self/exe", "mixed", "--nothing", NULL);
		_exit(EXIT_FAILURE);
	}
	return wait_child(child);
}

/* What is written to one end comes out of the other. */
static bool through(int in, int out)
{
	char data[PAGE] = "x";
	size_t got = 0;

	if (write(in, data, sizeof(data)) != sizeof(data))
		return false;
	while (got < sizeof(data)) {
		ssize_t size = read(out, data, sizeof(data) - got);

		if (size <= 0)
			return false;
		got += size;
	}
	return true;
}

static int load_pipe(void)
{
	int fds[2];
	bool ok = true;

	if (pipe(fds) < 0)
		return -errno;
	for (int i = 0; i < 16 && ok; i++)
		ok = through(fds[1], fds[0]);
	close_all(fds, 2);
	return result(ok);
}

static int load_unix(void)
{
	int fds[2];
	bool ok = true;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
		return -errno;
	for (int i = 0; i < 16 && ok; i++)
		ok = through(fds[0], fds[1]) && through(fds[1], fds[0]);
	close_all(fds, 2);
	return result(ok);
}

static int load_tcp(void)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(addr);
	int fds[3] = {-1, -1, -1}, err;
	bool ok;

	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	fds[1] = socket(AF_INET, SOCK_STREAM, 0);
	ok = fds[0] >= 0 && fds[1] >= 0 && bind(fds[0], (struct sockaddr *)&addr, size) == 0 &&
	     listen(fds[0], 1) == 0 && getsockname(fds[0], (struct sockaddr *)&addr, &size) == 0 &&
	     connect(fds[1], (struct sockaddr *)&addr, size) == 0;
	if (ok)
		fds[2] = accept(fds[0], NULL, NULL);
	ok = ok && fds[2] >= 0 && through(fds[1], fds[2]) && through(fds[2], fds[1]);
	err = result(ok);
	close_all(fds, 3);
	return err;
}

static int load_epoll(void)
{
	struct itimerspec soon = {.it_value.tv_nsec = 1000000};
	struct epoll_event event = {.events = EPOLLIN};
	int fds[3] = {epoll_create1(0), eventfd(0, EFD_NONBLOCK),
		      timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)};
	int err;
	bool ok;

	ok = fds[0] >= 0 && fds[1] >= 0 && fds[2] >= 0 &&
	     epoll_ctl(fds[0], EPOLL_CTL_ADD, fds[1], &event) == 0 &&
	     epoll_ctl(fds[0], EPOLL_CTL_ADD, fds[2], &event) == 0 &&
	     eventfd_write(fds[1], 1) == 0 && epoll_wait(fds[0], &event, 1, 1000) == 1 &&
	     eventfd_read(fds[1], &(eventfd_t){0}) == 0 &&
	     timerfd_settime(fds[2], 0, &soon, NULL) == 0 &&
	     epoll_wait(fds[0], &event, 1, 10000) == 1;
	err = result(ok);
	close_all(fds, 3);
	return err;
}

static int load_timer(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
	struct itimerspec soon = {.it_value.tv_nsec = 500000};
	struct timespec nap = {.tv_nsec = 1000000};
	timer_t timer;
	bool ok;

	if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0)
		return -errno;
	ok = timer_settime(timer, 0, &soon, NULL) == 0 &&
	     (nanosleep(&nap, NULL) == 0 || errno == EINTR);
	timer_delete(timer);
	return result(ok);
}

static int load_signal(void)
{
	sigset_t set, old;
	pid_t child;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	child = fork();
	if (child == 0) {
		kill(getppid(), SIGUSR1);
		_exit(EXIT_SUCCESS);
	}
	if (child > 0)
		sigtimedwait(&set, NULL, &(struct timespec){.tv_sec = 10});
	sigprocmask(SIG_SETMASK, &old, NULL);
	return wait_child(child);
}

static bool write_and_rename(int fd, const char *from, const char *to)
{
	char data[PAGE] = "x";

	for (int i = 0; i < 16; i++)
		if (write(fd, data, sizeof(data)) != sizeof(data))
			return false;
	return flock(fd, LOCK_EX) == 0 && ftruncate(fd, PAGE) == 0 && fsync(fd) == 0 &&
	       rename(from, to) == 0 && chmod(to, 0600) == 0 && access(to, R_OK) == 0;
}

static int load_file(void)
{
	char folder[] = "/tmp/mixed-XXXXXX", from[64], to[64];
	int fd, err;

	if (!mkdtemp(folder))
		return -errno;
	snprintf(from, sizeof(from), "%s/a", folder);
	snprintf(to, sizeof(to), "%s/b", folder);
	fd = open(from, O_RDWR | O_CREAT | O_EXCL, 0644);
	err = result(fd >= 0 && write_and_rename(fd, from, to));
	close_all(&fd, 1);
	unlink(from);
	unlink(to);
	rmdir(folder);
	return err;
}

/* Faults, copy on write after a fork, pages given back. */
static int load_memory(void)
{
	size_t size = 256 * PAGE;
	char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t child;
	int err;

	if (map == MAP_FAILED)
		return -errno;
	for (size_t at = 0; at < size; at += PAGE)
		map[at] = 1;
	child = fork();
	if (child == 0) {
		for (size_t at = 0; at < size; at += PAGE)
			map[at] = 2;
		_exit(EXIT_SUCCESS);
	}
	err = wait_child(child);
	if (!err && (mprotect(map, size, PROT_READ) < 0 || madvise(map, size, MADV_DONTNEED) < 0))
		err = -errno;
	munmap(map, size);
	return err;
}

struct shared {
	pthread_mutex_t mutex;
	pthread_cond_t turned;
	int turn;
};

static void *take_turns(struct shared *shared, int me)
{
	for (int i = 0; i < 20; i++) {
		pthread_mutex_lock(&shared->mutex);
		while (shared->turn != me)
			pthread_cond_wait(&shared->turned, &shared->mutex);
		shared->turn = !me;
		pthread_cond_signal(&shared->turned);
		pthread_mutex_unlock(&shared->mutex);
	}
	return NULL;
}

static void *second_thread(void *shared)
{
	return take_turns(shared, 1);
}

static int load_futex(void)
{
	struct shared shared = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
	pthread_t thread;
	int err = pthread_create(&thread, NULL, second_thread, &shared);

	if (err)
		return -err;
	take_turns(&shared, 0);
	pthread_join(thread, NULL);
	return 0;
}

/* One write to a file, one poll of an eventfd that becomes readable. */
static bool aio_write_and_poll(aio_context_t aio, int file, int event)
{
	static char data[PAGE];
	struct iocb write = {.aio_lio_opcode = IOCB_CMD_PWRITE,
			     .aio_fildes = file,
			     .aio_buf = (uintptr_t)data,
			     .aio_nbytes = sizeof(data)};
	struct iocb poll = {
		.aio_lio_opcode = IOCB_CMD_POLL, .aio_fildes = event, .aio_buf = POLLIN};
	struct iocb *requests[] = {&write, &poll};
	struct io_event events[2];

	return syscall(SYS_io_submit, aio, 2, requests) == 2 && eventfd_write(event, 1) == 0 &&
	       syscall(SYS_io_getevents, aio, 2, 2, events, NULL) == 2;
}

static int load_aio(void)
{
	char path[] = "/tmp/mixed-XXXXXX";
	aio_context_t aio = 0;
	int fds[2] = {-1, -1}, err;

	if (syscall(SYS_io_setup, 2, &aio) < 0)
		return -errno;
	fds[0] = mkstemp(path);
	fds[1] = eventfd(0, EFD_NONBLOCK);
	err = result(fds[0] >= 0 && fds[1] >= 0 && aio_write_and_poll(aio, fds[0], fds[1]));
	syscall(SYS_io_destroy, aio);
	close_all(fds, 2);
	unlink(path);
	return err;
}

static int read_whole(const char *path)
{
	char data[PAGE];
	int fd = open(path, O_RDONLY);
	ssize_t size;

	if (fd < 0)
		return -errno;
	do
		size = read(fd, data, sizeof(data));
	while (size > 0);
	close(fd);
	return size < 0 ? -errno : 0;
}

static int load_proc(void)
{
	DIR *proc = opendir("/proc");
	int err;

	if (!proc)
		return -errno;
	while (readdir(proc))
		;
	closedir(proc);
	err = read_whole("/proc/self/maps");
	return err ? err : read_whole("/proc/stat");
}

static const struct load loads[] = {
	{"fork", load_fork},	 {"pipe", load_pipe},	{"unix", load_unix},
	{"tcp", load_tcp},	 {"epoll", load_epoll}, {"timer", load_timer},
	{"signal", load_signal}, {"file", load_file},	{"memory", load_memory},
	{"futex", load_futex},	 {"aio", load_aio},	{"proc", load_proc},
};

/* Shared by all workers. */
struct counts {
	long done[ARRAY_SIZE(loads)];
	bool skipped[ARRAY_SIZE(loads)];
	bool failed;
};

struct options {
	double seconds;
	long rounds; /* 0: until the time is over */
	int workers;
	bool gives_way;
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

static bool is_absence(int err)
{
	return err == -ENOSYS || err == -EAFNOSUPPORT || err == -EPROTONOSUPPORT ||
	       err == -EADDRNOTAVAIL || err == -ENETUNREACH || err == -EOPNOTSUPP;
}

static int run_load(size_t i, struct counts *counts)
{
	int err;

	errno = 0;
	err = loads[i].run();
	if (!err)
		return 0;
	counts->skipped[i] = true;
	counts->failed |= !is_absence(err);
	fprintf(stderr, "mixed: %s %s: %s\n",
		is_absence(err) ? "skipping" : "failed:", loads[i].name, strerror(-err));
	return err;
}

static void work(const struct options *options, struct counts *counts, double end)
{
	for (long round = 0; !options->rounds || round < options->rounds; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
			if (now() >= end || counts->failed)
				return;
			if (!counts->skipped[i] && run_load(i, counts) == 0)
				__atomic_fetch_add(&counts->done[i], 1, __ATOMIC_RELAXED);
		}
	}
}

static void ignore_signal(int signal)
{
	(void)signal;
}

static int run(const struct options *options, struct counts *counts)
{
	double end = now() + options->seconds;
	pid_t workers[MAX_WORKERS];
	int started = 0;

	for (; started < options->workers; started++) {
		workers[started] = fork();
		if (workers[started] < 0)
			break;
		if (workers[started] == 0) {
			work(options, counts, end);
			_exit(EXIT_SUCCESS);
		}
	}
	for (int i = 0; i < started; i++)
		if (wait_child(workers[i]) < 0)
			counts->failed = true;
	return started == options->workers && !counts->failed ? 0 : -1;
}

static void usage(FILE *out)
{
	fputs("usage: mixed [-b] [-s SECONDS] [-n ROUNDS] [-j WORKERS]\n"
	      "  -b           in the background: only what CPU time others leave\n"
	      "  -s SECONDS   stop after that time (10)\n"
	      "  -n ROUNDS    stop after so many rounds, if that is sooner\n"
	      "  -j WORKERS   processes that do the same side by side (2)\n",
	      out);
}

static int parse(int argc, char **argv, struct options *ret_options)
{
	int c;

	while ((c = getopt(argc, argv, "bs:n:j:h")) != -1) {
		char *end = "";

		if (c == 's')
			ret_options->seconds = strtod(optarg, &end);
		else if (c == 'n')
			ret_options->rounds = strtol(optarg, &end, 10);
		else if (c == 'j')
			ret_options->workers = strtol(optarg, &end, 10);
		else if (c == 'b')
			ret_options->gives_way = true;
		else if (c == 'h')
			exit((usage(stdout), EXIT_SUCCESS));
		else
			return -1;
		if (*end)
			return -1;
	}
	if (ret_options->seconds <= 0 || ret_options->rounds < 0)
		return -1;
	if (ret_options->workers < 1 || ret_options->workers > MAX_WORKERS)
		return -1;
	return optind == argc ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct options options = {.seconds = 10, .workers = 2};
	struct counts *counts;
	int err;

	if (argc == 2 && strcmp(argv[1], "--nothing") == 0)
		return EXIT_SUCCESS;
	if (parse(argc, argv, &options) < 0) {
		usage(stderr);
		return 2;
	}
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (counts == MAP_FAILED) {
		fprintf(stderr, "mixed: mmap: %s\n", strerror(errno));
		return EXIT_FAILURE;
	}
	if (options.gives_way && nice(19) < 0)
		return EXIT_FAILURE;
	signal(SIGUSR2, ignore_signal);
	signal(SIGPIPE, SIG_IGN);
	/* Once by one process: finds out what this kernel does not have. */
	for (size_t i = 0; i < ARRAY_SIZE(loads); i++)
		run_load(i, counts);
	err = run(&options, counts);
	printf("mixed:");
	for (size_t i = 0; i < ARRAY_SIZE(loads); i++)
		printf(" %s %ld%s", loads[i].name, counts->done[i],
		       counts->skipped[i] ? " (skipped)" : "");
	printf("\n");
	return err || counts->failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
