/* SPDX-License-Identifier: GPL-2.0-only */
/* A folder for fixtures that goes away with the test; every function asserts. */
#ifndef LOCKVANE_TEST_KERNEL_UTIL_H
#define LOCKVANE_TEST_KERNEL_UTIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char fixture_dir[64];

static inline int fixture_setup(void **state)
{
	(void)state;
	strcpy(fixture_dir, "/tmp/lockvane-test-XXXXXX");
	return mkdtemp(fixture_dir) ? 0 : -1;
}

static inline int fixture_remove(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static inline int fixture_teardown(void **state)
{
	(void)state;
	return nftw(fixture_dir, fixture_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* Path in the fixture; good until the call after the next three. */
static inline const char *fixture_path(const char *path)
{
	static char full[4][PATH_MAX];
	static unsigned int turn;
	char *ret = full[turn++ % 4];

	assert_true(snprintf(ret, PATH_MAX, "%s/%s", fixture_dir, path) < PATH_MAX);
	return ret;
}

/* Writes a file and the folders above it. */
static inline void fixture_write_bytes(const char *path, const void *bytes, size_t len)
{
	char full[PATH_MAX], *slash;
	FILE *f;

	strcpy(full, fixture_path(path));
	for (slash = strchr(full + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	f = fopen(full, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static inline void fixture_write(const char *path, const char *text)
{
	fixture_write_bytes(path, text, strlen(text));
}

#endif
