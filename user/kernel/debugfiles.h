/* SPDX-License-Identifier: GPL-2.0-only */
/* Where a kernel's debug information is kept. */
#ifndef LOCKVANE_KERNEL_DEBUGFILES_H
#define LOCKVANE_KERNEL_DEBUGFILES_H

#include <stddef.h>

/*
 * The vmlinux of the running kernel, by its build id (from /sys/kernel/notes): in
 * the usual places for the release, below .build-id, or, where DEBUGINFOD_URLS names
 * servers, from those. A file with another build id is passed over. The path, to be
 * freed; NULL: none. root: see file_path(); it keeps servers out.
 */
char *debugfiles_running(const char *root, const char *release);

/* A module's file, with or without DWARF, of a release; NULL: none. To be freed. */
char *debugfiles_module(const char *root, const char *release, const char *module);

#endif
