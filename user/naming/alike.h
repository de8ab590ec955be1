/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Classes of two call sites that the kernel half has seen take locks of objects that look the same:
 * they lock one member of one type (bpf/record/alike.h).
 */
#ifndef LOCKVANE_NAMING_ALIKE_H
#define LOCKVANE_NAMING_ALIKE_H

#include <stddef.h>
#include <stdint.h>

#include "abi.h"

struct alike_item {
	uint32_t id; /* in the kernel half's table of classes; ascending */
	const struct lv_class *class;
};

/*
 * group[i]: the first item that is alike to items[i], directly or through others; i: it is that itself. Two
 * are alike if objects at one place of one cache showed them three different looks, so that it was not
 * by chance, as of objects that are hardly filled in.
 */
void alike_group(const struct alike_item *items, size_t nr, size_t *group);

#endif
