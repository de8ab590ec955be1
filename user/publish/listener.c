// SPDX-License-Identifier: GPL-2.0-only
#include "publish/listener.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "publish/address.h"
#include "publish/server.h"

#define START_SECONDS 10

struct listener {
	pid_t pid;
	int posts; /* texts go there, and it ends with that */
	dev_t dev; /* our unix socket's: only that is unlinked */
	ino_t ino; /* 0: it is none of ours */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

/* The child's life. It hears of its end by the socket: the daemon's signals are the daemon's. */
static void __attribute__((noreturn)) be_server(int fd, int posts)
{
	struct error err = {};
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setpriority(PRIO_PROCESS, 0, 19);
	prctl(PR_SET_NAME, "metrics");
	if (server_run(fd, posts, &err))
		(void)!write(posts, err.text, strlen(err.text) + 1);
	_exit(0);
}

/* One byte: it is ready. More: what went wrong. */
static int await_ready(int posts, struct error *err)
{
	const struct timeval patience = {.tv_sec = START_SECONDS};
	char words[sizeof(err->text)] = "";
	ssize_t len;

	setsockopt(posts, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	len = recv(posts, words, sizeof(words) - 1, 0);
	if (len == 1)
		return 0;
	return error_set(err, -EIO, "%s", len > 0 ? words : "the listener's process died");
}

static void end_process(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static int start_process(int fd, struct listener *l, struct error *err)
{
	int ends[2], code;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return error_set_errno(err, -errno, "cannot serve metrics");
	l->pid = fork();
	if (!l->pid)
		be_server(fd, ends[1]);
	code = l->pid < 0 ? -errno : 0;
	close(ends[1]);
	if (code)
		error_set_errno(err, code, "cannot serve metrics");
	else
		code = await_ready(ends[0], err);
	if (code && l->pid > 0)
		end_process(l->pid);
	if (code)
		close(ends[0]);
	l->posts = ends[0];
	return code;
}

int listener_start_on(int fd, struct listener **ret, struct error *err)
{
	int code = address_check_socket(fd, err);
	struct listener *l;

	if (code)
		return code;
	l = calloc(1, sizeof(*l));
	if (!l)
		return error_set(err, -ENOMEM, "out of memory");
	code = start_process(fd, l, err);
	if (code) {
		free(l);
		return code;
	}
	close(fd);
	*ret = l;
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

int listener_start(const char *address, mode_t unix_mode, struct listener **ret, struct error *err)
{
	bool is_unix = !strncmp(address, "unix:", 5);
	int fd = -1, code = address_open(address, unix_mode, &fd, err);

	if (code)
		return code;
	code = listener_start_on(fd, ret, err);
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

static int post(const struct listener *l, const struct metrics *m, enum metrics_format format)
{
	const char first[] = {(char)format, '\0'};
	AUTO_STRBUF sb = STRBUF_INIT;

	strbuf_add_bytes(&sb, first, 1);
	metrics_print(m, format, &sb);
	if (sb.failed || sb.len > SERVER_TEXT_BYTES)
		return -ENOMEM;
	if (send(l->posts, sb.text, sb.len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	if (errno == EAGAIN) /* it has not come to take the one before: another time */
		return 0;
	return errno == ENOBUFS || errno == EMSGSIZE ? -ENOMEM : -EPIPE;
}

int listener_post(struct listener *l, const struct metrics *m)
{
	int code = 0;

	for (int format = 0; !code && format < METRICS_FORMATS; format++)
		code = post(l, m, format);
	return code;
}

pid_t listener_pid(const struct listener *l)
{
	return l->pid;
}

void listener_stop(struct listener *l)
{
	struct stat st;

	if (!l)
		return;
	close(l->posts);
	end_process(l->pid);
	if (l->ino && !lstat(l->path, &st) && st.st_dev == l->dev && st.st_ino == l->ino)
		unlink(l->path);
	free(l);
}
