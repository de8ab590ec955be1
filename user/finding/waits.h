/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Waits and contexts that go together: lockdep's wait types, and the part of them that a production
 * kernel shows.
 */
#ifndef LOCKVANE_FINDING_WAITS_H
#define LOCKVANE_FINDING_WAITS_H

#include "capture/capture.h"

/* Does waiting for a lock of the class mean to sleep, on this kernel? A pseudo-lock counts as one that does. */
bool finding_sleeps(const struct capture *c, const struct capture_class *class);

/*
 * May a lock of `taken` not be waited for under one of `holder`? Where the capture was told, by
 * lockdep's wait types, which make a spinlock_t under a raw_spinlock_t wrong on every kernel. Else
 * what is wrong on the kernel at hand: sleeping under what spins.
 */
bool finding_waits_wrongly(const struct capture *c, const struct capture_class *holder,
			   const struct capture_class *taken);

#endif
