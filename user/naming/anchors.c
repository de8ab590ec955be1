// SPDX-License-Identifier: GPL-2.0-only
#include "naming/anchors.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "naming/tabletype.h"

#define PAGE 4096
#define LARGEST (64u << 20) /* bytes of a table */

struct anchors {
	const struct ksyms *ksyms;
	const struct kbtf *btf;
	struct lv_anchor *all;
	size_t nr, room;
};

void anchors_free(struct anchors *a)
{
	if (!a)
		return;
	free(a->all);
	free(a);
}

int anchors_new(const struct ksyms *ksyms, const struct kbtf *btf, struct anchors **ret)
{
	struct anchors *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->ksyms = ksyms;
	a->btf = btf;
	*ret = a;
	return 0;
}

/* __ro_after_init data lies among the constants; __init data has been freed. */
size_t anchors_ranges(const struct ksyms *ksyms, struct anchors_range ret[ANCHORS_RANGES])
{
	static const char *const names[ANCHORS_RANGES][2] = {
		{"__start_ro_after_init", "__end_ro_after_init"},
		{"_sdata", "__init_begin"},
		{"__init_end", "_end"},
	};
	size_t nr = 0;

	for (size_t i = 0; i < ANCHORS_RANGES; i++) {
		uint64_t start = (ksyms_address(ksyms, names[i][0]) + 7) & ~7ull;
		uint64_t end = ksyms_address(ksyms, names[i][1]);

		if (start && start < end)
			ret[nr++] = (struct anchors_range){start, end};
	}
	return nr;
}

/*
 * Is it a table? In a slab, only if it is an array of locks: what else is there has a
 * type, and others like it that no variable points to. Elsewhere, if we know what it is, or
 * a variable is nothing but a pointer to a page's begin.
 */
static bool is_table(const struct anchors *a, const struct lv_anchor *found, struct tabletype *ret)
{
	if (!tabletype_at(a->ksyms, a->btf, found->where, ret))
		return false;
	if (found->slab)
		return ret->locks;
	return ret->element.btf || (ret->first && found->addr % PAGE == 0);
}

static int grow(struct anchors *a)
{
	size_t room = a->room ? 2 * a->room : 64;
	struct lv_anchor *grown;

	if (a->nr < a->room)
		return 0;
	grown = reallocarray(a->all, room, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	a->all = grown;
	a->room = room;
	return 0;
}

int anchors_add(struct anchors *a, const struct lv_anchor *found, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		struct lv_anchor *anchor;
		struct tabletype type;

		if (!is_table(a, &found[i], &type))
			continue;
		if (grow(a))
			return -ENOMEM;
		anchor = &a->all[a->nr++];
		*anchor = found[i];
		anchor->base = type.base;
		anchor->stride = type.element.btf ? kbtf_size(type.element) : 0;
		if (!anchor->slab)
			anchor->size = type.one ? anchor->stride : LARGEST;
	}
	return 0;
}

/* Where several point to one place, the one whose type is known, or the first. */
static int by_address(const void *va, const void *vb)
{
	const struct lv_anchor *a = va, *b = vb;

	if (a->addr != b->addr)
		return a->addr < b->addr ? -1 : 1;
	if (!a->stride != !b->stride)
		return a->stride ? -1 : 1;
	return a->where < b->where ? -1 : a->where > b->where;
}

/* A pointer into the middle of one object is no anchor. */
static bool is_inside(const struct lv_anchor *before, const struct lv_anchor *anchor)
{
	return anchor->addr - before->addr < before->size && before->size == before->stride;
}

static size_t drop_doubles(struct lv_anchor *all, size_t nr)
{
	size_t kept = 0;

	for (size_t i = 0; i < nr; i++) {
		if (kept &&
		    (all[kept - 1].addr == all[i].addr || is_inside(&all[kept - 1], &all[i])))
			continue;
		all[kept++] = all[i];
	}
	return kept;
}

static void mark_pages(struct lv_anchors *table, const struct lv_anchor *anchor)
{
	uint64_t page = anchor->addr / PAGE, last = (anchor->addr + anchor->size - 1) / PAGE;

	for (; page <= last; page++)
		table->pages[page / 64 % 64] |= 1ull << page % 64;
}

void anchors_table(struct anchors *a, struct lv_anchors *ret)
{
	if (a->nr)
		qsort(a->all, a->nr, sizeof(*a->all), by_address);
	a->nr = drop_doubles(a->all, a->nr);
	memset(ret, 0, sizeof(*ret));
	ret->nr = a->nr < LV_MAX_ANCHORS ? a->nr : LV_MAX_ANCHORS;
	for (size_t i = 0; i < ret->nr; i++) {
		struct lv_anchor *anchor = &ret->anchor[i];

		*anchor = a->all[i];
		if (i + 1 < a->nr && a->all[i + 1].addr - anchor->addr < anchor->size)
			anchor->size = a->all[i + 1].addr - anchor->addr;
		if (anchor->slab)
			mark_pages(ret, anchor);
	}
}
