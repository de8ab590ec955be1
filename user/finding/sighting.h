/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The certainty that the sightings behind a chain add to its classes': how often, which locks,
 * under what.
 */
#ifndef LOCKVANE_FINDING_SIGHTING_H
#define LOCKVANE_FINDING_SIGHTING_H

#include "finding/finding.h"

/*
 * Fills in the chain's `once`, `apart` and, if it closes, `gate`, and returns the confidence that is
 * left: what was seen once, where a lost event could have made it, is not surer than likely; where
 * the locks of a class on its two sides are not the same, one step less, but likely stays.
 */
enum finding_confidence finding_judge_sightings(const struct capture *c,
						struct finding_chain *chain, bool closes,
						enum finding_confidence confidence);

/* May one of its holders have given the lock back by an unlock that this kernel hides? */
bool finding_holders_unsure(const struct capture *c, const struct finding_chain *chain);

#endif
