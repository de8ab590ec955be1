/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A simulated machine: CPUs, tasks, interrupts and locks, just enough that
 * the recorder sees on it what it would see on a real one. Each verb changes
 * the machine's state in the order a kernel would and calls the recorder
 * where a hook would. A machine belongs to one thread.
 *
 * Verbs return 0, or -errno when a kernel could not do that here:
 *   -EPERM   an interrupt while it is masked, an exit without its entry, a
 *            sleep in the wrong place
 *   -EBUSY   it would wait for ever
 *   -ENOENT  no such lock
 */
#ifndef LOCKVANE_REPLAY_MACHINE_H
#define LOCKVANE_REPLAY_MACHINE_H

#include "replay/seat.h"

struct machine;

struct machine_options {
	uint32_t nr_cpus;  /* 1 if 0 */
	uint32_t nr_locks; /* room for that many, and strings */
	bool production;   /* no annotations: classes are derived from places */
};

/* One way of taking or giving back a lock. */
struct machine_op {
	uint32_t family; /* enum lv_family */
	uint32_t mode;   /* LV_WRITE, LV_READ; LV_RECURSIVE whatever the context says */
	uint32_t irq;    /* enum lv_irq_effect */
	bool try;
	uint32_t subclass;  /* told, 0 unless annotated */
	uint64_t nest_lock; /* told: this one, held, orders the locks of one class; 0: none */
	bool ww; /* an acquire context orders it among those taken with it */
	uint32_t pseudo; /* enum lv_pseudo, 0: a lock */
};

struct machine *machine_new(const struct machine_options *options);
void machine_free(struct machine *m); /* takes NULL */
struct world *machine_world(struct machine *m);

/* As new, armed. */
void machine_reset(struct machine *m);
/* Started over: nothing runs, nothing is held, a new epoch. The recorder's tables stay. */
void machine_restart(struct machine *m);

/* Another lock, in a place of its own (static, so to speak); its address, 0: no room. */
uint64_t machine_add_lock(struct machine *m, uint32_t family);
/* Its class by annotations, and the place where a kernel without them finds it. */
void machine_tell_class(struct machine *m, uint64_t addr, uint32_t class);
void machine_show_place(struct machine *m, uint64_t addr, const struct lv_place *place);

/* The verbs that follow happen on this CPU, and are seen at this frame. */
void machine_on_cpu(struct machine *m, uint32_t cpu);
void machine_at(struct machine *m, const uint64_t *frames, uint32_t nr);
uint32_t machine_cpu(const struct machine *m);
/* The running CPU's. */
uint32_t machine_level(const struct machine *m);
bool machine_irqs_on(const struct machine *m);
uint32_t machine_preempt_count(const struct machine *m);

/* The running task leaves what it holds of the family to user space, as freeze_super() does. */
void machine_hand_over(struct machine *m, uint32_t family);
int machine_switch(struct machine *m, uint32_t task, const char *comm);
int machine_enter(struct machine *m, enum lv_level level); /* softirq or hardirq */
int machine_exit(struct machine *m, enum lv_level level);
void machine_irq_disable(struct machine *m);
void machine_irq_enable(struct machine *m);
void machine_bh_disable(struct machine *m);
int machine_bh_enable(struct machine *m);

/*
 * 0: taken; 1: a trylock that failed. -EBUSY: see above. A debug kernel would
 * see the attempt: with annotations the recorder is told of it, and the next
 * unlock takes it back. Without them nothing has happened.
 */
int machine_lock(struct machine *m, uint64_t addr, const struct machine_op *op);
/* -ENOENT: it was not held; the recorder has seen the release nevertheless. */
int machine_unlock(struct machine *m, uint64_t addr, const struct machine_op *op);

/*
 * A pseudo-lock is held from now on, and no more. A hold waits for nobody here, and has no owner:
 * -ENOENT, a drop of what is not held.
 */
int machine_hold(struct machine *m, uint64_t addr, const struct machine_op *op);
int machine_drop(struct machine *m, uint64_t addr, const struct machine_op *op);
/* A pseudo-lock, or a lock, is waited for; the wait is over at once. */
int machine_attempt(struct machine *m, uint64_t addr, const struct machine_op *op);
/* The running task begins to wait for a sleeping lock, and nothing is said of how that ends. */
int machine_wait(struct machine *m, uint64_t addr, const struct machine_op *op);

/* How the lock is held, and by whom: true if by the running task or CPU. */
struct machine_holder {
	uint32_t mode;
	uint32_t task;
	uint32_t cpu;
};
bool machine_holder(struct machine *m, uint64_t addr, struct machine_holder *ret);

/* The lock's memory is given back; it is initialised; the running task goes back to user space. */
void machine_free_lock(struct machine *m, uint64_t addr);
void machine_init_lock(struct machine *m, uint64_t addr);
int machine_user_return(struct machine *m);

/* News of wait queues: the words of an init, and that a lock is one's. */
void machine_name_waitq(struct machine *m, uint64_t addr, uint64_t text);

#endif
