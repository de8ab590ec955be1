/* SPDX-License-Identifier: GPL-2.0-only */
/* Analysis of a kernel build over its hosts: findings that have their links on different hosts. */
#ifndef LOCKVANE_FLEET_ANALYSE_H
#define LOCKVANE_FLEET_ANALYSE_H

#include "finding/finding.h"
#include "fleet/graph.h"

/* One finding, and what shows it: captures of as few hosts as have all of it, put together. */
struct fleet_together {
	struct capture *c;
	struct findings *found; /* this one alone */
	int32_t hosts[CAPTURE_MAX_SOURCES]; /* by c's sources: the store's ids */
	char *chain; /* "a --> b" */
	char *text, *json; /* reports of it */
};

struct fleet_together_all {
	struct fleet_together *items;
	size_t nr;
	size_t parts; /* parts in the build's graph: usages and dependencies */
};

/* Read the build's graph, look for it, and let the store have what there is instead of what was. */
int fleet_analyse(struct store *s, const struct fleet_build *build, enum finding_confidence least,
		  struct fleet_together_all *ret, struct error *err);
void fleet_together_free(struct fleet_together_all *all);

#endif
