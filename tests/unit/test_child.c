// SPDX-License-Identifier: GPL-2.0-only
/* The program of a trace: let go by a word, ended with all that it started. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/child.h"

static char folder[] = "/tmp/lockvane-child-XXXXXX";

static char *in_folder(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void await_file(const char *name)
{
	for (int i = 0; access(in_folder(name), F_OK); i++) {
		if (i == 500)
			fail_msg("no %s", name);
		usleep(20000);
	}
}

static pid_t pid_in(const char *name)
{
	FILE *in = fopen(in_folder(name), "r");
	int pid = 0;

	assert_non_null(in);
	assert_int_equal(fscanf(in, "%d", &pid), 1);
	fclose(in);
	return pid;
}

static void test_released(void **state)
{
	char *const argv[] = {"sh", "-c", "exit 3", NULL};
	struct error err = {};
	struct child child;

	assert_int_equal(child_start(argv, &child, &err), 0);
	usleep(100000);
	assert_false(child_ended(&child));
	child_release(&child);
	for (int i = 0; i < 500 && !child_ended(&child); i++)
		usleep(20000);
	assert_string_equal(child_status_text(&child), "exited with status 3");
	child_stop(&child);
}

/* Its tracer dies before: it never runs. */
static int status_of(const char *script)
{
	char *const argv[] = {"sh", "-c", (char *)script, NULL};
	struct error err = {};
	struct child child;

	assert_int_equal(child_start(argv, &child, &err), 0);
	child_release(&child);
	for (int i = 0; i < 500 && !child_ended(&child); i++)
		usleep(20000);
	assert_true(child_ended(&child));
	return child.status;
}

/* An orphan takes us for its parent: what it sends that one does not end the trace, and ends others as ever. */
static void test_signals_of_orphans(void **state)
{
	int status = status_of("kill -ALRM $PPID; kill -USR1 $PPID; kill -PROF $PPID; exit 3");

	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 3);
	status = status_of("kill -ALRM $$; exit 3");
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
}

static void test_never_released(void **state)
{
	char command[160];
	char *const argv[] = {"sh", "-c", command, NULL};
	struct error err = {};
	int status;
	pid_t tracer;

	snprintf(command, sizeof(command), "touch %s", in_folder("ran"));
	tracer = fork();
	if (!tracer) {
		struct child child;

		if (!child_start(argv, &child, &err))
			raise(SIGKILL);
		_exit(1);
	}
	assert_int_equal(waitpid(tracer, &status, 0), tracer);
	assert_true(WIFSIGNALED(status));
	usleep(500000);
	assert_int_equal(access(in_folder("ran"), F_OK), -1);
}

/* A grandchild that ignores SIGTERM, and its parent that is gone: all of them end. */
static void test_stopped_with_all(void **state)
{
	char command[400];
	char *const argv[] = {"sh", "-c", command, NULL};
	struct error err = {};
	struct child child;
	pid_t deaf, orphan;

	snprintf(command, sizeof(command),
		 "sh -c 'trap \"\" TERM; echo $$ >%s/deaf; while :; do sleep 1; done' & "
		 "sh -c 'sleep 600 & echo $! >%s/orphan; exit'; touch %s/up; wait", folder, folder, folder);
	assert_int_equal(child_start(argv, &child, &err), 0);
	child_release(&child);
	await_file("deaf");
	await_file("orphan");
	await_file("up");
	usleep(200000);
	deaf = pid_in("deaf");
	orphan = pid_in("orphan");
	assert_int_equal(kill(deaf, 0), 0);
	assert_int_equal(kill(orphan, 0), 0);
	child_stop(&child);
	assert_int_equal(kill(deaf, 0), -1);
	assert_int_equal(kill(orphan, 0), -1);
	assert_int_equal(child_ended(&child), 1);
}

/* What a program leaves behind that ended by itself is its own affair. */
static void test_left_behind(void **state)
{
	char command[200];
	char *const argv[] = {"sh", "-c", command, NULL};
	struct error err = {};
	struct child child;
	pid_t left;

	snprintf(command, sizeof(command), "sleep 600 & echo $! >%s", in_folder("left"));
	assert_int_equal(child_start(argv, &child, &err), 0);
	child_release(&child);
	await_file("left");
	for (int i = 0; i < 500 && !child_ended(&child); i++)
		usleep(20000);
	child_stop(&child);
	left = pid_in("left");
	assert_int_equal(kill(left, 0), 0);
	kill(left, SIGKILL);
	waitpid(left, NULL, 0);
}

static int make_folder(void **state)
{
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_released),
		cmocka_unit_test(test_signals_of_orphans),
		cmocka_unit_test(test_never_released),
		cmocka_unit_test(test_stopped_with_all),
		cmocka_unit_test(test_left_behind),
	};

	return cmocka_run_group_tests_name("child", tests, make_folder, remove_folder);
}
