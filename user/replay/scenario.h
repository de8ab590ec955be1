/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A scenario: who takes and gives back which locks, in which context, and
 * what is to be found then. The language is told in docs/scenarios.md.
 */
#ifndef LOCKVANE_REPLAY_SCENARIO_H
#define LOCKVANE_REPLAY_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "base/error.h"
#include "finding/finding.h"

#define SCENARIO_NONE 0xffffffffu

/* Bounds, so that a hostile file costs little. */
#define SCENARIO_MAX_BYTES (256u << 10)
#define SCENARIO_MAX_LOCKS 200
#define SCENARIO_MAX_CONTEXTS 64
#define SCENARIO_MAX_STEPS 16384
#define SCENARIO_MAX_EXPECTS 32
#define SCENARIO_MAX_CHAIN 16
#define SCENARIO_MAX_CPUS 4
#define SCENARIO_NAME_LEN LV_NAME_LEN

struct scenario_class {
	char name[SCENARIO_NAME_LEN];
	uint32_t family; /* enum lv_family */
	uint32_t pseudo; /* enum lv_pseudo, 0: locks */
};

enum scenario_place {
	SCENARIO_BY_CLASS = 0, /* alone in its class: static; else in objects of one cache */
	SCENARIO_STATIC,
	SCENARIO_SLAB,
};

struct scenario_lock {
	char name[SCENARIO_NAME_LEN];
	uint32_t class;
	/* Where a kernel without annotations finds it. */
	enum scenario_place place;
	char cache[SCENARIO_NAME_LEN];
	uint32_t off;
};

/* A task, or an interrupt's handler. */
struct scenario_context {
	char name[SCENARIO_NAME_LEN];
	uint32_t level; /* enum lv_level */
	uint32_t line;  /* line of its first mention */
};

enum scenario_verb {
	SCENARIO_LOCK, /* read, try and so on by op */
	SCENARIO_UNLOCK,
	SCENARIO_IRQ_OFF,
	SCENARIO_IRQ_ON,
	SCENARIO_BH_OFF,
	SCENARIO_BH_ON,
	SCENARIO_ENTER, /* an interrupt */
	SCENARIO_END,
	SCENARIO_TASK,
	SCENARIO_CPU,
	SCENARIO_HAND_OVER,
	SCENARIO_FREE,
	SCENARIO_INIT,
	SCENARIO_HOLD, /* a pseudo-lock's */
	SCENARIO_DROP,
	SCENARIO_ATTEMPT, /* a lock's, too */
	SCENARIO_USER,
};

struct scenario_step {
	enum scenario_verb verb;
	uint32_t line;
	uint32_t lock;
	uint32_t context; /* enter, task */
	uint32_t cpu;
	uint32_t mode; /* enum lv_mode */
	uint32_t irq;  /* enum lv_irq_effect */
	uint32_t subclass;
	uint32_t nest; /* a lock, or SCENARIO_NONE */
	bool try;
	bool ww; /* with an acquire context */
};

enum scenario_expectation {
	SCENARIO_NOTHING,
	SCENARIO_SOMETHING,
	SCENARIO_RULE,
};

struct scenario_expect {
	enum scenario_expectation what;
	bool production;
	enum finding_rule rule;
	uint32_t nr_chain; /* 0: any */
	char chain[SCENARIO_MAX_CHAIN][SCENARIO_NAME_LEN];
	char *reason; /* why production differs, or NULL */
	uint32_t line;
};

struct scenario {
	char *title; /* or NULL */
	bool rt;
	struct scenario_class *classes;
	struct scenario_lock *locks;
	struct scenario_context *contexts;
	struct scenario_step *steps;
	struct scenario_expect *expects;
	uint32_t nr_classes, nr_locks, nr_contexts, nr_steps, nr_expects;
};

/*
 * The text need not end in a zero. `name` goes before the line number in
 * errors: "name:12: no lock \"B\"". -EINVAL, -EFBIG, -ENOMEM.
 */
int scenario_parse(const char *text, size_t len, const char *name, struct scenario **ret,
		   struct error *err);
int scenario_load(const char *path, struct scenario **ret, struct error *err);
void scenario_free(struct scenario *s); /* takes NULL */

/* Is anything expected in this mode? Production's own words come first. */
bool scenario_expects(const struct scenario *s, bool production);
/* The next expectation of the mode at or after *at; NULL: no more. */
const struct scenario_expect *scenario_next_expect(const struct scenario *s, bool production,
						   uint32_t *at);

#endif
