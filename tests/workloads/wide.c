// SPDX-License-Identifier: GPL-2.0-only
/*
 * A little of many things: what mixed.c does not do, once or a few times each, so that as many
 * of the kernel's locks as possible are taken in as many orders. For the judge: what a kernel
 * does not have is passed over, and nothing here fails.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/io_uring.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE 4096
#define MANY (64 * PAGE)
#define FOLDER "/tmp/wide"

static char buffer[MANY];

static void close_both(const int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

static void in_child(void (*fn)(void))
{
	pid_t child = fork();

	if (child == 0) {
		fn();
		_exit(EXIT_SUCCESS);
	}
	if (child > 0)
		waitpid(child, NULL, 0);
}

static void files(void)
{
	int fd = open(FOLDER "/file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct timespec times[2] = {};

	if (fd < 0)
		return;
	(void)!write(fd, buffer, MANY);
	(void)!fallocate(fd, 0, MANY, MANY);
	(void)!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE, 4 * PAGE);
	(void)!ftruncate(fd, 3 * PAGE);
	fsync(fd);
	futimens(fd, times);
	fchmod(fd, 0644);
	(void)!fchown(fd, 1, 1);
	fsetxattr(fd, "user.wide", "x", 1, 0);
	fsetxattr(fd, "trusted.wide", "x", 1, 0);
	flistxattr(fd, buffer, sizeof(buffer));
	rename(FOLDER "/file", FOLDER "/other");
	(void)!link(FOLDER "/other", FOLDER "/linked");
	(void)!symlink("other", FOLDER "/symbolic");
	(void)!readlink(FOLDER "/symbolic", buffer, sizeof(buffer));
	(void)!access(FOLDER "/symbolic", R_OK);
	mkdir(FOLDER "/folder", 0700);
	rename(FOLDER "/linked", FOLDER "/folder/linked");
	renameat2(AT_FDCWD, FOLDER "/other", AT_FDCWD, FOLDER "/folder", RENAME_EXCHANGE);
	renameat2(AT_FDCWD, FOLDER "/other", AT_FDCWD, FOLDER "/folder", RENAME_EXCHANGE);
	unlink(FOLDER "/folder/linked");
	rmdir(FOLDER "/folder");
	unlink(FOLDER "/symbolic");
	unlink(FOLDER "/other");
	close(fd);
	sync();
}

static void file_locks(void)
{
	struct flock lock = {.l_type = F_WRLCK, .l_len = 10};
	int fd = open(FOLDER "/locked", O_RDWR | O_CREAT, 0600);

	if (fd < 0)
		return;
	flock(fd, LOCK_EX);
	fcntl(fd, F_SETLK, &lock);
	fcntl(fd, F_OFD_SETLK, &lock);
	if (fork() == 0) {
		int again = open(FOLDER "/locked", O_RDWR);

		alarm(1);
		flock(again, LOCK_EX);
		_exit(EXIT_SUCCESS);
	}
	flock(fd, LOCK_UN);
	wait(NULL);
	lock.l_type = F_UNLCK;
	fcntl(fd, F_SETLK, &lock);
	fcntl(fd, F_SETLEASE, F_WRLCK);
	fcntl(fd, F_SETLEASE, F_UNLCK);
	fcntl(fd, F_SETOWN, getpid());
	close(fd);
	unlink(FOLDER "/locked");
}

static void watches(void)
{
	int in = inotify_init1(IN_NONBLOCK), fd;

	inotify_add_watch(in, FOLDER, IN_ALL_EVENTS);
	fd = open(FOLDER "/watched", O_RDWR | O_CREAT, 0600);
	close(fd);
	unlink(FOLDER "/watched");
	(void)!read(in, buffer, sizeof(buffer));
	close(in);
}

static void splices(void)
{
	int fd = memfd_create("wide", MFD_ALLOW_SEALING), pipes[2][2];
	struct iovec some = {buffer, 2 * PAGE};
	off_t from = 0;

	if (fd < 0 || pipe(pipes[0]) || pipe(pipes[1]))
		return;
	(void)!write(fd, buffer, 8 * PAGE);
	fcntl(pipes[0][1], F_SETPIPE_SZ, 32 * PAGE);
	(void)!sendfile(pipes[0][1], fd, &from, 4 * PAGE);
	(void)!vmsplice(pipes[0][1], &some, 1, 0);
	(void)!tee(pipes[0][0], pipes[1][1], 2 * PAGE, SPLICE_F_NONBLOCK);
	(void)!splice(pipes[0][0], NULL, pipes[1][1], NULL, PAGE, SPLICE_F_NONBLOCK);
	from = 0;
	(void)!splice(fd, &from, pipes[1][1], NULL, 4 * PAGE, SPLICE_F_NONBLOCK);
	(void)!splice(pipes[1][0], NULL, fd, &from, PAGE, SPLICE_F_NONBLOCK);
	fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK);
	close_both(pipes[0]);
	close_both(pipes[1]);
	close(fd);
}

static void memory(void)
{
	char *map = mmap(NULL, MANY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *shared = mmap(NULL, MANY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED || shared == MAP_FAILED)
		return;
	memset(map, 1, MANY);
	memset(shared, 1, MANY);
	mprotect(map + PAGE, PAGE, PROT_READ);
	mlock(map, 4 * PAGE);
	madvise(map + 8 * PAGE, 8 * PAGE, MADV_DONTNEED);
	madvise(map + 16 * PAGE, 8 * PAGE, MADV_FREE);
	madvise(map + 24 * PAGE, 8 * PAGE, MADV_COLD);
	madvise(map + 24 * PAGE, 8 * PAGE, MADV_PAGEOUT);
	madvise(shared, 8 * PAGE, MADV_REMOVE);
	msync(shared, MANY, MS_SYNC);
	mincore(map, MANY, (unsigned char *)buffer);
	munlock(map, 4 * PAGE);
	if (fork() == 0) {
		memset(map + 2 * PAGE, 2, MANY - 2 * PAGE);
		memset(shared, 2, MANY);
		_exit(EXIT_SUCCESS);
	}
	wait(NULL);
	map = mremap(map, MANY, 2 * MANY, MREMAP_MAYMOVE);
	if (map != MAP_FAILED)
		munmap(map, 2 * MANY);
	munmap(shared, MANY);
}

static void huge(void)
{
	size_t size = 4 << 20;
	char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED)
		return;
	madvise(map, size, MADV_HUGEPAGE);
	memset(map, 1, size);
	mprotect(map + PAGE, PAGE, PROT_READ); /* splits */
	madvise(map, size / 2, MADV_DONTNEED);
	munmap(map, size);
}

