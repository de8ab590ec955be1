/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory under a native recorder: its tables, the simulated memory that
 * locks live in, and what each simulated CPU is doing.
 */
#ifndef LOCKVANE_REPLAY_SEAT_H
#define LOCKVANE_REPLAY_SEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"

#define WORLD_BASE 0xffff888100000000ull /* somewhere in a direct map */
#define WORLD_OBJECT_SIZE 64
#define WORLD_FRAMES 8

/* A piece of memory: where annotations say it is, and where a kernel shows it. */
struct world_object {
	struct lv_place told;
	struct lv_place shown;
	bool kernel_sock;
	__u32 lives; /* times it was freed: what is there now is another object */
};

struct world_cache {
	__u64 base;
	__u32 size;
	char name[LV_NAME_LEN];
};

struct world {
	struct lv_cpu *cpus;
	struct lv_control control; /* not first: then its address is never NULL */
	__u32 word;		   /* the control's at the last arming */
	size_t nr_cpus;
	struct lv_class *classes;
	struct lv_edge *edges;
	struct lv_stack *stacks;
	struct lv_name *names;
	struct lv_fact *facts;
	struct lv_held_stack *tasks;
	struct lv_task_keys task_keys;
	struct lv_orders orders;
	struct lv_alikes alikes;
	struct lv_waits waits;
	__u64 time_ns;
	__u32 inner_lock; /* bytes from a sleeping lock to the spinning one inside it; 0: none */

	bool annotated; /* classes are told, not derived */
	bool counts_preemption;
	bool irqs_seen; /* there is a source of the irq flag */
	bool preempts;  /* the kernel, itself */

	unsigned char *memory; /* nr_objects of WORLD_OBJECT_SIZE */
	struct world_object *objects;
	size_t nr_objects;
	struct world_cache *caches;
	size_t nr_caches;
};

/* One simulated CPU. */
struct seat {
	struct world *world;
	struct lv_cpu *own; /* this CPU's, in the world */
	__u32 cpu;
	__u32 preempt_count;
	int irqs_on;
	__u64 missed; /* releases whose programs were skipped */
	__u32 pid;
	__u64 task;
	char comm[LV_COMM_LEN];
	__u64 frames[WORLD_FRAMES];
	__u32 nr_frames;
	__u64 generic; /* an address in a function that is handed bare locks */
	void (*intrude)(struct seat *seat); /* called in the middle of the rare path */
	void *intrude_arg;
};

/* The thread's seat: the recorder runs on it. */
extern __thread struct seat *world_seat;

/* Tables for nr_cpus, all zero, and memory for nr_objects. NULL: no memory. */
struct world *world_new(size_t nr_cpus, size_t nr_objects);
void world_free(struct world *world); /* takes NULL */

/* Everything as it was new, but for the size. Costs what was used, not what there is. */
void world_reset(struct world *world);

/* Empty held stacks and a new epoch. */
void world_arm(struct world *world);
void world_disarm(struct world *world);

/* Another slab cache, for objects shown in it: its base, 0 when there is no memory. */
__u64 world_add_cache(struct world *world, const char *name, __u32 size);

static inline __u64 world_address(size_t object)
{
	return WORLD_BASE + object * WORLD_OBJECT_SIZE;
}

/* The object that addr lies in, or NULL. */
static inline struct world_object *world_object(const struct world *world, __u64 addr)
{
	__u64 i = (addr - WORLD_BASE) / WORLD_OBJECT_SIZE;

	return addr >= WORLD_BASE && i < world->nr_objects ? &world->objects[i] : NULL;
}

/* The memory behind addr, or NULL where there is none; not across objects. */
static inline void *world_memory(const struct world *world, __u64 addr, size_t size)
{
	size_t off = addr % WORLD_OBJECT_SIZE;

	if (!world_object(world, addr) || size > WORLD_OBJECT_SIZE - off)
		return NULL;
	return world->memory + (addr - WORLD_BASE);
}

#endif
