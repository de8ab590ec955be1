/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sleeping locks: mutexes, rwsems and their kin, and nearly all of
 * PREEMPT_RT's. They belong to the task.
 *
 * Their programs can be preempted, as the functions they hook can. So they take
 * no guard, which another task's programs would then find taken for as long,
 * and they may find this CPU's memory changed between any two lines. They get
 * along with that: a task's held stack is its own; the CPU's caches tell a half
 * written entry (struct lv_addr_slot) or hold only what a count hangs on (struct
 * lv_edge_slot); event counters are one program's, which the kernel does not
 * run twice at a time on a CPU. Acquisitions and hits of edges can lose a few
 * counts. A task that is preempted keeps its slot (record_switch()).
 *
 * One function does the work for all of them: verified once, and its price, a
 * call, is small beside a sleeping lock's own.
 */
#ifndef LOCKVANE_RECORD_SLEEP_H
#define LOCKVANE_RECORD_SLEEP_H

#include "record/edge.h"
#include "record/fact.h"
#include "record/memo.h"

#define SLEEP_READ (1 << 8) /* beside LV_HELD_TRY, LV_HELD_NESTED and LV_HELD_AGAIN */

/* The entry of the lock at addr, or NULL. */
static __always_inline struct lv_held *sleep_find(struct lv_held_stack *held, __u64 addr)
{
	for (__u32 i = 0; i < LV_HELD_DEPTH; i++) {
		if (i >= held->depth)
			break;
		if (held->held[i].addr == addr)
			return &held->held[i];
	}
	return 0;
}

/* memo_when(): whether an acquire context orders the lock is up to the call. */
static __always_inline __u64 sleep_when(__u32 hook, __u32 count, __u32 how)
{
	return memo_when(hook, count) | (__u64)(how & LV_HELD_NESTED) << 48;
}

#define SLEEP_WHAT_SHIFT 32

/*
 * Asked for its ON bits until enough is known of them: nearly at once, who sleeps has irqs on. Returns
 * the stack slot and, above it, what may be kept of it (enum memo_what).
 */
RECORD_RARE __u64 sleep_usage(__u64 addr, __u64 entry, __u32 meta)
{
	const struct lv_held lock = { .addr = addr, .entry = entry };
	__u32 count = world_preempt_count() & CONTEXT_ALL;
	__u32 on = usage_on(lock.mode, count & CONTEXT_SOFTIRQ);
	const struct lv_class *class = world_class(lock.class);
	__u32 used = USAGE_MODE(LV_USED, lock.mode);
	__u64 what = MEMO_NOTHING;
	__u32 missing;

	if (!class)
		return LV_NONE;
	missing = (used | on) & ~read_once(class->settled);
	if (!((used | on) & ~read_once(class->twice)))
		what = missing ? MEMO_LOCK : MEMO_LOCK | MEMO_CLASS;
	if (missing & on && world_irqs_on(world_cpu_id()) <= 0)
		missing &= ~on;
	what <<= SLEEP_WHAT_SHIFT;
	return what | (missing ? usage_add(lock.class, addr, missing, meta, LV_NONE) : LV_NONE);
}

/* To wait in an interrupt is a bug: its IN bits say so. A trylock in one is just not followed. */
static __always_inline __u32 sleep_in_interrupt(struct context *context,
						const struct lv_held *lock, __u32 meta)
{
	if (lock->flags & LV_HELD_TRY) {
		count_loss(context->cpu, LV_LOSS_SLEEPS_IN_IRQ);
		return LV_NONE;
	}
	return usage_add(lock->class, lock->addr,
			 USAGE_MODE(LV_USED, lock->mode) | usage_in(context->level, lock->mode),
			 meta | context->level << META_LEVEL_SHIFT, LV_NONE);
}

/*
 * A task that may have to wait must be able to: not with preemption off, nor softirqs, though nothing is
 * known to be held that spins (that would be a dependency, which tells the same). A trylock does not
 * wait. Irqs that are off are not asked for: before 6.14 the flag may read so by chance.
 */
static __always_inline __u32 sleep_check_context(const struct context *context,
						 const struct lv_held *lock, __u32 meta, __u32 stack)
{
	if (!world_shows_atomic() || lock->flags & LV_HELD_TRY ||
	    !(context->count & (CONTEXT_PREEMPT | CONTEXT_SOFTIRQ)))
		return stack;
	return fact_add(lock->class, lock->addr, FACT_META(meta, LV_FACT_WAIT_ATOMIC), stack);
}

