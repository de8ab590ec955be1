// SPDX-License-Identifier: GPL-2.0-only
/*
 * The process that reads debug information. It has the frames from the fork, and sends back through
 * a pipe, in this machine's order of bytes:
 *
 *	u32 frame, u32 len, text	a line of that frame, the innermost first
 *	u32 END, i32 code, u32 len, text	how it went, at last
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arch.h"
#include "base/cleanup.h"
#include "base/confine.h"
#include "base/strbuf.h"
#include "capture/db_internal.h"
#include "capture/sources_internal.h"

#define END UINT32_MAX
#define MOST_BYTES (64ul << 20) /* enough answers: twenty thousand frames have two million */
#define MOST_LINES 16		/* for one frame */
#define MEMORY (8ull << 30)	/* a kernel's DWARF is mapped whole */
#define CPU_SECONDS 300
#define CACHE "/var/cache/lockvane" /* debuginfod's, where nobody has no home */

/* --- the child ------------------------------------------------------------ */

struct looker {
	const struct capture *c;
	const struct sources_where *where;
	struct sources *sources;
	int vmlinux; /* open, or -1 */
	FILE *out;
};

static void put_bytes(const struct looker *l, const void *bytes, size_t len)
{
	fwrite(bytes, 1, len, l->out);
}

static void put_text(const struct looker *l, const char *text)
{
	uint32_t len = strlen(text);

	if (len > DB_MAX_STRING)
		len = DB_MAX_STRING;
	put_bytes(l, &len, sizeof(len));
	put_bytes(l, text, len);
}

static void put_answers(const struct looker *l, int32_t code, const struct error *err)
{
	const uint32_t end = END;

	for (uint32_t i = 0; !code && i < l->sources->nr; i++)
		for (size_t line = 0; line < l->sources->all[i].nr && line < MOST_LINES; line++) {
			put_bytes(l, &i, sizeof(i));
			put_text(l, l->sources->all[i].texts[line]);
		}
	put_bytes(l, &end, sizeof(end));
	put_bytes(l, &code, sizeof(code));
	put_text(l, err->text);
	fflush(l->out);
}

static int look(const struct looker *l, struct error *err)
{
	AUTO_FREE char *found = NULL;
	struct debuginfo *d = NULL;
	int code;

	if (l->vmlinux >= 0) {
		code = debuginfo_open_at(l->vmlinux, l->where->vmlinux, &l->where->modules, &d, err);
	} else {
		found = debugfiles_running(NULL, l->where->modules.release);
		code = found ? debuginfo_open(found, &l->where->modules, &d, err) : -ENOENT;
	}
	return code ? code : sources_look_up(l->c, d, l->sources, err);
}

static bool asks_servers(const struct sources_where *where)
{
	const char *urls = getenv("DEBUGINFOD_URLS");

	return !where->vmlinux && urls && *urls;
}

/* For nobody. */
static void make_cache(void)
{
	if (!mkdir(CACHE, 0700) || errno == EEXIST)
		setenv("DEBUGINFOD_CACHE_PATH", CACHE, 0);
	if (lchown(CACHE, CONFINE_NOBODY, CONFINE_NOBODY))
		unsetenv("DEBUGINFOD_URLS"); /* a download could be kept nowhere */
}

/* The user who called sudo, and often owns the files; else nobody. */
static void choose_user(const struct sources_where *where, struct confine *how)
{
	const char *uid = getenv("SUDO_UID");
	const struct passwd *user = uid && atol(uid) > 0 ? getpwuid(atol(uid)) : NULL;

	how->uid = user ? user->pw_uid : CONFINE_NOBODY;
	how->gid = user ? user->pw_gid : CONFINE_NOBODY;
	if (geteuid())
		return;
	if (user)
		setenv("HOME", user->pw_dir, 1);
	else if (asks_servers(where))
		make_cache();
}

/* libdebuginfod keeps what it fetched, and has threads: those calls are for where servers are named. */
static int give_up(const struct looker *l, int pipe, struct error *err)
{
	static const int fetching[] = {
		SYS_socket,	SYS_connect,	 SYS_bind,	  SYS_sendto,	   SYS_recvfrom,
		SYS_sendmsg,	SYS_recvmsg,	 SYS_sendmmsg,	  SYS_setsockopt,  SYS_getsockopt,
		SYS_getsockname, SYS_getpeername, SYS_socketpair, SYS_eventfd2,	   SYS_pipe2,
		SYS_clone,	SYS_clone3,	 SYS_rseq,	  SYS_set_robust_list, SYS_uname,
		SYS_openat,	SYS_open,	 SYS_mkdir,	  SYS_rename,	   SYS_unlink,
		SYS_rmdir,	SYS_ftruncate,	 SYS_utimensat,	  SYS_futimesat,   SYS_fchmod,
		SYS_chmod,	SYS_ioctl,	 SYS_sysinfo,	  SYS_epoll_create1, SYS_epoll_ctl,
		SYS_epoll_wait, SYS_sched_getaffinity, SYS_fsync, SYS_umask,	   SYS_statfs,
		SYS_getuid,	SYS_geteuid,	 SYS_getgid,	  SYS_getegid,	   SYS_prlimit64,
	};
	const int fds[] = {pipe, l->vmlinux};
	bool servers = asks_servers(l->where);
	struct confine how = {
		.calls = fetching,
		.nr_calls = servers ? sizeof(fetching) / sizeof(fetching[0]) : 0,
		.reads_files = true,
		.fds = fds,
		.nr_fds = l->vmlinux >= 0 ? 2 : 1,
		.memory_bytes = MEMORY,
		.cpu_seconds = CPU_SECONDS,
	};

	choose_user(l->where, &how);
	if (servers && isatty(STDERR_FILENO))
		setenv("DEBUGINFOD_PROGRESS", "1", 0);
	return confine(&how, err);
}

