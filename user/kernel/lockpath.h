/* SPDX-License-Identifier: GPL-2.0-only */
/* Which lock lies at an offset of a type, and by which path of members. */
#ifndef LOCKVANE_KERNEL_LOCKPATH_H
#define LOCKVANE_KERNEL_LOCKPATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/kbtf.h"

#define LOCKPATH_LEN 160
#define LOCKPATH_ANY 0xffu /* any family */

enum lockpath_what {
	LOCKPATH_NONE, /* no lock (of that family) at the offset */
	LOCKPATH_LOCK,
	LOCKPATH_WAITQ, /* a wait-queue head: its lock is its first member */
};

struct lockpath {
	enum lockpath_what what;
	bool ambiguous; /* a union has several: the first is given */
	uint32_t size;	/* size of the lock, or of the head */
	/* "a.bucket[3].lock"; "" if the type is itself the lock */
	char path[LOCKPATH_LEN];
};

/*
 * The lock of a family (enum lv_family) at offset off of t. Anonymous members
 * are flattened, a trailing array of no length has as many elements as asked.
 */
void lockpath_at(const struct kbtf *k, struct kbtf_type t, uint32_t off, uint32_t family,
		 struct lockpath *ret);

/* The struct that a path's first member, of several, is. False: it has a single one, or no name. */
bool lockpath_first(struct kbtf_type t, const char *path, struct kbtf_type *ret);

/* The pointer at an offset of t: what it points to, and by which path. False: there is none. */
bool lockpath_pointer(const struct kbtf *k, struct kbtf_type t, uint32_t off,
		      struct kbtf_type *ret_to, char ret_path[LOCKPATH_LEN]);

/* The text between a name and a path behind it: "." or, before an index or nothing, "". */
const char *lockpath_joint(const char *path);

/* Is there a lock of the family anywhere in t, which is of `most` bytes or fewer? */
bool lockpath_within(const struct kbtf *k, struct kbtf_type t, uint32_t most, uint32_t family);

/* "a.bucket[3].lock" -> "a.bucket[].lock", in place. True if there was an index. */
bool lockpath_collapse(char *path);

/* The last member's name in a path or in a C expression like "&ctx->wq[i].wait": "wait". */
size_t lockpath_last(const char *text, char *buf, size_t room);

#endif
