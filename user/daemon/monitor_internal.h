/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the files of monitor: monitor.c begins, loops and ends; monitor_hooks.c
 * arms and rests; monitor_learn.c takes in what was recorded and tells what is found;
 * monitor_keep.c saves; monitor_metrics.c gives out numbers; monitor_time.c reads the clocks
 * and adds up the time watched.
 */
#ifndef LOCKVANE_DAEMON_MONITOR_INTERNAL_H
#define LOCKVANE_DAEMON_MONITOR_INTERNAL_H

#include <signal.h>

#include "daemon/budget.h"
#include "daemon/monitor.h"
#include "finding/suppress.h"
#include "knowledge/knowledge.h"
#include "publish/listener.h"
#include "store/state.h"
#include "trace/presence.h"
#include "trace/programs.h"
#include "trace/valve.h"
#include "trace/waits.h"
#include "trace/words.h"

/* When the tables were last looked at, and what they held: growth shows in it. */
struct monitor_sight {
	uint32_t next_stack;
	uint64_t signature;
	unsigned int looks;
	bool moved; /* at the last look: a slot may not have been ready yet */
};

struct monitor {
	struct monitor_setup *setup;
	sigset_t signals;
	uint64_t began_ns;

	struct programs *programs;
	bool attached;
	uint64_t attach_ns, attach_own_ns; /* when the first hook was attached; our CPU time then */
	unsigned int failures;		   /* to attach, in a row */
	uint64_t slowest_ns;		   /* time that one hook takes to come or go */
	uint64_t lapses;		   /* times the hooks disarmed themselves */
	struct presence presence;
	uint64_t met_ns; /* when others were last looked for */
	bool makes_room; /* a trace is at work */
	struct valve valve;
	uint64_t contention_stops; /* windows it ended */
	struct budget budget;
	double busy, busy_most; /* ns: of all CPUs */
	double idle;		/* s: as the kernel told it last */
	uint64_t busy_at;
	struct tables tables;

	struct words *words;
	struct waits *waits;
	struct knowledge *knowledge;
	struct monitor_sight sight;
	uint64_t counted_ns; /* when counters were last read */
	bool told_full;
	bool told_unkept; /* that a finding cannot be kept */
	bool blind; /* the last look at who waits failed */

	struct suppressions *suppressions;
	struct known known;

	struct state *state;
	struct state_totals before; /* this process */
	uint64_t armed_before;
	bool grown, changed; /* graph; known findings, that can wait */
	bool urgent;	     /* a finding is new */
	bool broken;	     /* the last save failed */
	uint64_t saved_ns, counts_ns, retry_ns;
	uint64_t state_errors;

	struct listener *listener; /* NULL: nobody is told numbers */
	uint64_t began_ms, posted_ns, status_ns, attachments;
	uint64_t losses_before[LV_LOSS_KINDS];

	uint64_t pinged_ns;
	uint64_t reloads, reloads_failed;
	bool stale; /* the last reload failed */
};

/* monitor_time.c */
uint64_t monitor_now(void);	/* ns, CLOCK_MONOTONIC */
uint64_t monitor_time_ms(void); /* since the epoch */
uint64_t monitor_own_ns(void);	/* CPU time of this process */
uint64_t monitor_armed_ns(const struct monitor *m);
void monitor_totals(const struct monitor *m, struct state_totals *ret);

/* monitor_hooks.c */
void monitor_ping(struct monitor *m);
/* As the budget says now. */
void monitor_follow_budget(struct monitor *m);
unsigned int monitor_cpus(void);
void monitor_set_budget(struct monitor *m);
void monitor_disarm(struct monitor *m);
/* It rests while a trace is at work. Called often. */
void monitor_make_room(struct monitor *m);
/* Armed, do others wait for locks more than before? Then the window ends. Called often. */
void monitor_watch_contention(struct monitor *m);
/* Hooks that are armed stay so; called often. */
void monitor_renew(struct monitor *m);

/* monitor_learn.c */
int monitor_begin_knowledge(struct monitor *m, struct capture *graph, struct error *err);
/* Take in news of the tables, if there are any or `whole`; tell the findings. */
void monitor_learn(struct monitor *m, bool whole);
/* Deadlocks that hang, whether armed or not. */
void monitor_look_at_waits(struct monitor *m);
/* Look at all findings: what is news is told, the rest counted. */
void monitor_review(struct monitor *m);
void monitor_say_coverage(const struct monitor *m, char *ret, size_t room);

/* monitor_keep.c */
int monitor_open_state(struct monitor *m, struct capture **ret_graph, struct error *err);
/* Save if it is time to, or `now`. */
void monitor_keep(struct monitor *m, bool now);

/* monitor_metrics.c */
/*
 * A failure here is told, and the monitor does without. First of all: the process is a copy of this
 * one.
 */
void monitor_begin_metrics(struct monitor *m);
/* Keep the losses from before this process, of the graph that was read. */
void monitor_remember_losses(struct monitor *m);
void monitor_end_metrics(struct monitor *m);
/* `lockvane status` shall not take a monitor that ended for one that runs. */
void monitor_end_status(struct monitor *m);
/* Give out the numbers if it is time to, or at once; write the status if it is time to. */
void monitor_post(struct monitor *m, bool at_once);

#endif
