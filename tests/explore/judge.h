/* SPDX-License-Identifier: GPL-2.0-only */
/* What lockvane says of a program whose parts it has seen run once each, alone. */
#ifndef LOCKVANE_EXPLORE_JUDGE_H
#define LOCKVANE_EXPLORE_JUDGE_H

#include "capture/capture.h"
#include "finding/finding.h"
#include "program.h"

struct judge;

struct judge *judge_new(bool production); /* NULL: no memory */
void judge_free(struct judge *j);         /* takes NULL */

/* The findings; they and the capture are to be freed. Class names are A, B, … 0 or -errno. */
int judge_run(struct judge *j, const struct program *p, struct capture **ret_capture,
	      struct findings **ret_findings);
/* Did a part of the last program hang all by itself? */
bool judge_hung(const struct judge *j);

#endif
