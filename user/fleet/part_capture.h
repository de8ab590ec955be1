/* SPDX-License-Identifier: GPL-2.0-only */
/* A chain as captures of the hosts that saw links of it, put together as `lockvane merge` does. */
#ifndef LOCKVANE_FLEET_PART_CAPTURE_H
#define LOCKVANE_FLEET_PART_CAPTURE_H

#include "fleet/witness.h"

/* hosts[i]: the store's id of whom the result's source i is. */
int fleet_put_together(struct store *s, const struct fleet_build *build, const struct fleet_graph *g,
		       const struct witness *w, const struct witness_best *chosen, size_t nr, struct capture **ret,
		       int32_t *hosts, struct error *err);

#endif
