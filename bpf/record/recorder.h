/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The recorder: what each hook calls. The same lines run in the kernel and,
 * over plain memory, in tests and `lockvane replay`.
 */
#ifndef LOCKVANE_RECORD_RECORDER_H
#define LOCKVANE_RECORD_RECORDER_H

#include "hooks.h"
#include "record/doubt.h"
#include "record/edge.h"
#include "record/fact.h"
#include "record/memo.h"
#include "record/name.h"
#include "record/pseudo.h"
#include "record/sleep.h"
#include "record/wait.h"

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

enum acquire_irqs {
	ACQUIRE_IRQS_ON, /* or unknown, or of no interest */
	ACQUIRE_IRQS_OFF,
	ACQUIRE_IRQS_OFF_NOW, /* seen by a look, which may show something else next time */
};

/*
 * Is the lock held with irqs off? Asks the world only if it would teach us
 * something: not where the function or the level says, not under a lock that
 * is known to be held with irqs off, not once enough is known of the class's ON bits.
 * Adds the ON bits it finds due to *bits.
 */
static __always_inline enum acquire_irqs
acquire_irqs_off(struct context *context, const struct lv_held *lock, const struct lv_held *top,
		 __u32 irq, const struct lv_class *class, __u32 *bits)
{
	__u32 on = usage_on(lock->mode, context->count & CONTEXT_SOFTIRQ);
	int irqs;

	if (irq == LV_IRQ_OFF || context->level == LV_LEVEL_HARDIRQ)
		return ACQUIRE_IRQS_OFF;
	/* The scheduler has switched irqs off by itself, and takes it by a plain function. */
	if (lock->class + 1 == context->cpu->rq_class)
		return ACQUIRE_IRQS_OFF;
	if (top && top->flags & LV_HELD_IRQ_OFF)
		return ACQUIRE_IRQS_OFF;
	if ((read_once(class->settled) & on) == on)
		return ACQUIRE_IRQS_ON;
	irqs = world_irqs_on(context->id);
	if (irqs > 0)
		*bits |= on;
	return irqs ? ACQUIRE_IRQS_ON : ACQUIRE_IRQS_OFF_NOW;
}

/* The result of acquire_usage() beside a stack slot. */
#define USAGE_FLAGS_SHIFT 32 /* the lock's LV_HELD_*, added to */
#define USAGE_ALL (1ull << 40) /* all bits that were due were seen twice, and will be next time */
#define USAGE_SETTLED (1ull << 41) /* and so often that no instance of the class would teach more */

/*
 * Set what is missing of the usage bits that are due to a lock just taken, by its
 * entry. Out of line for the verifier's sake: many ways lead through here.
 */
RECORD_RARE __u64 acquire_usage(__u64 addr, __u64 entry, __u32 irq, __u32 meta)
{
	struct lv_held lock = { .addr = addr, .entry = entry };
	struct lv_class *class = world_class(lock.class);
	__u32 bits = USAGE_MODE(LV_USED, lock.mode);
	__u32 stack = LV_NONE, known;
	const struct lv_held *top;
	struct context context;
	enum acquire_irqs irqs;
	__u64 ret;

	context.id = world_cpu_id();
	context.cpu = world_cpu(context.id);
	context.count = world_preempt_count() & CONTEXT_ALL;
	context.level = META_LEVEL(meta);
	if (!class || !context.cpu || context.level >= LV_LEVELS)
		return LV_NONE | (__u64)lock.flags << USAGE_FLAGS_SHIFT;
	top = held_top(&context.cpu->stack[context.level]);
	if (!(lock.flags & LV_HELD_TRY))
		bits |= usage_in(context.level, lock.mode);
	irqs = acquire_irqs_off(&context, &lock, top, irq, class, &bits);
	if (irqs != ACQUIRE_IRQS_ON)
		lock.flags |= LV_HELD_IRQ_OFF;
	if (bits & ~read_once(class->settled))
		stack = usage_add(lock.class, addr, bits, meta, stack);
	if (context.level != LV_LEVEL_TASK && !top)
		stack = usage_mark_interrupted(&context, lock.count, meta, stack);
	known = usage_known_on(&lock, read_once(class->twice));
	lock.flags |= top ? known & top->flags : known;
	ret = stack | (__u64)lock.flags << USAGE_FLAGS_SHIFT;
	if (irqs != ACQUIRE_IRQS_OFF_NOW && !(bits & ~read_once(class->twice)))
		ret |= bits & ~read_once(class->settled) ? USAGE_ALL : USAGE_ALL | USAGE_SETTLED;
	return ret;
}

