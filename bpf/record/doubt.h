/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Held, or given back unseen? Mutexes name their holder and rwsems their writer; of a reader, or
 * of who has a socket, nothing but the release that we see, or miss, tells that he is gone.
 */
#ifndef LOCKVANE_RECORD_DOUBT_H
#define LOCKVANE_RECORD_DOUBT_H

#include "record/held.h"

/*
 * Where the kernel preempts itself, a task's release goes unseen if another was preempted in the
 * same program on that CPU, which the kernel counts. When that count has grown, what the running
 * task holds may be gone. Asked when the task leaves its CPU, and before a holder is believed whom
 * no owner proves: then no miss of its own is overlooked, as no other task's program can be
 * preempted while it runs. The count before is any from before it took the lock.
 */
static __always_inline void doubt_held(struct lv_cpu *cpu, struct lv_held_stack *stack)
{
	__u64 missed = world_releases_missed(cpu);

	if (missed != cpu->missed) {
		cpu->missed = missed;
		stack->doubted = stack->depth;
	} else if (stack->doubted > stack->depth) {
		stack->doubted = stack->depth;
	}
}

/* The running task leaves this CPU with sleeping locks. */
RECORD_RARE int doubt_on_leaving(void)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	struct lv_held_stack *stack = cpu ? task_held(cpu) : 0;

	if (stack)
		doubt_held(cpu, stack);
	return 0;
}

/* May the running task's sleeping lock at addr have been given back unseen? Then it goes. */
RECORD_RARE int doubt_drop(__u64 addr)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	struct lv_held_stack *stack = cpu ? task_held(cpu) : 0;
	__u32 at;

	if (!stack)
		return 0;
	doubt_held(cpu, stack);
	at = held_index(stack, addr);
	if (at >= stack->doubted || at >= stack->depth)
		return 0;
	held_close(stack, at, 0);
	stack->doubted--;
	cpu->task_top = held_top_entry(stack);
	count_loss(cpu, LV_LOSS_DOUBTED);
	return 1;
}

/* Does the lock's own memory name who holds it so? */
static __always_inline int doubt_is_owned(__u64 addr, __u32 family, __u32 mode)
{
	__u64 owner;
	int shared;

	return mode == LV_WRITE && !world_owner(addr, family, &owner, &shared);
}

#endif
