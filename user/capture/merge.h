/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Captures of one kernel build put together. A class is known by its place relative to symbols, not
 * by an address: by its name and what bears it out (place.h). Each edge stays one
 * capture's sighting, and of each usage the first is kept. Instances of different captures
 * never have the same address: that of the n-th differs in its upper six bits, by n.
 */
#ifndef LOCKVANE_CAPTURE_MERGE_H
#define LOCKVANE_CAPTURE_MERGE_H

#include "base/error.h"
#include "capture/capture.h"

struct capture_merge;

struct capture_merge *capture_merge_new(void); /* NULL: no memory */
void capture_merge_free(struct capture_merge *m); /* takes NULL */

/*
 * Add one that capture_db_load() took, or that a recorder made. One that was put together before brings its own
 * sources. path: its file, which names it if it does not name its host. -EINVAL: it is of another kernel build or recorded otherwise, or there is more than
 * a capture holds; what was added then is not to be used.
 */
int capture_merge_add(struct capture_merge *m, const struct capture *c, const char *path,
		      struct error *err);

/* All that was added; the caller frees. */
struct capture *capture_merge_take(struct capture_merge *m);

#endif
