// SPDX-License-Identifier: GPL-2.0-only
#include "naming/evidence.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "kernel/lockpath.h"
#include "kernel/slabs.h"

struct evidence {
	struct evidence_item *items; /* by kind, base, offset, text */
	size_t nr;
};

static int compare_base(const struct lv_place *a, const struct lv_place *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return a->base < b->base ? -1 : a->base > b->base;
}

static int compare_items(const void *va, const void *vb)
{
	const struct evidence_item *a = va, *b = vb;
	int order = compare_base(&a->place, &b->place);

	if (order)
		return order;
	if (a->place.off != b->place.off)
		return a->place.off < b->place.off ? -1 : 1;
	return strcmp(a->text, b->text);
}

void evidence_range(uint32_t cache_size, bool kmalloc, uint32_t *ret_min, uint32_t *ret_max)
{
	uint32_t below = 0;

	*ret_max = cache_size;
	if (!kmalloc)
		below = cache_size > 64 ? cache_size - 64 : 0; /* one cache line */
	else if (cache_size == 96 || cache_size == 192)
		below = cache_size / 3 * 2;
	else if (cache_size == 128 || cache_size == 256)
		below = cache_size / 4 * 3;
	else if (cache_size > 8)
		below = cache_size / 2;
	*ret_min = below + 1;
}

struct type_query {
	const struct kbtf *btf;
	struct evidence_item *item;
};

bool evidence_fits(const struct kbtf *btf, const struct evidence_item *item, struct kbtf_type t)
{
	/*
	 * Families whose init function is told a name; among locks that spin, wait-queue heads
	 * only.
	 */
	static const uint32_t families[] = { LV_SPIN, LV_MUTEX, LV_RWSEM };
	struct lockpath lock;
	char last[LV_NAME_LEN];

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		lockpath_at(btf, t, item->place.off, families[i], &lock);
		if (lock.what == LOCKPATH_NONE ||
		    (families[i] == LV_SPIN && lock.what != LOCKPATH_WAITQ))
			continue;
		lockpath_last(lock.path, last, sizeof(last));
		if (!strcmp(last, item->last))
			return true;
	}
	return false;
}

bool evidence_is_of(const struct kbtf *btf, const struct evidence_item *item, uint32_t family)
{
	struct lockpath lock;

	if (!item->nr_types || item->nr_types == EVIDENCE_TYPES)
		return true;
	for (size_t i = 0; i < item->nr_types; i++) {
		lockpath_at(btf, item->types[i], item->place.off, family, &lock);
		if (lock.what != LOCKPATH_NONE)
			return true;
	}
	return false;
}

static int add_type(struct kbtf_type t, void *arg)
{
	struct type_query *q = arg;
	struct evidence_item *item = q->item;
	size_t i;

	if (!evidence_fits(q->btf, item, t))
		return 0;
	for (i = 0; i < item->nr_types; i++) /* a module may repeat vmlinux' */
		if (!strcmp(kbtf_name(item->types[i]), kbtf_name(t)) &&
		    kbtf_size(item->types[i]) == kbtf_size(t))
			return 0;
	if (!kbtf_name(t)[0])
		return 0;
	item->types[item->nr_types++] = t;
	return item->nr_types == EVIDENCE_TYPES;
}

static void find_types(const struct kbtf *btf, struct evidence_item *item,
		       const struct lv_name *name)
{
	struct type_query q = { btf, item };
	uint32_t min, max;

	if (!btf || !item->last[0] || !name->cache_size || item->place.kind != LV_PLACE_SLAB)
		return;
	evidence_range(name->cache_size, slab_name_is_kmalloc(name->cache), &min, &max);
	kbtf_each_struct(btf, min, max, add_type, &q);
}

/* No kernel address has its highest bit clear. */
struct lv_place evidence_place(const struct lv_place *place, uint32_t slot_state)
{
	struct lv_place found = *place;

	if (slot_state == LV_SLOT_DEAD)
		found.base &= ~(1ull << 63);
	return found;
}

static void fill_item(const struct kbtf *btf, struct evidence_item *item,
		      const struct lv_name *name)
{
	item->place = evidence_place(&name->place, name->state);
	item->clashes = name->clashes;
	strbuf_copy_clean(item->text, sizeof(item->text), name->text, sizeof(name->text));
	/* a text cut at the limit has lost its last member */
	if (strlen(item->text) < sizeof(item->text) - 1)
		lockpath_last(item->text, item->last, sizeof(item->last));
	find_types(btf, item, name);
}

int evidence_new(const struct kbtf *btf, const struct lv_name *names, size_t nr,
		 struct evidence **ret)
{
	struct evidence *e = calloc(1, sizeof(*e));
	size_t i;

	if (e)
		e->items = calloc(nr + 1, sizeof(*e->items));
	if (!e || !e->items) {
		evidence_free(e);
		return -ENOMEM;
	}
	for (i = 0; i < nr; i++)
		if (names[i].state == LV_SLOT_READY || names[i].state == LV_SLOT_DEAD)
			fill_item(btf, &e->items[e->nr++], &names[i]);
	qsort(e->items, e->nr, sizeof(*e->items), compare_items);
	*ret = e;
	return 0;
}

void evidence_free(struct evidence *e)
{
	if (!e)
		return;
	free(e->items);
	free(e);
}

/* The first item not before that place. */
static size_t first_from(const struct evidence *e, const struct lv_place *place, uint32_t off)
{
	size_t low = 0, high = e->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = compare_base(&e->items[mid].place, place);

		if (order < 0 || (!order && e->items[mid].place.off < off))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct evidence_item *evidence_at(const struct evidence *e, const struct lv_place *place)
{
	size_t i = first_from(e, place, place->off);

	if (i < e->nr && !compare_base(&e->items[i].place, place) &&
	    e->items[i].place.off == place->off)
		return &e->items[i];
	return NULL;
}

const struct evidence_item *evidence_next(const struct evidence *e, const struct lv_place *place,
					  const struct evidence_item *prev)
{
	size_t i = prev ? (size_t)(prev - e->items) + 1 : first_from(e, place, 0);

	if (i < e->nr && !compare_base(&e->items[i].place, place))
		return &e->items[i];
	return NULL;
}
