/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Before lockvane trusts itself on a kernel: a few system calls whose locks
 * are known, and a timer's interrupt; were they seen, balanced, in the right
 * context?
 */
#ifndef LOCKVANE_TRACE_SELFCHECK_H
#define LOCKVANE_TRACE_SELFCHECK_H

#include "base/error.h"
#include "trace/plan.h"
#include "trace/programs.h"

/*
 * Takes some milliseconds, in which only the caller's own events are recorded,
 * and forgotten again. -EIO and words: what was not seen as it should be.
 */
int selfcheck(struct programs *programs, const struct plan *plan, struct error *err);

#endif
