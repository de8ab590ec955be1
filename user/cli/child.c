// SPDX-License-Identifier: GPL-2.0-only
#include "cli/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

static int check_file(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || access(path, X_OK))
		return -EACCES;
	return 0;
}

/* As execvp() looks for it. */
static int look_in_path(const char *name)
{
	const char *dir = getenv("PATH");
	char path[PATH_MAX];
	int found = -ENOENT;

	if (!dir)
		dir = "/bin:/usr/bin";
	while (*dir && found != 0) {
		size_t len = strcspn(dir, ":");
		int code;

		snprintf(path, sizeof(path), "%.*s/%s", (int)len, len ? dir : ".", name);
		code = check_file(path);
		if (code == 0 || code == -EACCES)
			found = code;
		dir += len + (dir[len] == ':');
	}
	return found;
}

int child_check(char *const argv[], struct error *err)
{
	int code = strchr(argv[0], '/') ? check_file(argv[0]) : look_in_path(argv[0]);

	if (code == -EACCES)
		return error_set(err, code, "cannot run %s: not an executable file", argv[0]);
	if (code)
		return error_set(err, code, "cannot run %s: no such program", argv[0]);
	return 0;
}

static void __attribute__((noreturn)) run(char *const argv[], int gate)
{
	sigset_t none;
	ssize_t len;
	char byte;

	do
		len = read(gate, &byte, 1);
	while (len < 0 && errno == EINTR);
	close(gate);
	if (len != 1) /* its tracer has died: it does not run untraced */
		_exit(127);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(STDERR_FILENO, STDOUT_FILENO) >= 0)
		execvp(argv[0], argv);
	fprintf(stderr, "lockvane: cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

/*
 * All that the program starts can be ended with it. A process whose parent has died then has us for one, and may
 * send us what was meant for that parent: an alarm would end the trace.
 */
static void adopt_orphans(void)
{
	static const int theirs[] = {SIGALRM, SIGVTALRM, SIGPROF, SIGUSR1, SIGUSR2, SIGIO};
	sigset_t blocked;

	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof(theirs) / sizeof(*theirs); i++)
		sigaddset(&blocked, theirs[i]);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
}

int child_start(char *const argv[], struct child *ret, struct error *err)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return error_set_errno(err, -errno, "cannot make a pipe");
	adopt_orphans();
	pid = fork();
	if (pid < 0) {
		int code = -errno;

		close(ends[0]);
		close(ends[1]);
		return error_set_errno(err, code, "cannot fork");
	}
	if (!pid) {
		close(ends[1]);
		run(argv, ends[0]);
	}
	close(ends[0]);
	*ret = (struct child){ .pid = pid, .gate = ends[1] };
	return 0;
}

void child_release(struct child *child)
{
	(void)!write(child->gate, "", 1); /* that it is gone is seen when it is waited for */
	close(child->gate);
	child->gate = -1;
}

int child_ended(struct child *child)
{
	if (child->pid > 0 && waitpid(child->pid, &child->status, WNOHANG) == child->pid)
		child->pid = 0;
	return !child->pid;
}

/* Each process whose parent we are, by the kernel's list of them. Returns how many got the signal. */
static int kill_children(int signal)
{
	AUTO_FREE char *list = NULL;
	char path[64], *at, *end;
	int nr = 0;
	long pid;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	if (file_read(path, 1 << 20, &list, NULL))
		return 0;
	for (at = list; (pid = strtol(at, &end, 10)) > 0; at = end)
		nr += !kill((pid_t)pid, signal);
	return nr;
}

static void reap(struct child *child)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != child->pid)
			continue;
		child->status = status;
		child->pid = 0;
	}
}

/*
 * The program's children die with it: when a parent ends, they become ours (see child_start()), and
 * are ended in turn.
 */
void child_stop(struct child *child)
{
	const struct timespec moment = { .tv_nsec = 20000000 };

	if (!child_ended(child))
		for (int i = 0; kill_children(i < 100 ? SIGTERM : SIGKILL) && i < 500; i++) {
			nanosleep(&moment, NULL);
			reap(child);
		}
	if (child->pid > 0) { /* without that list only itself is known */
		kill(child->pid, SIGKILL);
		waitpid(child->pid, &child->status, 0);
		child->pid = 0;
	}
	if (child->gate >= 0)
		close(child->gate);
	child->gate = -1;
}

const char *child_status_text(const struct child *child)
{
	static char text[80];

	if (WIFSIGNALED(child->status))
		snprintf(text, sizeof(text), "was ended by signal %d (%s)",
			 WTERMSIG(child->status), strsignal(WTERMSIG(child->status)));
	else
		snprintf(text, sizeof(text), "exited with status %d", WEXITSTATUS(child->status));
	return text;
}
