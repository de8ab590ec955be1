/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pivot: what one run of the recorder saw, resolved to names and symbols,
 * so that it reads the same on another machine. trace/ and replay/ make one,
 * db.h keeps it in SQLite, everything after it only reads it.
 *
 * All strings belong to the capture. Ids are indices in its arrays.
 */
#ifndef LOCKVANE_CAPTURE_H
#define LOCKVANE_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"

/* How sure we are that a class is one class, and that its name is right. */
enum capture_certainty {
	CAPTURE_EXACT = 0,     /* the address says it: static, per-CPU, a cache of one type */
	CAPTURE_INFERRED = 1,  /* one answer fits the evidence */
	CAPTURE_AMBIGUOUS = 2, /* unrelated locks may share it */
};

struct capture_frame {
	uint64_t ip;
	char *text; /* "function+0x4dc/0x620 [module]", or "0xffff…" */
};

struct capture_stack {
	struct capture_frame *frames;
	uint32_t nr_frames;
	uint32_t pid;
	uint32_t cpu;
	char comm[LV_COMM_LEN];
};

struct capture_class {
	char *name;  /* "kioctx.ctx_lock", "tasklist_lock", "kmalloc-256+0x58"; unique */
	char *alias; /* the kernel's own name, "&ctx->fd_wqh"; or NULL */
	char *kind;  /* "static", "percpu", "slab", "kmalloc", "stack", … (from lv_place_kind) */
	char *why;   /* evidence for name and grade, "; " between; or NULL */
	char *key;   /* where it lives, for people: "[<ffffffff89c31430>]", "kioctx+0x140" */
	enum capture_certainty certainty;
	uint32_t family; /* enum lv_family */
	uint32_t subclass;
	uint32_t flags; /* LV_CLASS_* */
	uint32_t usage; /* bits 1 << enum lv_usage */
	uint64_t acquisitions;
	uint32_t usage_stack[LV_USAGES]; /* index in stacks, or LV_NONE */
	uint64_t usage_addr[LV_USAGES];  /* the instance, 0 unknown */
	/* By usage: was it seen twice; the instances seen, and one they agree on (abi.h). */
	uint32_t twice;
	uint64_t usage_low[LV_USAGES];
	uint64_t usage_seen[LV_USAGES];
	uint64_t usage_sources[LV_USAGES]; /* captures put together: who saw it, 1 << source */
};

struct capture_edge {
	uint32_t from, to; /* indices in classes */
	uint32_t dep;      /* exactly one enum lv_dep */
	uint64_t count;
	uint32_t stack;      /* where `to` was taken under `from`, or LV_NONE */
	uint32_t from_stack; /* where `from` was taken, or LV_NONE */
	uint64_t from_addr, to_addr; /* the instances at first sight */
	uint64_t seen_from, seen_to; /* all that were looked at: LV_INSTANCE_BIT() */
	struct lv_pair low[2];       /* instances seen together, 0: none */
	bool sure; /* `from` was held, also where unlocks are hidden */
	/* Held exclusively before `from`, each time that was looked at: class or LV_NONE, instance. */
	uint32_t gate_class[LV_GATES];
	uint64_t gate_addr[LV_GATES];
	uint64_t source; /* captures put together: this sighting's, 1 << source; 0: nobody's */
};

/* Facts that the recorder knows to be wrong by themselves, without the graph. */
enum capture_fact_kind {
	CAPTURE_WAIT_CONTEXT = 0, /* a sleeping lock under a spinning one, or in irq */
	CAPTURE_BAD_UNLOCK = 1,   /* a release of what was not held */
	CAPTURE_HELD_FREED = 2,   /* memory freed with a held lock in it */
	CAPTURE_HELD_AT_EXIT = 3, /* held on return to user space */
	CAPTURE_WAIT_ATOMIC = 4,  /* a sleeping lock with preemption or softirqs off */
	CAPTURE_HELD_AT_DEATH = 5, /* held by a task that has ended */
	CAPTURE_FACT_KINDS = 6,
};

struct capture_fact {
	uint32_t kind;  /* enum capture_fact_kind */
	uint32_t class; /* index in classes */
	uint32_t class2; /* wait context: the spinning lock held, LV_NONE: in irq */
	uint32_t stack; /* where it was seen, or LV_NONE */
	uint64_t addr;  /* the instance of class, 0 unknown */
	uint64_t source; /* as an edge's */
};

struct capture_loss {
	char *name; /* as in LV_LOSSES */
	char *text;
	uint64_t count;
	/* That lost them: "mutex_unlock 12, up_read 3", most first; NULL: none, or unknown. */
	char *programs;
};

/* How a wait can end without the lock. */
enum capture_wait_end {
	CAPTURE_WAIT_LOCK_ONLY = 0,
	CAPTURE_WAIT_FATAL_SIGNAL = 1,
	CAPTURE_WAIT_SIGNAL = 2,
	CAPTURE_WAIT_ENDS = 3,
};

