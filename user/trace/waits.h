/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Waits of tasks for each other: looked at now and then while the kernel runs, so that what hangs
 * is told while it hangs. Looks cost a walk over the tasks, and only where somebody has waited for
 * long.
 */
#ifndef LOCKVANE_TRACE_WAITS_H
#define LOCKVANE_TRACE_WAITS_H

#include "trace/programs.h"
#include "trace/words.h"

struct waits;
int waits_new(struct programs *programs, struct words *words, struct waits **ret); /* -ENOMEM */
void waits_free(struct waits *w); /* takes NULL */

/* If it is time to. Returns how many deadlocks were found that were not known, or -errno. */
int waits_look(struct waits *w);

/* To the tables: all deadlocks that were found. */
void waits_tables(const struct waits *w, struct tables *ret);

#endif