/* Not a repetition: find out all there is to it. */
static __always_inline __u32 sleep_learn(struct context *context, struct lv_held_stack *held,
					 struct lv_held *lock, __u32 meta, __u64 caller)
{
	struct lv_held_stack *spin = 0;
	__u32 stack, what, class = lock->class;
	struct lv_held *pushed;
	__u64 under, usage;

	if (held->depth)
		held_drop_stale(lock->addr, HELD_SLEEPING, lock->mode);
	if (held->depth >= LV_HELD_DEPTH)
		held_sweep();
	if (held->depth && !(lock->flags & (LV_HELD_TRY | LV_HELD_NESTED)))
		held_set_class(lock, class, HELD_SLEEPING);
	usage = sleep_usage(lock->addr, lock->entry, meta);
	stack = (__u32)usage;
	what = usage >> SLEEP_WHAT_SHIFT;
	if (context->count & CONTEXT_PREEMPT && world_counts_preemption()) {
		spin = &context->cpu->stack[LV_LEVEL_TASK];
		held_bound(context->cpu, LV_LEVEL_TASK, (context->count & CONTEXT_PREEMPT) + 1);
		lock->under = spin->depth;
	}
	if (!lock->under)
		stack = sleep_check_context(context, lock, meta, stack);
	if (!held->depth && !lock->under)
		lock->flags |= LV_HELD_OLDEST;
	if (!(lock->flags & LV_HELD_TRY))
		stack = edges_record(context->cpu, spin, held, lock, meta, stack);
	under = held_top_entry(held);
	pushed = held_push(context->cpu, held, lock, caller);
	if (what != MEMO_NOTHING && !spin && lock->class == class)
		memo_keep(pushed, sleep_when(META_HOOK(meta), context->count, lock->flags), under,
			  lock->flags & LV_HELD_NESTED ? MEMO_LOCK : what);
	context->cpu->task_top = held_top_entry(held);
	context->cpu->acquisitions[lock->class & (LV_MAX_CLASSES - 1)]++;
	return stack;
}

/* acquire_as_class() of a sleeping lock. */
RECORD_RARE int sleep_as_class(struct lv_cpu *cpu, __u64 addr, __u32 class, __u64 when, __u64 caller)
{
	struct lv_held_stack *held = cpu ? task_held(cpu) : 0;

	return held && memo_repeat_found(cpu, held, addr, class, when, 0, caller, 1);
}

/*
 * The sleeping lock at addr has been taken; nothing is known of it yet. As sleep_acquire().
 * above: see class_site(); LV_ABOVE: nothing was done, call again with it.
 */
RECORD_SHARED __u32 sleep_acquire_new(__u64 addr, __u32 meta, __u32 how, __u64 above)
{
	struct lv_held lock = { .addr = addr, .mode = how & SLEEP_READ ? LV_READ : LV_WRITE };
	struct lv_held_stack *held;
	struct context context;
	__u64 caller;

	context.id = world_cpu_id();
	context.cpu = world_cpu(context.id);
	context.count = world_preempt_count() & CONTEXT_ALL;
	context.level = level_of(context.count);
	if (!context.cpu)
		return LV_NONE;
	lock.flags = (how & (LV_HELD_TRY | LV_HELD_NESTED)) | LV_HELD_ENTRY;
	caller = held_caller(1);
	lock.class = class_of(addr, META_FAMILY(meta), caller, above);
	if (lock.class >= LV_ABOVE)
		return lock.class;
	if (context.level != LV_LEVEL_TASK)
		return sleep_in_interrupt(&context, &lock, meta);
	held = task_held(context.cpu);
	if (!held || (!(context.count & CONTEXT_PREEMPT) &&
		      sleep_as_class(context.cpu, addr, lock.class,
				     sleep_when(META_HOOK(meta), context.count, how), caller)))
		return LV_NONE;
	return sleep_learn(&context, held, &lock, meta, caller);
}

#define SLEEP_NEW (LV_ABOVE - 1) /* sleep_acquire_new() is to be called */

/*
 * The sleeping lock at addr has been taken. cpu: this one. how: LV_HELD_* of above, SLEEP_READ.
 * Returns the stack slot to be filled, or LV_NONE; SLEEP_NEW if it is no repetition.
 */
