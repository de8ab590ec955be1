/* SPDX-License-Identifier: GPL-2.0-only */
/* How far the holders of pseudo-locks are believed. They have no word of their own. */
#ifndef LOCKVANE_FINDING_PSEUDO_H
#define LOCKVANE_FINDING_PSEUDO_H

#include "capture/capture.h"

/* enum lv_pseudo, LV_PSEUDO_NONE: a lock. */
uint32_t finding_pseudo_kind(const struct capture_class *class);

/*
 * The best certainty that a class of this kind may have: what nothing but the drop that was seen
 * tells of is inferred, and ambiguous where the kernel preempts the programs that see it.
 */
enum capture_certainty finding_pseudo_grade(const struct capture *c,
					    const struct capture_class *class);

/*
 * Does it matter to the class in which interrupts it is used? Not to a local_lock: it is taken by
 * CPU, and carries no inversion (lockdep's usage_skip()); nor to what only bounds waits.
 */
bool finding_pseudo_in_irqs(const struct capture_class *class);

/*
 * A holder that holds while a function runs has that function on the stack of its edges. True: it
 * has not, or the stack was cut before, and the dependency is not believed.
 */
bool finding_pseudo_refutes(const struct capture *c, const struct capture_edge *edge);

#endif
