/* SPDX-License-Identifier: GPL-2.0-only */
/* The difference of two captures: parts that one has and the other has not. */
#ifndef LOCKVANE_REPORT_DIFF_H
#define LOCKVANE_REPORT_DIFF_H

#include <stdbool.h>
#include <stdio.h>

#include "capture/capture.h"
#include "finding/finding.h"

/* One of the two. */
struct diff_side {
	const char *name; /* its file */
	const struct capture *c;
	const struct findings *found; /* suppressed ones marked */
};

struct diff;

/*
 * Compare: classes by name and family, dependencies by their classes and type, findings that are sure enough and not
 * suppressed by fingerprint, as they may be of two kernel builds. Both sides must outlive it. -ENOMEM.
 */
int diff_new(const struct diff_side *old, const struct diff_side *new,
	     enum finding_confidence least, struct diff **ret);
void diff_free(struct diff *d); /* takes NULL */

/* Is there anything in the new one that is not in the old one; or any finding? */
bool diff_has_new(const struct diff *d);
bool diff_has_new_findings(const struct diff *d);

/* As report.h's. */
int diff_text(FILE *out, const struct diff *d);
int diff_json(FILE *out, const struct diff *d);

#endif
