// SPDX-License-Identifier: GPL-2.0-only
/* The listener among friends and others. */
#include "test_listener.h"

#define MANY 1000

struct served {
	struct listener *listener;
	uint16_t port;
};

static int serve(void **state)
{
	struct served *s = calloc(1, sizeof(*s));
	struct error err = {};
	int fd;

	assert_non_null(s);
	fd = tcp_socket(&s->port);
	assert_int_equal(listener_start_on(fd, &s->listener, &err), 0);
	post_sample(s->listener);
	*state = s;
	return 0;
}

static int leave(void **state)
{
	struct served *s = *state;

	listener_stop(s->listener);
	free(s);
	return 0;
}

static void test_pages(void **state)
{
	const struct served *s = *state;
	uint16_t port = s->port;
	AUTO_FREE char *head = NULL;

	assert_answer(connect_tcp(port), get_metrics, "200", "lockvane_edges 5302\n");
	assert_answer(connect_tcp(port), get_metrics, "200", "text/plain; version=0.0.4");
	assert_answer(connect_tcp(port),
		      "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:1\r\n"
		      "Accept: application/openmetrics-text\r\n\r\n",
		      "200", "\n# EOF\n");
	assert_answer(connect_tcp(port), "GET / HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n", "200", "/metrics");
	assert_answer(connect_tcp(port), "GET /-/healthy HTTP/1.0\r\n\r\n", "200", "listens");
	assert_answer(connect_tcp(port), "GET /metrics/ HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n", "404", "");
	assert_answer(connect_tcp(port), "GET /etc/passwd HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n", "404", "");
	assert_answer(connect_tcp(port), "GET /../metrics HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n", "404", "");
	assert_answer(connect_tcp(port), "DELETE /metrics HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n", "405",
		      "Allow: GET, HEAD");
	assert_answer(connect_tcp(port),
		      "POST /metrics HTTP/1.1\r\nHost: 127.0.0.1:1\r\nContent-Length: 4\r\n\r\nabcd", "405",
		      "Allow");
	head = ask(connect_tcp(port), "HEAD /metrics HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n");
	assert_non_null(strstr(head, "200 OK"));
	assert_null(strstr(head, "lockvane_edges"));
}

static void test_nothing_posted(void **state)
{
	struct listener *l = NULL;
	struct error err = {};
	uint16_t port;
	int fd = tcp_socket(&port);

	assert_int_equal(listener_start_on(fd, &l, &err), 0);
	assert_answer(connect_tcp(port), get_metrics, "503", "no numbers yet");
	listener_stop(l);
}

/* Whatever is sent: it is answered or cut off, and the next one is served. */
static void test_garbage(void **state)
{
	const struct served *s = *state;
	static char bytes[64 << 10];

	srand(7);
	for (int round = 0; round < 40; round++) {
		int fd = connect_tcp(s->port);
		size_t len = 1 + rand() % sizeof(bytes);

		for (size_t i = 0; i < len; i++)
			bytes[i] = round % 3 ? rand() : "\r\n :/"[rand() % 5];
		(void)!send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		shutdown(fd, SHUT_WR);
		free(read_all(fd, 10));
		close(fd);
	}
	assert_answer(connect_tcp(s->port), get_metrics, "200", "lockvane_edges");
}

/* A header larger than a connection's memory is refused. */
static void test_too_long(void **state)
{
	const struct served *s = *state;
	static char request[40000];
	AUTO_FREE char *answer = NULL;
	int fd = connect_tcp(s->port);

	memset(request, 'a', sizeof(request) - 1);
	memcpy(request, "GET /", 5);
	(void)!send(fd, request, strlen(request), MSG_NOSIGNAL);
	answer = read_all(fd, 10);
	close(fd);
	assert_true(!answer || strstr(answer, "HTTP/1.1 4") || !*answer);
	assert_answer(connect_tcp(s->port), get_metrics, "200", "lockvane_edges");
}

