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
 * information is another kernel's. Of what fails the capture stays good.
 */
int sources_add(struct capture *c, struct debuginfo *d, struct error *err);

#endif
