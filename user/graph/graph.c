// SPDX-License-Identifier: GPL-2.0-only
#include "graph/graph.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define FIRST_SLOTS 64u
#define MAX_EDGES (1u << 28) /* graph_arc.edge */

struct graph *graph_new(void)
{
	struct graph *g = calloc(1, sizeof(struct graph));

	if (!g)
		return NULL;
	if (getrandom(&g->factor, sizeof(g->factor), GRND_NONBLOCK) != sizeof(g->factor))
		g->factor = 0x9e3779b97f4a7c15u; /* 2^64 over the golden ratio: spreads neighbours */
	g->factor |= 1;
	return g;
}

void graph_free(struct graph *g)
{
	if (!g)
		return;
	for (uint32_t i = 0; i < g->nr_classes; i++) {
		free(g->classes[i].out.items);
		free(g->classes[i].in.items);
	}
	free(g->classes);
	free(g->edges);
	free(g->slots);
	free(g);
}

/* Room for one more item, at least doubling. */
static int reserve_items(void **items, uint32_t nr, uint32_t *room, size_t size)
{
	uint32_t wanted = *room ? *room * 2 : 4;
	void *grown;

	if (nr < *room)
		return 0;
	if (wanted < *room)
		return -ENOMEM;
	grown = reallocarray(*items, wanted, size);
	if (!grown)
		return -ENOMEM;
	*items = grown;
	*room = wanted;
	return 0;
}

int graph_add_class(struct graph *g, uint32_t *ret_class)
{
	int err = reserve_items((void **)&g->classes, g->nr_classes, &g->room_classes,
				sizeof(*g->classes));

	if (err)
		return err;
	g->classes[g->nr_classes] = (struct graph_class){0};
	*ret_class = g->nr_classes++;
	return 0;
}

uint32_t graph_add_usage(struct graph *g, uint32_t class, uint32_t usage)
{
	uint32_t new = usage & ~g->classes[class].usage;

	g->classes[class].usage |= usage;
	return new;
}

/* Nobody can choose edges that share a slot: the factor is drawn for each graph. */
static uint32_t slot_of(const struct graph *g, uint32_t from, uint32_t to)
{
	uint64_t key = ((uint64_t)from << 32 | to) * g->factor;

	return (uint32_t)((key >> 32) * g->room_slots >> 32);
}

/* The slot that holds the edge, or the free one where it belongs. */
static uint32_t *find_slot(const struct graph *g, uint32_t from, uint32_t to)
{
	uint32_t at = slot_of(g, from, to);

	for (;; at = (at + 1) & (g->room_slots - 1)) {
		uint32_t edge = g->slots[at];

		if (!edge || (g->edges[edge - 1].from == from && g->edges[edge - 1].to == to))
			return &g->slots[at];
	}
}

uint32_t graph_find_edge(const struct graph *g, uint32_t from, uint32_t to)
{
	if (!g->room_slots)
		return LV_NONE;
	return *find_slot(g, from, to) - 1; /* a free slot gives LV_NONE */
}

/* Keeps the table at most half full. */
static int reserve_slot(struct graph *g)
{
	uint32_t room = g->room_slots ? g->room_slots * 2 : FIRST_SLOTS;
	uint32_t *slots;

	if (g->nr_edges < g->room_slots / 2)
		return 0;
	slots = calloc(room, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(g->slots);
	g->slots = slots;
	g->room_slots = room;
	for (uint32_t i = 0; i < g->nr_edges; i++)
		*find_slot(g, g->edges[i].from, g->edges[i].to) = i + 1;
	return 0;
}

static int reserve_edge(struct graph *g, uint32_t from, uint32_t to)
{
	struct graph_arcs *out = &g->classes[from].out;
	struct graph_arcs *in = &g->classes[to].in;
	int err = 0;

	if (g->nr_edges == MAX_EDGES)
		return -ENOMEM;
	err = err ?: reserve_slot(g);
	err = err
		      ?: reserve_items((void **)&g->edges, g->nr_edges, &g->room_edges,
				       sizeof(*g->edges));
	err = err ?: reserve_items((void **)&out->items, out->nr, &out->room, sizeof(*out->items));
	err = err ?: reserve_items((void **)&in->items, in->nr, &in->room, sizeof(*in->items));
	return err;
}

static uint32_t append_edge(struct graph *g, uint32_t from, uint32_t to, uint32_t dep)
{
	struct graph_arcs *out = &g->classes[from].out;
	struct graph_arcs *in = &g->classes[to].in;
	uint32_t edge = g->nr_edges++;

	g->edges[edge] = (struct graph_edge){from, to, dep, out->nr, in->nr};
	out->items[out->nr++] = (struct graph_arc){to, edge, dep};
	in->items[in->nr++] = (struct graph_arc){from, edge, dep};
	return edge;
}

static int add_self(struct graph_class *class, uint32_t dep)
{
	int new = (dep & ~class->self) != 0;

	class->self |= dep;
	return new;
}

int graph_add_edge(struct graph *g, uint32_t from, uint32_t to, uint32_t dep, uint32_t *ret_edge)
{
	uint32_t edge;
	int new, err;

	if (from >= g->nr_classes || to >= g->nr_classes || !dep || dep & ~GRAPH_DEPS)
		return -EINVAL;
	if (from == to) {
		*ret_edge = LV_NONE;
		return add_self(&g->classes[from], dep);
	}
	edge = graph_find_edge(g, from, to);
	if (edge != LV_NONE) {
		struct graph_edge *known = &g->edges[edge];

		new = (dep & ~known->dep) != 0;
		known->dep |= dep;
		g->classes[from].out.items[known->out_at].dep = known->dep;
		g->classes[to].in.items[known->in_at].dep = known->dep;
		*ret_edge = edge;
		return new;
	}
	err = reserve_edge(g, from, to);
	if (err)
		return err;
	edge = append_edge(g, from, to, dep);
	*find_slot(g, from, to) = edge + 1;
	*ret_edge = edge;
	return 1;
}

size_t graph_memory(const struct graph *g)
{
	size_t sum = sizeof(*g);

	sum += g->room_classes * sizeof(*g->classes) + g->room_edges * sizeof(*g->edges);
	sum += g->room_slots * sizeof(*g->slots);
	for (uint32_t i = 0; i < g->nr_classes; i++)
		sum += (g->classes[i].out.room + g->classes[i].in.room) * sizeof(struct graph_arc);
	return sum;
}
