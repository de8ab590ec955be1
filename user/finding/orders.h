/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dependencies that lockdep only has because it is told at start: code that primes it acquires a
 * lock under fs_reclaim_acquire(), as reclaim may one day. On a kernel without lockdep nothing of that is
 * seen, so they are put in where both classes were.
 */
#ifndef LOCKVANE_FINDING_ORDERS_H
#define LOCKVANE_FINDING_ORDERS_H

#include "capture/capture.h"

/*
 * Append those that the kernel of this release is told, and that are not there: an edge with no
 * count, whose stack is one line of text (capture_edge_told()). 0 or -ENOMEM.
 */
int orders_add(struct capture *c, const char *release);

#endif