static void *in_thread(void *arg)
{
	for (int i = 0; i < 8; i++) {
		char *map = mmap(NULL, MANY, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

		sched_yield();
		munmap(map, MANY);
	}
	return arg;
}

static void threads(void)
{
	pthread_t thread[4];
	cpu_set_t cpus;
	size_t nr = 0;

	while (nr < ARRAY_SIZE(thread) && !pthread_create(&thread[nr], NULL, in_thread, NULL))
		nr++;
	for (int i = 0; i < 4; i++) {
		CPU_ZERO(&cpus);
		CPU_SET(i % 2, &cpus);
		sched_setaffinity(0, sizeof(cpus), &cpus);
	}
	memset(&cpus, 0xff, sizeof(cpus));
	sched_setaffinity(0, sizeof(cpus), &cpus);
	while (nr--)
		pthread_join(thread[nr], NULL);
}

static void datagrams(void)
{
	char control[CMSG_SPACE(sizeof(int))] = {};
	struct iovec data = {buffer, 100};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	int fds[2];

	for (int type = SOCK_DGRAM; type <= SOCK_SEQPACKET; type += SOCK_SEQPACKET - SOCK_DGRAM) {
		if (socketpair(AF_UNIX, type, 0, fds))
			continue;
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(head), fds, sizeof(int));
		sendmsg(fds[0], &message, 0);
		recvmsg(fds[1], &message, MSG_DONTWAIT);
		sendmsg(fds[0], &message, 0); /* left in flight: to be collected */
		shutdown(fds[0], SHUT_RDWR);
		close_both(fds);
	}
}

static void named_sockets(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = FOLDER "/socket"};
	int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);

	unlink(name.sun_path);
	if (!bind(server, (void *)&name, sizeof(name)) && !listen(server, 4) &&
	    !connect(client, (void *)&name, sizeof(name))) {
		int peer = accept(server, NULL, NULL);

		(void)!write(client, buffer, 100);
		(void)!read(peer, buffer, 100);
		close(peer);
	}
	close(client);
	close(server);
	unlink(name.sun_path);
}

/* To itself, over lo. */
static void internet(int family, int type)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_in four = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr *addr = family == AF_INET ? (void *)&four : (void *)&six;
	socklen_t len = family == AF_INET ? sizeof(four) : sizeof(six);
	int server = socket(family, type, 0), client = socket(family, type, 0), one = 1;

	setsockopt(server, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(server, addr, len) || getsockname(server, addr, &len))
		goto out;
	if (type == SOCK_STREAM)
		listen(server, 4);
	if (connect(client, addr, len))
		goto out;
	if (type == SOCK_STREAM) {
		int peer = accept(server, NULL, NULL);

		send(client, buffer, MANY / 2, MSG_DONTWAIT);
		recv(peer, buffer, sizeof(buffer), MSG_DONTWAIT);
		shutdown(client, SHUT_WR);
		close(peer);
	} else {
		send(client, buffer, 1000, 0);
		send(client, buffer, 1000, 0);
		recv(server, buffer, sizeof(buffer), MSG_DONTWAIT);
	}
