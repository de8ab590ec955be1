// SPDX-License-Identifier: GPL-2.0-only
/*
 * What one operation costs, for operations one can recognise. To be run in a
 * guest whose clock counts instructions (tools/vm --icount) and that has one
 * CPU: rdtsc is then the number of instructions executed so far, by the kernel
 * and both sides of the operation alike.
 *
 *	ops [NAME...]
 *	ops -r ROUNDS
 *
 * A line "NAME INSTRUCTIONS" for each of BATCHES batches, after a warm-up. With
 * OPS_EVENTS in the environment (hooked's doing) a line "NAME events EVENTS":
 * BPF programs run in one operation.
 *
 * With -r a batch of each in turn, ROUNDS times, without a pause: a load that
 * is the same work each time. A line "round INSTRUCTIONS" for each.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#define WARM_UPS 2 /* batches */
#define SETTLE 2   /* seconds: what was set off before comes to rest; idle time is skipped */
#define BATCHES 3
#define PAGES 16
#define PAGE 4096

#define MUST(call) must((long)(call), #call)

static long must(long result, const char *call)
{
	if (result >= 0)
		return result;
	fprintf(stderr, "ops: %s: %s\n", call, strerror(errno));
	exit(1);
}

static pid_t peer; /* of the operations that take two */

/* Ends with its parent, or by closing what it reads. */
static void start_peer(void (*body)(void))
{
	peer = MUST(fork());
	if (peer)
		return;
	body();
	_exit(0);
}

/* One byte there, one back. */
static int to_peer, from_peer, peer_in, peer_out;

static void echo(void)
{
	char byte;

	close(to_peer);
	close(from_peer);
	while (read(peer_in, &byte, 1) == 1 && write(peer_out, &byte, 1) == 1)
		;
}

static void ask_peer(void)
{
	char byte = 0;

	MUST(write(to_peer, &byte, 1));
	MUST(read(from_peer, &byte, 1));
}

static int ends[2];

static void prepare_pipe(void)
{
	MUST(pipe(ends));
}

static void op_pipe(void)
{
	char byte = 0;

	MUST(write(ends[1], &byte, 1));
	MUST(read(ends[0], &byte, 1));
}

static void prepare_pingpong(void)
{
	int there[2], back[2];

	MUST(pipe(there));
	MUST(pipe(back));
	to_peer = there[1];
	from_peer = back[0];
	peer_in = there[0];
	peer_out = back[1];
	start_peer(echo);
}

static void op_fork(void)
{
	pid_t pid = MUST(fork());

	if (!pid)
		_exit(0);
	MUST(waitpid(pid, NULL, 0));
}

static void prepare_unix(void)
{
	int pair[2];

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	to_peer = from_peer = pair[0];
	peer_in = peer_out = pair[1];
	start_peer(echo);
}

static void prepare_tcp(void)
{
	struct sockaddr_in here = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int listener = MUST(socket(AF_INET, SOCK_STREAM, 0)), one = 1;
	socklen_t len = sizeof(here);

	MUST(bind(listener, (struct sockaddr *)&here, len));
	MUST(listen(listener, 1));
	MUST(getsockname(listener, (struct sockaddr *)&here, &len));
	to_peer = from_peer = MUST(socket(AF_INET, SOCK_STREAM, 0));
	MUST(connect(to_peer, (struct sockaddr *)&here, len));
	peer_in = peer_out = MUST(accept(listener, NULL, NULL));
	MUST(setsockopt(to_peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)));
	MUST(setsockopt(peer_in, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)));
	start_peer(echo);
}

static int event_fd, epoll_fd;

static void prepare_epoll(void)
{
	struct epoll_event want = {.events = EPOLLIN};

	event_fd = MUST(eventfd(0, 0));
	epoll_fd = MUST(epoll_create1(0));
	MUST(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, event_fd, &want));
}

static void op_epoll(void)
{
	struct epoll_event event;
	uint64_t n = 1;

	MUST(write(event_fd, &n, sizeof(n)));
	if (MUST(epoll_wait(epoll_fd, &event, 1, -1)) != 1)
		exit(1);
	MUST(read(event_fd, &n, sizeof(n)));
}

/* Objects of one kind used in turn: none has been met lately when its turn comes. */
#define MANY 4096

static int many_events[MANY], many_epolls[MANY];
static unsigned turn;

static void allow_many(void)
{
	const struct rlimit limit = {.rlim_cur = 4 * MANY, .rlim_max = 4 * MANY};

	MUST(setrlimit(RLIMIT_NOFILE, &limit));
}

static void prepare_eventfds(void)
{
	allow_many();
	for (int i = 0; i < MANY; i++)
		many_events[i] = MUST(eventfd(0, 0));
}

/* Each takes one lock, alone. */
static void op_eventfds(void)
{
	int fd = many_events[turn++ % MANY];
	uint64_t n = 1;

	MUST(write(fd, &n, sizeof(n)));
	MUST(read(fd, &n, sizeof(n)));
}

