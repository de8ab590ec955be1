/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All numbers that the daemon shows to the outside, in one plain struct, and
 * their text for Prometheus. docs/metrics.md tells what each means. There is
 * no place in here for a kernel address, so none can get out.
 */
#ifndef LOCKVANE_PUBLISH_METRICS_H
#define LOCKVANE_PUBLISH_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "base/strbuf.h"
#include "finding/finding.h"

/* The recorder's tables, which do not grow: as a label, and as a number of slots. */
#define METRICS_TABLES_X(X)                                                                        \
	X(CLASSES, "classes", LV_MAX_CLASSES)                                                      \
	X(EDGES, "edges", LV_MAX_EDGES)                                                            \
	X(STACKS, "stacks", LV_MAX_STACKS)                                                         \
	X(NAMES, "names", LV_MAX_NAMES)                                                            \
	X(FACTS, "facts", LV_MAX_FACTS)                                                            \
	X(TASKS, "tasks", LV_MAX_TASKS)

enum metrics_table {
#define X(id, name, slots) METRICS_TABLE_##id,
	METRICS_TABLES_X(X)
#undef X
		METRICS_TABLES
};

/* The daemon's modes; it is in one of them at any time. */
#define METRICS_MODES_X(X)                                                                         \
	X(STARTING, "starting") /* nothing is attached yet */                                      \
	X(ARMED, "armed")	/* a window is open */                                             \
	X(DISARMED, "disarmed") /* between windows, hooks in place */                              \
	X(DETACHED, "detached") /* between windows, nothing in the kernel */                       \
	X(STOPPED, "stopped")	/* for good: the budget could not be kept, or the like */

enum metrics_mode {
#define X(id, name) METRICS_MODE_##id,
	METRICS_MODES_X(X)
#undef X
		METRICS_MODES
};

/* One of our programs in the kernel. */
struct metrics_program {
	const char *name; /* the function it hooks */
	uint64_t events;
	uint64_t misses; /* runs that the kernel skipped */
	/* As bpf_prog_info has them; 0 unless kernel.bpf_stats_enabled was on. */
	uint64_t runs;
	uint64_t run_ns;
};

struct metrics {
	/* The program and the kernel that run. Strings are the caller's; NULL: not known. */
	const char *version;
	const char *kernel_release; /* uname -r */
	const char *kernel_version; /* uname -v */
	const char *machine;	    /* uname -m */
	bool rt;
	bool preempts;
	bool unlocks_hidden;
	bool irqs_unseen;
	uint64_t started_ms; /* since the epoch */

	/* Findings of this kernel build, from before a restart too. */
	uint64_t findings[FINDING_RULES][FINDING_CONFIDENCES]; /* not suppressed */
	uint64_t suppressed[FINDING_RULES];
	uint64_t sightings;	    /* times any finding was seen: the first and all later ones */
	uint64_t newest_ms;	    /* when the newest finding was first seen; 0: none */
	uint64_t suppressions;	    /* entries in force */
	uint64_t suppressions_idle; /* entries that fit nothing yet */

	/* The graph. */
	uint64_t classes;
	uint64_t ambiguous_classes;
	uint64_t edges;
	uint64_t findings_cut_short; /* searches that ran out of their budget */

	/* Coverage. */
	enum metrics_mode mode;
	uint64_t events; /* since the start, as all that follows */
	uint64_t lost[LV_LOSS_KINDS];
	uint64_t armed_ns;
	uint64_t watched_ns; /* all the time since watching began, armed or not */
	uint64_t windows;
	uint64_t attachments;	/* times all hooks were attached */
	uint64_t slowest_ns;	/* that a hook took to come or go */
	uint64_t lapses;	/* times they disarmed themselves, as we did not run */
	double coverage_time;	/* share of time seen, 0 to 1; NAN: not known */
	double coverage_events; /* estimated share of acquisitions seen; NAN: not known */
	uint64_t table_used[METRICS_TABLES];
	uint64_t pinned_bytes; /* the tables' memory in the kernel */

	/* How often anybody had to wait for a lock, while the hooks rested and while they were armed. */
	uint64_t waits_resting, waits_armed;
	uint64_t contention_stops; /* windows ended because that grew */

	/* Cost. Shares are of all CPUs, 0 to 1; NAN: not known yet. */
	double budget;		   /* as configured */
	double budget_used;	   /* estimated, over the budget's own period */
	double event_cost_seconds; /* calibrated: of one event */
	double cost_seconds;	   /* CPU time estimated for the hooks, since the start */
	uint64_t budget_stops;	   /* times the budget ended a window before its time */

	/* By program. */
	const struct metrics_program *programs;
	size_t nr_programs;
	bool runs_known; /* runs and run_ns mean something */

	/* The state database, and the configuration. */
	uint64_t state_bytes;
	uint64_t state_limit_bytes; /* 0: none */
	uint64_t state_errors;
	bool state_in_memory; /* it cannot be written: what is new is kept in memory */
	uint64_t reloads;
	uint64_t reloads_failed;
	bool config_stale; /* the last reload failed: an older configuration is in force */
};

/* All unknown: zero, NAN where the comments say so, and nothing found. */
void metrics_init(struct metrics *ret);

/* The two formats there are, which differ in a few words. */
enum metrics_format {
	METRICS_PROMETHEUS = 0,	 /* text/plain; version=0.0.4 */
	METRICS_OPENMETRICS = 1, /* application/openmetrics-text; version=1.0.0 */
	METRICS_FORMATS,
};

/* The Content-Type that goes with a format. */
const char *metrics_content_type(enum metrics_format format);

/* The best format for an Accept header's value (NULL: none was sent). */
enum metrics_format metrics_negotiate(const char *accept);

/*
 * Append the text. Also tells of this process itself (CPU time, memory,
 * descriptors), as Prometheus' client libraries do. Whether memory ran out,
 * the buffer remembers.
 */
void metrics_print(const struct metrics *m, enum metrics_format format, struct strbuf *sb);

#endif
