/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The recorder: what each hook calls. The same lines run in the kernel and,
 * over plain memory, in tests and `lockvane replay`.
 */
#ifndef LOCKVANE_RECORD_RECORDER_H
#define LOCKVANE_RECORD_RECORDER_H

#include "hooks.h"
#include "record/edge.h"
#include "record/fact.h"
#include "record/name.h"
#include "record/sleep.h"

/*
 * lockdep's read_lock_is_recursive(): a queued rwlock's reader jumps the queue
 * only in interrupt, which BH disabled counts as. Readers of a rwsem never do.
 */
static __always_inline __u32 acquire_mode(__u32 family, __u32 mode, __u32 count)
{
	if (family == LV_RWLOCK && mode == LV_READ && (count & CONTEXT_IN_INTERRUPT))
		return LV_RECURSIVE;
	return mode;
}

/* Is the lock held with irqs off, as the function, the level or the lock above shows? */
static __always_inline int acquire_irqs_off(const struct context *context,
					    const struct lv_held *lock, const struct lv_held *top,
					    __u32 irq)
{
	if (irq == LV_IRQ_OFF || context->level == LV_LEVEL_HARDIRQ)
		return 1;
	/* The scheduler has switched irqs off by itself, and takes it by a plain function. */
	if (lock->class + 1 == context->cpu->rq_class)
		return 1;
	return top && top->flags & LV_HELD_IRQ_OFF;
}

/*
 * The usage bits that are due to a lock just taken, and what is known of irqs
 * while it is held. usage: of its class, as the cache shows it; top: the newest
 * lock that the level holds, or NULL.
 */
static __always_inline __u32 acquire_usage(struct context *context, struct lv_held *lock,
					   const struct lv_held *top, __u32 irq, __u32 usage,
					   __u32 meta)
{
	__u32 on = usage_on(lock->mode, context->count & CONTEXT_SOFTIRQ);
	__u32 bits = USAGE_MODE(LV_USED, lock->mode);
	__u32 stack = LV_NONE, ask = 0;
	__u64 learnt;

	if (!(lock->flags & LV_HELD_TRY))
		bits |= usage_in(context->level, lock->mode);
	if (acquire_irqs_off(context, lock, top, irq))
		lock->flags |= LV_HELD_IRQ_OFF;
	else
		ask = (usage & on) != on;
	if (ask || bits & ~usage) {
		learnt = usage_learn(lock->addr, TAKEN(lock->class, lock->mode, ask), bits, meta,
				     stack);
		stack = (__u32)learnt;
		if (learnt & LEARNT_IRQ_OFF)
			lock->flags |= LV_HELD_IRQ_OFF;
	}
	if (context->level != LV_LEVEL_TASK && !top)
		stack = usage_mark_interrupted(context, lock->count, meta, stack);
	usage = usage_known_on(lock, usage);
	lock->flags |= top ? usage & top->flags : usage;
	return stack;
}

/* Fill in the stack that something new in the event has claimed, if any. */
static __always_inline void record_stack(void *ctx, __u32 stack)
{
	struct lv_stack *slot = stack == LV_NONE ? 0 : world_stack(stack);

	if (slot)
		world_take_stack(ctx, slot);
}

static __always_inline void record_end(void *ctx, struct context *context, __u32 stack)
{
	record_stack(ctx, stack);
	context_leave(context);
}

/*
 * The spinning lock at addr has been taken. All but ctx and addr are constants
 * of the hook. how: 0, LV_HELD_TRY or LV_HELD_NESTED: these two get no edges.
 */
static __always_inline void record_acquire(void *ctx, __u64 addr, __u32 hook, __u32 family,
					   __u32 mode, __u32 how, __u32 irq)
{
	struct lv_held lock = { .addr = addr };
	const struct lv_held_stack *task;
	__u32 stack = LV_NONE, meta, seen;
	struct lv_addr_slot *slot;
	struct lv_held_stack *spin;
	struct context context;

	if (context_enter(&context, hook))
		return;
	context.cpu->clock++;
	meta = EVENT_META(hook, context.level, family);
	lock.mode = acquire_mode(family, mode, context.count);
	lock.flags = how;
	slot = addr_slot(context.cpu, addr, family);
	seen = class_of(&context, slot, addr, family);
	if (seen == LV_NONE)
		goto out;
	lock.class = SEEN_CLASS(seen);
	lock.count = held_count(&context, lock.class);
	held_bound(context.cpu, context.level, lock.count);

	spin = &context.cpu->stack[context.level];
	stack = acquire_usage(&context, &lock, held_top(spin), irq, SEEN_USAGE(seen), meta);
	task = context.level == LV_LEVEL_TASK ? task_held(context.cpu) : 0;
	if (!how)
		stack = edges_record(context.cpu, slot, spin, task, &lock, meta, stack);
	held_push(context.cpu, spin, &lock);
	context.cpu->acquisitions[lock.class & (LV_MAX_CLASSES - 1)]++;

out:
	record_end(ctx, &context, stack);
}