static __always_inline void record_end(void *ctx, struct context *context, __u32 stack)
{
	record_stack(ctx, stack);
	context_leave(context);
}

/* The constants of a hook, in one. */
#define ACQUIRE(mode, how, irq) ((mode) | (how) << 8 | (irq) << 16)
#define ACQUIRE_MODE(acquire) ((acquire) & 0xff)
#define ACQUIRE_HOW(acquire) (((acquire) >> 8) & 0xff)
#define ACQUIRE_IRQ(acquire) ((acquire) >> 16)

/*
 * The same acquisition as once before? Then it is done again. At task level, where
 * most are, everything about the level is a constant.
 */
static __always_inline int acquire_repeat(const struct context *context, __u64 addr, __u32 word,
					  __u32 family, __u32 hook)
{
	__u64 when = memo_when(hook, context->count);
	struct lv_cpu *cpu = context->cpu;
	struct lv_held_stack *spin;

	if (cpu->word != word)
		return 0;
	if (context->level == LV_LEVEL_TASK)
		return context_holds_higher(cpu) ?
			       0 :
			       memo_repeat(cpu, &cpu->stack[LV_LEVEL_TASK], addr, family, when,
					   cpu->task_top, 0);
	if (context->level == LV_LEVEL_SOFTIRQ && cpu->stack[LV_LEVEL_HARDIRQ].depth)
		return 0;
	spin = &cpu->stack[context->level];
	if (!spin->depth && usage_is_interrupting(cpu, context->level))
		return 0;
	return memo_repeat(cpu, spin, addr, family, when, 0, 0);
}

/*
 * The entry goes on the level's stack; and into the memo if all that it teaches is known. Out of
 * line, for the sake of the stack of who calls this.
 */
RECORD_RARE int acquire_keep(__u64 addr, __u64 entry, __u32 meta, __u32 what)
{
	const struct lv_held lock = { .addr = addr, .entry = entry };
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	__u32 level = META_LEVEL(meta), count = world_preempt_count() & CONTEXT_ALL;
	struct lv_held_stack *spin, *task;
	struct lv_held *top, *pushed;
	__u64 under;

	if (!cpu || level >= LV_LEVELS)
		return 0;
	spin = &cpu->stack[level];
	top = held_top(spin);
	task = level == LV_LEVEL_TASK ? task_held(cpu) : 0;
	under = top ? top->entry : task ? held_top_entry(task) : 0;
	/*
	 * A repeated acquisition does not look for a sleeping lock that was tried under a spinning
	 * one. And where preemption is not counted, holders are looked through each time.
	 */
	if (!world_counts_preemption() ||
	    (top && task && edge_sleeping_is_newer(task, task->depth, spin->depth)))
		what = MEMO_NOTHING;
	pushed = held_push(cpu, spin, &lock, cpu->caller);
	if (what != MEMO_NOTHING)
		memo_keep(pushed, memo_when(META_HOOK(meta), count), under, what);
	cpu->acquisitions[lock.class & (LV_MAX_CLASSES - 1)]++;
	return 0;
}

/* Does the class have a memo of such an acquisition? Then it is done again. Counted here. */
RECORD_RARE int acquire_as_class(struct lv_cpu *cpu, __u64 addr, __u32 class, __u32 meta)
{
	__u32 level = META_LEVEL(meta), count;
	struct lv_held_stack *spin;

	if (!cpu || level >= LV_LEVELS)
		return 0;
	count = world_preempt_count_of(cpu) & CONTEXT_ALL;
	spin = &cpu->stack[level];
	if (level != LV_LEVEL_TASK && !spin->depth && usage_is_interrupting(cpu, level))
		return 0;
	return memo_repeat_found(cpu, spin, addr, class, memo_when(META_HOOK(meta), count),
				 level == LV_LEVEL_TASK ? cpu->task_top : 0, cpu->caller, 0);
}

/*
 * Not a repetition: find out all there is to it. Returns the stack slot to be filled, or
 * LV_NONE; LV_ABOVE: nothing was done, call again with cpu->above set.
 */
