// SPDX-License-Identifier: GPL-2.0-only
#include "naming/alike.h"

#include <stdlib.h>

#define ENOUGH_LOOKS 3

static int by_id(const void *key, const void *item)
{
	uint32_t id = *(const uint32_t *)key, other = ((const struct alike_item *)item)->id;

	return id < other ? -1 : id > other;
}

bool alike_share_cache(const struct lv_class *a, const struct lv_class *b)
{
	return a->place.kind == b->place.kind && a->place.base == b->place.base &&
	       a->family == b->family;
}

bool alike_share_place(const struct lv_class *a, const struct lv_class *b)
{
	return alike_share_cache(a, b) && a->place.off == b->place.off;
}

/* The class that one is alike to, in slot `at`; NULL: none that is still there, or not known well
 * enough. */
static const struct alike_item *find_other(const struct alike_item *items, size_t nr,
					   const struct lv_class *class, size_t at)
{
	const struct alike_item *other;
	uint32_t id = class->alike[at] - 1;

	if (!class->alike[at] || (!(class->alike_looks[at] & LV_ALIKE_RICH) &&
				  __builtin_popcount(class->alike_looks[at]) < ENOUGH_LOOKS))
		return NULL;
	other = bsearch(&id, items, nr, sizeof(*items), by_id);
	return other && alike_share_place(class, other->class) ? other : NULL;
}

static size_t find_first(size_t *group, size_t i)
{
	while (group[i] != i)
		i = group[i] = group[group[i]];
	return i;
}

static void unite(size_t *group, size_t a, size_t b)
{
	a = find_first(group, a);
	b = find_first(group, b);
	if (a < b)
		group[b] = a;
	else
		group[a] = b;
}

void alike_group(const struct alike_item *items, size_t nr, size_t *group)
{
	for (size_t i = 0; i < nr; i++)
		group[i] = i;
	for (size_t i = 0; i < nr; i++)
		for (size_t at = 0; at < LV_ALIKE; at++) {
			const struct alike_item *other = find_other(items, nr, items[i].class, at);

			if (other)
				unite(group, i, other - items);
		}
	for (size_t i = 0; i < nr; i++)
		group[i] = find_first(group, i);
}
