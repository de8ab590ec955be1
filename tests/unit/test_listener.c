// SPDX-License-Identifier: GPL-2.0-only
/* The listener among friends and others. */
#include "test_listener.h"

#define MANY 1000

struct served {
	struct board *board;
	struct listener *listener;
	uint16_t port;
};

static int serve(void **state)
{
	struct served *s = calloc(1, sizeof(*s));
	struct error err = {};
	int fd;

	assert_non_null(s);
	s->board = new_board();
	fd = tcp_socket(&s->port);
	assert_int_equal(listener_start_on(fd, board_text, s->board, &s->listener, &err), 0);
	*state = s;
	return 0;
}

static int leave(void **state)
{
	struct served *s = *state;

	listener_stop(s->listener);
	board_free(s->board);
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
		      "GET /metrics HTTP/1.1\r\nHost: x\r\n"
		      "Accept: application/openmetrics-text\r\n\r\n",
		      "200", "\n# EOF\n");
	assert_answer(connect_tcp(port), "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "200", "/metrics");
	assert_answer(connect_tcp(port), "GET /-/healthy HTTP/1.0\r\n\r\n", "200", "listens");
	assert_answer(connect_tcp(port), "GET /metrics/ HTTP/1.1\r\nHost: x\r\n\r\n", "404", "");
	assert_answer(connect_tcp(port), "GET /etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", "404", "");
	assert_answer(connect_tcp(port), "GET /../metrics HTTP/1.1\r\nHost: x\r\n\r\n", "404", "");
	assert_answer(connect_tcp(port), "DELETE /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "405",
		      "Allow: GET, HEAD");
	assert_answer(connect_tcp(port),
		      "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcd", "405",
		      "Allow");
	head = ask(connect_tcp(port), "HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_non_null(strstr(head, "200 OK"));
	assert_null(strstr(head, "lockvane_edges"));
}

static void test_nothing_posted(void **state)
{
	struct board *b = board_new();
	struct listener *l = NULL;
	struct error err = {};
	uint16_t port;
	int fd = tcp_socket(&port);

	assert_int_equal(listener_start_on(fd, board_text, b, &l, &err), 0);
	assert_answer(connect_tcp(port), get_metrics, "503", "no numbers yet");
	listener_stop(l);
	board_free(b);
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
	while (now() - began < 9 && (half_open || drip_open)) {
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
	assert_true(now() - began > 3);
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
	int before, inside;
	double began;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	before = count_fds();
	for (int i = 0; i < MANY; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		assert_true(fds[i] >= 0);
		connect(fds[i], (struct sockaddr *)&in, sizeof(in));
		send(fds[i], "GET /me", 7, MSG_NOSIGNAL);
	}
	usleep(500000);
	/* Ours, and what the listener let in of them. */
	inside = count_fds() - before - MANY;
	assert_in_range(inside, 1, 16);
	began = now();
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
	/* As soon as they let go, the next one is served. */
	assert_answer(connect_tcp(s->port), get_metrics, "200", "lockvane_edges");
	assert_true(now() - began < 8);
}

/* A number from /proc of the listener's thread, in hexadecimal. */
static uint64_t of_thread(const char *key)
{
	AUTO_CLOSEDIR DIR *dir = opendir("/proc/self/task");
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		AUTO_FCLOSE FILE *file = NULL;
		char line[256], name[300];
		bool is_it = false;

		snprintf(name, sizeof(name), "/proc/self/task/%s/status", entry->d_name);
		file = fopen(name, "re");
		while (file && fgets(line, sizeof(line), file)) {
			is_it = is_it || !strcmp(line, "Name:\tmetrics\n");
			if (is_it && !strncmp(line, key, strlen(key)))
				return strtoull(line + strlen(key), NULL, 16);
		}
	}
	fail_msg("no thread is called metrics, or it has no %s", key);
	return 0;
}

/* Whatever the daemon may do and must hear of: its listener may not, and does not. */
static void test_powerless(void **state)
{
	const struct served *s = *state;

	assert_answer(connect_tcp(s->port), get_metrics, "200", "lockvane_edges");
	assert_int_equal(of_thread("CapEff:"), 0);
	assert_int_equal(of_thread("CapPrm:"), 0);
	/* SIGKILL and SIGSTOP cannot be blocked, 32 and 33 are libc's. */
	assert_int_equal(of_thread("SigBlk:") | 1ull << 8 | 1ull << 18 | 3ull << 31, UINT64_MAX);
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

			assert_int_equal(board_post(s->board, &m), 0);
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
	struct rusage a, b;

	getrusage(RUSAGE_SELF, &a);
	usleep(1000000);
	getrusage(RUSAGE_SELF, &b);
	assert_true(b.ru_nvcsw - a.ru_nvcsw < 10);
}

static void test_port_taken(void **state)
{
	const struct served *s = *state;
	struct listener *l = NULL;
	struct error err = {};
	char text[32];
	int before = count_fds();

	snprintf(text, sizeof(text), "127.0.0.1:%u", s->port);
	assert_int_equal(listener_start(text, 0, board_text, s->board, &l, &err), -EADDRINUSE);
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
	};

	return cmocka_run_group_tests_name("listener", tests, NULL, NULL);
}
