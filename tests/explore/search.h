/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All interleavings of a program, searched for one that cannot go on. It
 * knows nothing of classes, usages or graphs: it only takes and gives locks.
 */
#ifndef LOCKVANE_EXPLORE_SEARCH_H
#define LOCKVANE_EXPLORE_SEARCH_H

#include "program.h"

enum search_result {
	SEARCH_SAFE,
	SEARCH_DEADLOCK,
	SEARCH_TOO_BIG,
};

struct search;

struct search *search_new(void); /* NULL: no memory */
void search_free(struct search *s); /* takes NULL */

struct search_options {
	uint32_t fires;     /* how often each handler may come, 3 at most */
	uint32_t all_fires; /* and all of them together */
	uint32_t max_states;
};

enum search_result search_run(struct search *s, const struct program *p,
			      const struct search_options *options);
uint32_t search_states(const struct search *s); /* seen by the last run */

/* The last run's deadlock: who stands where. */
void search_print(const struct search *s, FILE *out);

#endif
