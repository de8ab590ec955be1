/* SPDX-License-Identifier: GPL-2.0-only */
/* The values that a node of several may be. */
#ifndef LOCKVANE_SITES_LEAVES_H
#define LOCKVANE_SITES_LEAVES_H

#include "sites/flow.h"

#define SOLVE_LEAVES 16
#define LEAF_PHIS 64

/* The values that a PHI may be, through other PHIs. */
struct leaves {
	struct value leaf[SOLVE_LEAVES];
	uint32_t phi[LEAF_PHIS];
	int64_t shift[LEAF_PHIS];
	uint32_t nr, nr_phis;
	bool many;
};

/* Values that a node is one of. False: it is none of known ones. */
bool leaves_of(const struct flow *f, uint32_t node, struct leaves *ret);

#endif
