/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The time in which `trace` is armed: until its program or its user ends it, with an eye on
 * what that does to the machine.
 */
#ifndef LOCKVANE_CLI_RECORDING_H
#define LOCKVANE_CLI_RECORDING_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "cli/child.h"
#include "cli/live.h"
#include "trace/programs.h"
#include "trace/valve.h"
#include "trace/waits.h"

struct recording {
	/* The caller's: */
	struct programs *programs; /* attached, disarmed */
	struct child *child;	   /* waits at its gate; NULL: none */
	const sigset_t *signals;   /* blocked; SIGINT, SIGTERM and SIGHUP end it, SIGTSTP stops it */
	struct waits *waits;	   /* looked at meanwhile */
	void (*tell_deadlocks)(void *arg); /* new ones were found; disarmed */
	void *arg;
	struct live *live;	   /* NULL: findings are told at the end only */
	uint64_t longest_ns;	   /* 0: no limit */
	double contention;	   /* valve_begin()'s factor */
	unsigned int cpus;	   /* online */
	bool show_progress;

	/* Results: */
	uint64_t duration_ns; /* armed */
	bool contended;	      /* ended because others waited for locks too often */

	/* Its own. */
	uint64_t armed_ns, missed_ns; /* since then, CLOCK_MONOTONIC, but for so much */
	struct valve valve;
	bool warned;
};

/* Programs have just been attached: what is usual here is counted from loaded_ns on. */
void recording_begin(struct recording *r, uint64_t loaded_ns);

/* Arm, and disarm when it is over. */
void recording_run(struct recording *r);

#endif