static void prepare_epolls(void)
{
	prepare_eventfds();
	for (int i = 0; i < MANY; i++) {
		struct epoll_event want = {.events = EPOLLIN};

		many_epolls[i] = MUST(epoll_create1(0));
		MUST(epoll_ctl(many_epolls[i], EPOLL_CTL_ADD, many_events[i], &want));
	}
}

/* Three of them nest. */
static void op_epolls(void)
{
	int fd = many_events[turn % MANY], epoll = many_epolls[turn % MANY];
	struct epoll_event event;
	uint64_t n = 1;

	turn++;
	MUST(write(fd, &n, sizeof(n)));
	if (MUST(epoll_wait(epoll, &event, 1, -1)) != 1)
		exit(1);
	MUST(read(fd, &n, sizeof(n)));
}

/* /tmp is a tmpfs. */
static void op_file(void)
{
	static char data[PAGE];
	int fd = MUST(open("/tmp/ops", O_CREAT | O_EXCL | O_WRONLY, 0600));

	MUST(write(fd, data, sizeof(data)));
	MUST(close(fd));
	MUST(unlink("/tmp/ops"));
}

static int disk_fd;
static char sector[PAGE] __attribute__((aligned(PAGE)));

/* brd has nothing to wait for: all is in the figure. */
static void prepare_block(void)
{
	disk_fd = MUST(open("/dev/ram0", O_RDWR | O_DIRECT));
}

static void op_block(void)
{
	MUST(pwrite(disk_fd, sector, sizeof(sector), 0));
	MUST(pread(disk_fd, sector, sizeof(sector), 0));
}

static void op_mmap(void)
{
	char *at = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			0);

	MUST(at == MAP_FAILED ? -1 : 0);
	for (int i = 0; i < PAGES; i++)
		*(volatile char *)(at + i * PAGE) = 1;
	MUST(munmap(at, PAGES * PAGE));
}

static aio_context_t aio;

static void prepare_aio(void)
{
	event_fd = MUST(eventfd(0, 0));
	MUST(syscall(SYS_io_setup, 8, &aio));
}

/* The request waits, and the write completes it. */
static void op_aio(void)
{
	struct iocb poll = {
		.aio_lio_opcode = IOCB_CMD_POLL, .aio_fildes = event_fd, .aio_buf = POLLIN};
	struct iocb *list[1] = {&poll};
	struct io_event event;
	uint64_t n = 1;

	MUST(syscall(SYS_io_submit, aio, 1, list));
	MUST(write(event_fd, &n, sizeof(n)));
	if (MUST(syscall(SYS_io_getevents, aio, 1, 1, &event, NULL)) != 1)
		exit(1);
	MUST(read(event_fd, &n, sizeof(n)));
}

static uint32_t *words; /* whose turn: shared with the peer */

static void futex_wait_for(uint32_t *word)
{
	while (!__atomic_exchange_n(word, 0, __ATOMIC_SEQ_CST))
		if (syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0) && errno != EAGAIN)
			MUST(-1);
}

static void futex_wake(uint32_t *word)
{
	__atomic_store_n(word, 1, __ATOMIC_SEQ_CST);
	MUST(syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0));
}

static void futex_peer(void)
{
	for (;;) {
		futex_wait_for(&words[0]);
		futex_wake(&words[1]);
	}
}

static void prepare_futex(void)
{
	words = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MUST(words == MAP_FAILED ? -1 : 0);
	start_peer(futex_peer);
}

/* With one CPU each finds the other asleep. */
static void op_futex(void)
{
	futex_wake(&words[0]);
	futex_wait_for(&words[1]);
}

static const struct workload {
	const char *name;
	void (*prepare)(void);
	void (*op)(void);
	int times; /* in a batch */
} workloads[] = {
	{"pipe", prepare_pipe, op_pipe, 10000}, {"pingpong", prepare_pingpong, ask_peer, 3000},
	{"fork", NULL, op_fork, 200},		{"unix", prepare_unix, ask_peer, 2000},
	{"tcp", prepare_tcp, ask_peer, 1000},	{"epoll", prepare_epoll, op_epoll, 6000},
	{"file", NULL, op_file, 2000},		{"mmap", NULL, op_mmap, 400},
	{"aio", prepare_aio, op_aio, 3000},	{"futex", prepare_futex, op_futex, 4000},
	{"eventfds", prepare_eventfds, op_eventfds, 2 * MANY},
	{"epolls", prepare_epolls, op_epolls, MANY},
};

/* Wants a kernel with brd: only by name. */
static const struct workload block = {"block", prepare_block, op_block, 2000};

#define WORKLOADS (sizeof(workloads) / sizeof(workloads[0]))

