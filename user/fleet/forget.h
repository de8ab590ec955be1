/* SPDX-License-Identifier: GPL-2.0-only */
/* Hosts and kernel builds leave the store, with all that only they showed. */
#ifndef LOCKVANE_FLEET_FORGET_H
#define LOCKVANE_FLEET_FORGET_H

#include "fleet/store.h"

enum forget_by {
	FORGET_HOST,   /* all hosts of a name, whoever pushes them */
	FORGET_KERNEL, /* all builds of a release */
	FORGET_IDLE,   /* hosts that have not pushed since then, milliseconds since the epoch */
	FORGET_WAYS
};

struct forgotten {
	int64_t hosts, builds;
	int64_t findings; /* that no host has any more */
	int64_t together; /* that took several hosts, one of which went: the next analysis looks again */
};

/* All or nothing. dry: nothing, but tell what it would be. Only the store's owner may: -EPERM. */
int forget(struct store *s, enum forget_by by, const char *value, bool dry, struct forgotten *ret,
	   struct error *err);

#endif
