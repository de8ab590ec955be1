// SPDX-License-Identifier: GPL-2.0-only
/*
 * libmicrohttpd speaks HTTP; the thread that drives it is ours, so that it
 * has no signals, no privileges and little weight, and so that connections
 * have an end: the library's own timeout begins anew with every byte.
 */
#include "daemon/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>

#include "base/cleanup.h"
#include "daemon/address.h"

#define CONNECTIONS 16
#define CONNECTION_SECONDS 5 /* from its first byte to its last, Prometheus waits for 10 */
#define REQUEST_BYTES 8192   /* a connection's memory, and so what a request may have */
#define THREAD_STACK (256 << 10)

struct seat {
	int fd; /* -1: free */
	int64_t since_ms;
};

struct listener {
	int fd;	   /* listening; the library's while it runs */
	int stop;  /* eventfd */
	int epoll; /* the library's */
	dev_t dev; /* of our unix socket: only that is unlinked */
	ino_t ino; /* 0: it is none of ours */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	listener_text text;
	void *arg;
	struct MHD_Daemon *http;
	pthread_t thread;
	struct seat seats[CONNECTIONS];
	bool left; /* a connection ended in this run of the library */
	struct MHD_Response *hint, *healthy, *absent, *refused, *failed;
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

static int make_pages(struct listener *l)
{
	l->hint = page("lockvane: the numbers are at /metrics\n");
	l->healthy = page("lockvane listens\n");
	l->absent = page("there is /metrics and /-/healthy\n");
	l->refused = page("GET or HEAD only\n");
	l->failed = page("no numbers yet, or no memory for them\n");
	if (l->refused)
		MHD_add_response_header(l->refused, "Allow", "GET, HEAD");
	return l->hint && l->healthy && l->absent && l->refused && l->failed ? 0 : -ENOMEM;
}

static struct MHD_Response *metrics_page(struct listener *l, struct MHD_Connection *c)
{
	const char *accept = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Accept");
	enum metrics_format format = metrics_negotiate(accept);
	AUTO_STRBUF sb = STRBUF_INIT;
	struct MHD_Response *r;
	char *text;
	size_t len;

	if (l->text(l->arg, format, &sb))
		return NULL;
	len = sb.len;
	text = strbuf_take(&sb);
	if (!text)
		return NULL;
	r = MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);
	if (!r) {
		free(text);
		return NULL;
	}
	MHD_add_response_header(r, "Content-Type", metrics_content_type(format));
	MHD_add_response_header(r, "Vary", "Accept");
	MHD_add_response_header(r, "Connection", "close");
	return r;
}

static enum MHD_Result answer(void *arg, struct MHD_Connection *c, const char *url,
			      const char *method, const char *version, const char *data,
			      size_t *data_len, void **state)
{
	struct listener *l = arg;
	struct MHD_Response *r;
	enum MHD_Result done;

	if (strcmp(method, "GET") && strcmp(method, "HEAD"))
		return MHD_queue_response(c, MHD_HTTP_METHOD_NOT_ALLOWED, l->refused);
	if (!strcmp(url, "/"))
		return MHD_queue_response(c, MHD_HTTP_OK, l->hint);
	if (!strcmp(url, "/-/healthy"))
		return MHD_queue_response(c, MHD_HTTP_OK, l->healthy);
	if (strcmp(url, "/metrics"))
		return MHD_queue_response(c, MHD_HTTP_NOT_FOUND, l->absent);
	r = metrics_page(l, c);
	if (!r)
		return MHD_queue_response(c, MHD_HTTP_SERVICE_UNAVAILABLE, l->failed);
	done = MHD_queue_response(c, MHD_HTTP_OK, r);
	MHD_destroy_response(r);
	return done;
}

/* Who comes and goes, for end_late_ones(). */
static void note(void *arg, struct MHD_Connection *c, void **seat,
		 enum MHD_ConnectionNotificationCode what)
{
	struct listener *l = arg;
	const union MHD_ConnectionInfo *info;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		l->left = true;
		if (*seat)
			((struct seat *)*seat)->fd = -1;
		return;
	}
	info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	for (size_t i = 0; info && i < CONNECTIONS; i++) {
		if (l->seats[i].fd >= 0)
			continue;
		l->seats[i] = (struct seat){info->connect_fd, now_ms()};
		*seat = &l->seats[i];
		return;
	}
}

