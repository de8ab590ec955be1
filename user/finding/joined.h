/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Findings of captures that were put together (capture/merge.h). Instances on one host say nothing of
 * those on another, so evidence of several captures makes a finding likely at most.
 */
#ifndef LOCKVANE_FINDING_JOINED_H
#define LOCKVANE_FINDING_JOINED_H

#include "finding/finding.h"

/* Sets joined and mixed of all chains, and grades down. -ENOMEM. */
int joined_judge(const struct capture *c, struct findings *all);

#endif