static void __attribute__((noreturn)) be_looker(struct looker *l, int pipe)
{
	struct error err = {};
	sigset_t none;
	int code;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	code = give_up(l, pipe, &err);
	l->out = fdopen(pipe, "w");
	if (!l->out)
		_exit(1);
	code = code ? code : look(l, &err);
	put_answers(l, code, &err);
	_exit(0);
}

/* --- the parent ----------------------------------------------------------- */

struct answers {
	const char *at;
	size_t left;
};

static bool take_bytes(struct answers *a, void *ret, size_t len)
{
	if (a->left < len)
		return false;
	memcpy(ret, a->at, len);
	a->at += len;
	a->left -= len;
	return true;
}

/* In new memory; NULL: there is none, or no memory. */
static char *take_text(struct answers *a)
{
	uint32_t len;
	char *text;

	if (!take_bytes(a, &len, sizeof(len)) || len > DB_MAX_STRING || len > a->left)
		return NULL;
	text = malloc(len + 1);
	if (text)
		strbuf_copy_clean(text, len + 1, a->at, len);
	a->at += len;
	a->left -= len;
	return text;
}

static int take_end(struct answers *a, struct error *err)
{
	AUTO_FREE char *text = NULL;
	int32_t code;

	if (!take_bytes(a, &code, sizeof(code)) || code > 0 || code < -4095 ||
	    !(text = take_text(a)))
		return error_set(err, -EIO, "the debug information's reader did not come to an end");
	return code ? error_set(err, code, "%s", text) : 0;
}

static int take_answers(struct sources *s, struct answers *a, struct error *err)
{
	uint32_t frame;

	while (take_bytes(a, &frame, sizeof(frame)) && frame != END) {
		char *text = take_text(a);

		if (frame >= s->nr || s->all[frame].nr >= MOST_LINES) {
			free(text);
			return error_set(err, -EIO, "the debug information's reader is out of its mind");
		}
		if (sources_add_text(&s->all[frame], text))
			return error_set(err, -ENOMEM, "out of memory");
	}
	return take_end(a, err);
}

/* Has one come that the caller blocks, and waits for? */
static bool is_wanted_elsewhere(void)
{
	sigset_t pending;

	return !sigpending(&pending) &&
	       (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1 ||
		sigismember(&pending, SIGHUP) == 1);
}

static int read_answers(int pipe, struct strbuf *ret, struct error *err)
{
	struct pollfd fds = {.fd = pipe, .events = POLLIN};
	static char some[65536];
	ssize_t len = 1;

	while (len) {
		if (is_wanted_elsewhere())
			return error_set(err, -EINTR, "the search for debug information was ended");
		if (poll(&fds, 1, 200) <= 0)
			continue;
		len = read(pipe, some, sizeof(some));
		if (len < 0 && errno != EINTR)
			return error_set_errno(err, -errno, "cannot read debug information");
		if (len > 0)
			strbuf_add_bytes(ret, some, len);
		if (ret->len > MOST_BYTES || ret->failed)
			return error_set(err, -ENOMEM, "out of memory for debug information");
	}
	return 0;
}

static int hear(pid_t pid, int pipe, struct sources *s, struct error *err)
{
	AUTO_STRBUF sb = STRBUF_INIT;
	int code = read_answers(pipe, &sb, err), status = 0;
	struct answers a = {sb.text, sb.len};

	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return code ? code : take_answers(s, &a, err);
}

static int look_confined(struct looker *l, struct error *err)
{
	int ends[2], code;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return error_set_errno(err, -errno, "cannot make a pipe");
	fflush(NULL);
	pid = fork();
	if (!pid) {
		close(ends[0]);
		be_looker(l, ends[1]);
	}
	code = pid < 0 ? error_set_errno(err, -errno, "cannot fork") : 0;
	close(ends[1]);
	code = code ? code : hear(pid, ends[0], l->sources, err);
	close(ends[0]);
	return code;
}

int sources_add_confined(struct capture *c, const struct sources_where *where, struct error *err)
{
	struct sources s = {};
	struct looker l = {.c = c, .where = where, .sources = &s, .vmlinux = -1};
	int code = sources_collect(c, &s);

	if (code)
		error_set(err, code, "out of memory");
	if (!code && where->vmlinux) {
		l.vmlinux = open(where->vmlinux, O_RDONLY | O_CLOEXEC);
		if (l.vmlinux < 0)
			code = error_set_errno(err, -errno, "cannot read %s", where->vmlinux);
	}
	code = code ? code : look_confined(&l, err);
	if (!code && sources_exchange(c, &s))
		code = error_set(err, -ENOMEM, "out of memory");
	if (l.vmlinux >= 0)
		close(l.vmlinux);
	sources_done(&s);
	return code == -ENOENT && !where->vmlinux ? 0 : code;
}
