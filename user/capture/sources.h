/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Put file and line behind the functions of a capture's stacks, and the functions
 * inlined there before them, as frames of their own: "spin_lock
 * include/linux/spinlock.h:338 [inline]".
 */
#ifndef LOCKVANE_CAPTURE_SOURCES_H
#define LOCKVANE_CAPTURE_SOURCES_H

#include "base/error.h"
#include "capture/capture.h"
#include "kernel/debuginfo.h"

/*
 * Frames that have their lines already stay as they are. -ESTALE: the debug
 * information is another kernel's. On failure the capture stays good.
 */
int sources_add(struct capture *c, struct debuginfo *d, struct error *err);

/* Where the debug information is. */
struct sources_where {
	const char *vmlinux; /* NULL: the running kernel's, where it usually is, or from servers */
	struct debugfiles_where modules;
};

/*
 * The same in a child that gave up everything but reading files: ELF, DWARF and what servers send are
 * untrusted bytes. As root it becomes the user who called sudo, or nobody. A signal that the caller
 * blocks and that comes meanwhile ends the search, and stays pending. Without a vmlinux that is named, 0
 * also where there is none.
 */
int sources_add_confined(struct capture *c, const struct sources_where *where, struct error *err);

#endif
