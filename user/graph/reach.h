/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For every class, whether an irq-unsafe class can be reached from it and
 * whether an irq-safe one reaches it, along strong paths, itself included;
 * kept up to date as the graph grows. It answers in constant time what a
 * search would: does this new dependency join a safe class to an unsafe one?
 * Each of a class's bits is set once, so the upkeep is constant per edge too.
 */
#ifndef LOCKVANE_GRAPH_REACH_H
#define LOCKVANE_GRAPH_REACH_H

#include <stdbool.h>

#include "graph/graph.h"

/* Kinds of irq. */
#define GRAPH_HARD (1u << 0)
#define GRAPH_SOFT (1u << 1)
#define GRAPH_KINDS 2

/*
 * The kinds for which a usage makes a class safe (IN) or unsafe (ON). A bound
 * end counts only its write usages: the reader in an irq would not wait for
 * the reader the chain begins with, nor the chain's last, recursive reader
 * for the reader that is held with irqs on.
 */
uint32_t graph_safe_kinds(uint32_t usage, bool bound);
uint32_t graph_unsafe_kinds(uint32_t usage, bool bound);

/* A class's kinds: of its free place in the low bits, of its bound one above. */
#define GRAPH_REACH_FREE(kinds) (kinds)
#define GRAPH_REACH_BOUND(kinds) ((kinds) << GRAPH_KINDS)

/* Kinds that a class does not pass on, for those who know all that lies there. */
#define GRAPH_SHUT_UNSAFE (1u << 0) /* no unsafe class: neither itself nor after it */
#define GRAPH_SHUT_SAFE (1u << 1)   /* no safe class but itself */

struct graph_reach {
	uint8_t *safe_before;  /* by class: kinds of safe classes that reach it */
	uint8_t *unsafe_after; /* by class: kinds of unsafe classes it reaches */
	uint8_t *shut;	       /* by class: GRAPH_SHUT_* */
	uint32_t *queue;       /* classes whose neighbours are to be looked at */
	bool *queued;
	uint32_t nr_classes, room;
};

struct graph_reach *graph_reach_new(void);
void graph_reach_free(struct graph_reach *r); /* takes NULL */

/* After classes were added to the graph. -ENOMEM. */
int graph_reach_classes(struct graph_reach *r, const struct graph *g);

/* After usage bits were added to the class. */
void graph_reach_usage(struct graph_reach *r, const struct graph *g, uint32_t class);

/* After an edge, or a kind of it, was added. */
void graph_reach_edge(struct graph_reach *r, const struct graph *g, uint32_t edge);

/* From now on the class passes less on; what it has passed stays until renewed. */
void graph_reach_shut(struct graph_reach *r, uint32_t class, uint8_t shut);
/* Everything anew, without what is shut. Costs a look at each edge or a few. */
void graph_reach_renew(struct graph_reach *r, const struct graph *g);

/* Kinds of safe classes reaching this place, of unsafe ones reached from it. */
uint32_t graph_reach_before(const struct graph_reach *r, uint32_t class, bool bound);
uint32_t graph_reach_after(const struct graph_reach *r, uint32_t class, bool bound);

/* The same, as the neighbours learn it. */
uint32_t graph_reach_passed_after(const struct graph_reach *r, uint32_t class, bool bound);
uint32_t graph_reach_passed_before(const struct graph_reach *r, const struct graph *g,
				   uint32_t class, bool bound);

size_t graph_reach_memory(const struct graph_reach *r);

#endif
