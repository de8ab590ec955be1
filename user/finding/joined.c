// SPDX-License-Identifier: GPL-2.0-only
#include "finding/joined.h"

#include <errno.h>
#include <stdlib.h>

/* Edges by their ends and kind, so that all sightings of one dependency are neighbours. */
struct joined {
	const struct capture *c;
	uint32_t *edges;
};

static int compare(const struct capture_edge *a, const struct capture_edge *b)
{
	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	if (a->to != b->to)
		return a->to < b->to ? -1 : 1;
	return (a->dep > b->dep) - (a->dep < b->dep);
}

static int by_ends(const void *a, const void *b, void *capture)
{
	const struct capture *c = capture;
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	int order = compare(&c->edges[left], &c->edges[right]);

	return order ? order : (left > right) - (left < right);
}

/* The first place whose edge is not before this one. */
static size_t find(const struct joined *j, const struct capture_edge *edge)
{
	size_t low = 0, high = j->c->nr_edges;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(&j->c->edges[j->edges[middle]], edge) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The sources that saw such a dependency. At most as many sightings as captures are looked at. */
static uint64_t sources_of(const struct joined *j, const struct capture_edge *edge)
{
	size_t at = find(j, edge), end = at + CAPTURE_MAX_SOURCES;
	uint64_t sources = 0;

	for (; at < j->c->nr_edges && at < end; at++) {
		const struct capture_edge *seen = &j->c->edges[j->edges[at]];

		if (compare(seen, edge))
			break;
		sources |= capture_edge_source(j->c, seen);
	}
	return sources;
}

/* Keep the first source's sighting of a usage. */
static void take_usage(const struct capture_class *class, uint32_t usage, uint64_t *whole,
		       uint64_t *shown)
{
	uint64_t sources;

	if (usage == FINDING_NO_USAGE)
		return;
	sources = class->usage_sources[usage];
	*whole &= sources;
	*shown &= sources & -sources;
}

static void judge(const struct joined *j, struct finding_chain *chain)
{
	const struct capture *c = j->c;
	/* Sources that have all of it, and all of the shown parts. */
	uint64_t whole = UINT64_MAX, shown = UINT64_MAX;

	for (uint32_t i = 0; i < chain->nr_edges; i++) {
		const struct capture_edge *edge = &c->edges[chain->edges[i]];

		whole &= sources_of(j, edge);
		shown &= capture_edge_source(c, edge);
	}
	take_usage(&c->classes[chain->classes[0]], chain->safe, &whole, &shown);
	take_usage(&c->classes[chain->classes[chain->nr_classes - 1]], chain->unsafe, &whole,
		   &shown);
	chain->joined = !whole;
	chain->mixed = !shown;
	if (!chain->mixed)
		return;
	/* Their instances differ because the hosts do. */
	chain->apart = LV_NONE;
	if (chain->confidence > FINDING_LIKELY)
		chain->confidence = FINDING_LIKELY;
}

int joined_judge(const struct capture *c, struct findings *all)
{
	struct joined j = {c, NULL};

	if (!c->nr_sources || !all->nr)
		return 0;
	j.edges = calloc(c->nr_edges + 1, sizeof(*j.edges));
	if (!j.edges)
		return -ENOMEM;
	for (uint32_t i = 0; i < c->nr_edges; i++)
		j.edges[i] = i;
	qsort_r(j.edges, c->nr_edges, sizeof(*j.edges), by_ends, (void *)c);
	for (uint32_t i = 0; i < all->nr; i++) {
		struct finding *f = &all->items[i];

		judge(&j, &f->chain);
		for (uint32_t k = 0; k < f->nr_also; k++)
			judge(&j, &f->also[k]);
		f->confidence = f->chain.confidence;
	}
	free(j.edges);
	return 0;
}
