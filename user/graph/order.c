// SPDX-License-Identifier: GPL-2.0-only
#include "graph/order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* With more edges against the order than this it is no longer consulted. */
#define MAX_AGAINST 512

struct graph_order {
	uint32_t *at;		  /* by class: its position */
	uint32_t *seen;		  /* by class: the search that saw it */
	uint32_t *ahead, *behind; /* classes found from the edge's two ends */
	uint32_t *places;	  /* the positions they had */
	uint32_t now;
	uint32_t nr_classes, room;
	uint8_t *left_out; /* by edge */
	uint32_t room_edges;
	uint32_t against[MAX_AGAINST]; /* the edges left out */
	uint32_t nr_against;
	uint32_t last_start, first_end; /* bounds of their starts and ends */
};

struct graph_order *graph_order_new(void)
{
	struct graph_order *o = calloc(1, sizeof(*o));

	if (o)
		o->first_end = LV_NONE;
	return o;
}

void graph_order_free(struct graph_order *o)
{
	if (!o)
		return;
	free(o->at);
	free(o->seen);
	free(o->ahead);
	free(o->behind);
	free(o->places);
	free(o->left_out);
	free(o);
}

static int grow(uint32_t **items, size_t room)
{
	uint32_t *grown = reallocarray(*items, room, sizeof(**items));

	if (!grown)
		return -ENOMEM;
	*items = grown;
	return 0;
}

static int reserve_classes(struct graph_order *o, uint32_t classes)
{
	uint32_t room = o->room ? o->room : 64;
	int err = 0;

	while (room < classes)
		room *= 2;
	if (room == o->room)
		return 0;
	err = err ?: grow(&o->at, room);
	err = err ?: grow(&o->seen, room);
	err = err ?: grow(&o->ahead, room);
	err = err ?: grow(&o->behind, room);
	err = err ?: grow(&o->places, (size_t)room * 2);
	if (!err)
		o->room = room;
	return err;
}

int graph_order_classes(struct graph_order *o, const struct graph *g)
{
	int err = reserve_classes(o, g->nr_classes);

	if (err)
		return err;
	for (; o->nr_classes < g->nr_classes; o->nr_classes++) {
		o->at[o->nr_classes] = o->nr_classes;
		o->seen[o->nr_classes] = 0;
	}
	return 0;
}

static int reserve_edge(struct graph_order *o, uint32_t edge)
{
	uint32_t room = o->room_edges ? o->room_edges : 64;
	uint8_t *grown;

	while (room <= edge)
		room *= 2;
	if (room == o->room_edges)
		return 0;
	grown = realloc(o->left_out, room);
	if (!grown)
		return -ENOMEM;
	memset(grown + o->room_edges, 0, room - o->room_edges);
	o->left_out = grown;
	o->room_edges = room;
	return 0;
}

static void see(struct graph_order *o, uint32_t *list, uint32_t *nr, uint32_t class)
{
	if (o->seen[class] == o->now)
		return;
	o->seen[class] = o->now;
	list[(*nr)++] = class;
}

/* All that comes after `from` up to a position; false when `goal` is among it. */
static bool search_ahead(struct graph_order *o, const struct graph *g, uint32_t from, uint32_t goal,
			 uint32_t *ret_nr)
{
	uint32_t limit = o->at[goal], nr = 0;

	see(o, o->ahead, &nr, from);
	for (uint32_t i = 0; i < nr; i++) {
		const struct graph_arcs *out = &g->classes[o->ahead[i]].out;

		for (uint32_t a = 0; a < out->nr; a++) {
			if (o->left_out[out->items[a].edge])
				continue;
			if (out->items[a].class == goal)
				return false;
			if (o->at[out->items[a].class] < limit)
				see(o, o->ahead, &nr, out->items[a].class);
		}
	}
	*ret_nr = nr;
	return true;
}

/* All that comes before `from` down to a position. */
static uint32_t search_behind(struct graph_order *o, const struct graph *g, uint32_t from,
			      uint32_t limit)
{
	uint32_t nr = 0;

	see(o, o->behind, &nr, from);
	for (uint32_t i = 0; i < nr; i++) {
		const struct graph_arcs *in = &g->classes[o->behind[i]].in;

		for (uint32_t a = 0; a < in->nr; a++)
			if (!o->left_out[in->items[a].edge] && o->at[in->items[a].class] > limit)
				see(o, o->behind, &nr, in->items[a].class);
	}
	return nr;
}