RECORD_SHARED __u32 acquire_learn(__u64 addr, __u32 meta, __u32 acquire)
{
	struct lv_held lock = { .addr = addr,
				.flags = ACQUIRE_HOW(acquire) | LV_HELD_ENTRY,
				.irq = ACQUIRE_IRQ(acquire) };
	struct lv_held_stack *spin, *task;
	__u32 stack, class, family = META_FAMILY(meta);
	const struct lv_held *top;
	struct context context;
	__u64 usage, caller;

	context.id = world_cpu_id();
	context.cpu = world_cpu(context.id);
	context.count = world_preempt_count() & CONTEXT_ALL;
	context.level = META_LEVEL(meta);
	if (!context.cpu || context.level >= LV_LEVELS)
		return LV_NONE;
	context_settle(context.cpu, context.level);
	lock.mode = acquire_mode(family, ACQUIRE_MODE(acquire), context.count);
	context.cpu->caller = caller = held_caller(0);
	lock.class = class = class_of(addr, family, caller, context.cpu->above);
	if (class >= LV_ABOVE)
		return class;
	if (acquire_as_class(context.cpu, addr, class, meta))
		return LV_NONE;
	lock.count = held_count(context.cpu, context.count, class);
	held_bound(context.cpu, context.level, lock.count);
	/* A hidden release's entry may look held for good, by another CPU whose event was lost. */
	if (!world_counts_preemption() && world_irqs_on(context.id) > 0)
		usage_drop_contradicted(context.level);
	for (__u32 level = 0; level <= context.level && level < LV_LEVELS; level++)
		if (context.cpu->stack[level].depth)
			held_drop_stale(addr, level, lock.mode);

	spin = &context.cpu->stack[context.level];
	top = held_top(spin);
	keep_value(top); /* or the compiler tests the depth again instead */
	if (top && !ACQUIRE_HOW(acquire))
		held_set_class(&lock, class, context.level);
	usage = acquire_usage(addr, lock.entry, ACQUIRE_IRQ(acquire), meta);
	stack = (__u32)usage;
	lock.flags = usage >> USAGE_FLAGS_SHIFT;
	task = context.level == LV_LEVEL_TASK ? task_held(context.cpu) : 0;
	if (!top && (!task || !task->depth))
		lock.flags |= LV_HELD_OLDEST;
	if (!ACQUIRE_HOW(acquire))
		stack = edges_record(context.cpu, spin, task, &lock, meta, stack);
	acquire_keep(addr, lock.entry, meta,
		     lock.class == class ? usage / USAGE_ALL & (MEMO_LOCK | MEMO_CLASS) : MEMO_NOTHING);
	return stack;
}

/*
 * The spinning lock of the first argument has been taken. All but ctx are
 * constants of the hook. how: 0, LV_HELD_TRY or LV_HELD_NESTED: these two get no
 * edges. A repeated acquisition is done here, all else out of line.
 */
static __always_inline void record_acquire(void *ctx, __u32 word, __u32 hook, __u32 family,
					   __u32 mode, __u32 how, __u32 irq)
{
	struct context context;
	__u32 stack;
	__u64 addr;

	if (context_begin(&context, word, hook))
		return;
	addr = world_argument(ctx, context.cpu, 0);
	context.cpu->clock++;
	context.cpu->event = (__u64)ctx;
	if (!acquire_repeat(&context, addr, word, family, hook)) {
		context.cpu->above = 0;
		stack = acquire_learn(addr, EVENT_META(hook, context.level, family),
				      ACQUIRE(mode, how, irq));
		if (stack == LV_ABOVE) {
			context.cpu->above = world_above(ctx, context.cpu);
			stack = acquire_learn(addr, EVENT_META(hook, context.level, family),
					      ACQUIRE(mode, how, irq));
		}
		record_stack(ctx, stack);
	}
	context_leave(&context);
}

/* The sleeping lock at addr has been taken. how: as for sleep_acquire(). */
static __always_inline void record_sleep(void *ctx, __u64 addr, __u32 meta, __u32 how)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	__u32 stack;

	if (!cpu) {
		count_unplanned_cpu();
		return;
	}
	cpu->sleep_event = (__u64)ctx;
	stack = sleep_acquire(cpu, addr, meta, how);
	if (stack == SLEEP_NEW)
		stack = sleep_acquire_new(addr, meta, how, 0);
	if (stack == LV_ABOVE)
		stack = sleep_acquire_new(addr, meta, how, world_above_task(ctx));
	record_stack(ctx, stack);
}

/* Does this release switch irqs or softirqs on? flags is unlock_irqrestore's. */
static __always_inline int release_enables(__u32 irq, __u32 count, __u64 flags)
{
	if (irq == LV_IRQ_ON)
		return 1;
	if (irq == LV_IRQ_RESTORE)
		return world_flags_irqs_on(flags);
	return irq == LV_IRQ_BH_ON && (count & CONTEXT_SOFTIRQ) == CONTEXT_BH_STEP;
}

/* The same, where the count has not been asked. */
static __always_inline int release_may_enable(__u32 irq, __u64 flags)
{
	return irq == LV_IRQ_BH_ON || release_enables(irq, 0, flags);
}

