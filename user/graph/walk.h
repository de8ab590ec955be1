/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Breadth-first walks along strong paths.
 *
 * A path is strong when no -(xR)-> in it is followed by -(Sx)->: a recursive
 * reader does not wait for a reader, so such a pair blocks nobody
 * (Documentation/locking/lockdep-design.rst). The next step depends on how a class was reached, so
 * the walk's places are (class, bound): a place is bound when only the one half of its dependencies
 * may go on. Forwards that is after -(xR)->, where only -(Ex)-> may follow; backwards after
 * -(Sx)->, where only -(xN)-> may come before.
 *
 * The free place of a class can go wherever its bound one can. lockdep keeps
 * one mark a class and so can lose a path to whichever came first; with two
 * places none is lost.
 */
#ifndef LOCKVANE_GRAPH_WALK_H
#define LOCKVANE_GRAPH_WALK_H

#include <stdbool.h>

#include "graph/graph.h"

struct graph_place {
	uint32_t class;
	bool bound;
};

/* Where a walk may go. Arrays are by class but for region; NULL: no such limit. */
struct graph_limit {
	const uint8_t *grade; /* at most max_grade */
	uint8_t max_grade;
	const uint8_t *need; /* some bit of need_bits */
	uint8_t need_bits;
	const uint32_t *region; /* by place, 2 * class + bound: exactly region_id */
	uint32_t region_id;
	const bool *without; /* by edge: as if it were not there */
};

struct graph_walk;

struct graph_walk *graph_walk_new(void);
void graph_walk_free(struct graph_walk *w); /* takes NULL */

/*
 * Starts over at a place; g and limit must stay while the walk is used.
 * Nothing may be added to g before the walk's last next. -ENOMEM.
 */
int graph_walk_begin(struct graph_walk *w, const struct graph *g, bool backwards,
		     struct graph_place start, const struct graph_limit *limit);

/* The next place, nearest first, the starting ones included; false: no more. */
bool graph_walk_next(struct graph_walk *w, struct graph_place *ret_place);

/* Do not go on from the place next gave last. */
void graph_walk_stop_here(struct graph_walk *w);

/* A chain of classes in the order they are taken, and the edges between them. */
struct graph_path {
	uint32_t *classes;
	uint32_t *edges; /* nr - 1 of them */
	uint32_t nr;
};

/*
 * The shortest path between the start and a place that next gave, in the
 * order of the dependencies whatever the walk's direction. To be freed with
 * graph_path_done. -ENOMEM.
 */
int graph_walk_path(const struct graph_walk *w, struct graph_place at, struct graph_path *ret_path);
void graph_path_done(struct graph_path *path);

/* Arcs looked at so far in all walks: what the searches have cost. */
uint64_t graph_walk_cost(const struct graph_walk *w);

size_t graph_walk_memory(const struct graph_walk *w);

#endif
