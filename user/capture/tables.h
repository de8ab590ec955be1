/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the recorder's tables, wherever they are in memory, to a capture.
 * Names and symbols are somebody else's knowledge: the callbacks'.
 */
#ifndef LOCKVANE_CAPTURE_TABLES_H
#define LOCKVANE_CAPTURE_TABLES_H

#include <stddef.h>

#include "capture/capture.h"

/*
 * One wait in a ring of tasks that wait for each other, one after the other; see struct
 * capture_wait.
 */
struct tables_wait {
	struct lv_wait wait; /* with its class */
	uint32_t ring;
	uint32_t held;	     /* enum lv_mode, of the next one's */
	uint64_t waited_ms;
};

struct tables {
	const struct lv_control *control;
	const struct lv_cpu *cpus;
	size_t nr_cpus;
	const struct lv_class *classes; /* LV_MAX_CLASSES of them */
	const struct lv_edge *edges;    /* LV_MAX_EDGES */
	const struct lv_stack *stacks;  /* LV_MAX_STACKS */
	const struct lv_name *names;    /* LV_MAX_NAMES */
	const struct lv_fact *facts;    /* LV_MAX_FACTS, or NULL: none were kept */
	const __u64 *task_keys;	/* LV_MAX_TASKS, or NULL: not known */
	/* Runs that the kernel skipped, by hook, LV_HOOKS + 1 of them; NULL: not known. */
	const uint64_t *recursion_misses;
	const struct lv_held_stack *held; /* LV_MAX_TASKS: the tasks' sleeping locks; or NULL */
	const struct tables_wait *waits;  /* deadlocks that were seen; nr_waits entries */
	size_t nr_waits;
};

/*
 * The name of a hook's program (struct lv_stack's); "sched_switch" for the last, NULL for others.
 */
const char *tables_hook(uint32_t hook);
/* The function that it hooks: nearly always the same. NULL: a tracepoint. */
const char *tables_hook_function(uint32_t hook);

/* Is this class, edge, name or fact whole? While armed they come at any moment. */
static inline bool tables_is_ready(const __u32 *state)
{
	return __atomic_load_n(state, __ATOMIC_ACQUIRE) >= LV_SLOT_READY;
}

/* Is there such a class, and was it used? */
bool tables_has_class(const struct tables *tables, uint32_t id);

/* Lock events that these CPUs have seen. */
uint64_t tables_events(const struct lv_cpu *cpus, size_t nr_cpus);

/* Slots of the task table that no other task may have now; none while disarmed. */
uint32_t tables_tasks(const struct tables *tables);

/* How often, on all CPUs. Big: not for the stack. */
struct tables_totals {
	uint64_t acquisitions[LV_MAX_CLASSES];
	uint64_t edge_hits[LV_MAX_EDGES];
};

/* The CPUs' counters, with what is still in their memos. While armed, a moment's error may be in it. */
void tables_add_up(const struct tables *tables, struct tables_totals *ret);

struct tables_words {
	void *arg;
	/* Set name, alias, kind, key and certainty of a class; correct its family. 0 or -errno. */
	int (*describe_class)(void *arg, const struct lv_class *class, struct capture_class *ret);
	/*
	 * Which class, of a lower id or the same, stands for this one: elements of an array are
	 * one. NULL: each stands for itself.
	 */
	uint32_t (*one_with)(void *arg, uint32_t id);
	/* The frame's text, to be freed by the capture; NULL: no memory. */
	char *(*symbol)(void *arg, uint64_t ip);
	/* Is this frame the tracer's own (a BPF program or trampoline)? May be NULL. */
	bool (*is_own_frame)(void *arg, uint64_t ip);
	/* This class of the tables is that one of the capture. May be NULL. */
	void (*class_moved)(void *arg, uint32_t id, uint32_t index);
};

/*
 * Append all READY classes, edges, stacks and losses to a capture, and add up
 * the counters. A slot that somebody is still filling is left out. 0 or
 * -errno; the capture may then be half filled and is only good for freeing.
 */
int tables_to_capture(const struct tables *tables, const struct tables_words *words,
		      struct capture *ret);

#endif
