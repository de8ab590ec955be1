// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "naming/names.h"

/* The surest first, so that it keeps the plain name; then by where they live. */
static int compare(const void *va, const void *vb)
{
	const struct names_result *a = *(struct names_result *const *)va;
	const struct names_result *b = *(struct names_result *const *)vb;
	int order = strcmp(a->name, b->name);

	if (order)
		return order;
	if (a->certainty != b->certainty)
		return a->certainty < b->certainty ? -1 : 1;
	order = strcmp(a->key, b->key);
	if (!order)
		order = strcmp(a->full, b->full);
	if (!order)
		order = (int)a->family - (int)b->family;
	return order;
}

typedef void (*rename_fn)(struct names_result *r, size_t nth);

/* Calls fn on the names that are not unique, nth counting from 0. True if there were any. */
static bool rename_equal(struct names_result **sorted, size_t nr, rename_fn fn)
{
	size_t first, end, i;
	bool any = false;

	qsort(sorted, nr, sizeof(*sorted), compare);
	for (first = 0; first < nr; first = end) {
		for (end = first + 1; end < nr; end++)
			if (strcmp(sorted[first]->name, sorted[end]->name))
				break;
		if (end == first + 1)
			continue;
		any = true;
		/* the one that keeps its name goes last: the others compare with it */
		for (i = end; i-- > first;)
			fn(sorted[i], i - first);
	}
	return any;
}

static void append(struct names_result *r, const char *text)
{
	size_t len = strlen(r->name), more = strlen(text);

	if (len + more >= sizeof(r->name))
		len = sizeof(r->name) - 1 - more;
	memcpy(r->name + len, text, more + 1);
}

static void use_index(struct names_result *r)
{
	if (!r->collapsed)
		return;
	memcpy(r->name, r->full, sizeof(r->name));
	r->collapsed = false;
}

static void use_cache(struct names_result *r, size_t nth)
{
	char text[LV_NAME_LEN + 2];

	if (!nth || !r->cache[0])
		return;
	snprintf(text, sizeof(text), "@%s", r->cache);
	append(r, text);
}

static void use_number(struct names_result *r, size_t nth)
{
	char text[24];

	if (!nth)
		return;
	snprintf(text, sizeof(text), "#%zu", nth + 1);
	append(r, text);
}

int names_unique(struct names_result *results, size_t nr)
{
	struct names_result **sorted = calloc(nr + 1, sizeof(*sorted));
	size_t i;

	if (!sorted)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		use_index(&results[i]);
		sorted[i] = &results[i];
	}
	rename_equal(sorted, nr, use_cache);
	/* a number may meet a name that ends in one: then it gets another */
	for (i = 0; i < 16 && rename_equal(sorted, nr, use_number); i++)
		;
	free(sorted);
	return i < 16 ? 0 : -EOVERFLOW;
}