/* BPF programs run so far: hooked knows. Its file descriptors: ask, answer. */
static uint64_t events(void)
{
	static int ask, answer;
	const char *fds = getenv("OPS_EVENTS");
	uint64_t sum;

	if (!fds || sscanf(fds, "%d,%d", &ask, &answer) != 2)
		return 0;
	MUST(write(ask, "", 1));
	MUST(read(answer, &sum, sizeof(sum)));
	return sum;
}

static uint64_t batch(const struct workload *w)
{
	uint64_t begun = __rdtsc();

	for (int i = 0; i < w->times; i++)
		w->op();
	return __rdtsc() - begun;
}

static void measure(const struct workload *w)
{
	double costs[BATCHES];
	uint64_t before;

	if (w->prepare)
		w->prepare();
	sleep(SETTLE);
	for (int i = 0; i < WARM_UPS; i++)
		batch(w); /* slabs, caches, what lockvane knows */
	before = events();
	if (before) {
		batch(w);
		printf("%s events %.2f\n", w->name, (double)(events() - before) / w->times);
		return;
	}
	/* Printed later: stdio's buffer would make the next fork dearer. */
	for (int i = 0; i < BATCHES; i++)
		costs[i] = (double)batch(w) / w->times;
	for (int i = 0; i < BATCHES; i++)
		printf("%s %.1f\n", w->name, costs[i]);
}

/* Each in a process of its own: nothing is left over for the next. */
static void run(const struct workload *w)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = MUST(fork());
	if (!pid) {
		measure(w);
		fflush(stdout);
		if (peer)
			kill(peer, SIGKILL);
		_exit(0);
	}
	MUST(waitpid(pid, &status, 0));
	if (status) {
		fprintf(stderr, "ops: %s failed\n", w->name);
		exit(1);
	}
}

/* A process that runs a batch of one workload when it is asked to, and answers what that took. */
struct actor {
	int ask, answer;
};

#define QUIT 'q'

static void act(const struct workload *w, int ask, int answer)
{
	char byte;

	if (w->prepare)
		w->prepare();
	while (read(ask, &byte, 1) == 1 && byte != QUIT) {
		uint64_t cost = batch(w);

		MUST(write(answer, &cost, sizeof(cost)));
	}
	if (peer)
		kill(peer, SIGKILL);
	_exit(0);
}

static struct actor start_actor(const struct workload *w)
{
	int ask[2], answer[2];

	MUST(pipe(ask));
	MUST(pipe(answer));
	if (!MUST(fork()))
		act(w, ask[0], answer[1]);
	close(ask[0]);
	close(answer[1]);
	return (struct actor){ask[1], answer[0]};
}

static uint64_t play_round(const struct actor *actors)
{
	uint64_t cost, sum = 0;

	for (size_t i = 0; i < WORKLOADS; i++) {
		MUST(write(actors[i].ask, "", 1));
		if (MUST(read(actors[i].answer, &cost, sizeof(cost))) != sizeof(cost)) {
			fprintf(stderr, "ops: %s failed\n", workloads[i].name);
			exit(1);
		}
		sum += cost;
	}
	return sum;
}

static int play(const char *rounds)
{
	struct actor actors[WORKLOADS];
	const char quit = QUIT;
	int nr = atoi(rounds);

	if (nr < 1) {
		fprintf(stderr, "ops: -r wants a number of rounds, not \"%s\"\n", rounds);
		return 2;
	}
	for (size_t i = 0; i < WORKLOADS; i++)
		actors[i] = start_actor(&workloads[i]);
	for (int i = 0; i < WARM_UPS; i++)
		play_round(actors);
	for (int i = 0; i < nr; i++) {
		printf("round %llu\n", (unsigned long long)play_round(actors));
		fflush(stdout);
	}
	for (size_t i = 0; i < WORKLOADS; i++)
		MUST(write(actors[i].ask, &quit, 1));
	return 0;
}

static const struct workload *find(const char *name)
{
	for (size_t i = 0; i < WORKLOADS; i++)
		if (!strcmp(workloads[i].name, name))
			return &workloads[i];
	if (!strcmp(block.name, name))
		return &block;
	fprintf(stderr, "ops: no operation is called %s\n", name);
	exit(2);
}

/*
 * Whether a mapping needs a page table of its own is a matter of where it falls;
 * that is 5,000 instructions of mmap's, so all runs have the same addresses.
 */
static void stop_randomizing(char **argv)
{
	int now = MUST(personality(0xffffffff));

	if (now & ADDR_NO_RANDOMIZE)
		return;
	MUST(personality(now | ADDR_NO_RANDOMIZE));
	MUST(execv("/proc/self/exe", argv));
}

int main(int argc, char **argv)
{
	stop_randomizing(argv);
	if (argc == 3 && !strcmp(argv[1], "-r"))
		return play(argv[2]);
	for (int i = 1; i < argc; i++)
		run(find(argv[i]));
	for (size_t i = 0; argc == 1 && i < WORKLOADS; i++)
		run(&workloads[i]);
	return 0;
}