/*
 * A task of a deadlock: it waits for a lock that the next task of its ring holds, the last one's that
 * the first holds. The waits of a ring stand one behind the other.
 */
struct capture_wait {
	uint32_t ring;	/* the same number for all of a ring */
	uint32_t class; /* index in classes: what is waited for */
	uint32_t mode;	/* enum lv_mode, how */
	uint32_t held;	/* enum lv_mode, how the next task holds it */
	uint32_t ends;	/* enum capture_wait_end */
	uint32_t stack; /* where it waits, with the task */
	uint64_t addr;	/* the lock */
	uint64_t waited_ms; /* until it was told */
};

#define CAPTURE_MAX_IMAGES 4096

/* The kernel or a module as it ran: what debug information must fit. */
struct capture_image {
	char *module;	/* NULL: the kernel itself */
	char *build_id; /* in hex, lower case */
};

/* One of the captures that were put together (merge.h): a bit each in a mask. */
#define CAPTURE_MAX_SOURCES 64
struct capture_source {
	char *name;    /* its file */
	char *command; /* or NULL */
	uint64_t started, duration, events, lost; /* as a capture's; lost: all its losses */
};

struct capture {
	char *version; /* version of the lockvane that recorded it */
	char *kernel;  /* uname release */
	char *build;   /* uname version: with the release, the kernel build */
	char *machine; /* uname machine */
	char *host;    /* uname nodename, or NULL: not known, or of several */
	char *command; /* the program that was run, or NULL */
	uint64_t started;  /* seconds since the epoch */
	uint64_t duration; /* armed for, nanoseconds */
	uint64_t events;
	char *tainted; /* as the kernel prints it, "Not tainted"; NULL: not known */
	bool rt;            /* PREEMPT_RT: spinlocks sleep */
	bool annotated; /* classes and nesting were told, as to lockdep: A in A is recursion */
	bool unlocks_hidden; /* some unlocks are inlined: holders are inferred */
	bool irqs_unseen;    /* no source of the irq flag */
	bool preempts;	     /* the kernel preempts itself: releases of sleeping locks get lost */
	bool misses_asked;   /* but the recorder asked, and forgot whom one may have been of */

	struct capture_class *classes;
	size_t nr_classes;
	struct capture_edge *edges;
	size_t nr_edges;
	struct capture_stack *stacks;
	size_t nr_stacks;
	struct capture_fact *facts;
	size_t nr_facts;
	struct capture_wait *waits;
	size_t nr_waits;
	struct capture_loss *losses;
	size_t nr_losses;
	struct capture_image *images; /* those whose build ids are known */
	size_t nr_images;
	struct capture_source *sources; /* none: one run of the recorder */
	size_t nr_sources;
};

/* An empty capture, or NULL when there is no memory. */
struct capture *capture_new(void);
void capture_free(struct capture *c); /* takes NULL */

/*
 * Append an item, zeroed but for LV_NONE in its stack fields. The pointer is
 * good until the next append of its sort. NULL when there is no memory.
 */
struct capture_class *capture_add_class(struct capture *c);
struct capture_edge *capture_add_edge(struct capture *c);
struct capture_stack *capture_add_stack(struct capture *c);
struct capture_fact *capture_add_fact(struct capture *c);
struct capture_wait *capture_add_wait(struct capture *c);
struct capture_loss *capture_add_loss(struct capture *c);
struct capture_image *capture_add_image(struct capture *c);
struct capture_source *capture_add_source(struct capture *c);

/* The build id of a module, or of the kernel (NULL). NULL: it is not known. */
const char *capture_build_id(const struct capture *c, const char *module);

/* How many waits from `first` on are of its ring. */
size_t capture_ring_len(const struct capture *c, size_t first);

/* Add what another sighting knows of a usage or an edge's instances. Gates stay that are in both. */
void capture_see_usage(struct capture_class *to, enum lv_usage bit, uint64_t low, uint64_t seen);
void capture_see_edge(struct capture_edge *to, const struct capture_edge *seen);

/*
 * An edge that no code was seen to make has no count, and a stack of one line that begins so. The
 * line without that beginning; NULL: the edge was seen.
 */
#define CAPTURE_TOLD "told: "
const char *capture_edge_told(const struct capture *c, const struct capture_edge *edge);

/*
 * Which sources saw such a dependency, 1 << source each: looks at all edges. All of them where the
 * edge is told; none of a capture that was not put together.
 */
uint64_t capture_edge_sources(const struct capture *c, const struct capture_edge *edge);
/* The bit of the source whose sighting an edge is; all bits for an edge that is told. */
uint64_t capture_edge_source(const struct capture *c, const struct capture_edge *edge);

/* Sum of all losses. */
uint64_t capture_lost(const struct capture *c);

/* "{+.-.}" as lockdep prints it: hardirq, its readers, softirq, its readers. */
#define CAPTURE_USAGE_LEN 7
void capture_usage_text(uint32_t usage, char ret[static CAPTURE_USAGE_LEN]);

#endif
