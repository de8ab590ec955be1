/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Clean up when a variable goes out of scope. The destructors take NULL and
 * leave errno alone, so that "return -errno" is safe under them.
 */
#ifndef LOCKVANE_BASE_CLEANUP_H
#define LOCKVANE_BASE_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* Defines cleanup_<name>(), which calls destroy() on a variable of that type. */
#define CLEANUP_DEFINE(name, type, destroy)                       \
	static inline __attribute__((unused)) void cleanup_##name(type *p) \
	{                                                         \
		int saved = errno;                                \
                                                                  \
		if (*p)                                           \
			destroy(*p);                              \
		errno = saved;                                    \
	}

CLEANUP_DEFINE(file, FILE *, fclose)
CLEANUP_DEFINE(dir, DIR *, closedir)

static inline void cleanup_free(void *p)
{
	int saved = errno;

	free(*(void **)p);
	errno = saved;
}

static inline void cleanup_fd(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

#define AUTO_FREE CLEANUP(cleanup_free)
#define AUTO_CLOSE CLEANUP(cleanup_fd)
#define AUTO_FCLOSE CLEANUP(cleanup_file)
#define AUTO_CLOSEDIR CLEANUP(cleanup_dir)

/* Hand the pointer over and keep the cleanup from seeing it. */
#define TAKE_PTR(p)                       \
	({                                \
		__typeof__(p) taken_ = (p); \
                                          \
		(p) = NULL;               \
		taken_;                   \
	})

#endif