RECORD_SHARED __u32 sleep_acquire(struct lv_cpu *cpu, __u64 addr, __u32 meta, __u32 how)
{
	__u32 hook = META_HOOK(meta), family = META_FAMILY(meta);
	struct lv_held_stack *held;
	struct context context;

	if (!cpu || context_enter_sleeping_on(cpu, &context, hook))
		return LV_NONE;
	context.cpu->clock++;
	if (context.level == LV_LEVEL_TASK && context.cpu->task_slot == LV_NONE)
		task_claim(world_cpu_id());
	held = task_held(context.cpu);
	if (held && how & LV_HELD_AGAIN && sleep_find(held, addr))
		return LV_NONE;
	/*
	 * A task that may sleep spins on nothing: where unlocks are hidden, that tells what is left
	 * of them.
	 */
	if (!world_counts_preemption() && context.level == LV_LEVEL_TASK && !(how & LV_HELD_TRY))
		empty_level(context.cpu, LV_LEVEL_TASK);
	if (held && !(context.count & CONTEXT_PREEMPT) &&
	    memo_repeat(context.cpu, held, addr, family, sleep_when(hook, context.count, how), 0, 1))
		return LV_NONE;
	return SLEEP_NEW;
}

/*
 * The rwsem at addr is given back by a task that is not known to hold it: does it have but one
 * reader, and is that another task, which is known to? It was handed over then, as
 * down_read_non_owner() tells lockdep, and tells nobody here. Returns 1 + its class, or 0.
 */
RECORD_RARE __u32 sleep_is_handed(__u64 addr)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	const struct lv_held_stack *theirs;
	__u64 reader = 0;
	__u32 at;

	if (!cpu || world_only_reader(addr, &reader) || reader == world_task())
		return 0;
	at = task_find(cpu, reader);
	theirs = at == LV_NONE ? 0 : world_task_stack(at);
	if (!theirs)
		return 0;
	at = held_index(theirs, addr);
	if (at >= LV_HELD_DEPTH || theirs->held[at].mode == LV_WRITE)
		return 0;
	return 1 + theirs->held[at].class;
}

/* The same, and from now on the readers of its class are believed no more. */
RECORD_RARE int sleep_take_handed(__u64 addr)
{
	__u32 handed = sleep_is_handed(addr);
	struct lv_class *class;

	if (!handed)
		return 0;
	class = world_class(handed - 1);
	if (class)
		__sync_fetch_and_or(&class->flags, LV_CLASS_HANDED);
	return 1;
}

/*
 * The sleeping lock at addr is about to be given back; or, with LV_HELD_AGAIN,
 * has been, and an inner function's hook may have told so. Returns the stack
 * slot to be filled, or LV_NONE.
 */
RECORD_SHARED __u32 sleep_release(__u64 addr, __u32 meta, __u32 how)
{
	struct lv_held_stack *held;
	struct context context;

	if (context_enter_sleeping(&context, META_HOOK(meta)))
		return LV_NONE;
	if (context.level != LV_LEVEL_TASK)
		return LV_NONE;
	held = task_held(context.cpu);
	if (held && !held_pop(held, addr, 0)) {
		context.cpu->task_top = held_top_entry(held);
		return LV_NONE;
	}
	if (how & LV_HELD_AGAIN)
		return LV_NONE;
	if (META_FAMILY(meta) == LV_RWSEM && !(held && held->tainted) && sleep_take_handed(addr))
		return LV_NONE;
	return fact_unknown_release(addr, meta);
}

/*
 * The running task returns to user space with locks of this family, which somebody gives back
 * another time: freeze_super() and thaw_super() (fs/super.c, lockdep_sb_freeze_release()).
 */
RECORD_SHARED int sleep_hand_over(__u32 meta)
{
	struct lv_held_stack *held;
	struct context context;

	if (context_enter_sleeping(&context, META_HOOK(meta)) || context.level != LV_LEVEL_TASK)
		return 0;
	held = task_held(context.cpu);
	if (!held)
		return 0;
	for (__u32 i = LV_HELD_DEPTH; i-- > 0;)
		held_drop_family(i, META_FAMILY(meta));
	context.cpu->task_top = held_top_entry(held);
	return 0;
}

/*
 * The rwsem at addr was held to write, and is now held to read: with irqs on,
 * as a reader, too. Returns the stack slot to be filled, or LV_NONE.
 */
RECORD_SHARED __u32 sleep_downgrade(__u64 addr, __u32 meta)
{
	struct lv_held_stack *held;
	struct context context;
	struct lv_held *lock;

	if (context_enter_sleeping(&context, META_HOOK(meta)) || context.level != LV_LEVEL_TASK)
		return LV_NONE;
	held = task_held(context.cpu);
	lock = held ? sleep_find(held, addr) : 0;
	if (!lock)
		return LV_NONE;
	lock->mode = LV_READ;
	context.cpu->task_top = held_top_entry(held);
	return sleep_usage(addr, lock->entry, meta);
}

#endif
