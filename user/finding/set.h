/* SPDX-License-Identifier: GPL-2.0-only */
/* The findings of an analysis, as its rules add them. */
#ifndef LOCKVANE_FINDING_SET_H
#define LOCKVANE_FINDING_SET_H

#include "finding/chain.h"

/* A set that grows; keeps what is added. */
struct finding_set {
	struct findings *findings;
	uint32_t room;
};

/* Appends; the chain's ownership goes to the set also on failure. -ENOMEM. */
int finding_set_add(struct finding_set *set, enum finding_rule rule, struct finding_chain *chain,
		    struct finding **ret_finding);
/* Lists another chain with a finding; owns it also on failure. -ENOMEM. */
int finding_add_also(struct finding *f, struct finding_chain *chain);

#endif
