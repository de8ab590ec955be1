/* SPDX-License-Identifier: GPL-2.0-only */
/* The words reports have in common: names, places, usages, stacks. */
#ifndef LOCKVANE_REPORT_WORDS_H
#define LOCKVANE_REPORT_WORDS_H

#include <stdio.h>

#include "capture/capture.h"
#include "finding/finding.h"

/*
 * Kernel strings are not to be trusted: a task picks its own name, a module
 * its symbols. Everything but printable ASCII becomes \xNN.
 */
void words_put(FILE *out, const char *text);
/* The same with blanks made visible too, for columns. */
void words_put_field(FILE *out, const char *text);
/* The same into new memory; NULL: no memory. */
char *words_clean(const char *text);

/* Lines that were made by us, but kept elsewhere: what is neither text nor a tab becomes '?'. */
void words_put_lines(FILE *out, const char *text);
/* Milliseconds since the epoch as local time, "2026-01-31 12:30:00". */
void words_put_time(FILE *out, uint64_t ms);
/* How long, in the largest unit of which it has one: 12 s, 59 min, 2.0 h. */
void words_put_duration(FILE *out, uint64_t ns);

/* "IN-SOFTIRQ-W", "INITIAL USE". */
const char *words_usage(enum lv_usage usage);
/* "HARDIRQ", "SOFTIRQ-READ": lockdep's name of the irq state behind a bit. */
const char *words_irq_state(enum lv_usage usage);
const char *words_family(uint32_t family);
const char *words_certainty(enum capture_certainty certainty);
/* Does the class' name or alias fit the pattern? NULL fits all. */
bool words_lock_fits(const char *lock, const struct capture_class *class);
/* Does one of its two? */
bool words_edge_fits(const char *lock, const struct capture *c, const struct capture_edge *edge);
/* "EN" */
const char *words_dep(uint32_t dep);

/*
 * A stack in which a lock of this class was taken: the instance if it can be, by its usages, then
 * by dependencies; LV_NONE: none was kept.
 */
uint32_t words_some_stack(const struct capture *c, uint32_t class, uint64_t addr);

/* A deadlock's wait for its chain's class of that index, counted round the ring. */
const struct capture_wait *words_wait(const struct capture *c, const struct finding *f, size_t i);

/* The stack, or NULL. */
const struct capture_stack *words_stack(const struct capture *c, uint32_t index);
/*
 * The innermost frame that is no lock function's: where the lock was taken. Frames inlined there
 * come before it in the stack, from *ret_first on (may be NULL).
 */
const char *words_place(const struct capture_stack *stack, uint32_t *ret_first);

#endif
