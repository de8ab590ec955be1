/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel text: the running kernel's, modules and all, as it is patched now, from /proc/kcore; or
 * that of an image.
 */
#ifndef LOCKVANE_SITES_TEXT_H
#define LOCKVANE_SITES_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct text;

/*
 * path: NULL for /proc/kcore; or an ELF file with program headers (vmlinux), whose addresses are
 * those it was linked for. -EPERM, -ENOENT, -EINVAL: no ELF file of this machine.
 */
int text_open(const char *path, struct text **ret);
void text_close(struct text *t); /* takes NULL */

/* For struct sites_sources: arg is the struct text. -ENOENT: not (wholly) there. */
int text_read(void *arg, uint64_t addr, void *buf, size_t len);

#endif
