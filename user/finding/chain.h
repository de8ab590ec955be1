/* SPDX-License-Identifier: GPL-2.0-only */
/* From a path in the graph to a chain with its evidence. */
#ifndef LOCKVANE_FINDING_CHAIN_H
#define LOCKVANE_FINDING_CHAIN_H

#include "finding/model.h"

/*
 * A strong path may come through a class twice, once as a recursive reader's.
 * That needs its lock held in two ways at once, so two locks; one cycle less
 * demanding lies inside. Such a chain is weak.
 *
 * An open chain from a safe class to an unsafe one, in irqs of the given
 * kinds (GRAPH_HARD, GRAPH_SOFT). From the edges and usages seen it picks those that fit together
 * and, if it can, speak of the same instances.
 */
int finding_chain_irq(struct finding_model *m, const struct graph_path *path, uint32_t kinds,
		      struct finding_chain *ret_chain);

/* A chain that closes: path's edges include the one from its last to its first. */
int finding_chain_circular(struct finding_model *m, const struct graph_path *path,
			   struct finding_chain *ret_chain);

/* A chain of given capture classes and edges, graded by them. */
int finding_chain_plain(const struct finding_model *m, const uint32_t *classes, uint32_t nr_classes,
			uint32_t edge, struct finding_chain *ret_chain);

/* The claim that the chain's grade and its holders allow when nothing is known of instances. */
enum finding_confidence finding_confidence_of(const struct capture *c,
					      const struct finding_chain *chain);

void finding_chain_done(struct finding_chain *chain);

#endif
