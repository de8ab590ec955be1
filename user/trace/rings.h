/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tasks that wait for each other in a ring, told from looks at all that wait. A ring is told when it
 * stood in two looks a second or more apart: each of its tasks slept in both, in the same wait, and
 * did not leave its sleep in between; the lock's word names the next task as its owner, or the next task's
 * held stack tells that it reads the rwsem, or executes the work. None of them can go on then, but by a
 * signal. A task that holds and lives, however slow, waits for nothing that stands in the table, and
 * closes no ring.
 *
 * An acquire context of a ww_mutex needs nothing of its own: who is to back off is woken, and has left
 * its sleep by the second look.
 */
#ifndef LOCKVANE_TRACE_RINGS_H
#define LOCKVANE_TRACE_RINGS_H

#include "capture/tables.h"

struct rings;
int rings_new(struct rings **ret); /* -ENOMEM */
void rings_free(struct rings *r);  /* takes NULL */

struct rings_look {
	const struct lv_waits *waits; /* time of the last round */
	const struct tables *tables;  /* held stacks of those who read; may have none */
	uint64_t now_ns;	      /* CLOCK_MONOTONIC */
	/* By slot, of those looked at in this round: by the task's stacks, now and when the wait began, it goes on. */
	const bool *goes_on;
};

/* Has anybody waited for long enough to be looked at? Costs no look. */
bool rings_may_stand(const struct lv_waits *waits, uint64_t now_ns);

/* Returns how many rings are told that were not before, or -ENOMEM. */
int rings_add_look(struct rings *r, const struct rings_look *look);

/* All that were told. */
const struct tables_wait *rings_told(const struct rings *r, size_t *ret_nr);

#endif
