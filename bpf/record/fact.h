/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Facts that one event shows to be wrong by itself, without the graph: lockdep's
 * print_unlock_imbalance_bug(), debug_check_no_locks_freed() and lockdep_sys_exit(). The recorder
 * may have missed events, so its own held stack accuses nobody: the lock's word must agree.
 */
#ifndef LOCKVANE_RECORD_FACT_H
#define LOCKVANE_RECORD_FACT_H

#include "record/usage.h"

#define FACT_PROBES 16
#define FACT_META(meta, kind) ((meta) | (kind) << 24)
#define META_FACT(meta) ((meta) >> 24)

/* Keep a fact, once a class. Returns the event's stack slot, claimed if it was not yet. */
RECORD_RARE __u32 fact_add(__u32 class_id, __u64 addr, __u32 meta, __u32 stack)
{
	__u32 cpu_id = world_cpu_id();
	struct lv_cpu *cpu = world_cpu(cpu_id);
	__u32 kind = META_FACT(meta);
	__u32 hash = hash64((__u64)class_id << 8 | kind);

	if (!cpu || class_id == LV_NONE)
		return stack;
	for (__u32 i = 0; i < FACT_PROBES; i++) {
		struct lv_fact *fact = world_fact((hash + i) & (LV_MAX_FACTS - 1));
		__u32 state;

		if (!fact)
			return stack;
		state = slot_claim(&fact->state);
		if (state == LV_SLOT_FREE) {
			if (stack == LV_NONE)
				stack = stack_claim(cpu, cpu_id, META_HOOK(meta),
						    META_LEVEL(meta));
			fact->kind = kind;
			fact->class = class_id;
			fact->addr = addr;
			fact->stack = stack;
			slot_ready(&fact->state);
			return stack;
		}
		if (state == LV_SLOT_CLAIMED) {
			count_loss(cpu, LV_LOSS_RACE);
			return stack;
		}
		if (fact->kind == kind && fact->class == class_id)
			return stack;
	}
	count_loss(cpu, LV_LOSS_FACTS);
	return stack;
}

/* Is the lock at addr surely not the running task's or CPU's to give back? */
static __always_inline int fact_is_free(__u64 addr, __u32 family)
{
	int shared = 0;
	__u64 owner = 0;
	__u32 word = 0;

	if (family == LV_PERCPU_RWSEM || family == LV_SOCK)
		return 0;
	if (family == LV_MUTEX && !world_owner(addr, family, &owner, &shared))
		return owner != world_task();
	return !world_lock_word(addr, family, &word) && !word;
}

/*
 * A release of what we did not see taken. Nearly always we missed the taking;
 * but where nobody holds the lock, the release is wrong.
 */
RECORD_RARE __u32 fact_unknown_release(__u64 addr, __u32 meta)
{
	__u32 cpu_id = world_cpu_id();
	struct lv_cpu *cpu = world_cpu(cpu_id);

	if (!cpu)
		return LV_NONE;
	count_loss(cpu, LV_LOSS_UNKNOWN_RELEASE);
	if (!fact_is_free(addr, META_FAMILY(meta)))
		return LV_NONE;
	return fact_add(class_derive(cpu_id, addr, META_FAMILY(meta), 0, 0), addr,
			FACT_META(meta, LV_FACT_BAD_UNLOCK), LV_NONE);
}

/* The locks of a stack that lie in [addr, addr + size) and are really held. */
static __always_inline __u32 facts_of_stack(const struct lv_held_stack *held, __u64 addr,
					    __u64 size, __u32 meta, __u32 stack)
{
	for (__u32 i = 0; i < LV_HELD_DEPTH && i < held->depth; i++) {
		const struct lv_held *lock = &held->held[i];
		const struct lv_class *class = world_class(lock->class);

		if (class && class->family != LV_PSEUDO && lock->addr - addr < size &&
		    held_by_us(lock->addr, class->family, lock->mode))
			stack = fact_add(lock->class, lock->addr, meta, stack);
	}
	return stack;
}

/* The same of all that the running context holds. */
static __always_inline __u32 facts_of_held(struct context *context, __u64 addr, __u64 size,
					   __u32 hook, __u32 kind)
{
	__u32 meta = FACT_META(EVENT_META(hook, context->level, 0), kind);
	const struct lv_held_stack *spin = &context->cpu->stack[context->level];
	const struct lv_held_stack *task = task_held(context->cpu);
	__u32 stack = LV_NONE;

	/* No spinning lock is held where preemption is on. */
	if (!world_counts_preemption() || context->count & CONTEXT_PREEMPT)
		stack = facts_of_stack(spin, addr, size, meta, stack);
	if (task && context->level == LV_LEVEL_TASK)
		stack = facts_of_stack(task, addr, size, meta, stack);
	return stack;
}

#endif
