/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the comparison and its two formats. */
#ifndef LOCKVANE_REPORT_DIFF_INTERNAL_H
#define LOCKVANE_REPORT_DIFF_INTERNAL_H

#include "report/diff.h"

struct diff_list {
	uint32_t *items; /* indices of the side's */
	size_t nr;
};

struct diff_part {
	struct diff_list gone, new; /* parts of the old side, of the new side */
	size_t both;
};

struct diff {
	struct diff_side old, new;
	enum finding_confidence least;
	uint32_t *old_common, *new_common; /* by class: a number that both sides share */
	struct diff_part findings, classes, edges;
};

#endif
