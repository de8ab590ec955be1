/* SPDX-License-Identifier: GPL-2.0-only */
/* The load of a push: a capture file's or a monitor's graph and findings. */
#ifndef LOCKVANE_FLEET_LOAD_H
#define LOCKVANE_FLEET_LOAD_H

#include "cli/source.h"
#include "fleet/push.h"

struct load;

/* -ENOENT: the monitor has saved no graph yet. */
int load_new(const struct cli_source *source, struct load **ret, struct error *err);
void load_free(struct load *l); /* takes NULL */

/* Without a host; it lives as long as the load. */
struct push_load load_as_push(struct load *l);

#endif
