/* SPDX-License-Identifier: GPL-2.0-only */
/* A listener's clients: sockets, requests, answers. */
#ifndef LOCKVANE_TEST_LISTENER_H
#define LOCKVANE_TEST_LISTENER_H

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
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "publish/listener.h"
#include "test_metrics_sample.h"

static inline double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static inline void post_sample(struct listener *l)
{
	struct metrics m;

	sample_metrics(&m);
	assert_int_equal(listener_post(l, &m), 0);
}

/* A loopback socket that listens on a port of the kernel's choice. */
static inline int tcp_socket(uint16_t *ret_port)
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

static inline int connect_tcp(uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	return fd;
}

/* Everything until the other side closes, for at most so many seconds; what came, or NULL. */
static inline char *read_all(int fd, double seconds)
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

static inline void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* What comes back for a request; takes the descriptor. */
static inline char *ask(int fd, const char *request)
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

static const char get_metrics[] = "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n";

static inline int count_fds_of(pid_t pid)
{
	char name[32];
	AUTO_CLOSEDIR DIR *dir = NULL;
	int n = 0;

	snprintf(name, sizeof(name), "/proc/%d/fd", pid);
	dir = opendir(name);
	while (dir && readdir(dir))
		n++;
	return n;
}

static inline int count_fds(void)
{
	return count_fds_of(getpid());
}

#endif
