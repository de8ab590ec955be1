// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>

#include "capture/tables.h"
#include "knowledge/knowledge_internal.h"

#define COMMON_FRAMES 24 /* frames of a stack, for an estimate */
#define COMMON_STRING 64 /* a symbol, with malloc()'s share */

size_t knowledge_memory_max(void)
{
	return LV_MAX_STACKS * (sizeof(struct capture_stack) +
				COMMON_FRAMES * (sizeof(struct capture_frame) + COMMON_STRING)) +
	       LV_MAX_EDGES * (sizeof(struct capture_edge) + sizeof(struct joined)) +
	       LV_MAX_CLASSES *
		       (sizeof(struct capture_class) + sizeof(struct named) + 4 * COMMON_STRING);
}

int knowledge_remember_base(struct knowledge *p)
{
	const struct capture *c = p->c;

	p->base_acquisitions = calloc(c->nr_classes + 1, sizeof(uint64_t));
	p->base_counts = calloc(c->nr_edges + 1, sizeof(uint64_t));
	p->base_losses = calloc(c->nr_losses + 1, sizeof(uint64_t));
	if (!p->base_acquisitions || !p->base_counts || !p->base_losses)
		return -ENOMEM;
	p->nr_base_classes = c->nr_classes;
	p->nr_base_edges = c->nr_edges;
	p->nr_base_losses = c->nr_losses;
	for (size_t i = 0; i < c->nr_classes; i++)
		p->base_acquisitions[i] = c->classes[i].acquisitions;
	for (size_t i = 0; i < c->nr_edges; i++)
		p->base_counts[i] = c->edges[i].count;
	for (size_t i = 0; i < c->nr_losses; i++)
		p->base_losses[i] = c->losses[i].count;
	p->base_events = c->events;
	p->base_duration = c->duration;
	return 0;
}

static void count_classes(struct knowledge *p, const struct tables_totals *totals)
{
	uint64_t *live = calloc(p->c->nr_classes + 1, sizeof(*live));

	if (!live)
		return; /* counts are late, no more */
	for (uint32_t id = 0; id < LV_MAX_CLASSES; id++)
		if (p->class_of[id] < p->c->nr_classes)
			live[p->class_of[id]] += totals->acquisitions[id];
	for (size_t i = 0; i < p->c->nr_classes; i++)
		if (live[i])
			knowledge_set_count(&p->c->classes[i].acquisitions, p->base_acquisitions,
					  p->nr_base_classes, i, live[i]);
	free(live);
}

/* The graph's edge of a slot, or LV_NONE. */
static uint32_t edge_of(const struct knowledge *p, const struct lv_edge *e)
{
	uint32_t from, to;

	if (!tables_is_ready(&e->state) ||
	    e->from >= LV_MAX_CLASSES || e->to >= LV_MAX_CLASSES)
		return LV_NONE;
	from = p->class_of[e->from];
	to = p->class_of[e->to];
	if (from == LV_NONE || to == LV_NONE)
		return LV_NONE;
	return knowledge_edge(p, from, to, e->dep & ~LV_DEP_DOWN);
}

static void count_edges(struct knowledge *p, const struct tables *t,
			const struct tables_totals *totals)
{
	uint64_t *live = calloc(p->c->nr_edges + 1, sizeof(*live));

	if (!live)
		return; /* counts are late, no more */
	for (uint32_t id = 0; id < LV_MAX_EDGES; id++) {
		uint32_t edge = edge_of(p, &t->edges[id]);

		if (edge != LV_NONE)
			live[edge] += totals->edge_hits[id];
	}
	for (size_t i = 0; i < p->c->nr_edges; i++)
		if (live[i])
			knowledge_set_count(&p->c->edges[i].count, p->base_counts, p->nr_base_edges,
					  i, live[i]);
	free(live);
}

void knowledge_count(struct knowledge *p, const struct tables *tables, uint64_t armed_ns)
{
	struct tables_totals *totals = malloc(sizeof(*totals));

	/* Without, counts are late, no more. */
	if (totals) {
		tables_add_up(tables, totals);
		count_classes(p, totals);
		count_edges(p, tables, totals);
	}
	free(totals);
	p->c->events = p->base_events + tables_events(tables->cpus, tables->nr_cpus);
	p->c->duration = p->base_duration + armed_ns;
}

/* Is it the finding's, begun at wait `start` of the ring? */
static bool is_ring_of(const struct capture *c, const struct finding *f, size_t first, size_t start)
{
	const struct finding_chain *chain = &f->chain;

	for (uint32_t i = 0; i < chain->nr_classes; i++)
		if (c->waits[first + (start + i) % chain->nr_classes].class != chain->classes[i])
			return false;
	return true;
}

/* Deadlocks of these classes, each of other tasks. */
static uint64_t count_rings(const struct capture *c, const struct finding *f)
{
	uint64_t rings = 0;
	size_t nr;

	for (size_t i = 0; i < c->nr_waits; i += nr) {
		bool same = false;

		nr = capture_ring_len(c, i);
		for (size_t start = 0; nr == f->chain.nr_classes && start < nr; start++)
			same |= is_ring_of(c, f, i, start);
		rings += same;
	}
	return rings;
}

uint64_t knowledge_sightings(const struct knowledge *p, const struct finding *f)
{
	uint64_t least = UINT64_MAX;

	if (f->rule == FINDING_DEADLOCK)
		return count_rings(p->c, f);
	for (uint32_t i = 0; i < f->chain.nr_edges; i++)
		if (p->c->edges[f->chain.edges[i]].count < least)
			least = p->c->edges[f->chain.edges[i]].count;
	if (!f->chain.nr_edges && f->chain.nr_classes)
		least = p->c->classes[f->chain.classes[0]].acquisitions;
	/* It was seen to be found. */
	return least && least != UINT64_MAX ? least : 1;
}
