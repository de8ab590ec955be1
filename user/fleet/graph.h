/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All hosts' sightings of one kernel build, as one capture; and which parts of the store each piece
 * of it is.
 */
#ifndef LOCKVANE_FLEET_GRAPH_H
#define LOCKVANE_FLEET_GRAPH_H

#include "capture/capture.h"
#include "fleet/store.h"

struct fleet_build {
	int32_t id;
	char *kernel, *build, *machine;
	bool rt, annotated;
	bool unlocks_hidden, irqs_unseen, preempts; /* on some host */
	uint32_t hosts;
};

struct fleet_builds {
	struct fleet_build *items;
	size_t nr;
};

/* All builds in the store. */
int fleet_builds_get(struct store *s, struct fleet_builds *ret, struct error *err);
void fleet_builds_free(struct fleet_builds *b);

/* A usage or a dependency, whichever of its parts a host saw: numbers[first] and so on are theirs. */
struct fleet_unit {
	uint32_t first, nr;
};

struct fleet_graph {
	struct capture *c;
	struct fleet_unit *units;
	size_t nr_units;
	int32_t *numbers;
	size_t nr_numbers;
	uint32_t *edge_units;		     /* by edge */
	uint32_t (*usage_units)[LV_USAGES]; /* by class; LV_NONE: not seen */
};

/* Rows that no lockvane writes are left out. -EINVAL: there is more than a capture holds. */
int fleet_graph_get(struct store *s, const struct fleet_build *build, struct fleet_graph *ret,
		    struct error *err);
void fleet_graph_free(struct fleet_graph *g);

/* A capture of this build without anything in it yet; NULL: no memory. */
struct capture *fleet_graph_empty(const struct fleet_build *build);

#endif
