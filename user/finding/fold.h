/* SPDX-License-Identifier: GPL-2.0-only */
/* Which cycles are one finding: those that one dependency less would undo. */
#ifndef LOCKVANE_FINDING_FOLD_H
#define LOCKVANE_FINDING_FOLD_H

#include "finding/rules.h"

struct fold_cycle {
	struct graph_path path; /* graph classes, the first by name first */
	uint8_t grade;
};

/*
 * Adds the cycles to the set, surest and then shortest first. A cycle is listed with an earlier one,
 * instead of being a finding of its own, if
 *  - all cycles that are connected by common classes have one of its dependencies, or
 *  - both have dependencies of one holder on locks taken in a page fault, or
 *  - three findings have one of its dependencies already: one wrong dependency in a big graph closes
 *    many cycles, and which one is wrong isn't known.
 * Sorts items. -ENOMEM.
 */
int fold_cycles(struct finding_model *m, struct fold_cycle *items, uint32_t nr,
		struct finding_set *set);

#endif
