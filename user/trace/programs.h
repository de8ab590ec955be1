/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The BPF programs and their tables, behind five verbs: prepare, start, stop,
 * read, finish. Alone knows libbpf's objects and maps. Nothing is pinned:
 * programs and links live as long as this process.
 */
#ifndef LOCKVANE_TRACE_PROGRAMS_H
#define LOCKVANE_TRACE_PROGRAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "capture/tables.h"
#include "trace/plan.h"

struct programs;

/* Called before the first hook is attached, after each, and after each that is let go of. */
typedef void (*programs_progress)(void *arg, size_t done, size_t all);

/*
 * Load and attach all that the plan has, disarmed: attaching takes seconds,
 * and locks seen before their unlocks are hooked would look held for ever.
 */
int programs_prepare(const struct plan *plan, programs_progress progress, void *arg,
		     struct programs **ret, struct error *err);

/*
 * Arm: all CPUs begin a new epoch with empty stacks. The hooks disarm themselves after LV_LEASE_NS
 * unless programs_renew() is called in time.
 */
void programs_start(struct programs *programs);

/* Armed for another LV_LEASE_NS; memory that came is taken note of. False: too late, they have disarmed themselves. */
bool programs_renew(struct programs *programs);

/* How often anybody had to wait for a lock since they were loaded, armed or not: see valve.h. */
uint64_t programs_waits(const struct programs *programs);

/*
 * Arm again after they did, or after programs_stop(). Events in between are counted as lost, and
 * their time returned, in nanoseconds.
 */
uint64_t programs_resume(struct programs *programs);

/* Arm for the calling task alone: the self-check. */
void programs_probe(struct programs *programs);

/* Forget all that was recorded. Disarmed only. -errno as programs_prepare(). */
int programs_reset(struct programs *programs, struct error *err);

/* Disarm, and wait until no program that began before is running any more, preempted or not. */
void programs_stop(struct programs *programs);

/* The tables as they are now. The pointers are good until programs_finish(). */
void programs_tables(struct programs *programs, struct tables *ret);

/* Runs that the kernel itself skipped because the program was running already, by hook. */
void programs_recursion_misses(struct programs *programs, uint64_t ret[static LV_HOOKS + 1]);

/* The kernel's counts of a program; runs and time only while kernel.bpf_stats_enabled is set. */
struct programs_runs {
	uint64_t misses;
	uint64_t runs;
	uint64_t ns;
};

/* By hook; also while detached. */
void programs_run_counts(struct programs *programs, struct programs_runs ret[static LV_HOOKS + 1]);

/*
 * Let go of the kernel's functions, and take them again: between programs_stop() and
 * programs_start(), when nothing shall cost anything for a while. Those that see modules and
 * caches go stay (trace/retire.h), and those that note who waits. The kernel holds its mutexes for
 * that (ftrace_lock, text_mutex), and waits for all tasks in it: a hook that takes longer than
 * PROGRAMS_SLOW_NS is the last to go, and programs_detach() returns false. The hottest go first, until those
 * that are left see no more than the share `leave` of all events; 0: all go.
 */
bool programs_detach(struct programs *programs, double leave, programs_progress progress, void *arg);
int programs_attach(struct programs *programs, const struct plan *plan,
		    programs_progress progress, void *arg, struct error *err);

#define PROGRAMS_SLOW_NS 2000000000ull

/* The hook that took longest to come or go so far, and how long. */
const char *programs_slowest(const struct programs *programs, uint64_t *ret_ns);

/* Waits of tasks, as programs note them, whether armed or not. */
struct lv_waits *programs_wait_table(struct programs *programs);
/* Let the kernel fill in what is asked of all that wait: a round. 0 or -errno. */
int programs_look_at_waits(struct programs *programs);

/* The share of all events that hooks see which are attached now, estimated from those so far. */
double programs_in_place(const struct programs *programs);

/*
 * The share that is left when the hottest n of those that are attached are gone: ret[n], from ret[0]. Returns
 * how many are attached.
 */
unsigned int programs_left(const struct programs *programs, double ret[static LV_HOOKS + 2]);

void programs_finish(struct programs *programs); /* takes NULL */

#endif
