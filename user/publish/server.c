// SPDX-License-Identifier: GPL-2.0-only
/*
 * libmicrohttpd speaks HTTP; the loop that drives it is ours, so that connections have an end, which
 * the library's own timeout does not give them (it begins anew with every byte), and a pace.
 */
#include "publish/server.h"

#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/arch.h"
#include "base/cleanup.h"
#include "base/confine.h"

#define CONNECTIONS 16
#define CONNECTION_SECONDS 2 /* from its first byte to its last, Prometheus waits for 10 */
#define REQUEST_BYTES 8192   /* a connection's memory, and so what a request may have */
#define MEMORY (256ull << 20)
/* A flood finds it asleep: it costs as much as 200 answers a second. */
#define SLICE_MS 100
#define SLICE_CONNECTIONS 20

struct seat {
	int fd; /* -1: free */
	int64_t since_ms;
};

/* The newest text of one format. */
struct text {
	char *bytes; /* NULL: none yet */
	size_t len;
};

struct server {
	int fd;	   /* listening; the library's while it runs */
	int posts; /* texts come from here; its end is ours */
	int epoll; /* the library's */
	bool is_local; /* a unix socket: who comes is let in by its mode */
	struct text texts[METRICS_FORMATS];
	struct MHD_Daemon *http;
	struct seat seats[CONNECTIONS];
	bool left; /* a connection ended in this run of the library */
	int64_t slice_ms;
	uint32_t accepted; /* in this slice */
	struct MHD_Response *hint, *healthy, *absent, *refused, *failed, *misled;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

static struct MHD_Response *page(const char *text)
{
	struct MHD_Response *r =
		MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_PERSISTENT);

	if (r)
		MHD_add_response_header(r, "Content-Type", "text/plain; charset=utf-8");
	/* A connection is for one request: its end is then easily told. */
	if (r)
		MHD_add_response_header(r, "Connection", "close");
	return r;
}

static int make_pages(struct server *s)
{
	s->hint = page("lockvane: the numbers are at /metrics\n");
	s->healthy = page("lockvane listens\n");
	s->absent = page("there is /metrics and /-/healthy\n");
	s->refused = page("GET or HEAD only\n");
	s->misled = page("ask for it under the address it has, or under localhost\n");
	s->failed = page("no numbers yet, or no memory for them\n");
	if (s->refused)
		MHD_add_response_header(s->refused, "Allow", "GET, HEAD");
	return s->hint && s->healthy && s->absent && s->refused && s->failed && s->misled ? 0 : -ENOMEM;
}

/* The text stays ours until the response is sent: it gets a copy. */
static struct MHD_Response *metrics_page(const struct server *s, struct MHD_Connection *c)
{
	const char *accept = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Accept");
	enum metrics_format format = metrics_negotiate(accept);
	const struct text *text = &s->texts[format];
	struct MHD_Response *r;

	if (!text->bytes)
		return NULL;
	r = MHD_create_response_from_buffer(text->len, text->bytes, MHD_RESPMEM_MUST_COPY);
	if (!r)
		return NULL;
	MHD_add_response_header(r, "Content-Type", metrics_content_type(format));
	MHD_add_response_header(r, "Vary", "Accept");
	MHD_add_response_header(r, "Connection", "close");
	return r;
}

/*
 * Asked for under an address: a browser that was lured to another's name, which points
 * here (DNS rebinding), gives that name.
 */
static bool is_meant(const struct server *s, struct MHD_Connection *c)
{
	const char *host = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Host");

	if (!host || s->is_local || *host == '[')
		return true;
	return !strcmp(host, "localhost") || !strncmp(host, "localhost:", 10) ||
	       host[strspn(host, "0123456789.:")] == '\0';
}

static enum MHD_Result answer(void *arg, struct MHD_Connection *c, const char *url,
			      const char *method, const char *version, const char *data,
			      size_t *data_len, void **state)
{
	struct server *s = arg;
	struct MHD_Response *r;
	enum MHD_Result done;

	if (!is_meant(s, c))
		return MHD_queue_response(c, MHD_HTTP_FORBIDDEN, s->misled);
	if (strcmp(method, "GET") && strcmp(method, "HEAD"))
		return MHD_queue_response(c, MHD_HTTP_METHOD_NOT_ALLOWED, s->refused);
	if (!strcmp(url, "/"))
		return MHD_queue_response(c, MHD_HTTP_OK, s->hint);
	if (!strcmp(url, "/-/healthy"))
		return MHD_queue_response(c, MHD_HTTP_OK, s->healthy);
	if (strcmp(url, "/metrics"))
		return MHD_queue_response(c, MHD_HTTP_NOT_FOUND, s->absent);
	r = metrics_page(s, c);
	if (!r)
		return MHD_queue_response(c, MHD_HTTP_SERVICE_UNAVAILABLE, s->failed);
	done = MHD_queue_response(c, MHD_HTTP_OK, r);
	MHD_destroy_response(r);
	return done;
}

/* Note connections that come and go, for end_late_ones(). */
static void note(void *arg, struct MHD_Connection *c, void **seat,
		 enum MHD_ConnectionNotificationCode what)
{
	struct server *s = arg;
	const union MHD_ConnectionInfo *info;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		s->left = true;
		if (*seat)
			((struct seat *)*seat)->fd = -1;
		return;
	}
	s->accepted++;
	info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	for (size_t i = 0; info && i < CONNECTIONS; i++) {
		if (s->seats[i].fd >= 0)
			continue;
		s->seats[i] = (struct seat){info->connect_fd, now_ms()};
		*seat = &s->seats[i];
		return;
	}
}