out:
	close(client);
	close(server);
}

static void sockets(void)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		internet(AF_INET, types[i]);
		internet(AF_INET6, types[i]);
	}
	close(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static void netlink(void)
{
	static const int kinds[] = {RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE, RTM_GETNEIGH};
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct {
			struct nlmsghdr head;
			struct rtgenmsg body;
		} request = {.head = {.nlmsg_len = sizeof(request),
				      .nlmsg_type = kinds[i],
				      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};

		send(fd, &request, sizeof(request), 0);
		recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
	}
	close(fd);
}

static void events(void)
{
	struct epoll_event event = {.events = EPOLLIN};
	struct itimerspec soon = {.it_value.tv_nsec = 1000000};
	int inner = epoll_create1(0), outer = epoll_create1(0);
	int timer = timerfd_create(CLOCK_MONOTONIC, 0), signals;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_NONBLOCK);
	epoll_ctl(inner, EPOLL_CTL_ADD, timer, &event);
	epoll_ctl(inner, EPOLL_CTL_ADD, signals, &event);
	epoll_ctl(outer, EPOLL_CTL_ADD, inner, &event);
	timerfd_settime(timer, 0, &soon, NULL);
	epoll_wait(outer, &event, 1, 100);
	kill(getpid(), SIGUSR1);
	epoll_wait(outer, &event, 1, 100);
	(void)!read(signals, buffer, sizeof(buffer));
	epoll_ctl(inner, EPOLL_CTL_DEL, timer, &event);
	close(inner);
	close(signals);
	close(timer);
	close(outer);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void clocks(void)
{
	static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC,
					   CLOCK_PROCESS_CPUTIME_ID, CLOCK_BOOTTIME};
	struct itimerval real = {.it_value.tv_usec = 1000};
	struct timespec pause = {.tv_nsec = 2000000};

	signal(SIGALRM, SIG_IGN);
	signal(SIGVTALRM, SIG_IGN);
	signal(SIGPROF, SIG_IGN);
	for (size_t i = 0; i < ARRAY_SIZE(clocks); i++) {
		struct itimerspec soon = {.it_value.tv_nsec = 500000,
					  .it_interval.tv_nsec = 500000};
		timer_t timer;

		if (timer_create(clocks[i], NULL, &timer))
			continue;
		timer_settime(timer, 0, &soon, NULL);
		nanosleep(&pause, NULL);
		timer_gettime(timer, &soon);
		timer_delete(timer);
	}
	setitimer(ITIMER_REAL, &real, NULL);
	setitimer(ITIMER_PROF, &real, NULL);
	setitimer(ITIMER_VIRTUAL, &real, NULL);
	nanosleep(&pause, NULL);
}

static void terminal(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
	struct winsize size = {.ws_row = 10, .ws_col = 10};

	if (master < 0 || grantpt(master) || unlockpt(master))
		return;
	setsid();
	slave = open(ptsname(master), O_RDWR);
	ioctl(slave, TIOCSCTTY, 0);
	ioctl(master, TIOCSWINSZ, &size);
	tcsetpgrp(slave, getpid());
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	(void)!write(master, "line\n", 5);
	(void)!read(slave, buffer, 5);
	(void)!write(master, "\3", 1); /* SIGINT, ignored; what was typed is thrown away */
	(void)!write(slave, "answer\n", 7);
	(void)!read(master, buffer, sizeof(buffer));
	close(master);
	close(slave);
}

static void processes(void)
{
	struct rlimit limit;
	struct sched_param priority = {.sched_priority = 1};
	int pidfd;
	pid_t child = vfork();

	if (child == 0)
		_exit(EXIT_SUCCESS);
	waitpid(child, NULL, 0);
	child = fork();
	if (child == 0) {
		setpgid(0, 0);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(EXIT_SUCCESS);
	}
	waitpid(child, NULL, WUNTRACED);
	ptrace(PTRACE_PEEKUSER, child, 0, NULL);
	ptrace(PTRACE_CONT, child, NULL, NULL);
	kill(child, SIGCONT);
	pidfd = syscall(SYS_pidfd_open, child, 0);
	waitpid(child, NULL, 0);
	close(pidfd);
	getrlimit(RLIMIT_NOFILE, &limit);
	setrlimit(RLIMIT_NOFILE, &limit);
	setpriority(PRIO_PROCESS, 0, 1);
	sched_setscheduler(0, SCHED_FIFO, &priority);
	priority.sched_priority = 0;
	sched_setscheduler(0, SCHED_BATCH, &priority);
	sched_setscheduler(0, SCHED_OTHER, &priority);
	setpriority(PRIO_PROCESS, 0, 0);
	setregid(1, 1);
	setgroups(0, NULL);
	(void)!chdir(FOLDER);
	(void)!chroot(FOLDER);
	umask(022);
}

