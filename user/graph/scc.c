// SPDX-License-Identifier: GPL-2.0-only
#include "graph/scc.h"

#include <errno.h>
#include <stdlib.h>

/* Tarjan's algorithm, with its recursion on a stack of our own. */
struct visit {
	uint32_t place;
	uint32_t arc; /* the next of its class's outgoing arcs to look at */
};

struct tarjan {
	const struct graph *g;
	const struct graph_limit *limit;
	uint32_t *order; /* by place: when it was met, from 1; 0: not yet */
	uint32_t *low;	 /* by place: the earliest place it gets back to */
	uint32_t *open;	 /* places met whose component is not known */
	struct visit *visits;
	uint32_t nr_open, nr_visits, clock, nr_regions;
	uint32_t *region;
};

/* Region while a place is open: neither a number nor none. */
#define OPEN (LV_NONE - 1)

static bool outside(const struct tarjan *t, uint32_t place)
{
	return t->limit->grade && t->limit->grade[place / 2] > t->limit->max_grade;
}

static void meet(struct tarjan *t, uint32_t place)
{
	t->order[place] = ++t->clock;
	t->low[place] = t->clock;
	t->open[t->nr_open++] = place;
	t->visits[t->nr_visits++] = (struct visit){place, 0};
}

/* No class has an edge to itself here, so a place alone is on no cycle. */
static void close_component(struct tarjan *t, uint32_t root)
{
	bool alone = t->open[t->nr_open - 1] == root;
	uint32_t place;

	do {
		place = t->open[--t->nr_open];
		t->region[place] = alone ? LV_NONE : t->nr_regions;
	} while (place != root);
	if (!alone)
		t->nr_regions++;
}

static void leave(struct tarjan *t, uint32_t place)
{
	t->nr_visits--;
	if (t->nr_visits) {
		uint32_t parent = t->visits[t->nr_visits - 1].place;

		if (t->low[place] < t->low[parent])
			t->low[parent] = t->low[place];
	}
	if (t->low[place] == t->order[place])
		close_component(t, place);
}

/* Where an arc leads from a free or bound place; LV_NONE: it may not be gone. */
static uint32_t next_place(uint32_t class, uint32_t dep, bool bound)
{
	if (bound)
		dep &= GRAPH_DEPS_E;
	if (!dep)
		return LV_NONE;
	return class * 2 + !(dep & GRAPH_DEPS_N);
}

static void step(struct tarjan *t)
{
	struct visit *v = &t->visits[t->nr_visits - 1];
	const struct graph_arcs *out = &t->g->classes[v->place / 2].out;
	const struct graph_arc *arc;
	uint32_t to;

	if (v->arc == out->nr) {
		leave(t, v->place);
		return;
	}
	arc = &out->items[v->arc++];
	to = next_place(arc->class, arc->dep, v->place & 1);
	if (to == LV_NONE || outside(t, to) || (t->limit->without && t->limit->without[arc->edge]))
		return;
	if (!t->order[to])
		meet(t, to);
	else if (t->region[to] == OPEN && t->order[to] < t->low[v->place])
		t->low[v->place] = t->order[to];
}

static void run(struct tarjan *t)
{
	uint32_t nr = t->g->nr_classes * 2;

	for (uint32_t i = 0; i < nr; i++)
		t->region[i] = OPEN;
	for (uint32_t i = 0; i < nr; i++) {
		if (outside(t, i))
			t->region[i] = LV_NONE;
		else if (!t->order[i])
			meet(t, i);
		while (t->nr_visits)
			step(t);
	}
}

int graph_regions(const struct graph *g, const struct graph_limit *limit, uint32_t *region,
		  uint32_t *ret_nr)
{
	size_t nr = (size_t)g->nr_classes * 2 + 1;
	struct tarjan t = {.g = g, .limit = limit, .region = region};
	int err = -ENOMEM;

	t.order = calloc(nr, sizeof(*t.order));
	t.low = calloc(nr, sizeof(*t.low));
	t.open = calloc(nr, sizeof(*t.open));
	t.visits = calloc(nr, sizeof(*t.visits));
	if (t.order && t.low && t.open && t.visits) {
		run(&t);
		*ret_nr = t.nr_regions;
		err = 0;
	}
	free(t.order);
	free(t.low);
	free(t.open);
	free(t.visits);
	return err;
}

uint32_t graph_edge_region(const struct graph *g, const uint32_t *region, uint32_t edge)
{
	const struct graph_edge *e = &g->edges[edge];

	for (int bound = 0; bound < 2; bound++) {
		uint32_t from = e->from * 2 + bound;
		uint32_t to = next_place(e->to, e->dep, bound);

		if (to != LV_NONE && region[from] != LV_NONE && region[from] == region[to])
			return region[from];
	}
	return LV_NONE;
}
