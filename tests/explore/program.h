/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random little programs: tasks and interrupt handlers that take locks, and tasks that hold
 * pseudo-locks or wait for them. Each
 * part is a straight line of small steps; only a failed trylock jumps, over
 * what it guards. So what a part holds at a step follows from the step alone.
 */
#ifndef LOCKVANE_EXPLORE_PROGRAM_H
#define LOCKVANE_EXPLORE_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "abi.h"

#define MAX_LOCKS 4
#define MAX_TASKS 3
#define MAX_HANDLERS 2
#define MAX_CPUS 5 /* tasks, with those that a variant adds */
#define MAX_PARTS (MAX_CPUS + MAX_HANDLERS)
#define MAX_STEPS 15 /* four bits and the end */

enum step_kind {
	STEP_ACQUIRE,
	STEP_TRY,
	STEP_RELEASE,
	STEP_HOLD, /* a pseudo-lock: waits for nobody */
	STEP_DROP,
	STEP_ATTEMPT, /* waits until nobody holds it */
	STEP_IRQ_OFF,
	STEP_IRQ_ON,
	STEP_BH_OFF,
	STEP_BH_ON,
};

struct step {
	uint8_t kind;
	uint8_t lock;
	uint8_t mode; /* LV_WRITE, LV_READ */
	uint8_t irq;  /* enum lv_irq_effect of the function this is part of */
	uint8_t skip; /* try: where to go on if it fails */
	bool fused;   /* done by the function of the next or last step */
};

/* Before a step: what the part holds, and how irqs are. */
struct moment {
	uint8_t writes; /* by lock */
	uint8_t reads;
	bool irqs_off;
	bool bh_off;
};

struct part {
	uint8_t level; /* enum lv_level */
	uint8_t nr_steps;
	struct step steps[MAX_STEPS];
	struct moment moments[MAX_STEPS + 1];
};

struct program {
	uint8_t nr_locks, nr_tasks, nr_handlers;
	uint8_t family[MAX_LOCKS]; /* LV_SPIN, LV_RWLOCK, LV_MUTEX, LV_PSEUDO */
	uint8_t pseudo[MAX_LOCKS]; /* LV_PSEUDO_WORK, LV_PSEUDO_SRCU; else LV_PSEUDO_NONE */
	uint8_t care; /* per cent: how often locks are taken in order, and safely */
	uint8_t handler_locks[MAX_HANDLERS]; /* those it may take */
	struct part parts[MAX_PARTS]; /* tasks, then handlers */
};

static inline uint32_t program_parts(const struct program *p)
{
	return p->nr_tasks + p->nr_handlers;
}

/* A small generator of its own, so that a seed means the same everywhere. */
struct dice {
	uint64_t state;
};

uint32_t dice_roll(struct dice *dice, uint32_t sides);

void program_make(struct program *p, struct dice *dice);

/* Walk a part as it runs alone, and note what holds before each step. */
void program_note_moments(struct part *part);

/*
 * Variants, to tell why a program cannot deadlock. False if there is no room,
 * or nothing to change.
 */
bool program_run_twice(struct program *p, uint32_t task); /* on two CPUs at a time */
bool program_add_writer(struct program *p, uint32_t lock); /* a task that writes it */
bool program_keep_locks(struct program *p, uint8_t locks); /* the others are gone */
bool program_never_try(struct program *p);                 /* trylocks wait */

/* As a scenario. */
void program_print(const struct program *p, FILE *out);

#endif