/* The scalars of a release that release_learn() wants beside the event's own. */
#define RELEASE_POPPED (1 << 8)  /* it is off the stack already */
#define RELEASE_ENABLES (1 << 9) /* see release_enables() */

#define RELEASE_NEED (LV_HELD_ON_HARDIRQ | LV_HELD_ON_SOFTIRQ) /* release_need() at most */

/* The bits that tell of a holder's entry that switching irqs, or softirqs, on teaches nothing. */
static __always_inline __u32 release_need(__u32 irq, __u32 count)
{
	if (irq == LV_IRQ_BH_ON || !(count & CONTEXT_SOFTIRQ))
		return RELEASE_NEED;
	return LV_HELD_ON_HARDIRQ;
}

/* The locks left are held with irqs on, or softirqs. */
static __always_inline __u32 release_mark(struct lv_cpu *cpu, __u32 level, __u32 irq, __u32 meta)
{
	__u32 count = world_preempt_count() & CONTEXT_ALL;
	const struct lv_held *top;

	held_bound(cpu, level, count & CONTEXT_PREEMPT);
	top = held_top(&cpu->stack[level]);
	if (!top || (top->flags & release_need(irq, count)) == release_need(irq, count))
		return LV_NONE;
	/* Softirqs that are not disabled any more do not come where irqs are off (netpoll). */
	if (irq == LV_IRQ_BH_ON && !world_irqs_on(world_cpu_id()))
		return LV_NONE;
	count = irq == LV_IRQ_BH_ON ? 0 : count & CONTEXT_SOFTIRQ;
	return usage_mark_held(level, count, meta, LV_NONE);
}

/*
 * Not the newest lock of the task level, or one whose release switches irqs on.
 * Returns the stack slot to be filled, or LV_NONE.
 */
RECORD_SHARED __u32 release_learn(__u64 addr, __u32 meta, __u32 release)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	__u32 level = META_LEVEL(meta);

	if (!cpu || level >= LV_LEVELS)
		return LV_NONE;
	if (!(release & RELEASE_POPPED) && held_pop(&cpu->stack[level], addr, 1))
		return fact_unknown_release(addr, meta);
	if (!(release & RELEASE_ENABLES) || cpu->word != armed_word())
		return LV_NONE;
	return release_mark(cpu, level, release & 0xff, meta);
}

/*
 * Is it the newest lock of the task level, and nothing thought to be held above that? Then it goes.
 * Returns its depth, or 0.
 */
static __always_inline __u32 release_newest(struct lv_cpu *cpu, __u64 addr)
{
	struct lv_held_stack *held = &cpu->stack[LV_LEVEL_TASK];
	__u64 at = held->depth_tainted - 1;

	if (context_holds_higher(cpu) || at >= LV_HELD_DEPTH) /* empty, or tainted */
		return 0;
	keep_value(at);
	if (held->held[at & (LV_HELD_DEPTH - 1)].addr != addr)
		return 0;
	held->depth = at;
	return at + 1;
}

/* Once the newest of `depth` locks is off: would irqs that are switched on teach anything of the next? */
static __always_inline int release_teaches(const struct lv_cpu *cpu, __u32 depth, __u32 need)
{
	const struct lv_held_stack *held = &cpu->stack[LV_LEVEL_TASK];
	const struct lv_held *next = &held->held[(depth - 2) & (LV_HELD_DEPTH - 1)];

	return (next->flags & need) != need;
}

/*
 * The spinning lock of the first argument is about to be given back. Nearly always that ends what this
 * CPU has done last, and where it is need not be asked: no interrupt gives back what it has interrupted.
 */
static __always_inline void record_release(void *ctx, __u32 word, __u32 hook, __u32 family,
					   __u32 irq, __u64 flags)
{
	struct context context;
	__u32 depth, release = irq;
	__u64 addr;

	if (context_claim(&context, word, hook))
		return;
	addr = world_argument(ctx, context.cpu, 0);
	depth = release_newest(context.cpu, addr);
	if (depth)
		release |= RELEASE_POPPED;
	if (depth == 1 || (depth && (!release_may_enable(irq, flags) ||
				     !release_teaches(context.cpu, depth, RELEASE_NEED)))) {
		context.cpu->events[hook]++;
		context_leave(&context);
		return;
	}
	if (context_look(&context))
		return;
	context.cpu->events[hook]++;
	if (release_enables(irq, context.count, flags))
		release |= RELEASE_ENABLES;
	if (!depth || (release & RELEASE_ENABLES &&
		       release_teaches(context.cpu, depth, release_need(irq, context.count))))
		record_stack(ctx, release_learn(addr, EVENT_META(hook, context.level, family),
						release));
	context_leave(&context);
}

