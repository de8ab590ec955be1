/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does recording make others wait? Waits for locks are counted in the kernel, armed or not; grow they by
 * more than a factor against the seconds before, it is time to disarm. Pure: the
 * caller has clocks and counts.
 */
#ifndef LOCKVANE_TRACE_VALVE_H
#define LOCKVANE_TRACE_VALVE_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"

#define VALVE_FACTOR 4.0

/* Waits so far, on all CPUs. */
uint64_t valve_waits(const struct lv_valve *counts);

struct valve {
	double factor;	    /* 0: it never closes */
	double least;	    /* waits a second that are never too many */
	bool sample_armed;
	uint64_t from_ns;   /* when the sample began */
	uint64_t from;	    /* and waits then */
	double calm;	    /* waits a second, disarmed: the most in the last minutes, fading */
	double armed;	    /* the same, armed, in the last sample */
	unsigned int over;  /* samples in a row that were too many */
	unsigned int closed; /* times in a row, without a window that went well */
	uint64_t waits[2];  /* disarmed, armed: all that were seen */
};

/* cpus: online. From now_ns on, at which there were so many waits. */
void valve_begin(struct valve *v, double factor, unsigned int cpus, uint64_t now_ns,
		 uint64_t waits);

/*
 * Look, several times a second; armed: are the hooks now? True: disarm, and wait for
 * valve_hold_ns() before the next try.
 */
bool valve_look(struct valve *v, uint64_t now_ns, uint64_t waits, bool armed);

/* Waits a second, armed, by what was usual before, or by what is never too many. */
double valve_growth(const struct valve *v);

/* It has closed: longer each time in a row. */
uint64_t valve_hold_ns(struct valve *v);

/* A whole window went well. */
void valve_good(struct valve *v);

#endif
