/* SPDX-License-Identifier: GPL-2.0-only */
/* Findings as text in lockdep's layout, as JSON, and as plain lists. */
#ifndef LOCKVANE_REPORT_REPORT_H
#define LOCKVANE_REPORT_REPORT_H

#include <stdio.h>

#include "capture/capture.h"
#include "finding/finding.h"
#include "finding/suppress.h"

struct report_opts {
	enum finding_confidence least;		 /* findings less sure are counted, not shown */
	const struct suppressions *suppressions; /* that were applied, or NULL */
	bool list_suppressed;			 /* name them, and what suppressed each */
	uint32_t in_one; /* captures put together: findings left out, as one has them by itself */
	bool brief;				 /* text: the index alone, no reports */
};

/* The customary choice: what is likely or better. */
#define REPORT_OPTS_DEFAULT ((struct report_opts){.least = FINDING_LIKELY})

/*
 * All of them write to a stream and return 0, -ENOMEM, or -EIO when the
 * stream has an error. Control characters in names are made visible.
 */
int report_text(FILE *out, const struct capture *c, const struct findings *f,
		const struct report_opts *opts);
/* The document is described at the head of json.c. */
/* The deadlocks among the findings, and no summary: what hangs is told while it hangs. 0 or -EIO. */
int report_deadlocks(FILE *out, const struct capture *c, const struct findings *f);
int report_json(FILE *out, const struct capture *c, const struct findings *f,
		const struct report_opts *opts);

/* One page, which needs nothing else. Graphs are drawn where Graphviz' dot is installed. */
int report_html(FILE *out, const struct capture *c, const struct findings *f,
		const struct report_opts *opts);

/*
 * One line each under a line of headings; no field has a blank in it. lock: a pattern that the class, or
 * one of the edge's two classes, must fit; NULL: all.
 */
int report_classes(FILE *out, const struct capture *c, const char *lock);
int report_edges(FILE *out, const struct capture *c, const char *lock);
/* The same as JSON. */
int report_classes_json(FILE *out, const struct capture *c, const char *lock);
int report_edges_json(FILE *out, const struct capture *c, const char *lock);
/* Edges for Graphviz. */
int report_edges_dot(FILE *out, const struct capture *c, const char *lock);

/* Why the class of that index has its name and grade, for people. -ENOMEM, too. */
int report_explain(FILE *out, const struct capture *c, uint32_t class);

/* Both in the format of /proc/lockdep. -EFBIG: the graph is beyond what can be counted in seconds. */
int report_proc(FILE *out, const struct capture *c);

#endif
