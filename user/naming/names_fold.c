// SPDX-License-Identifier: GPL-2.0-only
#include "naming/names_fold.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_ELEMENTS 4 /* places that make an array */
#define DENSITY 4	 /* and a quarter of its elements, at least, was seen */
/* A variable, which has no unrelated locks in it, needs less, but more elements. */
#define VARIABLE_ELEMENTS 8
#define VARIABLE_DENSITY 12
/* However few of its elements were seen, these are an array's: chance puts so many in step once in a billion times. */
#define SPARSE_ELEMENTS 16
#define SPARSE_STRIDE 32 /* bytes; locks begin at multiples of four or eight anyway */

static size_t find(struct names_fold_item *items, size_t i)
{
	while (items[i].one_with != i)
		i = items[i].one_with;
	return i;
}

/* The lower one stands for both. */
static void unite(struct names_fold_item *items, size_t a, size_t b)
{
	a = find(items, a);
	b = find(items, b);
	if (a < b)
		items[b].one_with = a;
	else
		items[a].one_with = b;
}

/*
 * "a.bucket[].lock" by its type: elements of one array, initialised in one loop. "completion.wait" on
 * a stack, a class for each function that took one.
 * A superblock's percpu-rwsems are not: each has its own place in the order.
 */
static bool is_element(const struct names_fold_item *item)
{
	return item->result->collapsed && item->result->certainty != NAMES_AMBIGUOUS &&
	       item->class->family != LV_PERCPU_RWSEM;
}

static int by_name(const void *va, const void *vb)
{
	const struct names_fold_item *a = *(struct names_fold_item *const *)va;
	const struct names_fold_item *b = *(struct names_fold_item *const *)vb;
	int order = strcmp(a->result->name, b->result->name);

	order = order ? order : strcmp(a->result->cache, b->result->cache);
	order = order ? order : strcmp(a->result->kind, b->result->kind);
	return order ? order : (int)a->class->family - (int)b->class->family;
}

static void fold_elements(struct names_fold_item *items, struct names_fold_item **some, size_t nr)
{
	size_t kept = 0;

	for (size_t i = 0; i < nr; i++)
		if (is_element(&items[i]))
			some[kept++] = &items[i];
	qsort(some, kept, sizeof(*some), by_name);
	for (size_t i = 0; i < kept; i++) {
		if (i && !by_name(&some[i - 1], &some[i]))
			unite(items, some[i - 1] - items, some[i] - items);
		some[i]->result->collapsed = false; /* so it is called whichever were seen */
	}
}

static bool is_untyped(const struct names_fold_item *item)
{
	const struct names_result *r = item->result;

	return item->class->place.kind == LV_PLACE_SLAB && !r->alias[0] && !item->is_waitq &&
	       (r->certainty == NAMES_AMBIGUOUS || r->by_callsite);
}

static int by_cache(const void *va, const void *vb)
{
	const struct lv_class *a = (*(struct names_fold_item *const *)va)->class;
	const struct lv_class *b = (*(struct names_fold_item *const *)vb)->class;

	if (a->place.base != b->place.base)
		return a->place.base < b->place.base ? -1 : 1;
	if (a->family != b->family)
		return (int)a->family - (int)b->family;
	if (a->subclass != b->subclass)
		return (int)a->subclass - (int)b->subclass;
	return a->place.off < b->place.off ? -1 : a->place.off > b->place.off;
}