/* Shut those that had their time; the library finds them closed. Milliseconds to the next. */
static int64_t end_late_ones(struct server *s)
{
	int64_t now = now_ms(), next = -1;

	for (size_t i = 0; i < CONNECTIONS; i++) {
		const struct seat *seat = &s->seats[i];
		int64_t left = seat->since_ms + CONNECTION_SECONDS * 1000 - now;

		if (seat->fd < 0)
			continue;
		if (left <= 0)
			shutdown(seat->fd, SHUT_RDWR);
		/* One that was shut must still be seen by the library: soon. */
		left = left <= 0 ? 10 : left;
		next = next < 0 || left < next ? left : next;
	}
	return next;
}

static int64_t patience(struct server *s)
{
	int64_t next = end_late_ones(s);
	MHD_UNSIGNED_LONG_LONG wanted;

	if (MHD_get_timeout(s->http, &wanted) == MHD_YES && (next < 0 || (int64_t)wanted < next))
		next = wanted;
	return next;
}

/*
 * At its limit the library does not listen; it looks at that first and then at
 * connections that end. So once more after each end, or nobody gets in again.
 */
static void run_http(struct server *s)
{
	do {
		s->left = false;
		MHD_run(s->http);
	} while (s->left);
}

static int start_http(struct server *s)
{
	const union MHD_DaemonInfo *info;

	s->http =
		MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, answer, s, MHD_OPTION_LISTEN_SOCKET,
				 s->fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS,
				 MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_BYTES,
				 MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)CONNECTION_SECONDS,
				 MHD_OPTION_NOTIFY_CONNECTION, note, s, MHD_OPTION_END);
	if (!s->http)
		return -EIO;
	info = MHD_get_daemon_info(s->http, MHD_DAEMON_INFO_EPOLL_FD);
	s->epoll = info ? info->epoll_fd : -1;
	return s->epoll < 0 ? -EIO : 0;
}

/* A message is a text: its format, and the rest. */
static void take_text(struct server *s, const char *message, size_t len)
{
	size_t format = len ? (unsigned char)*message : METRICS_FORMATS;
	char *bytes = format < METRICS_FORMATS ? malloc(len) : NULL;

	if (!bytes)
		return; /* the older one stays */
	memcpy(bytes, message + 1, len - 1);
	free(s->texts[format].bytes);
	s->texts[format] = (struct text){bytes, len - 1};
}

/* False: the daemon is gone. */
static bool take_texts(struct server *s)
{
	static char message[SERVER_TEXT_BYTES];
	ssize_t len;

	while ((len = recv(s->posts, message, sizeof(message), MSG_DONTWAIT)) > 0)
		take_text(s, message, len);
	return len < 0 && (errno == EAGAIN || errno == EINTR);
}

/* Once so many came, nobody is let in until the slice is over. */
static void keep_pace(struct server *s)
{
	int64_t passed = now_ms() - s->slice_ms;
	struct timespec rest;

	if (passed < SLICE_MS && s->accepted < SLICE_CONNECTIONS)
		return;
	if (passed < SLICE_MS) {
		rest = (struct timespec){.tv_nsec = (SLICE_MS - passed) * 1000000};
		nanosleep(&rest, NULL);
	}
	s->slice_ms = now_ms();
	s->accepted = 0;
}

static void serve(struct server *s)
{
	struct pollfd fds[] = {{.fd = s->posts, .events = POLLIN},
			       {.fd = s->epoll, .events = POLLIN}};

	do {
		run_http(s);
		keep_pace(s);
	} while ((poll(fds, 2, patience(s)) >= 0 || errno == EINTR) &&
		 (!fds[0].revents || take_texts(s)));
}

static int give_up(const struct server *s, struct error *err)
{
	static const int calls[] = {
		SYS_accept4,	 SYS_recvfrom,	  SYS_recvmsg,	   SYS_sendto,	    SYS_sendmsg,
		SYS_shutdown,	 SYS_setsockopt,  SYS_getsockopt,  SYS_getsockname, SYS_getpeername,
		SYS_epoll_wait,	 SYS_epoll_pwait, SYS_epoll_ctl,   SYS_epoll_create1,
		SYS_eventfd2,
	};
	const int fds[] = {s->fd, s->posts};
	const struct confine how = {
		.calls = calls,
		.nr_calls = sizeof(calls) / sizeof(calls[0]),
		.fds = fds,
		.nr_fds = 2,
		.memory_bytes = MEMORY,
		.uid = CONFINE_NOBODY,
		.gid = CONFINE_NOBODY,
	};

	return confine(&how, err);
}

int server_run(int fd, int posts, struct error *err)
{
	struct server *s = calloc(1, sizeof(*s));
	struct sockaddr address = {};
	socklen_t len = sizeof(address);
	int code;

	if (!s)
		return error_set(err, -ENOMEM, "out of memory");
	s->fd = fd;
	s->posts = posts;
	s->is_local = !getsockname(fd, &address, &len) && address.sa_family == AF_UNIX;
	for (size_t i = 0; i < CONNECTIONS; i++)
		s->seats[i].fd = -1;
	code = give_up(s, err);
	if (code)
		return code;
	code = make_pages(s);
	code = code ? code : start_http(s);
	if (!code && send(posts, "", 1, MSG_NOSIGNAL) != 1)
		code = -errno;
	if (code)
		return error_set_errno(err, code, "cannot serve metrics");
	serve(s);
	return 0;
}
