/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * New findings, told while a trace records. A process of its own looks for them: reading the tables
 * takes longer than the hooks' lease lasts, which the recording process renews meanwhile. It has the lowest
 * priority, and rests twenty times as long as it takes.
 */
#ifndef LOCKVANE_CLI_LIVE_H
#define LOCKVANE_CLI_LIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cli/cli.h"

struct live {
	/* The caller's: */
	int (*read)(void *arg, struct capture **ret, struct error *err); /* everything that was recorded by now */
	void *arg;
	const struct cli_show *show; /* which findings */
	bool clear_line;	     /* progress stands there */

	/* Its own. */
	struct told *told;
	pid_t pid; /* 0: at rest */
	uint64_t armed_ns, began_ns, next_ns;
};

/* Recording begins; nothing is looked for in its first seconds. Without memory nothing is told. */
void live_begin(struct live *l);
void live_look(struct live *l);
/* Ends the process, if there is one. */
void live_end(struct live *l);

#endif
