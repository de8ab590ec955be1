/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's functions that a task waits for a sleeping lock in, by their names. */
#ifndef LOCKVANE_TRACE_SLOWPATH_H
#define LOCKVANE_TRACE_SLOWPATH_H

#include <stdbool.h>

/* Is it the tracepoint's own, the scheduler's or a lock's: does who takes the lock come after it in a stack? */
bool slowpath_is_above_taker(const char *function);
/* The tracepoint's alone. */
bool slowpath_is_tracepoint(const char *function);

#endif
