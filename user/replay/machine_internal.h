/* SPDX-License-Identifier: GPL-2.0-only */
/* A machine's parts: machine.c has its CPUs, machine_lock.c its locks. */
#ifndef LOCKVANE_REPLAY_MACHINE_INTERNAL_H
#define LOCKVANE_REPLAY_MACHINE_INTERNAL_H

#include "replay/machine.h"

#define MAX_NESTED 4 /* task, softirq, hardirq and one to spare */
#define MAX_SAVED 64 /* irqsave sections open on a CPU */

struct interrupted {
	uint32_t level;
	uint32_t preempt_count;
	int irqs_on;
};

struct saved_flags {
	uint64_t addr;
	uint64_t flags;
};

struct machine_cpu {
	struct seat seat;
	struct interrupted below[MAX_NESTED];
	uint32_t depth;
	struct saved_flags saved[MAX_SAVED];
	uint32_t nr_saved;
};

struct machine_lock {
	uint32_t family;
	bool writer;
	uint32_t readers;
	uint32_t attempts; /* to take what the taker holds itself */
	struct machine_holder holder; /* the last to take it */
	uint64_t taker;               /* its address */
};

struct machine {
	struct world *world;
	struct machine_cpu *cpus;
	struct machine_lock *locks;
	size_t nr_locks;
	uint32_t nr_cpus;
	uint32_t cpu;
	bool production;
};

/* The running CPU, on whose seat the recorder will be. */
static inline struct machine_cpu *machine_here(struct machine *m)
{
	world_seat = &m->cpus[m->cpu].seat;
	return &m->cpus[m->cpu];
}

#endif
