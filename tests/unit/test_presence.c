// SPDX-License-Identifier: GPL-2.0-only
/* Processes that know of each other, and of none that has gone. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "trace/presence.h"

static char folder[64];

static int make_folder(void **state)
{
	char top[] = "/tmp/lv_presence_XXXXXX";

	if (!mkdtemp(top))
		return -1;
	snprintf(folder, sizeof(folder), "%s/run", top);
	return 0;
}

/* One of that role, that stays until it is killed. */
static pid_t start(enum presence_role role)
{
	struct presence p;
	int ends[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		presence_begin(&p, folder, role);
		if (write(ends[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	close(ends[1]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_others(void **state)
{
	struct presence p;
	pid_t trace, second;
	struct stat st;

	assert_false(presence_begin(&p, folder, PRESENCE_MONITOR));
	assert_false(presence_of(&p, PRESENCE_TRACE));
	trace = start(PRESENCE_TRACE);
	second = start(PRESENCE_TRACE);
	assert_true(presence_of(&p, PRESENCE_TRACE));
	end(trace);
	assert_true(presence_of(&p, PRESENCE_TRACE));
	end(second);
	assert_false(presence_of(&p, PRESENCE_TRACE));
	presence_end(&p);
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0750);
}

static void test_same_role(void **state)
{
	struct presence p;
	pid_t monitor = start(PRESENCE_MONITOR);

	assert_true(presence_begin(&p, folder, PRESENCE_MONITOR));
	presence_end(&p);
	end(monitor);
	assert_false(presence_begin(&p, folder, PRESENCE_MONITOR));
	presence_end(&p);
}

static void test_no_folder(void **state)
{
	struct presence p;

	assert_false(presence_begin(&p, "/proc/none/lockvane", PRESENCE_TRACE));
	assert_false(presence_of(&p, PRESENCE_MONITOR));
	presence_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_same_role),
		cmocka_unit_test(test_no_folder),
	};

	return cmocka_run_group_tests(tests, make_folder, NULL);
}
