/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does an address lie on a task's stack? A waker takes the lock that the waiter has on its own. Stacks
 * lie in vmalloc's range, or in the direct map among other pages, where nothing tells them apart but
 * their task. So tasks are noted by where their stack is: all of them before arming, and each
 * that a CPU goes over to. A task that has died names no stack any more, and its memory is a
 * slab's: it can be asked whenever.
 */
#ifndef LOCKVANE_STACK_BPF_H
#define LOCKVANE_STACK_BPF_H

#include "memory.bpf.h"

static __always_inline __u64 *stack_slot(__u64 addr)
{
	__u64 hash = addr / MEMORY_STACK_SIZE * 0x9e3779b97f4a7c15ull; /* 2^64 over the golden ratio */

	return &lv_stack_tasks.task[hash >> (64 - LV_STACK_TASKS_BITS)];
}

/* NULL has none: that of a task that died is 0, too. */
static __always_inline __u64 stack_of(__u64 task)
{
	return MEMORY_MEMBER(task, struct task_struct, stack);
}

static __always_inline void stack_note(__u64 task)
{
	__u64 *slot = stack_slot(stack_of(task));

	if (*slot != task)
		*slot = task;
}

static __always_inline int stack_has(__u64 addr)
{
	__u64 task;

	if (addr - stack_of(bpf_get_current_task()) < MEMORY_STACK_SIZE)
		return 1;
	task = *(volatile __u64 *)stack_slot(addr);
	return task && addr - stack_of(task) < MEMORY_STACK_SIZE;
}

/* Run over all tasks before arming. */
SEC("iter/task")
int lv_note_stacks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;

	if (task)
		stack_note((__u64)task);
	return 0;
}

#endif
