/* SPDX-License-Identifier: GPL-2.0-only */
/* Which hosts saw which links of a chain: asked for all chains in one pass over what the hosts saw. */
#ifndef LOCKVANE_FLEET_WITNESS_H
#define LOCKVANE_FLEET_WITNESS_H

#include "finding/finding.h"
#include "fleet/graph.h"

#define WITNESS_LINKS 64 /* a longer chain is not asked about */

/* The host that has most links, among those that have any. */
struct witness_best {
	int32_t run;
	uint64_t links; /* 1 << link */
};

struct witness {
	const struct finding *finding;
	const struct finding_chain *chain;
	uint32_t units[WITNESS_LINKS]; /* by link */
	uint32_t nr;
	uint32_t whole; /* hosts that have all of it */
	struct witness_best best[WITNESS_LINKS];
};

/* The links of a chain; false: there are too many, or what it has nobody needs to see. */
bool witness_set(struct witness *w, const struct fleet_graph *g, const struct finding *f,
		 const struct finding_chain *chain);

int witness_ask(struct store *s, const struct fleet_build *build, const struct fleet_graph *g,
		struct witness *items, size_t nr, struct error *err);

/* Does no host have all of it, but some together? ret: as few as a simple choice makes them; how many. */
size_t witness_choose(const struct witness *w, struct witness_best ret[static WITNESS_LINKS]);

#endif