/* Shut those that had their time; the library finds them closed. Milliseconds to the next. */
static int64_t end_late_ones(struct listener *l)
{
	int64_t now = now_ms(), next = -1;

	for (size_t i = 0; i < CONNECTIONS; i++) {
		const struct seat *seat = &l->seats[i];
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

static int64_t patience(struct listener *l)
{
	int64_t next = end_late_ones(l);
	MHD_UNSIGNED_LONG_LONG wanted;

	if (MHD_get_timeout(l->http, &wanted) == MHD_YES && (next < 0 || (int64_t)wanted < next))
		next = wanted;
	return next;
}

static void drop_privileges(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};

	/* Both are of the thread. They cannot fail: less is always allowed. */
	syscall(SYS_capset, &header, none);
	setpriority(PRIO_PROCESS, syscall(SYS_gettid), 19);
}

/*
 * At its limit the library does not listen; it looks at that first and then at
 * connections that end. So once more after each end, or nobody gets in again.
 */
static void run_http(struct listener *l)
{
	do {
		l->left = false;
		MHD_run(l->http);
	} while (l->left);
}

static void *serve(void *arg)
{
	struct listener *l = arg;
	struct pollfd fds[] = {{.fd = l->stop, .events = POLLIN},
			       {.fd = l->epoll, .events = POLLIN}};

	drop_privileges();
	pthread_setname_np(pthread_self(), "metrics");
	do
		run_http(l);
	while ((poll(fds, 2, patience(l)) >= 0 || errno == EINTR) && !fds[0].revents);
	return NULL;
}

/* The daemon's signals are the daemon's. */
static int start_thread(struct listener *l)
{
	sigset_t all, old;
	pthread_attr_t attr;
	int code;

	sigfillset(&all);
	code = -pthread_attr_init(&attr);
	if (code)
		return code;
	pthread_attr_setstacksize(&attr, THREAD_STACK);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	code = -pthread_create(&l->thread, &attr, serve, l);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return code;
}

static int start_http(struct listener *l)
{
	const union MHD_DaemonInfo *info;

	l->http =
		MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, answer, l, MHD_OPTION_LISTEN_SOCKET,
				 l->fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS,
				 MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_BYTES,
				 MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)CONNECTION_SECONDS,
				 MHD_OPTION_NOTIFY_CONNECTION, note, l, MHD_OPTION_END);
	if (!l->http)
		return -EIO;
	info = MHD_get_daemon_info(l->http, MHD_DAEMON_INFO_EPOLL_FD);
	l->epoll = info ? info->epoll_fd : -1;
	return l->epoll < 0 ? -EIO : 0;
}

/* Everything but the unix socket's path. */
static void release(struct listener *l)
{
	struct MHD_Response *pages[] = {l->hint, l->healthy, l->absent, l->refused, l->failed};

	if (l->http)
		MHD_stop_daemon(l->http); /* closes the listening socket, too */
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		if (pages[i])
			MHD_destroy_response(pages[i]);
	if (l->stop >= 0)
		close(l->stop);
	free(l);
}
CLEANUP_DEFINE(listener, struct listener *, release)

int listener_start_on(int fd, listener_text text, void *arg, struct listener **ret,
		      struct error *err)
{
	CLEANUP(cleanup_listener) struct listener *l = NULL;
	int code = address_check_socket(fd, err);

	if (code)
		return code;
	l = calloc(1, sizeof(*l));
	if (!l)
		return error_set(err, -ENOMEM, "out of memory");
	l->text = text;
	l->arg = arg;
	for (size_t i = 0; i < CONNECTIONS; i++)
		l->seats[i].fd = -1;
	l->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	/* The caller's until we succeed: the library gets one of its own. */
	l->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	/* Else a connection that is gone again would hold the thread up in accept(). */
	if (l->stop < 0 || l->fd < 0 || fcntl(l->fd, F_SETFL, O_RDWR | O_NONBLOCK))
		code = -errno;
	code = code ? code : make_pages(l);
	code = code ? code : start_http(l);
	if (code && !l->http && l->fd >= 0)
		close(l->fd);
	code = code ? code : start_thread(l);
	if (code)
		return error_set_errno(err, code, "cannot serve metrics");
	close(fd);
	*ret = TAKE_PTR(l);
	return 0;
}

int listener_check(const char *address, struct error *err)
{
	struct address a;

	return address_parse(address, &a, err);
}

/* Remember which socket file is ours. */
static void note_path(struct listener *l, const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		return;
	snprintf(l->path, sizeof(l->path), "%s", path);
	l->dev = st.st_dev;
	l->ino = st.st_ino;
}

int listener_start(const char *address, mode_t unix_mode, listener_text text, void *arg,
		   struct listener **ret, struct error *err)
{
	bool is_unix = !strncmp(address, "unix:", 5);
	int fd = -1, code = address_open(address, unix_mode, &fd, err);

	if (code)
		return code;
	code = listener_start_on(fd, text, arg, ret, err);
	if (code) {
		close(fd);
		if (is_unix)
			unlink(address + 5);
		return code;
	}
	if (is_unix)
		note_path(*ret, address + 5);
	return 0;
}

void listener_stop(struct listener *l)
{
	uint64_t one = 1;
	struct stat st;

	if (!l)
		return;
	/* An eventfd at 0 takes a 1. */
	if (write(l->stop, &one, sizeof(one)) == sizeof(one))
		pthread_join(l->thread, NULL);
	if (l->ino && !lstat(l->path, &st) && st.st_dev == l->dev && st.st_ino == l->ino)
		unlink(l->path);
	release(l);
}