static uint32_t gcd(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* The distance of neighbours, if these offsets (ascending) are an array's; else 0. */
static uint32_t stride_of(const uint32_t *off, size_t nr, uint32_t density)
{
	uint32_t stride = 0;

	if (nr < LEAST_ELEMENTS)
		return 0;
	for (size_t i = 1; i < nr; i++)
		stride = gcd(stride, off[i] - off[i - 1]);
	return stride && (off[nr - 1] - off[0]) / stride < nr * density ? stride : 0;
}

static bool taken_at(const struct names_fold_item *item, uint64_t ip)
{
	for (size_t i = 0; i < item->nr_sites; i++)
		if (item->sites[i] == ip)
			return true;
	return false;
}

static bool is_in_array(const struct lv_class *class, uint32_t first, uint32_t last,
			uint32_t stride)
{
	uint32_t off = class->place.off;

	return off >= first && off <= last && off % stride == first % stride;
}

/* Is one of its sites where another element is taken, too? Else an unrelated lock lies there.
 */
static bool shares_site(struct names_fold_item **some, size_t nr, size_t at, uint32_t first,
			uint32_t last, uint32_t stride)
{
	for (size_t i = 0; i < nr; i++) {
		if (i == at || !is_in_array(some[i]->class, first, last, stride))
			continue;
		for (size_t j = 0; j < some[at]->nr_sites; j++)
			if (taken_at(some[i], some[at]->sites[j]))
				return true;
	}
	return false;
}

static void name_array(struct names_fold_item *item, uint32_t stride)
{
	struct names_result *r = item->result;
	const struct lv_class *class = item->class;

	if (strchr(r->name, '[')) /* a guess has named them all */
		return;
	snprintf(r->name, sizeof(r->name), "%s+0x%" PRIx32 "[]%.*s", r->cache,
		 class->place.off % stride, class->subclass & LV_SUBCLASS_TWIN ? 2 : 0, "/1");
	memcpy(r->full, r->name, sizeof(r->full));
}

/*
 * A class of other memory where elements of the array may lie has some of them in it; but one of a
 * site of its own, which is typed, has what that site takes.
 */
static void mark_overlaid(struct names_fold_item *items, size_t nr, const struct lv_class *like,
			  uint32_t first, uint32_t last, uint32_t stride)
{
	for (size_t i = 0; i < nr; i++) {
		const struct lv_class *class = items[i].class;

		if (class->place.site && !items[i].result->by_callsite)
			continue;
		if (class->place.kind == LV_PLACE_SLAB && class->place.base == like->place.base &&
		    class->family == like->family && is_in_array(class, first, last, stride))
			items[i].result->certainty = NAMES_AMBIGUOUS;
	}
}

/*
 * One instruction that takes locks at many offsets of one cache's objects, and
 * these an equal distance apart: an array of locks, as for a hash table.
 */
static void fold_site(struct names_fold_item *items, size_t nr_items, struct names_fold_item **some,
		      size_t nr, uint64_t ip)
{
	uint32_t off[NAMES_FOLD_MAX], stride; /* sorted, as `some` is */
	size_t first = 0, found = 0;

	for (size_t i = 0; i < nr && found < NAMES_FOLD_MAX; i++)
		if (taken_at(some[i], ip))
			off[found++] = some[i]->class->place.off;
	stride = stride_of(off, found, DENSITY);
	if (!stride)
		return;
	mark_overlaid(items, nr_items, some[0]->class, off[0], off[found - 1], stride);
	for (size_t i = 0; i < nr; i++) {
		if (!is_in_array(some[i]->class, off[0], off[found - 1], stride) ||
		    !shares_site(some, nr, i, off[0], off[found - 1], stride))
			continue;
		if (first)
			unite(items, some[first - 1] - items, some[i] - items);
		first = i + 1;
		name_array(some[i], stride);
	}
}

/* Those of one cache and family, twins or not. */
static void fold_cache(struct names_fold_item *items, size_t nr_items,
		       struct names_fold_item **some, size_t nr)
{
	for (size_t i = 0; nr >= LEAST_ELEMENTS && i < nr; i++)
		for (size_t j = 0; j < some[i]->nr_sites; j++)
			fold_site(items, nr_items, some, nr, some[i]->sites[j]);
}

static void fold_untyped(struct names_fold_item *items, struct names_fold_item **some, size_t nr)
{
	size_t kept = 0, end;

	for (size_t i = 0; i < nr; i++)
		if (is_untyped(&items[i]))
			some[kept++] = &items[i];
	qsort(some, kept, sizeof(*some), by_cache);
	for (size_t i = 0; i < kept; i = end) {
		for (end = i + 1; end < kept; end++)
			if (some[end]->class->place.base != some[i]->class->place.base ||
			    some[end]->class->family != some[i]->class->family ||
			    some[end]->class->subclass != some[i]->class->subclass)
				break;
		fold_cache(items, nr, some + i, end - i);
	}
}

/* "nf_conntrack_locks+0x9f80": where in a variable without a type. 0: it is called otherwise. */
static size_t variable_len(const struct names_fold_item *item)
{
	const char *plus = strrchr(item->result->name, '+');

	if (item->class->place.kind != LV_PLACE_STATIC || !plus || strchr(plus, ' ') ||
	    !strncmp(item->result->name, "kernel+", strlen("kernel+")))
		return 0;
	return plus - item->result->name;
}

static int order_of_variables(const struct names_fold_item *a, const struct names_fold_item *b)
{
	size_t len = variable_len(a);

	if (len != variable_len(b))
		return len < variable_len(b) ? -1 : 1;
	if (a->class->family != b->class->family)
		return (int)a->class->family - (int)b->class->family;
	if (a->class->subclass != b->class->subclass)
		return (int)a->class->subclass - (int)b->class->subclass;
	return strncmp(a->result->name, b->result->name, len);
}

static int by_variable(const void *va, const void *vb)
{
	const struct names_fold_item *a = *(struct names_fold_item *const *)va;
	const struct names_fold_item *b = *(struct names_fold_item *const *)vb;
	uint64_t x = a->class->place.base + a->class->place.off;
	uint64_t y = b->class->place.base + b->class->place.off;
	int order = order_of_variables(a, b);

	return order ? order : x < y ? -1 : x > y;
}

static uint32_t place_of(const struct names_fold_item *item)
{
	return item->class->place.base + item->class->place.off;
}

static uint32_t stride_of_variable(const uint32_t *off, size_t nr)
{
	uint32_t stride = nr < VARIABLE_ELEMENTS ? 0 : stride_of(off, nr, VARIABLE_DENSITY);

	if (stride || nr < SPARSE_ELEMENTS)
		return stride;
	stride = stride_of(off, nr, UINT32_MAX);
	return stride >= SPARSE_STRIDE ? stride : 0;
}

struct elements {
	uint32_t first, last, stride; /* 0: it is no array */
};

/* Does one instruction take what lies at an equal distance in one variable? Sorted by its places. */
static struct elements find_array(struct names_fold_item **some, size_t nr, uint64_t ip)
{
	struct elements array = {};
	uint32_t off[NAMES_FOLD_MAX];
	size_t found = 0;

	for (size_t i = 0; i < nr && found < NAMES_FOLD_MAX; i++)
		if (taken_at(some[i], ip))
			off[found++] = place_of(some[i]);
	array.stride = stride_of_variable(off, found);
	if (!array.stride)
		return array;
	array.first = off[0];
	array.last = off[found - 1];
	return array;
}

static bool is_element_of(const struct names_fold_item *item, const struct elements *array)
{
	uint32_t off = place_of(item);

	return off >= array->first && off <= array->last && !((off - array->first) % array->stride);
}

/*
 * Those of one variable: what one instruction takes at many places of it is an array, and so is what
 * others take between and in step with them.
 */
static void fold_variable(struct names_fold_item *items, struct names_fold_item **some, size_t nr,
			  size_t at)
{
	size_t len = variable_len(some[at]);

	for (size_t j = 0; len && j < some[at]->nr_sites; j++) {
		struct elements array = find_array(some, nr, some[at]->sites[j]);

		if (!array.stride)
			continue;
		for (size_t i = 0; i < nr; i++) {
			struct names_result *r = some[i]->result;

			if (!is_element_of(some[i], &array))
				continue;
			unite(items, some[at] - items, some[i] - items);
			snprintf(r->name + len, sizeof(r->name) - len, "[]%s",
				 some[i]->class->subclass & LV_SUBCLASS_TWIN ? "/1" : "");
			memcpy(r->full, r->name, sizeof(r->full));
		}
		return;
	}
}

static void fold_variables(struct names_fold_item *items, struct names_fold_item **some, size_t nr)
{
	size_t kept = 0, end;

	for (size_t i = 0; i < nr; i++)
		if (variable_len(&items[i]))
			some[kept++] = &items[i];
	qsort(some, kept, sizeof(*some), by_variable);
	for (size_t i = 0; i < kept; i = end) {
		for (end = i + 1; end < kept && !order_of_variables(some[i], some[end]); end++)
			;
		for (size_t at = i; end - i >= VARIABLE_ELEMENTS && at < end; at++)
			fold_variable(items, some + i, end - i, at - i);
	}
}

static int by_place(const void *va, const void *vb)
{
	const struct lv_class *a = (*(struct names_fold_item *const *)va)->class;
	const struct lv_class *b = (*(struct names_fold_item *const *)vb)->class;
	int order = strncmp(a->cache, b->cache, sizeof(a->cache));

	if (order)
		return order;
	if (a->family != b->family)
		return (int)a->family - (int)b->family;
	if (a->subclass != b->subclass)
		return (int)a->subclass - (int)b->subclass;
	if (a->cache_size != b->cache_size)
		return a->cache_size < b->cache_size ? -1 : 1;
	return a->place.off < b->place.off ? -1 : a->place.off > b->place.off;
}

/*
 * A module that is loaded again makes its caches again: by the same names, the same locks. In caches
 * of several types the call sites tell (siting.h).
 */
static void fold_caches(struct names_fold_item *items, struct names_fold_item **some, size_t nr)
{
	size_t kept = 0;

	for (size_t i = 0; i < nr; i++)
		if (items[i].class->place.kind == LV_PLACE_SLAB && items[i].class->cache[0] &&
		    !items[i].class->place.site)
			some[kept++] = &items[i];
	qsort(some, kept, sizeof(*some), by_place);
	for (size_t i = 1; i < kept; i++) {
		struct names_result *a = some[i - 1]->result, *b = some[i]->result;

		if (by_place(&some[i - 1], &some[i]))
			continue;
		if (a->certainty > b->certainty) /* the surest is right for all */
			*a = *b;
		else
			*b = *a;
		unite(items, some[i - 1] - items, some[i] - items);
	}
}

int names_fold(struct names_fold_item *items, size_t nr)
{
	struct names_fold_item **some = calloc(nr + 1, sizeof(*some));

	if (!some)
		return -ENOMEM;
	fold_elements(items, some, nr);
	fold_untyped(items, some, nr);
	fold_variables(items, some, nr);
	fold_caches(items, some, nr);
	for (size_t i = 0; i < nr; i++)
		items[i].one_with = find(items, i);
	free(some);
	return 0;
}
