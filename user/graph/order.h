/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A topological order kept while the graph grows (Pearce and Kelly, "A dynamic
 * topological sort algorithm for directed acyclic graphs", 2007). Most new
 * dependencies agree with it, and then close no cycle without any search.
 * Dependencies that did close one are left out of the order and remembered.
 */
#ifndef LOCKVANE_GRAPH_ORDER_H
#define LOCKVANE_GRAPH_ORDER_H

#include <stdbool.h>

#include "graph/graph.h"

struct graph_order;

struct graph_order *graph_order_new(void);
void graph_order_free(struct graph_order *o); /* takes NULL */

/* After classes were added to the graph. -ENOMEM. */
int graph_order_classes(struct graph_order *o, const struct graph *g);

/* After an edge between two classes new to each other was added. -ENOMEM. */
int graph_order_edge(struct graph_order *o, const struct graph *g, uint32_t edge);

/*
 * The edge is not to be reckoned with any more: what it stood in the way of
 * finds its place in the order again. -ENOMEM.
 */
int graph_order_forget(struct graph_order *o, const struct graph *g, uint32_t edge);

/* May the edge lie on a cycle of edges not forgotten? No is certain; the kinds are not looked at. */
bool graph_order_may_close(const struct graph_order *o, const struct graph *g, uint32_t edge);

size_t graph_order_memory(const struct graph_order *o);

#endif
