/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When to watch and when to rest, so that the CPU time it costs stays within
 * a share of all CPUs. An account: the share flows in with time, what hooks and
 * this process use goes out. Nothing is lent: attaching, a window and letting go
 * again are earned before, at what a machine that is busy on all CPUs would make of
 * them. Pure: the caller has clocks and hooks.
 */
#ifndef LOCKVANE_DAEMON_BUDGET_H
#define LOCKVANE_DAEMON_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

enum budget_mode {
	BUDGET_ARMED,	 /* record */
	BUDGET_DISARMED, /* rest, hooks in place */
	BUDGET_DETACHED, /* rest, all hooks gone, or those that see nearly all events: see budget_leave() */
	BUDGET_STOPPED,	 /* it cannot be kept: for good */
};

struct budget_settings {
	double share; /* part of all CPUs, 0 to 1 */
	unsigned int cpus;
	uint64_t window_ns;
};

/* Attaching hooks, or letting go of them: one by one, which takes seconds. */
struct budget_move {
	double own_ns;	    /* CPU time of this process */
	double in_place_ns; /* time, times the share of all events whose hooks were there */
	unsigned int hooks; /* that came or went; 0: not known */
};

struct budget_costs {
	double armed;	 /* ns of CPU time, of one event, recording */
	double disarmed; /* the same, hooks in place */
	struct budget_move attach, detach;
};

/* The caller's view at a moment; all count up. */
struct budget_look {
	uint64_t now_ns;
	uint64_t events;  /* recorded */
	uint64_t own_ns;  /* CPU time of this process, the kernel's work for it included */
	uint64_t busy_ns; /* CPU time that CPUs were not idle, all of them */
};

struct budget {
	struct budget_settings set;
	struct budget_costs costs;
	struct budget_look last;
	enum budget_mode mode;
	double credit;	/* ns */
	double busy_ns; /* others' time, so far */
	/* The load: CPU seconds of work, neither ours nor the hooks', of the last ten seconds... */
	double work, work_seconds;
	/* ... and what was seen of it in the last ten armed ones. */
	double seen_events, seen_work;
	double recent_spent, recent_seconds; /* the last ten minutes, fading */
	uint64_t window_from, rest_from;     /* ns */
	uint64_t held_until;		     /* ns: no window opens before */
	/* Since the beginning. */
	double spent;	    /* ns, hooks and own */
	double spent_hooks; /* ns */
	uint64_t armed_ns, watched_ns;
	double unseen; /* events while resting, estimated */
	uint64_t windows, cut_short;
	const char *why; /* it stopped */
	bool stay;	 /* hooks are not moved any more */
	double left;	 /* see budget_leave() */
};

/* Hooks are in place. If the mode is BUDGET_DETACHED, let go of them, and begin again. */
void budget_begin(struct budget *b, const struct budget_settings *set,
		  const struct budget_costs *costs, const struct budget_look *look);

/* Other settings from now on. */
void budget_set(struct budget *b, const struct budget_settings *set);

/* Book what was spent since the last look, and say what to do from here on. */
enum budget_mode budget_next(struct budget *b, const struct budget_look *look);

/* No window is open before that time, however much is in the account. As budget_next(). */
enum budget_mode budget_hold(struct budget *b, uint64_t until_ns);

/*
 * Book the time that the step took which budget_next() wanted: not armed, and with hooks in place
 * that see such a share of all events. It is added to *move, if given.
 */
void budget_pass(struct budget *b, const struct budget_look *look, double in_place,
		 struct budget_move *move);

/* Hooks that come or go are in the way of others: from now on they stay where they are. */
void budget_stay(struct budget *b);

/* It has been done: the window or the rest begins now. */
void budget_settle(struct budget *b);

/* Hooks have gone but for those that see this share of all events: what that costs at rest is booked. */
void budget_leave(struct budget *b, double share);

/*
 * The share of all events whose hooks best stay in place at rest: left[n] if the hottest n go, up to nr, which
 * are all. Fewer that go make a move cheaper, and the rest dearer. 0: all go.
 */
double budget_choose_left(const struct budget *b, const double *left, unsigned int nr);

/* Nanoseconds until it wants to be asked again. */
uint64_t budget_wait(const struct budget *b);

/* Seconds of rest until a window is earned, at the least. */
double budget_pause(const struct budget *b);

/* The share used lately, of all CPUs, as the setting is. */
double budget_used(const struct budget *b);

/* Lock events a second on this machine as it is now, estimated. */
double budget_rate(const struct budget *b);

#endif
