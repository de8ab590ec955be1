/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's own names for its wait queues, mutexes and rwsems at run time, and the structs that
 * these betray: "&ctx->wait" at offset 0x160 of some cache's objects fits few of the kernel's
 * structs, often one.
 */
#ifndef LOCKVANE_NAMING_EVIDENCE_H
#define LOCKVANE_NAMING_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "kernel/kbtf.h"

struct evidence;

#define EVIDENCE_TYPES 8

struct evidence_item {
	struct lv_place place;
	char text[LV_NAME_LEN]; /* printable */
	char last[LV_NAME_LEN]; /* the member it ends in, or "" */
	bool clashes;           /* other names came for the same place */
	/* structs with a lock of that name at that offset */
	struct kbtf_type types[EVIDENCE_TYPES];
	size_t nr_types; /* EVIDENCE_TYPES: too many to mean anything */
};

/*
 * Takes what is READY or DEAD of the names. btf may be NULL. The order of the names
 * does not matter.
 */
int evidence_new(const struct kbtf *btf, const struct lv_name *names, size_t nr,
		 struct evidence **ret);
void evidence_free(struct evidence *e); /* takes NULL */

/* Where to look for what was told of a place: what has gone is apart from what lies there now. */
struct lv_place evidence_place(const struct lv_place *place, uint32_t slot_state);

/* Has such a struct a lock of that name at the place the item tells of? */
bool evidence_fits(const struct kbtf *btf, const struct evidence_item *item, struct kbtf_type t);

/*
 * May the name be a lock's of that family? A wait queue and another object's rwsem can
 * share a place in untyped memory. False only if the structs it fits all say so.
 */
bool evidence_is_of(const struct kbtf *btf, const struct evidence_item *item, uint32_t family);

/* For exactly that place; or NULL. */
const struct evidence_item *evidence_at(const struct evidence *e, const struct lv_place *place);

/* All in the same cache (kind and base alike), by offset. prev NULL: the first. */
const struct evidence_item *evidence_next(const struct evidence *e, const struct lv_place *place,
					  const struct evidence_item *prev);

/* Sizes of the structs that may lie in a cache's objects of that size. */
void evidence_range(uint32_t cache_size, bool kmalloc, uint32_t *ret_min, uint32_t *ret_max);

#endif
