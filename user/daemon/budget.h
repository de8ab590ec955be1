/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When to watch and when to rest, so that the CPU time it costs stays within
 * a share of all CPUs. An account: the share flows in with time, what hooks and
 * this process use goes out. A window opens when the account can pay for it, and
 * closes when it is empty; so at no time more was spent than came in, but for
 * a loan of ten seconds' share at the start. Pure: the caller has clocks and hooks.
 */
#ifndef LOCKVANE_DAEMON_BUDGET_H
#define LOCKVANE_DAEMON_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

enum budget_mode {
	BUDGET_ARMED,	 /* record */
	BUDGET_DISARMED, /* rest, hooks in place */
	BUDGET_DETACHED, /* rest, nothing in the kernel */
	BUDGET_STOPPED,	 /* it cannot be kept: for good */
};

struct budget_settings {
	double share; /* of all CPUs, 0 to 1 */
	unsigned int cpus;
	uint64_t window_ns;
};

/* Nanoseconds of CPU time. */
struct budget_costs {
	double armed;	 /* one event's, recording */
	double disarmed; /* one event's, hooks in place */
	double cycle;	 /* of detaching and attaching all hooks */
};

/* What the caller sees at a moment; all count up. */
struct budget_look {
	uint64_t now_ns;
	uint64_t events; /* recorded */
	uint64_t own_ns; /* CPU time of this process, the kernel's work for it included */
};

struct budget {
	struct budget_settings set;
	struct budget_costs costs;
	struct budget_look last;
	enum budget_mode mode;
	double credit;			     /* ns */
	double rate;			     /* events a second while armed; < 0: not known */
	double rate_seconds;		     /* it rests on so many armed seconds, at most 10 */
	double recent_spent, recent_seconds; /* the last ten minutes, fading */
	uint64_t window_from, rest_from;     /* ns */
	/* Since the beginning. */
	double spent;	    /* ns, hooks and own */
	double spent_hooks; /* ns */
	uint64_t armed_ns, watched_ns;
	double unseen; /* events while resting, estimated */
	uint64_t windows, cut_short;
	const char *why; /* it stopped */
};

void budget_begin(struct budget *b, const struct budget_settings *set,
		  const struct budget_costs *costs, const struct budget_look *look);

/* Other settings from now on. */
void budget_set(struct budget *b, const struct budget_settings *set);

/* Book what was spent since the last look, and say what to do from here on. */
enum budget_mode budget_next(struct budget *b, const struct budget_look *look);

/*
 * What budget_next() wanted has been done, which took its time: that is booked
 * as rest, and the window or the rest begins now.
 */
void budget_settle(struct budget *b, const struct budget_look *look);

/* Nanoseconds until it wants to be asked again. */
uint64_t budget_wait(const struct budget *b);

/* The share used lately, of all CPUs, as the setting is. */
double budget_used(const struct budget *b);

/* Share of the events that were seen, estimated; negative: not known. */
double budget_seen(const struct budget *b);

#endif
