/* SPDX-License-Identifier: GPL-2.0-only */
/* The suppression entries (suppress.h) that take one finding away, and no more than that. */
#ifndef LOCKVANE_FINDING_SILENCE_H
#define LOCKVANE_FINDING_SILENCE_H

#include "base/strbuf.h"
#include "finding/finding.h"

/*
 * Append a line for each of the finding's chains, as a finding goes only when all of them do. An
 * inversion needs one line: it is known by its last class. why: without control characters.
 */
void silence_finding(const struct capture *c, const struct finding *f, const char *why,
		     struct strbuf *out);

/* One line for a chain of these names. */
void silence_chain(enum finding_rule rule, const char *const *names, size_t nr, const char *why,
		   struct strbuf *out);

/* The same for a chain's text, "a --> b --> c". -ENOMEM. */
int silence_text(enum finding_rule rule, const char *chain, const char *why, struct strbuf *out);

#endif
