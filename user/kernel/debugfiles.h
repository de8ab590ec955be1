/* SPDX-License-Identifier: GPL-2.0-only */
/* Where a kernel's debug information is kept. */
#ifndef LOCKVANE_KERNEL_DEBUGFILES_H
#define LOCKVANE_KERNEL_DEBUGFILES_H

#include <stddef.h>

#define BUILD_ID_LEN 129 /* in hex, and its end */

/* A build id's bytes in hex. -ENOENT: it is none. */
int debugfiles_build_id_text(const void *bytes, size_t len, char ret[static BUILD_ID_LEN]);

/* The build id of the running kernel, or of a module that is loaded. root: see file_path(). */
int debugfiles_build_id(const char *root, const char *module, char ret[static BUILD_ID_LEN]);

/*
 * The vmlinux of the running kernel, by its build id (from /sys/kernel/notes): in
 * the usual places for the release, below .build-id, or, where DEBUGINFOD_URLS names
 * servers, from those. A file with another build id is passed over. The path, to be
 * freed; NULL: none. root: see file_path(); it keeps servers out.
 */
char *debugfiles_running(const char *root, const char *release);

/* Where modules are: in a folder and those below; or, NULL, where they usually are, by release. */
struct debugfiles_where {
	const char *folder;
	const char *release; /* NULL: nowhere */
};

/*
 * A module's file, with or without DWARF; NULL: none. To be freed. wanted: its build id, files with
 * another are passed over; or NULL.
 */
char *debugfiles_module(const char *root, const struct debugfiles_where *where, const char *module,
			const char *wanted);

#endif
