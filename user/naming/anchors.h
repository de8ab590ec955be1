/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which of the words in the kernel's data that point into the direct map, or vmalloc, are
 * worth to be known by the kernel half (struct lv_anchor), of all that it finds.
 */
#ifndef LOCKVANE_NAMING_ANCHORS_H
#define LOCKVANE_NAMING_ANCHORS_H

#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "kernel/kbtf.h"
#include "kernel/ksyms.h"

#define ANCHORS_RANGES 3

struct anchors_range {
	uint64_t start, end;
};

/* Where the kernel keeps its variables. Returns how many ranges these are; 0: not told. */
size_t anchors_ranges(const struct ksyms *ksyms, struct anchors_range ret[ANCHORS_RANGES]);

struct anchors;

/* Both must outlive it; btf may be NULL. */
int anchors_new(const struct ksyms *ksyms, const struct kbtf *btf, struct anchors **ret);
void anchors_free(struct anchors *a); /* takes NULL */

/* Found by the kernel half: address, where, and in a slab's object the size. */
int anchors_add(struct anchors *a, const struct lv_anchor *found, size_t nr);

/*
 * The table: sorted, each up to the next one, elements' sizes and the classes' bases filled
 * in. Ranges beyond its room are left out.
 */
void anchors_table(struct anchors *a, struct lv_anchors *ret);

#endif
