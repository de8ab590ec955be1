/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lockdep has a lock under the mutex or rwsem that a task waits for, lockvane under those it
 * holds. One case shows in what was recorded: the inner lock was taken by the very function
 * that waits (kernel/locking/mutex.c, rwsem.c).
 */
#ifndef LOCKVANE_TRACE_ATTEMPTS_H
#define LOCKVANE_TRACE_ATTEMPTS_H

#include "capture/capture.h"

/* Append the edges "a.mutex" --> "a.mutex.wait_lock" that are so and not there. 0 or -ENOMEM. */
int attempts_add(struct capture *c);

#endif