/* Half a request and then nothing; a byte a moment, which libraries' timeouts allow for ever. */
static void test_slow(void **state)
{
	const struct served *s = *state;
	int half = connect_tcp(s->port), drip = connect_tcp(s->port);
	bool half_open = true, drip_open = true;
	double began = now();

	say(half, "GET /metrics HTTP/1.1\r\nHos");
	while (now() - began < 6 && (half_open || drip_open)) {
		struct pollfd p[] = {{.fd = half_open ? half : -1, .events = POLLIN},
				     {.fd = drip_open ? drip : -1, .events = POLLIN}};

		if (drip_open)
			send(drip, "G", 1, MSG_NOSIGNAL);
		poll(p, 2, 100);
		half_open = half_open && !p[0].revents;
		drip_open = drip_open && !p[1].revents;
		usleep(50000);
	}
	assert_false(half_open);
	assert_false(drip_open);
	assert_true(now() - began > 1);
	close(half);
	close(drip);
	assert_answer(connect_tcp(s->port), get_metrics, "200", "lockvane_edges");
}

/* A thousand that connect at once and hold on: few get in, and those for some seconds. */
static void test_thousand(void **state)
{
	const struct served *s = *state;
	struct sockaddr_in in = {.sin_family = AF_INET,
				 .sin_port = htons(s->port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	static int fds[MANY];
	struct rlimit limit;
	double began;
	int inside;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (int i = 0; i < MANY; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		assert_true(fds[i] >= 0);
		connect(fds[i], (struct sockaddr *)&in, sizeof(in));
		send(fds[i], "GET /me", 7, MSG_NOSIGNAL);
	}
	usleep(500000);
	/* Its own are the standard ones, the two sockets, and the library's. */
	inside = count_fds_of(listener_pid(s->listener));
	assert_in_range(inside, 1, 16 + 12);
	began = now();
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
	/* As soon as they let go, the next one is served. */
	assert_answer(connect_tcp(s->port), get_metrics, "200", "lockvane_edges");
	assert_true(now() - began < 8);
}

/* A number from /proc of the listener's process. */
static uint64_t of_process(const struct served *s, const char *key, int base)
{
	AUTO_FCLOSE FILE *file = NULL;
	char line[256], name[64];

	snprintf(name, sizeof(name), "/proc/%d/status", listener_pid(s->listener));
	file = fopen(name, "re");
	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, key, strlen(key)))
			return strtoull(line + strlen(key), NULL, base);
	fail_msg("its status has no %s", key);
	return 0;
}

/* Whatever the daemon may do and must hear of: its listener may not, does not, and never will. */
static void test_powerless(void **state)
{
	const struct served *s = *state;

	assert_answer(connect_tcp(s->port), get_metrics, "200", "lockvane_edges");
	assert_int_not_equal(listener_pid(s->listener), getpid());
	assert_int_equal(of_process(s, "CapEff:", 16), 0);
	assert_int_equal(of_process(s, "CapPrm:", 16), 0);
	assert_int_equal(of_process(s, "NoNewPrivs:", 10), 1);
	assert_int_equal(of_process(s, "Seccomp:", 10), 2);
	if (!geteuid())
		assert_int_equal(of_process(s, "Uid:", 10), 65534);
	/* SIGKILL and SIGSTOP cannot be blocked, 32 and 33 are libc's. */
	assert_int_equal(of_process(s, "SigBlk:", 16) | 1ull << 8 | 1ull << 18 | 3ull << 31, UINT64_MAX);
}

/* A name that a stranger made point here is refused, an address is not. */
static void test_rebinding(void **state)
{
	const struct served *s = *state;

	assert_answer(connect_tcp(s->port), "GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n",
		      "403", "localhost");
	assert_answer(connect_tcp(s->port), "GET /metrics HTTP/1.1\r\nHost: localhost:9464\r\n\r\n",
		      "200", "lockvane_edges");
	assert_answer(connect_tcp(s->port), "GET /metrics HTTP/1.1\r\nHost: [::1]:9464\r\n\r\n",
		      "200", "lockvane_edges");
}

