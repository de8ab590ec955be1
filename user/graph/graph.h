/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The typed dependency graph: lock classes, and between two of them the kinds
 * of dependency seen (enum lv_dep). It only grows. Classes and edges are named
 * by the index they got when added; the neighbours of a class stand in the
 * order they were added, so a graph built in sorted order is searched in it.
 */
#ifndef LOCKVANE_GRAPH_GRAPH_H
#define LOCKVANE_GRAPH_GRAPH_H

#include <stddef.h>
#include <stdint.h>

#include "abi.h"

#define GRAPH_DEPS (LV_DEP_SR | LV_DEP_ER | LV_DEP_SN | LV_DEP_EN)
#define GRAPH_DEPS_E (LV_DEP_ER | LV_DEP_EN) /* the holder excludes */
#define GRAPH_DEPS_N (LV_DEP_SN | LV_DEP_EN) /* the taker is no recursive reader */

/* A neighbour: of an outgoing edge its end, of an incoming one its start. */
struct graph_arc {
	uint32_t class;
	uint32_t edge : 28;
	uint32_t dep : 4;
};

struct graph_arcs {
	struct graph_arc *items;
	uint32_t nr;
	uint32_t room;
};

struct graph_class {
	struct graph_arcs out;
	struct graph_arcs in;
	uint32_t usage; /* 1 << enum lv_usage */
	uint32_t self;	/* dependency kinds of the class on itself */
};

struct graph_edge {
	uint32_t from;
	uint32_t to;
	uint32_t dep;
	uint32_t out_at; /* its place among from's outgoing arcs */
	uint32_t in_at;
};

struct graph {
	struct graph_class *classes;
	struct graph_edge *edges;
	uint32_t *slots; /* open-addressed, edge index + 1 by its two ends */
	uint32_t nr_classes, room_classes;
	uint32_t nr_edges, room_edges;
	uint32_t room_slots; /* a power of two */
	uint64_t factor; /* for the hash, odd */
};

struct graph *graph_new(void);
void graph_free(struct graph *g); /* takes NULL */

/* A new class; its index in *ret_class. -ENOMEM. */
int graph_add_class(struct graph *g, uint32_t *ret_class);

/* The bits of `usage` that were not set before. */
uint32_t graph_add_usage(struct graph *g, uint32_t class, uint32_t usage);

/*
 * Adds dependency kinds between two classes. 1: at least one kind is new,
 * 0: all were known, -EINVAL: no such class or kind, -ENOMEM. An edge of a
 * class to itself is kept with the class (`self`) and is no arc: *ret_edge is
 * then LV_NONE.
 */
int graph_add_edge(struct graph *g, uint32_t from, uint32_t to, uint32_t dep, uint32_t *ret_edge);

/* The edge's index, or LV_NONE. */
uint32_t graph_find_edge(const struct graph *g, uint32_t from, uint32_t to);

/* Bytes allocated. */
size_t graph_memory(const struct graph *g);

#endif
