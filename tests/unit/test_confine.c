// SPDX-License-Identifier: GPL-2.0-only
/* What a process that gave up everything can do no more, and what it still can. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/confine.h"

#define NAME "/tmp/lockvane-confine"

/* The child's status: 0 all as expected, else the number of what was not. */
static int in_child(const struct confine *how, int (*try)(void))
{
	struct error err = {};
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		_exit(confine(how, &err) ? 99 : try());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

static bool refused(long result)
{
	return result < 0 && (errno == EPERM || errno == EACCES);
}

static int try_nothing_left(void)
{
	char *const argv[] = {"/bin/true", NULL};

	if (!refused(open("/etc/hostname", O_RDONLY)) || !refused(open(NAME, O_CREAT | O_RDWR, 0600)))
		return 1;
	if (!refused(socket(AF_INET, SOCK_STREAM, 0)) || !refused(socket(AF_UNIX, SOCK_STREAM, 0)))
		return 2;
	if (!refused(execv(argv[0], argv)) || !refused(fork()))
		return 3;
	if (!refused(setuid(0)) || !refused(kill(getppid(), 0)) || !refused(unlink("/etc/hostname")))
		return 4;
	if (!refused(ptrace(PTRACE_TRACEME)) || !refused(syscall(SYS_bpf, 0, NULL, 0)) ||
	    !refused(syscall(SYS_memfd_create, "x", 0)))
		return 5;
	/* Nor does the other ABI of the same processor help. */
	if (!refused(syscall(SYS_getppid | 0x40000000)))
		return 6;
	return write(STDERR_FILENO, "", 0) ? 7 : 0;
}

static void test_nothing_left(void **state)
{
	const struct confine how = {.uid = CONFINE_NOBODY, .gid = CONFINE_NOBODY};

	assert_int_equal(in_child(&how, try_nothing_left), 0);
	assert_int_equal(access(NAME, F_OK), -1);
}

static int try_reading(void)
{
	int fd = open("/etc/passwd", O_RDONLY);
	char byte;

	if (fd < 0 || read(fd, &byte, 1) != 1)
		return 1;
	if (!refused(open(NAME, O_CREAT | O_RDWR, 0600)) || !refused(open("/tmp", O_TMPFILE | O_RDWR, 0600)) ||
	    !refused(open("/dev/null", O_WRONLY)) || !refused(open("/dev/null", O_RDWR)) ||
	    !refused(openat(AT_FDCWD, "/dev/null", O_RDONLY | O_TRUNC)))
		return 2;
	if (!geteuid())
		return 3;
	/* What root alone may read. */
	return refused(open("/etc/shadow", O_RDONLY)) || errno == ENOENT ? 0 : 4;
}

static void test_reading(void **state)
{
	static const int calls[] = {SYS_geteuid};
	const struct confine how = {.calls = calls, .nr_calls = 1, .reads_files = true,
				    .uid = CONFINE_NOBODY, .gid = CONFINE_NOBODY};

	assert_int_equal(in_child(&how, try_reading), 0);
	assert_int_equal(access(NAME, F_OK), -1);
}

static int kept_fd, other_fd;

static int try_files(void)
{
	return fcntl(kept_fd, F_GETFD) < 0 ? 1 : fcntl(other_fd, F_GETFD) >= 0 ? 2 : 0;
}

static void test_files(void **state)
{
	struct confine how = {.fds = &kept_fd, .nr_fds = 1, .uid = CONFINE_NOBODY, .gid = CONFINE_NOBODY};

	for (int i = 0; i < 2; i++) {
		int a = dup(STDERR_FILENO), b = dup(STDERR_FILENO);

		kept_fd = i ? a : b;
		other_fd = i ? b : a;
		assert_int_equal(in_child(&how, try_files), 0);
		close(a);
		close(b);
	}
}

static int compute(void)
{
	for (volatile uint64_t i = 0;; i++)
		;
	return 0;
}

static void test_time(void **state)
{
	const struct confine how = {.cpu_seconds = 1, .uid = CONFINE_NOBODY, .gid = CONFINE_NOBODY};
	int status = in_child(&how, compute);

	assert_true(status == 100 + SIGXCPU || status == 100 + SIGKILL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_left),
		cmocka_unit_test(test_reading),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_time),
	};

	return cmocka_run_group_tests_name("confine", tests, NULL, NULL);
}
