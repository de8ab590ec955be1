// SPDX-License-Identifier: GPL-2.0-only
/* The listener among friends and others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/board.h"
#include "daemon/listener.h"
#include "test_metrics_sample.h"

#define MANY 1000

static char folder[] = "/tmp/lv-listener-XXXXXX";
static char path[64], address[72];

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static struct board *new_board(void)
{
	struct board *b = board_new();
	struct metrics m;

	assert_non_null(b);
	sample_metrics(&m);
	assert_int_equal(board_post(b, &m), 0);
	return b;
}

/* A loopback socket that listens on a port of the kernel's choice. */
static int tcp_socket(uint16_t *ret_port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	*ret_port = ntohs(in.sin_port);
	return fd;
}

static int connect_tcp(uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	return fd;
}

static int try_unix(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&un, sizeof(un))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Everything until the other side closes, for at most so many seconds; what came, or NULL. */
static char *read_all(int fd, double seconds)
{
	struct strbuf sb = STRBUF_INIT;
	double end = now() + seconds;
	char some[4096];

	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int left = (end - now()) * 1000;
		ssize_t n;

		if (left <= 0 || poll(&p, 1, left) <= 0) {
			strbuf_free(&sb);
			return NULL;
		}
		n = read(fd, some, sizeof(some));
		if (n <= 0)
			return strbuf_take(&sb);
		strbuf_add_bytes(&sb, some, n);
	}
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* What comes back for a request; takes the descriptor. */
static char *ask(int fd, const char *request)
{
	char *text;

	assert_true(fd >= 0);
	say(fd, request);
	text = read_all(fd, 10);
	close(fd);
	assert_non_null(text);
	return text;
}

#define assert_answer(fd, request, status, word)                                                   \
	do {                                                                                       \
		AUTO_FREE char *answer_ = ask(fd, request);                                        \
		if (strncmp(answer_, "HTTP/1.1 " status, strlen("HTTP/1.1 " status)) ||            \
		    !strstr(answer_, word))                                                        \
			fail_msg("not " status " with %s: %s", word, answer_);                     \
	} while (0)

static const char get_metrics[] = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";

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

