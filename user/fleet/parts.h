/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A capture in parts: a class at its certainty, a usage of one, a dependency of two. A part never changes,
 * and has the same key on every host. A part of which more is seen later, twice instead of once, is
 * another part.
 */
#ifndef LOCKVANE_FLEET_PARTS_H
#define LOCKVANE_FLEET_PARTS_H

#include <stddef.h>

#include "capture/capture.h"
#include "fleet/key.h"

/* In the order of dependence: what a usage or a dependency is about comes before it. */
enum fleet_kind {
	FLEET_CLASS = 0, /* value: enum capture_certainty; flags: the class's */
	FLEET_USAGE = 1, /* value: enum lv_usage */
	FLEET_EDGE = 2,	 /* value: enum lv_dep, as in capture_edge */
};

#define FLEET_TWICE 1
#define FLEET_SURE 2

struct fleet_part {
	struct fleet_key key;
	enum fleet_kind kind;
	uint32_t class, other;	    /* indices in the capture's classes; other: of an edge, else LV_NONE */
	uint32_t value, flags;
	uint32_t stack, from_stack; /* in its stacks, or LV_NONE */
};

struct fleet_parts {
	struct fleet_part *items;
	size_t nr;
	uint32_t left_out; /* classes of whose place nothing is known: no other host can have them */
};

/* -ENOMEM. Free with fleet_parts_free(), which takes none, too. */
int fleet_parts_of(const struct capture *c, struct fleet_parts *ret);
void fleet_parts_free(struct fleet_parts *p);

/* Parts by their keys in so many heaps: of those whose digest is the same nothing is sent. */
#define FLEET_HEAPS 64
uint32_t fleet_heap_of(const struct fleet_part *part);
void fleet_digest(const struct fleet_parts *p, uint64_t ret[static FLEET_HEAPS]);

#endif