/* Does this release switch irqs or softirqs on? flags is unlock_irqrestore's. */
static __always_inline int release_enables(__u32 irq, __u32 count, __u64 flags)
{
	if (irq == LV_IRQ_ON)
		return 1;
	if (irq == LV_IRQ_RESTORE)
		return !!(flags & LV_IRQ_FLAG);
	return irq == LV_IRQ_BH_ON && (count & CONTEXT_SOFTIRQ) == CONTEXT_BH_STEP;
}

/* The spinning lock at addr is about to be given back. */
static __always_inline void record_release(void *ctx, __u64 addr, __u32 hook, __u32 family,
					   __u32 irq, __u64 flags)
{
	__u32 count, stack = LV_NONE, meta, need;
	struct lv_held_stack *held;
	const struct lv_held *top;
	struct context context;

	if (context_enter(&context, hook))
		return;
	meta = EVENT_META(hook, context.level, family);
	held = &context.cpu->stack[context.level];
	if (held_pop(held, addr)) {
		stack = fact_unknown_release(addr, meta);
		goto out;
	}
	top = held_top(held);
	if (!top || !release_enables(irq, context.count, flags))
		goto out;
	need = LV_HELD_ON_HARDIRQ;
	if (irq == LV_IRQ_BH_ON || !(context.count & CONTEXT_SOFTIRQ))
		need |= LV_HELD_ON_SOFTIRQ;
	if ((top->flags & need) == need)
		goto out;
	held_bound(context.cpu, context.level, context.count & CONTEXT_PREEMPT);
	count = irq == LV_IRQ_BH_ON ? 0 : context.count & CONTEXT_SOFTIRQ;
	stack = usage_mark_held(context.level, count, meta, LV_NONE);
out:
	record_end(ctx, &context, stack);
}

/*
 * Irqs, or softirqs alone, are on again: what the level holds, it holds with
 * them on. Only debug kernels and scenarios tell this by itself; else it shows
 * in a release, or in the interrupt that comes.
 */
static __always_inline void record_enable(void *ctx, __u32 hook)
{
	struct context context;
	__u32 stack;

	if (context_enter(&context, hook))
		return;
	stack = usage_mark_held(context.level, context.count & CONTEXT_SOFTIRQ,
				EVENT_META(hook, context.level, 0), LV_NONE);
	record_end(ctx, &context, stack);
}

/* Memory is given back: no lock in it may be held here. */
static __always_inline void record_free(void *ctx, __u64 addr, __u64 size, __u32 hook)
{
	struct context context;
	__u32 stack;

	if (context_enter(&context, hook))
		return;
	stack = facts_of_held(&context, addr, size, hook, LV_FACT_HELD_FREED);
	record_end(ctx, &context, stack);
}

/* The task returns to user space: it may hold nothing. */
static __always_inline void record_user_return(void *ctx, __u32 hook)
{
	struct context context;
	__u32 stack;

	if (context_enter(&context, hook))
		return;
	stack = facts_of_held(&context, 0, ~0ull, hook, LV_FACT_HELD_AT_EXIT);
	record_end(ctx, &context, stack);
}

/* How the running task leaves its CPU. */
enum record_leave {
	RECORD_PREEMPTED, /* it may be in the middle of a sleeping lock's program */
	RECORD_BLOCKED,
	RECORD_DEAD,
};

/*
 * The running task's slot in the task table: a task that has no locks to
 * remember gives it back, and one that dies in any case.
 */
static __always_inline void switch_slot(struct lv_cpu *cpu, enum record_leave leave)
{
	const struct lv_held_stack *held = task_held(cpu);

	if (!held || leave == RECORD_PREEMPTED || (held->depth && leave != RECORD_DEAD))
		return;
	count_losses(cpu, LV_LOSS_STALE_HOLDER, held->depth);
	task_give_back(cpu);
}

/*
 * This CPU goes over to another task. All that a task may spin on across that
 * is the run-queue lock, which the next one will give back.
 */
static __always_inline void record_switch(__u64 next, enum record_leave leave)
{
	struct lv_held_stack *held;
	struct context context;
	__u32 kept = 0;

	if (context_enter(&context, LV_HOOK_sched_switch))
		return;
	held = &context.cpu->stack[LV_LEVEL_TASK];
	for (__u32 i = 0; i < LV_HELD_DEPTH && i < held->depth; i++) {
		if (held->held[i].addr != context.cpu->rq_lock)
			continue;
		held->held[0] = held->held[i];
		kept = 1;
		break;
	}
	count_losses(context.cpu, LV_LOSS_STALE_HOLDER, held->depth - kept);
	held->depth = kept;
	held->tainted = 0;
	switch_slot(context.cpu, leave);
	context.cpu->task = next;
	context.cpu->task_slot = task_find(context.cpu, next);
	context_leave(&context);
}

#endif