/*
 * Irqs, or softirqs alone, are on again: what the level holds, it holds with
 * them on. Only debug kernels and scenarios tell this by itself; else it shows
 * in a release, or in the interrupt that comes.
 */
static __always_inline void record_enable(void *ctx, __u32 word, __u32 hook)
{
	struct context context;
	__u32 stack;

	if (context_enter(&context, word, hook))
		return;
	stack = usage_mark_held(context.level, context.count & CONTEXT_SOFTIRQ,
				EVENT_META(hook, context.level, 0), LV_NONE);
	record_end(ctx, &context, stack);
}

/* Memory is given back: no lock in it may be held here. */
static __always_inline void record_free(void *ctx, __u32 word, __u64 addr, __u64 size, __u32 hook)
{
	struct context context;
	__u32 stack;

	if (context_enter(&context, word, hook))
		return;
	stack = facts_of_held(&context, addr, size, hook, LV_FACT_HELD_FREED);
	record_end(ctx, &context, stack);
}

/* The task returns to user space: it may hold nothing. */
static __always_inline void record_user_return(void *ctx, __u32 word, __u32 hook)
{
	struct context context;
	__u32 stack;

	if (context_enter(&context, word, hook))
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
 * remember lets others have it, and one that dies gives it back in any case.
 */
static __always_inline void switch_slot(struct lv_cpu *cpu, enum record_leave leave)
{
	const struct lv_held_stack *held = task_held(cpu);

	if (held && held->depth && world_preempts())
		doubt_on_leaving();
	if (!held || leave == RECORD_PREEMPTED || (held->depth && leave != RECORD_DEAD))
		return;
	task_give_back(cpu, leave == RECORD_DEAD ? 0 : task_key(cpu->task, cpu->word) | LV_TASK_IDLE);
}

/*
 * The running task has ended, and something stands in its slot: what the lock's own memory says that it
 * holds, nobody will give back. All else was given back unseen. Returns the stack slot to be filled.
 */
RECORD_RARE __u32 switch_dead(void)
{
	__u32 meta = FACT_META(EVENT_META(LV_HOOK_sched_switch, LV_LEVEL_TASK, 0),
			       LV_FACT_HELD_AT_DEATH);
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	const struct lv_held_stack *held = cpu ? task_held(cpu) : 0;
	__u32 stack = LV_NONE;

	if (!held)
		return stack;
	for (__u32 i = 0; i < LV_HELD_DEPTH && i < held->depth; i++) {
		const struct lv_held *lock = &held->held[i];
		const struct lv_class *class = world_class(lock->class);

		if (class && doubt_is_owned(lock->addr, class->family, lock->mode) &&
		    held_by_us(lock->addr, class->family, lock->mode))
			stack = fact_add(lock->class, lock->addr, meta, stack);
		else
			count_loss(cpu, LV_LOSS_STALE_HOLDER);
	}
	return stack;
}

/* All that a task may spin on while it goes is the run-queue lock, which the next one gives back. */
RECORD_RARE int switch_drop(void)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	struct lv_held_stack *held;
	__u32 kept = 0;

	if (!cpu)
		return 0;
	held = &cpu->stack[LV_LEVEL_TASK];
	for (__u32 i = 0; i < LV_HELD_DEPTH && i < held->depth; i++) {
		if (held->held[i].addr != cpu->rq_lock)
			continue;
		held->held[0] = held->held[i];
		kept = 1;
		break;
	}
	count_losses(cpu, LV_LOSS_STALE_HOLDER, held->depth - kept);
	held->depth = kept;
	held->tainted = 0;
	return 0;
}

/* This CPU goes over to another task. */
static __always_inline void record_switch(void *ctx, __u64 next, __u32 word,
					  enum record_leave leave)
{
	const struct lv_held_stack *spin;
	struct lv_held_stack *held;
	struct context context;

	if (context_enter(&context, word, LV_HOOK_sched_switch))
		return;
	spin = &context.cpu->stack[LV_LEVEL_TASK];
	if (spin->depth_tainted != 1 || spin->held[0].addr != context.cpu->rq_lock)
		switch_drop();
	held = task_held(context.cpu);
	if (leave == RECORD_DEAD && held && held->depth)
		record_stack(ctx, switch_dead());
	switch_slot(context.cpu, leave);
	context.cpu->task = next;
	context.cpu->task_slot = task_find(context.cpu, next);
	held = task_held(context.cpu);
	context.cpu->task_top = held ? held_top_entry(held) : 0;
	context_leave(&context);
}

#endif
