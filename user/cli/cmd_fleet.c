// SPDX-License-Identifier: GPL-2.0-only
/* fleet: a program of its own, so that libpq is in none that traces as root. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

#define PROGRAM "lockvane-fleet"

/* It lies beside this one; whatever PATH says is not asked. */
static int find_program(char ret[static PATH_MAX], struct error *err)
{
	ssize_t len = readlink("/proc/self/exe", ret, PATH_MAX - sizeof("/" PROGRAM));
	char *slash;

	if (len < 0)
		return error_set_errno(err, -errno, "cannot tell where lockvane is");
	ret[len] = '\0';
	slash = strrchr(ret, '/');
	strcpy(slash ? slash + 1 : ret, PROGRAM);
	return 0;
}

int cmd_fleet(int argc, char **argv)
{
	char path[PATH_MAX];
	struct error err = {};

	(void)argc;
	if (!find_program(path, &err)) {
		execv(path, argv);
		error_set_errno(&err, -errno, "cannot run %s", path);
	}
	return cli_fail(&err);
}
