/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Findings that somebody looked at and decided to live with. A text file, one
 * entry a line:
 *
 *	# why there is this file
 *	RULE: LOCK --> LOCK --> LOCK ; reason
 *
 * RULE is a rule's name or *. LOCK is a lock's name or what the kernel calls
 * it, with * for any characters and ? for one; ... stands for any number of
 * locks. The locks must fit the whole chain; a circular one may begin at any
 * of its locks. The reason must be there.
 */
#ifndef LOCKVANE_FINDING_SUPPRESS_H
#define LOCKVANE_FINDING_SUPPRESS_H

#include "base/error.h"
#include "finding/finding.h"

struct suppression {
	enum finding_rule rule; /* FINDING_RULES: any */
	char **locks;
	uint32_t nr_locks;
	char *reason;
	char *text; /* the whole entry, for reports */
	uint32_t line;
	uint32_t hits; /* chains it suppressed */
};

struct suppressions {
	struct suppression *items;
	uint32_t nr;
};

struct suppress_error {
	uint32_t line; /* from 1 */
	char text[80];
};

/* -EINVAL with *ret_error filled, -ENOMEM. The text need not end in a zero. */
int suppress_parse(const char *text, size_t len, struct suppressions **ret_suppressions,
		   struct suppress_error *ret_error);
/* Those of a file; path NULL: none. The error names the file, and the line. */
int suppress_read(const char *path, struct suppressions **ret, struct error *err);
void suppressions_free(struct suppressions *s); /* takes NULL */

/*
 * Marks what is suppressed and counts each entry's hits. A finding goes only
 * when all of its chains do; else one that stays becomes the one shown first.
 */
void suppress_apply(struct suppressions *s, const struct capture *c, struct findings *f);

uint32_t suppress_count(const struct findings *f); /* findings suppressed */

#endif
