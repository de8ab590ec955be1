/* SPDX-License-Identifier: GPL-2.0-only */
/* Which of the findings somebody wants to see. */
#ifndef LOCKVANE_FINDING_SELECT_H
#define LOCKVANE_FINDING_SELECT_H

#include "finding/finding.h"

struct finding_select {
	const char *id;	       /* how its id or fingerprint begins; NULL: any */
	enum finding_rule rule; /* FINDING_RULES: any */
	const char *lock;      /* a pattern that a lock of a chain fits, as in suppressions; NULL: any */
	const char *module;    /* a module whose code is in one of its stacks; NULL: any */
};

#define FINDING_SELECT_ALL ((struct finding_select){.rule = FINDING_RULES})

bool finding_select_fits(const struct finding_select *s, const struct capture *c,
			 const struct finding *f);

/* The same for a finding whose chain is known as text only, "a --> b"; the module is not looked at. */
bool finding_select_fits_text(const struct finding_select *s, const char *id,
			      const char *fingerprint, enum finding_rule rule, const char *chain);

/* Drop the findings that do not fit, and count them in f->not_selected. */
void finding_select_apply(const struct finding_select *s, const struct capture *c,
			  struct findings *f);

#endif
