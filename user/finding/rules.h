/* SPDX-License-Identifier: GPL-2.0-only */
/* The rules, each adding what it concludes to a set of findings. */
#ifndef LOCKVANE_FINDING_RULES_H
#define LOCKVANE_FINDING_RULES_H

#include "finding/set.h"

/* irq.c: one class used in irqs and with irqs on. */
int finding_rule_inconsistent(struct finding_model *m, uint32_t class, struct finding_set *set);
/*
 * irq.c: all safe classes that reach this unsafe one, by way of no other
 * unsafe one: at most one finding.
 */
int finding_rule_inversion(struct finding_model *m, uint32_t unsafe, struct finding_set *set);

/* irq.c: what lies beyond the inversions of a set, once all are in it. */
int finding_rule_beyond(struct finding_model *m, struct finding_set *set);
/* Does a chain that comes to this place have there the end of an inversion? */
bool finding_ends_inversion(uint32_t usage, uint32_t kind, bool bound);

/* cycle.c: every cycle of the graph, by its shortest ones. */
int finding_rule_circular(struct finding_model *m, struct finding_set *set);
/*
 * cycle.c: the shortest cycle through an edge by some of its kinds, in
 * classes of at most this grade. 0 with an empty path: there is none.
 */
int finding_cycle_through(struct finding_model *m, uint32_t edge, uint32_t dep,
			  const struct graph_limit *limit, struct graph_path *ret_path);

/* local.c: what one class, one edge or one fact tells. */
int finding_rule_recursive(struct finding_model *m, uint32_t class, struct finding_set *set);
int finding_rule_wait_edge(struct finding_model *m, uint32_t edge, struct finding_set *set);
int finding_rule_wait_irq(struct finding_model *m, uint32_t class, struct finding_set *set);
int finding_rule_fact(struct finding_model *m, const struct capture_fact *fact,
		      struct finding_set *set);

/* local.c: the ring of tasks whose first wait this is. */
int finding_rule_deadlock(struct finding_model *m, size_t first, struct finding_set *set);

/* id.c: sets id and fingerprint. */
void finding_set_id(const struct capture *c, struct finding *f);

#endif
