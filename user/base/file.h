/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading small files of /proc and /sys, whose size is not known beforehand. */
#ifndef LOCKVANE_BASE_FILE_H
#define LOCKVANE_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * The whole file, NUL-terminated, at most max bytes (-EFBIG beyond). ret_len
 * may be NULL. The caller frees.
 */
int file_read(const char *path, size_t max, char **ret, size_t *ret_len);

/* root + path, where root may be NULL or "" : fixtures put a folder before it. */
int file_path(const char *root, const char *path, char *buf, size_t room);

/* The first line of root + path without its newline; cut to room. */
int file_line(const char *root, const char *path, char *buf, size_t room);

/* The number at the start of root + path, decimal. */
int file_number(const char *root, const char *path, int64_t *ret);

/*
 * Is a file, or a folder, root's or ours, and writable for nobody else? Its text is followed as if its
 * owner had typed it. -EKEYREJECTED with words if not; 0 where there is none.
 */
int file_check_owner(const char *path, struct error *err);

#endif