static int count_fds(void)
{
	AUTO_CLOSEDIR DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (dir && readdir(dir))
		n++;
	return n;
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

static void test_addresses(void **state)
{
	static const char *const good[] = {"127.0.0.1:9464", "127.9.9.9:1", "[::1]:65535",
					   "unix:/run/lockvane/metrics"};
	static const struct {
		const char *text, *words;
	} bad[] = {
		{"", "no address"},
		{"9464", "no address"},
		{"127.0.0.1", "no address"},
		{"127.0.0.1:", "no address"},
		{"127.0.0.1:0", "no address"},
		{"127.0.0.1:65536", "no address"},
		{"127.0.0.1:99999999999999999999", "no address"},
		{"127.0.0.1:-1", "no address"},
		{"127.0.0.1: 80", "no address"},
		{"127.0.0.1:80x", "no address"},
		{"::1:80", "no address"},
		{"[::1:80", "no address"},
		{"localhost:9464", "not looked up"},
		{"0.0.0.0:9464", "no loopback address"},
		{"10.0.0.1:9464", "no loopback address"},
		{"[::]:9464", "no loopback address"},
		{"[::ffff:127.0.0.1]:9464", "no loopback address"},
		{"[2001:db8::1]:9464", "no loopback address"},
		{"unix:relative", "begin with /"},
		{"unix:", "begin with /"},
	};
	char lengthy[200] = "unix:/";
	struct error err;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(listener_check(good[i], &err), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(listener_check(bad[i].text, &err), -EINVAL);
		if (!strstr(err.text, bad[i].words))
			fail_msg("%s: %s", bad[i].text, err.text);
	}
	memset(lengthy + 6, 'a', 190);
	assert_int_equal(listener_check(lengthy, &err), -EINVAL);
	assert_non_null(strstr(err.text, "longer than"));
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

static void test_port(void **state)
{
	struct board *b = new_board();
	struct listener *l = NULL;
	struct error err = {};
	uint16_t port;
	char text[32];

	/* A port that was free a moment ago, twice: the second time its connections linger. */
	close(tcp_socket(&port));
	snprintf(text, sizeof(text), "127.0.0.1:%u", port);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(listener_start(text, 0, board_text, b, &l, &err), 0);
		assert_answer(connect_tcp(port), get_metrics, "200", "lockvane_edges");
		listener_stop(l);
	}
	board_free(b);
}

static void test_sockets_refused(void **state)
{
	struct sockaddr_in any = {.sin_family = AF_INET};
	struct listener *l = NULL;
	struct error err = {};
	AUTO_CLOSE int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	AUTO_CLOSE int idle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	AUTO_CLOSE int wide = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(wide, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(listen(wide, 1), 0);
	assert_int_equal(listener_start_on(file, board_text, NULL, &l, &err), -EINVAL);
	assert_int_equal(listener_start_on(idle, board_text, NULL, &l, &err), -EINVAL);
	assert_non_null(strstr(err.text, "no stream socket that listens"));
	assert_int_equal(listener_start_on(wide, board_text, NULL, &l, &err), -EINVAL);
	assert_non_null(strstr(err.text, "no loopback address"));
	assert_null(l);
	/* Still the caller's. */
	assert_true(fcntl(wide, F_GETFD) >= 0);
}

static void check_mode(struct board *b, mode_t mode)
{
	struct listener *l = NULL;
	struct error err = {};
	mode_t mask = umask(077);
	struct stat st;

	assert_int_equal(listener_start(address, mode, board_text, b, &l, &err), 0);
	umask(mask);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, mode);
	assert_answer(try_unix(), get_metrics, "200", "lockvane_edges");
	listener_stop(l);
	assert_int_equal(lstat(path, &st), -1);
}

static void test_unix(void **state)
{
	struct board *b = new_board();

	check_mode(b, 0600);
	check_mode(b, 0660);
	board_free(b);
}

static void test_unix_left_over(void **state)
{
	struct board *b = new_board();
	struct listener *l = NULL, *second = NULL;
	struct error err = {};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct stat st;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* Somebody died here. */
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	close(fd);
	assert_int_equal(listener_start(address, 0600, board_text, b, &l, &err), 0);
	/* Somebody lives here. */
	assert_int_equal(listener_start(address, 0600, board_text, b, &second, &err), -EADDRINUSE);
	assert_non_null(strstr(err.text, "listens on"));
	assert_answer(try_unix(), get_metrics, "200", "lockvane_edges");
	/* What is no longer ours stays. */
	assert_int_equal(unlink(path), 0);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	listener_stop(l);
	assert_int_equal(lstat(path, &st), 0);
	/* And is not overwritten. */
	assert_int_equal(listener_start(address, 0600, board_text, b, &l, &err), -EEXIST);
	assert_non_null(strstr(err.text, "no socket"));
	assert_int_equal(unlink(path), 0);
	board_free(b);
}

static void test_unix_no_folder(void **state)
{
	struct listener *l = NULL;
	struct error err = {};
	int before = count_fds();

	assert_int_equal(listener_start("unix:/no/such/folder/s", 0600, board_text, NULL, &l, &err),
			 -ENOENT);
	assert_non_null(strstr(err.text, "unix:/no/such/folder/s"));
	assert_int_equal(count_fds(), before);
}

/* Started and stopped with connections open: nothing is left, nobody waits. */
static void test_stop(void **state)
{
	struct board *b = new_board();
	int before = count_fds();

	for (int i = 0; i < 20; i++) {
		struct listener *l = NULL;
		struct error err = {};
		double began;
		int fd;

		assert_int_equal(listener_start(address, 0600, board_text, b, &l, &err), 0);
		fd = try_unix();
		assert_true(fd >= 0);
		say(fd, "GET /met");
		began = now();
		listener_stop(l);
		assert_true(now() - began < 2);
		close(fd);
	}
	assert_int_equal(count_fds(), before);
	listener_stop(NULL);
	board_free(b);
}

static int make_folder(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/metrics", folder);
	snprintf(address, sizeof(address), "unix:%s", path);
	return 0;
}

static int remove_folder(void **state)
{
	return rmdir(folder);
}

#define served(test) cmocka_unit_test_setup_teardown(test, serve, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		served(test_pages),
		cmocka_unit_test(test_nothing_posted),
		served(test_garbage),
		served(test_too_long),
		served(test_slow),
		served(test_thousand),
		served(test_powerless),
		served(test_daemon_unhindered),
		served(test_idle),
		cmocka_unit_test(test_addresses),
		served(test_port_taken),
		cmocka_unit_test(test_port),
		cmocka_unit_test(test_sockets_refused),
		cmocka_unit_test(test_unix),
		cmocka_unit_test(test_unix_left_over),
		cmocka_unit_test(test_unix_no_folder),
		cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests_name("listener", tests, make_folder, remove_folder);
}