static double cpu_seconds(clockid_t clock)
{
	struct timespec t;

	assert_int_equal(clock_gettime(clock, &t), 0);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* Asks as fast as it can, from a process of its own. */
static pid_t flood(uint16_t port, double end)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	while (!pid && now() < end) {
		struct sockaddr_in in = {.sin_family = AF_INET,
					 .sin_port = htons(port),
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		struct timeval moment = {.tv_usec = 200000};

		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &moment, sizeof(moment));
		if (!connect(fd, (struct sockaddr *)&in, sizeof(in)) &&
		    send(fd, get_metrics, strlen(get_metrics), MSG_NOSIGNAL) > 0) {
			char some[16384];

			while (read(fd, some, sizeof(some)) > 0)
				;
		}
		close(fd);
	}
	if (!pid)
		_exit(0);
	return pid;
}

/* A flood of scrapes costs the daemon nothing, and the host little. */
static void test_flood(void **state)
{
	const struct served *s = *state;
	double began = now(), own = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID), before;
	pid_t floods[4];
	clockid_t clock;

	assert_int_equal(clock_getcpuclockid(listener_pid(s->listener), &clock), 0);
	before = cpu_seconds(clock);
	for (int i = 0; i < 4; i++)
		floods[i] = flood(s->port, began + 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(waitpid(floods[i], NULL, 0), floods[i]);
	assert_true(cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - own < 0.02);
	/* The sanitizers make it ten times as slow. */
	assert_true(cpu_seconds(clock) - before < 0.2 * (now() - began));
	assert_answer(connect_tcp(s->port), get_metrics, "200", "lockvane_edges");
}

/* It may be killed, or die by itself: the daemon hears of it, and goes on. */
static void test_dies(void **state)
{
	const struct served *s = *state;
	struct metrics m;
	int code = 0;

	sample_metrics(&m);
	assert_int_equal(kill(listener_pid(s->listener), SIGKILL), 0);
	for (int i = 0; !code && i < 100; i++) {
		usleep(20000);
		code = listener_post(s->listener, &m);
	}
	assert_int_equal(code, -EPIPE);
}

/* While strangers flood it, the daemon leaves its numbers as fast as ever. */
static void test_daemon_unhindered(void **state)
{
	const struct served *s = *state;
	static int fds[64];
	struct metrics m;
	double longest = 0;

	sample_metrics(&m);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 64; i++) {
			struct sockaddr_in in = {.sin_family = AF_INET,
						 .sin_port = htons(s->port),
						 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

			fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
			connect(fds[i], (struct sockaddr *)&in, sizeof(in));
			(void)!send(fds[i], get_metrics, strlen(get_metrics), MSG_NOSIGNAL);
		}
		for (int i = 0; i < 20; i++) {
			double began = now(), took;

			assert_int_equal(listener_post(s->listener, &m), 0);
			took = now() - began;
			longest = took > longest ? took : longest;
		}
		for (int i = 0; i < 64; i++)
			close(fds[i]);
	}
	assert_true(longest < 0.25);
}

/* When idle it takes no time. */
static void test_idle(void **state)
{
	const struct served *s = *state;
	uint64_t before = of_process(s, "voluntary_ctxt_switches:", 10);

	usleep(1000000);
	assert_true(of_process(s, "voluntary_ctxt_switches:", 10) - before < 10);
}

static void test_port_taken(void **state)
{
	const struct served *s = *state;
	struct listener *l = NULL;
	struct error err = {};
	char text[32];
	int before = count_fds();

	snprintf(text, sizeof(text), "127.0.0.1:%u", s->port);
	assert_int_equal(listener_start(text, 0, &l, &err), -EADDRINUSE);
	assert_null(l);
	assert_non_null(strstr(err.text, "in use by another program"));
	assert_int_equal(count_fds(), before);
}

#define served(test) cmocka_unit_test_setup_teardown(test, serve, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		served(test_pages),	cmocka_unit_test(test_nothing_posted),
		served(test_garbage),	served(test_too_long),
		served(test_slow),	served(test_thousand),
		served(test_powerless), served(test_daemon_unhindered),
		served(test_idle),	served(test_port_taken),
		served(test_rebinding),	served(test_flood),
		served(test_dies),
	};

	return cmocka_run_group_tests_name("listener", tests, NULL, NULL);
}
