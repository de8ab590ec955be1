/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Measures an event's cost on this machine: system calls that take many locks, timed in this thread
 * without hooks, with hooks at rest, and recorded.
 */
#ifndef LOCKVANE_DAEMON_CALIBRATE_H
#define LOCKVANE_DAEMON_CALIBRATE_H

#include "daemon/budget.h"
#include "trace/programs.h"

struct calibration {
	double plain_ns; /* for one round of system calls */
	double rest_ns, armed_ns;
	double events; /* in one round */
};

/* Before anything is attached. */
int calibrate_plain(struct calibration *ret, struct error *err);

/* Attached and disarmed; what was recorded meanwhile is forgotten. */
int calibrate_hooks(struct calibration *c, struct programs *programs, struct error *err);

/*
 * Nanoseconds an event into ret. False: nothing sensible was measured, and
 * they are what a slow machine takes.
 */
bool calibrate_costs(const struct calibration *c, struct budget_costs *ret);

#endif
