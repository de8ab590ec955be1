/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Strongly connected components: the regions of the graph that a cycle can
 * lie in. Whether an edge's kinds make the cycle a strong one is left to a
 * walk inside the region.
 */
#ifndef LOCKVANE_GRAPH_SCC_H
#define LOCKVANE_GRAPH_SCC_H

#include "graph/walk.h"

/*
 * Fills region[class] with the number of the class's component, LV_NONE for a
 * class alone in its own or outside the limit (grade and max_grade are looked
 * at). Components are numbered from 0; their number in *ret_nr. -ENOMEM.
 */
int graph_regions(const struct graph *g, const struct graph_limit *limit, uint32_t *region,
		  uint32_t *ret_nr);

#endif