static void crash(void)
{
	raise(SIGSEGV);
}

static void spaces(void)
{
	static const int flags[] = {CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC,   CLONE_NEWNET,
				    CLONE_FS,	 CLONE_FILES,  CLONE_NEWCGROUP};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		unshare(flags[i]);
	(void)!sethostname("wide", 4);
}

static void system_v(void)
{
	int sem = semget(IPC_PRIVATE, 2, 0600), shm = shmget(IPC_PRIVATE, MANY, 0600);
	int queue = msgget(IPC_PRIVATE, 0600);
	struct sembuf up = {.sem_op = 1, .sem_flg = SEM_UNDO}, down = {.sem_op = -1};
	struct {
		long type;
		char text[8];
	} message = {.type = 1};
	void *map = shmat(shm, NULL, 0);

	semop(sem, &up, 1);
	semop(sem, &down, 1);
	msgsnd(queue, &message, sizeof(message.text), IPC_NOWAIT);
	msgrcv(queue, &message, sizeof(message.text), 0, IPC_NOWAIT);
	if (map != (void *)-1)
		shmdt(map);
	semctl(sem, 0, IPC_RMID);
	shmctl(shm, IPC_RMID, NULL);
	msgctl(queue, IPC_RMID, NULL);
}

static void ring(void)
{
	struct io_uring_params params = {};
	int fd = syscall(SYS_io_uring_setup, 4, &params);
	struct io_uring_sqe *entries;
	size_t size = params.sq_off.array + params.sq_entries * sizeof(uint32_t);
	char *queue;

	if (fd < 0)
		return;
	queue = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQ_RING);
	entries = mmap(NULL, params.sq_entries * sizeof(*entries), PROT_READ | PROT_WRITE,
		       MAP_SHARED, fd, IORING_OFF_SQES);
	if (queue != MAP_FAILED && entries != MAP_FAILED) {
		static const int ops[] = {IORING_OP_NOP, IORING_OP_FSYNC, IORING_OP_TIMEOUT};
		struct {
			int64_t sec, nsec;
		} soon = {0, 1000000};

		for (uint32_t i = 0; i < ARRAY_SIZE(ops); i++) {
			entries[i].opcode = ops[i];
			entries[i].fd = fd;
			if (ops[i] == IORING_OP_TIMEOUT) {
				entries[i].addr = (uintptr_t)&soon;
				entries[i].len = 1;
			}
			((uint32_t *)(queue + params.sq_off.array))[i] = i;
		}
		__atomic_store_n((uint32_t *)(queue + params.sq_off.tail), ARRAY_SIZE(ops),
				 __ATOMIC_RELEASE);
		syscall(SYS_io_uring_enter, fd, ARRAY_SIZE(ops), ARRAY_SIZE(ops),
			IORING_ENTER_GETEVENTS, NULL, 0);
	}
	close(fd);
}

static void perf(void)
{
	struct {
		uint32_t type, size;
		uint64_t config, rest[14];
	} attributes = {.type = 1 /* software */, .size = sizeof(attributes)};
	int fd = syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0);

	sched_yield();
	(void)!read(fd, buffer, 8);
	close(fd);
}

int main(int argc, char **argv)
{
	static void (*const parts[])(void) = {
		files,	   file_locks,	  watches, splices,  memory, huge,   threads,
		datagrams, named_sockets, sockets, netlink,  events, clocks, terminal,
		processes, crash,	  spaces,  system_v, ring,   perf,
	};
	int rounds = argc > 1 ? atoi(argv[1]) : 3;

	if (rounds < 1 || argc > 2) {
		fputs("usage: wide [ROUNDS]\n", stderr);
		return 2;
	}
	mkdir(FOLDER, 0700);
	signal(SIGPIPE, SIG_IGN);
	for (int round = 0; round < rounds; round++)
		for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
			in_child(parts[i]);
	rmdir(FOLDER);
	printf("wide: %zu parts, %d rounds\n", ARRAY_SIZE(parts), rounds);
	return EXIT_SUCCESS;
}
