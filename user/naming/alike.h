/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Classes of two call sites that the kernel half has seen take locks of objects that look the same:
 * they lock one member of one type (bpf/record/alike.h).
 */
#ifndef LOCKVANE_NAMING_ALIKE_H
#define LOCKVANE_NAMING_ALIKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"

struct alike_item {
	uint32_t id; /* in the kernel half's table of classes; ascending */
	const struct lv_class *class;
};

/*
 * group[i]: the first item that is alike to items[i], directly or through others; i: it is that
 * itself. Two are alike if objects at one place of one cache showed them a rich look
 * (LV_LOOK_RICH), or three different ones: by chance only objects that are hardly filled in look
 * the same.
 */
void alike_group(const struct alike_item *items, size_t nr, size_t *group);

/* Do the locks of both lie in one cache, or other memory, and are of one family? */
bool alike_share_cache(const struct lv_class *a, const struct lv_class *b);

/* ...and at one place in its objects? */
bool alike_share_place(const struct lv_class *a, const struct lv_class *b);

#endif
