/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which other processes of lockvane trace this machine? Each holds a shared lock on a file of its role, in a
 * folder that is root's; the kernel lets go of it when the process ends, however.
 */
#ifndef LOCKVANE_TRACE_PRESENCE_H
#define LOCKVANE_TRACE_PRESENCE_H

#include <stdbool.h>

enum presence_role {
	PRESENCE_TRACE,
	PRESENCE_MONITOR,
	PRESENCE_ROLES,
};

struct presence {
	int own, ask[PRESENCE_ROLES]; /* files; -1: none */
};

/*
 * folder: NULL is /run/lockvane. Begins by asking: is there another of this role? Where the folder is
 * not to be had, others are not known, nor we to them.
 */
bool presence_begin(struct presence *ret, const char *folder, enum presence_role role);
void presence_end(struct presence *p);

/* Is there now one of that role, which is not ours? */
bool presence_of(const struct presence *p, enum presence_role role);

#endif
