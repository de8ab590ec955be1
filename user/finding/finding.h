/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lockdep's rules over a capture. The rules, their sources and where we differ
 * from lockdep are told in docs/rules.md.
 */
#ifndef LOCKVANE_FINDING_FINDING_H
#define LOCKVANE_FINDING_FINDING_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/capture.h"

/* In the order reports show them. */
#define FINDING_RULES_X(X)                                                                         \
	X(DEADLOCK, "deadlock")                                                                    \
	X(INCONSISTENT, "inconsistent-state")                                                      \
	X(IRQ_INVERSION, "irq-inversion")                                                          \
	X(CIRCULAR, "circular")                                                                    \
	X(RECURSIVE, "recursive")                                                                  \
	X(WAIT_CONTEXT, "wait-context")                                                            \
	X(BAD_UNLOCK, "bad-unlock")                                                                \
	X(HELD_FREED, "held-freed")                                                                \
	X(HELD_AT_EXIT, "held-at-exit")

enum finding_rule {
#define X(id, name) FINDING_##id,
	FINDING_RULES_X(X)
#undef X
		FINDING_RULES
};

enum finding_confidence {
	FINDING_WEAK = 0,      /* unrelated locks may share a class of it */
	FINDING_LIKELY = 1,    /* a class or a holder is inferred */
	FINDING_CERTAIN = 2,   /* every class is exact */
	FINDING_CONFIRMED = 3, /* and the same instances were seen all along */
	FINDING_OBSERVED = 4,  /* it has come to pass */
	FINDING_CONFIDENCES = 5,
};

/* Which event completed it. A capture does not tell; a watch does. */
enum finding_event {
	FINDING_BY_UNSAFE_USE = 0, /* the last class was used with irqs on */
	FINDING_BY_SAFE_USE = 1,   /* the first class was used in an irq */
	FINDING_BY_EDGE = 2,	   /* a new dependency */
};

/* LV_NONE where there is none; else an enum lv_usage. */
#define FINDING_NO_USAGE LV_NONE

/*
 * A chain of locks, each taken while the one before is held. Indices are the
 * capture's. A circular chain goes on from its last class to its first, so it
 * has an edge for every class; the others have one less.
 */
struct finding_chain {
	uint32_t *classes;
	uint32_t *edges;
	uint32_t nr_classes;
	uint32_t nr_edges;
	uint32_t safe;	 /* enum lv_usage of the first class: in irq */
	uint32_t unsafe; /* enum lv_usage of the last: with irqs on */
	uint8_t grade;	 /* enum capture_certainty, of the worst class */
	enum finding_confidence confidence;
	char *graded_down;	/* why it is weak, if not by its classes: an annotation, reused memory; or NULL */
	uint32_t suppressed_by; /* suppression entry, or LV_NONE */
	bool once;	/* something of it was seen once, and may come from a lost event */
	uint32_t apart; /* a class of which many locks were seen on both sides, none on both; or LV_NONE */
	uint32_t told;	/* index in edges of one that lockdep is told, and nobody saw, or LV_NONE */
	uint32_t gate;	/* a class whose lock was held exclusively all around the cycle, or LV_NONE */
	bool joined;	/* in captures put together: none has all of it */
	bool mixed;	/* the shown parts are of several captures */
};

#define FINDING_ID_LEN 13
#define FINDING_MAX_BEYOND 64

struct finding {
	char id[FINDING_ID_LEN]; /* the same in each run that finds it */
	char fingerprint[FINDING_ID_LEN]; /* the same on other kernel builds, too */
	enum finding_rule rule;
	enum finding_event event;
	uint32_t event_edge;		    /* by edge: its index in chain.edges */
	enum finding_confidence confidence; /* chain's */
	struct finding_chain chain;	    /* the one to show first */
	struct finding_chain *also;	    /* others with the same cure */
	uint32_t nr_also;
	uint32_t nr_more; /* others that were not kept */
	/* Unsafe classes that are reached only through this inversion's own. */
	uint32_t *beyond;
	uint32_t nr_beyond;
	uint32_t nr_beyond_more;
	uint32_t suppressed_by; /* suppression entry, or LV_NONE */
	uint32_t stack;		/* for a fact: where, or LV_NONE */
	uint64_t addr;		/* for a fact: the instance, or 0 */
	uint32_t ring;		/* deadlock: the capture's first wait of it, else LV_NONE */
	uint32_t ring_start;	/* and the wait, counted from there, for the chain's first class */
	bool same_instance;	/* recursive: the one lock twice */
	bool in_irq;		/* wait context: no holder, but in irq */
	bool atomic;		/* or with preemption or softirqs off */
	bool died;		/* held at exit: by a task that has ended */
};

struct findings {
	struct finding *items;
	uint32_t nr;
	bool cut_short; /* a search budget ran out: there may be more */
	uint32_t not_selected; /* findings that were dropped, as nobody asked for them (select.h) */
};

/* Drop those that are not wanted; how many. The capture is as it was. */
uint32_t findings_keep(struct findings *f, bool (*wanted)(const struct finding *f, void *arg),
		       void *arg);

const char *finding_rule_name(enum finding_rule rule);
/* The rule of that name, FINDING_RULES when there is none. */
enum finding_rule finding_rule_of(const char *name, size_t len);
const char *finding_confidence_name(enum finding_confidence confidence);
/* -EINVAL: there is no such confidence. */
int finding_confidence_parse(const char *name, enum finding_confidence *ret);

/* All findings of a capture, surest first. -ENOMEM, -EINVAL on bad indices. */
int finding_analyse(const struct capture *c, struct findings **ret_findings);
void findings_free(struct findings *f); /* takes NULL */
/* Free what one finding holds. */
void finding_done(struct finding *f);

/* The fingerprint of a finding whose chain is "a --> b --> c", as finding_set_id() makes it. */
void finding_fingerprint_of(enum finding_rule rule, const char *chain,
			    char ret[static FINDING_ID_LEN]);

/* Is it to be shown: sure enough and not suppressed? */
bool finding_shown(const struct finding *f, enum finding_confidence least);
uint32_t findings_shown(const struct findings *f, enum finding_confidence least);

#endif