static int by_position(const void *a, const void *b, void *at)
{
	uint32_t left = ((uint32_t *)at)[*(const uint32_t *)a];
	uint32_t right = ((uint32_t *)at)[*(const uint32_t *)b];

	return (left > right) - (left < right);
}

static int by_number(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

/* The positions of both lots are dealt out anew: first to those behind. */
static void reorder(struct graph_order *o, uint32_t nr_behind, uint32_t nr_ahead)
{
	uint32_t nr = 0;

	qsort_r(o->behind, nr_behind, sizeof(*o->behind), by_position, o->at);
	qsort_r(o->ahead, nr_ahead, sizeof(*o->ahead), by_position, o->at);
	for (uint32_t i = 0; i < nr_behind; i++)
		o->places[nr++] = o->at[o->behind[i]];
	for (uint32_t i = 0; i < nr_ahead; i++)
		o->places[nr++] = o->at[o->ahead[i]];
	qsort(o->places, nr, sizeof(*o->places), by_number);
	for (uint32_t i = 0; i < nr_behind; i++)
		o->at[o->behind[i]] = o->places[i];
	for (uint32_t i = 0; i < nr_ahead; i++)
		o->at[o->ahead[i]] = o->places[nr_behind + i];
}

/* Where a cycle can pass through an edge that is not in the order. */
static void bound_against(struct graph_order *o, const struct graph *g)
{
	o->last_start = 0;
	o->first_end = LV_NONE;
	for (uint32_t i = 0; i < o->nr_against && i < MAX_AGAINST; i++) {
		const struct graph_edge *e = &g->edges[o->against[i]];

		if (o->at[e->from] > o->last_start)
			o->last_start = o->at[e->from];
		if (o->at[e->to] < o->first_end)
			o->first_end = o->at[e->to];
	}
}

static void leave_out(struct graph_order *o, uint32_t edge)
{
	o->left_out[edge] = 1;
	if (o->nr_against < MAX_AGAINST)
		o->against[o->nr_against] = edge;
	o->nr_against++;
}

static void next_search(struct graph_order *o)
{
	if (++o->now)
		return;
	memset(o->seen, 0, o->nr_classes * sizeof(*o->seen));
	o->now = 1;
}

/* Puts an edge in order, or out of it when it closes a cycle there. */
static void place_edge(struct graph_order *o, const struct graph *g, uint32_t edge)
{
	const struct graph_edge *e = &g->edges[edge];
	uint32_t nr_ahead;

	if (o->at[e->from] < o->at[e->to])
		return;
	next_search(o);
	if (search_ahead(o, g, e->to, e->from, &nr_ahead))
		reorder(o, search_behind(o, g, e->from, o->at[e->to]), nr_ahead);
	else
		leave_out(o, edge);
}

int graph_order_edge(struct graph_order *o, const struct graph *g, uint32_t edge)
{
	int err = reserve_edge(o, edge);

	if (err || o->nr_against > MAX_AGAINST)
		return err;
	place_edge(o, g, edge);
	if (o->nr_against)
		bound_against(o, g);
	return 0;
}

int graph_order_forget(struct graph_order *o, const struct graph *g, uint32_t edge)
{
	uint32_t nr = o->nr_against, again[MAX_AGAINST];
	int err = reserve_edge(o, edge);

	if (err || nr > MAX_AGAINST)
		return err;
	memcpy(again, o->against, nr * sizeof(*again));
	o->left_out[edge] = 1;
	o->nr_against = 0;
	/* One by one: those not yet placed stay out of the searches. */
	for (uint32_t i = 0; i < nr; i++) {
		if (again[i] == edge)
			continue;
		o->left_out[again[i]] = 0;
		place_edge(o, g, again[i]);
	}
	bound_against(o, g);
	return 0;
}

bool graph_order_may_close(const struct graph_order *o, const struct graph *g, uint32_t edge)
{
	const struct graph_edge *e = &g->edges[edge];

	if (o->nr_against > MAX_AGAINST || o->left_out[edge])
		return true;
	/*
	 * The edge agrees with the order, so a way back from its end must use
	 * one that does not: come to its start, and go on from its end.
	 */
	return o->nr_against && o->at[e->to] <= o->last_start && o->at[e->from] >= o->first_end;
}

size_t graph_order_memory(const struct graph_order *o)
{
	return sizeof(*o) + (size_t)o->room * 6 * sizeof(uint32_t) + o->room_edges;
}
