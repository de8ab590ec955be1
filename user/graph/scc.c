// SPDX-License-Identifier: GPL-2.0-only
#include "graph/scc.h"

#include <errno.h>
#include <stdlib.h>

/* Tarjan's algorithm, with its recursion on a stack of our own. */
struct visit {
	uint32_t class;
	uint32_t arc; /* the next of its outgoing arcs to look at */
};

struct tarjan {
	const struct graph *g;
	const struct graph_limit *limit;
	uint32_t *order; /* by class: when it was met, from 1; 0: not yet */
	uint32_t *low;	 /* by class: the earliest class it gets back to */
	uint32_t *open;	 /* classes met whose component is not known */
	struct visit *visits;
	uint32_t nr_open, nr_visits, clock, nr_regions;
	uint32_t *region;
};

static bool outside(const struct tarjan *t, uint32_t class)
{
	return t->limit->grade && t->limit->grade[class] > t->limit->max_grade;
}

static void meet(struct tarjan *t, uint32_t class)
{
	t->order[class] = ++t->clock;
	t->low[class] = t->clock;
	t->open[t->nr_open++] = class;
	t->visits[t->nr_visits++] = (struct visit){class, 0};
}

/* Region while a class is open: neither a number nor none. */
#define OPEN (LV_NONE - 1)

static void close_component(struct tarjan *t, uint32_t root)
{
	bool alone = t->open[t->nr_open - 1] == root;
	uint32_t class;

	do {
		class = t->open[--t->nr_open];
		t->region[class] = alone ? LV_NONE : t->nr_regions;
	} while (class != root);
	if (!alone)
		t->nr_regions++;
}

static void leave(struct tarjan *t, uint32_t class)
{
	t->nr_visits--;
	if (t->nr_visits) {
		uint32_t parent = t->visits[t->nr_visits - 1].class;

		if (t->low[class] < t->low[parent])
			t->low[parent] = t->low[class];
	}
	if (t->low[class] == t->order[class])
		close_component(t, class);
}

static void step(struct tarjan *t)
{
	struct visit *v = &t->visits[t->nr_visits - 1];
	const struct graph_arcs *out = &t->g->classes[v->class].out;
	uint32_t to;

	if (v->arc == out->nr) {
		leave(t, v->class);
		return;
	}
	to = out->items[v->arc++].class;
	if (outside(t, to))
		return;
	if (!t->order[to])
		meet(t, to);
	else if (t->region[to] == OPEN && t->order[to] < t->low[v->class])
		t->low[v->class] = t->order[to];
}

static void run(struct tarjan *t)
{
	for (uint32_t i = 0; i < t->g->nr_classes; i++)
		t->region[i] = OPEN;
	for (uint32_t i = 0; i < t->g->nr_classes; i++) {
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
	uint32_t nr = g->nr_classes ? g->nr_classes : 1;
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
