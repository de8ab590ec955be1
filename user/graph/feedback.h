/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small set of edges without which there would be no cycle (Eades, Lin and
 * Smyth, "A fast and effective heuristic for the feedback arc set problem",
 * 1993). In a graph that is nearly without cycles these are nearly the wrong
 * ones: every cycle has one of them, and there are few.
 */
#ifndef LOCKVANE_GRAPH_FEEDBACK_H
#define LOCKVANE_GRAPH_FEEDBACK_H

#include <stdbool.h>

#include "graph/graph.h"

/*
 * Sets ret_feedback[edge] for the edges of such a set, among those that stay
 * inside a region (as graph_regions gives them); false for all others. -ENOMEM.
 */
int graph_feedback(const struct graph *g, const uint32_t *region, bool *ret_feedback);

#endif
