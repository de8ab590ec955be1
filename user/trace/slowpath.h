/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's functions that a task waits for a sleeping lock in, by their names. */
#ifndef LOCKVANE_TRACE_SLOWPATH_H
#define LOCKVANE_TRACE_SLOWPATH_H

#include <stdbool.h>
#include <stdint.h>

/* Does a task in this function wait for a lock of this family, enum lv_family? */
bool slowpath_waits(const char *function, uint32_t family);

/* Is it the tracepoint's own, or a lock's: does who takes the lock come after it in a stack? */
bool slowpath_is_above_taker(const char *function);
/* The tracepoint's alone. */
bool slowpath_is_tracepoint(const char *function);

#endif
