// SPDX-License-Identifier: GPL-2.0-only
#include "graph/walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Places are numbered 2 * class + bound. */
struct graph_walk {
	const struct graph *g;
	struct graph_limit limit;
	bool backwards;
	bool expand;	 /* the place given last is still to be gone on from */
	uint32_t *seen;	 /* by place: the walk that saw it */
	uint32_t *from;	 /* by place: the place it was reached from */
	uint32_t *via;	 /* by place: by which edge */
	uint32_t *queue; /* places */
	uint32_t head, tail;
	uint32_t now; /* this walk's number */
	uint32_t room;
	uint64_t cost;
};

struct graph_walk *graph_walk_new(void)
{
	return calloc(1, sizeof(struct graph_walk));
}

void graph_walk_free(struct graph_walk *w)
{
	if (!w)
		return;
	free(w->seen);
	free(w->from);
	free(w->via);
	free(w->queue);
	free(w);
}

static int grow(uint32_t **items, uint32_t room)
{
	uint32_t *grown = reallocarray(*items, room, sizeof(**items));

	if (!grown)
		return -ENOMEM;
	*items = grown;
	return 0;
}

static int reserve_places(struct graph_walk *w, uint32_t places)
{
	uint32_t room = w->room ? w->room : 64;
	int err = 0;

	while (room < places)
		room *= 2;
	if (room == w->room)
		return 0;
	err = err ?: grow(&w->seen, room);
	err = err ?: grow(&w->from, room);
	err = err ?: grow(&w->via, room);
	err = err ?: grow(&w->queue, room);
	if (err)
		return err;
	memset(w->seen, 0, room * sizeof(*w->seen));
	w->now = 0;
	w->room = room;
	return 0;
}

static bool allowed(const struct graph_limit *l, uint32_t place)
{
	uint32_t class = place / 2;

	if (l->grade && l->grade[class] > l->max_grade)
		return false;
	if (l->need && !(l->need[class] & l->need_bits))
		return false;
	return !l->region || l->region[place] == l->region_id;
}

static void enter(struct graph_walk *w, uint32_t place, uint32_t from, uint32_t via)
{
	if (w->seen[place] == w->now)
		return;
	w->seen[place] = w->now;
	w->from[place] = from;
	w->via[place] = via;
	w->queue[w->tail++] = place;
}

int graph_walk_begin(struct graph_walk *w, const struct graph *g, bool backwards,
		     struct graph_place start, const struct graph_limit *limit)
{
	int err = reserve_places(w, g->nr_classes * 2);

	if (err)
		return err;
	if (++w->now == 0) {
		memset(w->seen, 0, w->room * sizeof(*w->seen));
		w->now = 1;
	}
	w->g = g;
	w->limit = limit ? *limit : (struct graph_limit){0};
	w->backwards = backwards;
	w->expand = false;
	w->head = 0;
	w->tail = 0;
	if (allowed(&w->limit, start.class * 2 + start.bound))
		enter(w, start.class * 2 + start.bound, LV_NONE, LV_NONE);
	return 0;
}

static void go_on(struct graph_walk *w, uint32_t place)
{
	const struct graph_class *class = &w->g->classes[place / 2];
	const struct graph_arcs *arcs = w->backwards ? &class->in : &class->out;
	/* Dependencies that a bound place may use, and that lead to a free one. */
	uint32_t usable = GRAPH_DEPS, freeing = GRAPH_DEPS_N;

	w->cost += arcs->nr;
	if (place & 1)
		usable = w->backwards ? GRAPH_DEPS_N : GRAPH_DEPS_E;
	if (w->backwards)
		freeing = GRAPH_DEPS_E;
	for (uint32_t i = 0; i < arcs->nr; i++) {
		const struct graph_arc *arc = &arcs->items[i];
		uint32_t dep = arc->dep & usable;
		uint32_t next = arc->class * 2;

		if (!dep || (w->limit.without && w->limit.without[arc->edge]))
			continue;
		if (!(dep & freeing))
			next++;
		/* A free place that was seen covers the bound one. */
		if (w->seen[next & ~1u] == w->now || w->seen[next] == w->now)
			continue;
		if (allowed(&w->limit, next))
			enter(w, next, place, arc->edge);
	}
}

bool graph_walk_next(struct graph_walk *w, struct graph_place *ret_place)
{
	uint32_t place;

	if (w->expand)
		go_on(w, w->queue[w->head - 1]);
	w->expand = w->head < w->tail;
	if (!w->expand)
		return false;
	place = w->queue[w->head++];
	*ret_place = (struct graph_place){place / 2, place & 1};
	return true;
}

void graph_walk_stop_here(struct graph_walk *w)
{
	w->expand = false;
}

int graph_walk_path(const struct graph_walk *w, struct graph_place at, struct graph_path *ret_path)
{
	uint32_t last = at.class * 2 + at.bound;
	struct graph_path path = {0};
	uint32_t i = 0;

	for (uint32_t place = last; place != LV_NONE; place = w->from[place])
		path.nr++;
	path.classes = calloc(path.nr, sizeof(*path.classes));
	path.edges = calloc(path.nr, sizeof(*path.edges));
	if (!path.classes || !path.edges) {
		graph_path_done(&path);
		return -ENOMEM;
	}
	/* Backwards, the place found is the chain's head; forwards its end. */
	for (uint32_t place = last; place != LV_NONE; place = w->from[place], i++) {
		path.classes[w->backwards ? i : path.nr - 1 - i] = place / 2;
		if (w->via[place] != LV_NONE)
			path.edges[w->backwards ? i : path.nr - 2 - i] = w->via[place];
	}
	*ret_path = path;
	return 0;
}

void graph_path_done(struct graph_path *path)
{
	free(path->classes);
	free(path->edges);
	*path = (struct graph_path){0};
}

uint64_t graph_walk_cost(const struct graph_walk *w)
{
	return w->cost;
}

size_t graph_walk_memory(const struct graph_walk *w)
{
	return sizeof(*w) + 4 * (size_t)w->room * sizeof(uint32_t);
}
