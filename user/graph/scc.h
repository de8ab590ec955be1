/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The regions of the graph that strong cycles lie in: strongly connected
 * components, not of the classes but of the places a walk can be at (walk.h).
 * A strong cycle is a cycle of places and the other way round.
 */
#ifndef LOCKVANE_GRAPH_SCC_H
#define LOCKVANE_GRAPH_SCC_H

#include "graph/walk.h"

/*
 * Fills region[2 * class + bound] with the number of the place's component;
 * LV_NONE for a place that no cycle comes through, or outside the limit (grade
 * and without are looked at). Components are numbered from 0; their number in
 * *ret_nr. -ENOMEM.
 */
int graph_regions(const struct graph *g, const struct graph_limit *limit, uint32_t *region,
		  uint32_t *ret_nr);

/* The region a dependency lies in, LV_NONE when no strong cycle has it. */
uint32_t graph_edge_region(const struct graph *g, const uint32_t *region, uint32_t edge);

#endif
