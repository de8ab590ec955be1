/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pseudo-locks: what a task waits for as for a lock, and is none. lockdep has them as maps that
 * are acquired and released by hand: a work item while its function runs, the freeze of a queue,
 * memory reclaim. Three things happen to one:
 *
 * hold     from now on, until the drop; as a lock that was waited for, or tried
 * drop
 * attempt  it is waited for, and not held afterwards: seen before the wait, so also where it hangs
 *
 * The class is by what the pseudo-lock is about (the work's function), which is an address of the
 * kernel's but no lock. Its instance (the work) stands for the address of a lock, and is made odd,
 * as no lock's is: it may be where a lock lies.
 *
 * A task's pseudo-locks are on its stack of sleeping locks, and its programs may be preempted
 * (sleep.h). In interrupts, and where the holder spins, it is on the CPU's, under the guard.
 */
#ifndef LOCKVANE_RECORD_PSEUDO_H
#define LOCKVANE_RECORD_PSEUDO_H

#include "record/sleep.h"

#define PSEUDO_READ (1 << 8)	  /* beside LV_HELD_TRY */
#define PSEUDO_RECURSIVE (1 << 9) /* a reader that writers do not stop */
#define PSEUDO_ATTEMPT (1 << 10)
#define PSEUDO_IN_TRACE (1 << 12) /* a tracepoint's program: no spinning lock is held there */
#define PSEUDO_FRESH (1 << 13)	  /* the task begins anew: no other pseudo-lock can be held */
#define PSEUDO_IF_KNOWN (1 << 14) /* only if there is such a class: somebody has waited for one */
#define PSEUDO_ONCE (1 << 15)	  /* a reader, but never twice of one instance */
#define PSEUDO_ALWAYS_NEW (PSEUDO_ATTEMPT | PSEUDO_FRESH) /* no memo of these */
#define PSEUDO_KIND_SHIFT 16	  /* enum lv_pseudo; 0: a lock, attempted */
#define PSEUDO_WHERE_SHIFT 8	  /* in pseudo_self(), above the index */
#define PSEUDO(kind) (LV_PSEUDO_##kind << PSEUDO_KIND_SHIFT)

static __always_inline __u32 pseudo_kind(__u32 how)
{
	return how >> PSEUDO_KIND_SHIFT & 0xff;
}

/* Has anybody waited for one of the kind? */
static __always_inline int pseudo_kind_is_known(__u32 kind)
{
	return !!(read_once(world_control()->pseudo_kinds) & 1u << kind);
}

static __always_inline __u32 pseudo_mode(__u32 how)
{
	if (how & PSEUDO_RECURSIVE)
		return LV_RECURSIVE;
	return how & PSEUDO_READ ? LV_READ : LV_WRITE;
}

/* The class of that place, LV_NONE if nobody has made it yet. */
RECORD_RARE __u32 pseudo_known_class(__u64 addr, __u64 base, __u32 kind)
{
	__u32 subclass = kind << LV_SUBCLASS_KIND_SHIFT, hash;
	struct lv_place place = {};

	keep_value(addr); /* the kernel's world does not ask: or it would not be passed */
	if (world_pseudo_place(addr, base, &place))
		return LV_NONE;
	hash = class_hash(&place, subclass);
	for (__u32 i = 0; i < CLASS_PROBES; i++) {
		__u32 id = (hash + i) & (LV_MAX_CLASSES - 1);
		const struct lv_class *class = world_class(id);

		if (!class || read_once(class->state) == LV_SLOT_FREE)
			break;
		if (read_once(class->state) == LV_SLOT_READY && class->family == LV_PSEUDO &&
		    class->subclass == subclass && same_place(&class->place, &place))
			return id;
	}
	return LV_NONE;
}

RECORD_RARE __u32 pseudo_class(__u64 addr, __u64 base, __u32 kind)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	struct lv_control *control = world_control();
	struct lv_place place = {};

	keep_value(addr); /* as above */
	if (!cpu || world_pseudo_place(addr, base, &place))
		return LV_NONE;
	if (!pseudo_kind_is_known(kind))
		write_once(control->pseudo_kinds, control->pseudo_kinds | 1u << (kind & 31));
	return class_find(cpu, &place, LV_PSEUDO, kind << LV_SUBCLASS_KIND_SHIFT);
}

static __always_inline __u32 pseudo_find_class(__u64 addr, __u64 base, __u32 meta, __u32 how)
{
	if (!pseudo_kind(how))
		return class_of(addr, META_FAMILY(meta), 0, 0);
	if (how & PSEUDO_IF_KNOWN)
		return pseudo_known_class(addr, base, pseudo_kind(how));
	return pseudo_class(addr, base, pseudo_kind(how));
}

/*
 * The usage bits of a hold or an attempt. Nothing is held after an attempt, so irqs that are on
 * say nothing. A lock that is only attempted gets its bits from its own functions.
 */
RECORD_RARE __u32 pseudo_usage(__u64 addr, __u64 entry, __u32 meta, __u32 how)
{
	const struct lv_held lock = { .addr = addr, .entry = entry };
	const struct lv_class *class = world_class(lock.class);
	__u32 count = world_preempt_count() & CONTEXT_ALL;
	__u32 bits = USAGE_MODE(LV_USED, lock.mode);
	__u32 on = usage_on(lock.mode, count & CONTEXT_SOFTIRQ);

	if (!class || !pseudo_kind(how))
		return LV_NONE;
	if (!(lock.flags & LV_HELD_TRY))
		bits |= usage_in(META_LEVEL(meta), lock.mode);
	if (!(how & PSEUDO_ATTEMPT) && META_LEVEL(meta) != LV_LEVEL_HARDIRQ &&
	    on & ~read_once(class->settled) && world_irqs_on(world_cpu_id()) > 0)
		bits |= on;
	if (!(bits & ~read_once(class->settled)))
		return LV_NONE;
	return usage_add(lock.class, addr, bits, meta, LV_NONE);
}

/* All pseudo-locks leave the running task's stack. */
RECORD_RARE int pseudo_forget_all(void)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	struct lv_held_stack *held = cpu ? task_held(cpu) : 0;

	if (!held || !held->depth)
		return 0;
	for (__u32 i = LV_HELD_DEPTH; i-- > 0;)
		held_drop_family(i, LV_PSEUDO);
	cpu->task_top = held_top_entry(held);
	return 0;
}

/* The running context, which is ours already. 0, or -1 without a CPU. */
static __always_inline int pseudo_here(struct context *ret)
{
	ret->id = world_cpu_id();
	ret->cpu = world_cpu(ret->id);
	ret->count = world_preempt_count() & CONTEXT_ALL;
	ret->level = level_of(ret->count);
	return ret->cpu ? 0 : -1;
}

/* The spinning locks that the running context may hold; NULL: none. */
static __always_inline struct lv_held_stack *pseudo_spinning(const struct context *context,
							     __u32 how)
{
	struct lv_cpu *cpu = context->cpu;

	if (context->level != LV_LEVEL_TASK)
		return &cpu->stack[context->level & 3];
	if (how & PSEUDO_IN_TRACE)
		return 0;
	if (!world_counts_preemption())
		return pseudo_traits(pseudo_kind(how)) & LV_PSEUDO_SPINS ?
			       &cpu->stack[LV_LEVEL_TASK] :
			       0;
	return context->count & CONTEXT_PREEMPT ? &cpu->stack[LV_LEVEL_TASK] : 0;
}

/* The same instance, waited for by its holder: entry `at` of the stack. Returns the stack slot. */
RECORD_RARE __u32 pseudo_self(__u64 addr, __u64 entry, __u32 meta, __u32 stack, __u32 at)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	const struct lv_held lock = { .addr = addr, .entry = entry };
	struct lv_held_stack *held = cpu ? held_at(cpu, at >> PSEUDO_WHERE_SHIFT) : 0;
	struct lv_held from;

	if (!held)
		return stack;
	from.addr = held->held[at & (LV_HELD_DEPTH - 1)].addr;
	from.entry = held->held[at & (LV_HELD_DEPTH - 1)].entry;
	return edge_record(cpu, &from, &lock, meta, stack);
}

/* The edges into it, from what its context holds. Returns the stack slot. */
static __always_inline __u32 pseudo_edges(const struct context *context, struct lv_held *lock,
					  __u32 meta, __u32 how, __u32 where, __u32 stack)
{
	struct lv_held_stack *task =
		context->level == LV_LEVEL_TASK ? task_held(context->cpu) : 0;
	struct lv_held_stack *held = held_at(context->cpu, where);
	struct lv_held_stack *spin = pseudo_spinning(context, how);
	__u32 at = held_find(lock->addr, where);

	if (!spin)
		meta |= META_BARE;
	if (how & PSEUDO_ATTEMPT)
		meta |= META_ATTEMPT;
	if (at < LV_HELD_DEPTH && pseudo_traits(pseudo_kind(how)) & LV_PSEUDO_SELF)
		return pseudo_self(lock->addr, lock->entry, meta, stack,
				   at | where << PSEUDO_WHERE_SHIFT);
	if (at < LV_HELD_DEPTH && held && at + 1 >= held->depth)
		return stack;
	if (at >= LV_HELD_DEPTH && held && held->depth)
		held_set_class(lock, lock->class, where);
	return edges_record(context->cpu, spin, task, lock, meta, stack);
}

/* In a task that spins on nothing: what else is held is on one stack. */
static __always_inline int pseudo_may_repeat(__u32 count)
{
	return world_counts_preemption() && !(count & (CONTEXT_PREEMPT | CONTEXT_ABOVE_TASK));
}

/* memo_when(): a hook may hold in several ways. */
static __always_inline __u64 pseudo_when(__u32 meta, __u32 how, __u32 count)
{
	return memo_when(META_HOOK(meta), count) |
	       (__u64)(how & (PSEUDO_READ | PSEUDO_RECURSIVE | LV_HELD_TRY)) << 48;
}

/* Would another hold of the class, in this context, give it no usage bit? */
static __always_inline int pseudo_is_settled(const struct lv_class *class, __u32 mode, __u32 count)
{
	__u32 bits = USAGE_MODE(LV_USED, mode) | usage_on(mode, count & CONTEXT_SOFTIRQ);

	return !(bits & ~read_once(class->settled));
}

/* The entry goes on the stack at `where`; and into the class's memo, if it is a sleeping lock's. */
RECORD_RARE int pseudo_push(__u64 addr, __u64 entry, __u32 meta, __u32 how, __u32 where)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	const struct lv_held lock = { .addr = addr, .entry = entry };
	struct lv_held_stack *held = cpu ? held_at(cpu, where) : 0;
	__u32 count = world_preempt_count() & CONTEXT_ALL;
	const struct lv_class *class = world_class(lock.class);
	struct lv_held *pushed;
	__u64 under;

	if (!held || !class)
		return 0;
	under = held_top_entry(held);
	pushed = held_push(cpu, held, &lock, 0);
	if (where & HELD_SLEEPING) {
		cpu->task_top = held_top_entry(held);
		if (pseudo_may_repeat(count) && pseudo_is_settled(class, lock.mode, count))
			memo_keep(pushed, pseudo_when(meta, how, count), under, MEMO_CLASS);
	}
	cpu->acquisitions[lock.class & (LV_MAX_CLASSES - 1)]++;
	return 0;
}

/* A hold as the class has had before, among the running task's sleeping locks. Counted here. */
RECORD_RARE int pseudo_as_class(struct lv_cpu *cpu, __u64 addr, __u32 class, __u64 when)
{
	struct lv_held_stack *held = cpu ? task_held(cpu) : 0;

	return held && memo_repeat_found(cpu, held, addr, class, when, 0, 0, 1);
}

/*
 * Where the running context keeps it: what cannot be held beside it goes, and how it stands among the rest
 * is told: nothing below it, at which count, tried or waited for. Returns its entry.
 */
RECORD_RARE __u64 pseudo_stand(__u64 addr, __u64 entry, __u32 how)
{
	struct lv_held lock = { .addr = addr, .entry = entry };
	struct context context;
	struct lv_held_stack *spin, *task;
	__u32 where, spinning;

	if (pseudo_here(&context))
		return entry;
	where = pseudo_where(pseudo_kind(how), context.level);
	spin = pseudo_spinning(&context, how);
	task = context.level == LV_LEVEL_TASK ? task_held(context.cpu) : 0;
	if (spin)
		held_bound(context.cpu, context.level & 3, (context.count & CONTEXT_PREEMPT) + 1);
	if (!(how & PSEUDO_ATTEMPT))
		held_drop_stale(addr, where, how & PSEUDO_ONCE ? LV_WRITE : lock.mode);
	spinning = spin ? spin->depth : 0;
	lock.flags |= how & LV_HELD_TRY;
	if (!spinning && !(task && task->depth))
		lock.flags |= LV_HELD_OLDEST;
	if (where & HELD_SLEEPING)
		lock.under = spinning;
	else
		lock.count = context.count & CONTEXT_PREEMPT;
	return lock.entry;
}

/* Does it belong to the CPU, so that the guard is to be taken? */
static __always_inline int pseudo_is_of_cpu(__u32 how, __u32 count)
{
	return level_of(count) != LV_LEVEL_TASK ||
	       (!(how & PSEUDO_ATTEMPT) && pseudo_traits(pseudo_kind(how)) & LV_PSEUDO_SPINS);
}

/* Is the program's CPU its own to the end, so that it may take the guard? */
static __always_inline int pseudo_is_pinned(__u32 count)
{
	return count & (CONTEXT_PREEMPT | CONTEXT_ABOVE_TASK) ||
	       world_irqs_on(world_cpu_id()) == 0;
}

/* 0, or -1 if the event is not ours. *ret_guard: the guard was taken, context_leave() must follow. */
static __always_inline int pseudo_begin(struct context *context, __u32 meta, __u32 how,
					int *ret_guard)
{
	__u32 count = world_preempt_count() & CONTEXT_ALL;

	*ret_guard = pseudo_is_of_cpu(how, count);
	if (!*ret_guard)
		return context_enter_sleeping(context, META_HOOK(meta));
	if (!pseudo_is_pinned(count))
		return -1;
	return context_enter(context, armed_word(), META_HOOK(meta) & (LV_MAX_HOOKS - 1));
}

/* The class of it in a context that is ours, and whether that is all. As pseudo_see(). */
static __always_inline __u64 pseudo_recognise(const struct context *context, __u64 addr, __u64 base,
					      __u32 meta, __u32 how)
{
	struct lv_held lock = { .addr = addr, .mode = pseudo_mode(how), .flags = LV_HELD_ENTRY };

	if (how & PSEUDO_FRESH && context->level == LV_LEVEL_TASK)
		pseudo_forget_all();
	lock.class = pseudo_find_class(addr, base, meta, how);
	if (lock.class >= LV_ABOVE)
		return 0;
	if (pseudo_where(pseudo_kind(how), context->level) & HELD_SLEEPING &&
	    !(how & PSEUDO_ALWAYS_NEW) && pseudo_may_repeat(context->count) &&
	    pseudo_as_class(context->cpu, addr, lock.class, pseudo_when(meta, how, context->count)))
		return 0;
	return lock.entry;
}

/*
 * The pseudo-lock of this instance is held from now on, or attempted. base: what its class is
 * about. Returns its entry, with which pseudo_learn() must follow; 0: there is nothing to be learnt. Two
 * functions, as a chain of calls can't be longer, nor what the verifier walks at once.
 */
RECORD_SHARED __u64 pseudo_see(__u64 addr, __u64 base, __u32 meta, __u32 how)
{
	struct context context;
	__u64 entry;
	int guard;

	if (pseudo_begin(&context, meta, how, &guard))
		return 0;
	context.cpu->clock++;
	if (!guard && !(how & PSEUDO_ATTEMPT) && context.cpu->task_slot == LV_NONE)
		task_claim(context.id);
	entry = pseudo_recognise(&context, addr, base, meta, how);
	if (guard && !entry)
		context_leave(&context);
	return entry;
}

/* All else about it. Returns the stack slot to be filled, or LV_NONE. */
RECORD_SHARED __u32 pseudo_learn(__u64 addr, __u64 entry, __u32 meta, __u32 how)
{
	struct lv_held lock = { .addr = addr };
	struct context context;
	__u32 stack, where;

	if (pseudo_here(&context))
		return LV_NONE;
	where = pseudo_where(pseudo_kind(how), context.level);
	meta = (meta & ~(0xfu << META_LEVEL_SHIFT)) | context.level << META_LEVEL_SHIFT;
	lock.entry = pseudo_stand(addr, entry, how);
	stack = pseudo_usage(addr, lock.entry, meta, how);
	if (!(lock.flags & LV_HELD_TRY))
		stack = pseudo_edges(&context, &lock, meta, how, where, stack);
	if (!(how & PSEUDO_ATTEMPT))
		pseudo_push(addr, lock.entry, meta, how, where);
	if (pseudo_is_of_cpu(how, context.count))
		context_leave(&context);
	return stack;
}

/* As pseudo_see(), all of it. */
static __always_inline void record_pseudo(void *ctx, __u64 addr, __u64 base, __u32 meta, __u32 how)
{
	__u64 entry = pseudo_see(addr, base, meta, how);

	if (entry)
		record_stack(ctx, pseudo_learn(addr, entry, meta, how));
}

/* A held one is given back; one that is not known to be held was so before we looked. */
RECORD_SHARED int pseudo_drop(__u64 addr, __u32 meta, __u32 how)
{
	struct lv_held_stack *held;
	struct context context;
	__u32 where;
	int guard;

	if (pseudo_begin(&context, meta, how, &guard))
		return 0;
	where = pseudo_where(pseudo_kind(how), context.level);
	held = held_at(context.cpu, where);
	if (held && !held_pop(held, addr, 0) && where & HELD_SLEEPING)
		context.cpu->task_top = held_top_entry(held);
	if (guard)
		context_leave(&context);
	return 0;
}

/* The newest of the kind that the running task holds: which it was is not known any more. */
RECORD_SHARED int pseudo_drop_kind(__u32 meta, __u32 how)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	const struct lv_held_stack *held = cpu ? task_held(cpu) : 0;
	__u64 addr = 0;

	if (!held)
		return 0;
	for (__u32 i = 0; i < LV_HELD_DEPTH && i < held->depth; i++) {
		const struct lv_class *class = world_class(held->held[i].class);

		if (class && class->family == LV_PSEUDO &&
		    LV_PSEUDO_KIND_OF(class->subclass) == pseudo_kind(how))
			addr = held->held[i].addr;
	}
	return addr ? pseudo_drop(addr, meta, how) : 0;
}

/* The object that the class is about is gone, and something else may come to lie there. */
RECORD_SHARED int pseudo_retire(__u64 addr, __u64 base, __u32 how)
{
	struct lv_class *class = world_class(pseudo_known_class(addr, base, pseudo_kind(how)));

	if (class)
		__atomic_exchange_n(&class->state, LV_SLOT_DEAD, __ATOMIC_SEQ_CST);
	return 0;
}

/* Does the running context hold anything? Asked before all else: under nothing, an attempt says nothing. */
static __always_inline int pseudo_holds_any(void)
{
	const struct lv_cpu *cpu = world_cpu(world_cpu_id());

	return cpu && (cpu->task_top || cpu->stack[LV_LEVEL_TASK].depth ||
		       cpu->stack[LV_LEVEL_SOFTIRQ].depth || cpu->stack[LV_LEVEL_HARDIRQ].depth);
}

/*
 * Does an attempt say anything here? Where nothing is held, only what spins does, in a hardirq: that
 * it may be waited for there.
 */
static __always_inline int pseudo_tells(__u32 how)
{
	return pseudo_holds_any() || (pseudo_traits(pseudo_kind(how)) & LV_PSEUDO_SPINS &&
				      world_preempt_count() & CONTEXT_HARDIRQ);
}

/*
 * The lock at addr is given back during the attempt that comes, and taken again after it: it leaves
 * the running task's stack if it is the newest there. Returns 1 + where it was, else 0.
 */
RECORD_RARE __u32 pseudo_lay_aside(__u64 addr)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	struct lv_held_stack *held = cpu ? task_held(cpu) : 0;
	const struct lv_held *top = held ? held_top(held) : 0;

	if (!top || top->addr != addr)
		return 0;
	held->depth--;
	cpu->task_top = held_top_entry(held);
	return held->depth + 1;
}

/*
 * Puts back what was laid aside, the last first: an attempt puts nothing in its place, but a stale entry
 * beneath may have gone.
 */
RECORD_RARE int pseudo_take_back(__u32 aside)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	struct lv_held_stack *held = cpu ? task_held(cpu) : 0;

	if (!held || !aside || held->depth >= aside)
		return 0;
	held->held[held->depth & (LV_HELD_DEPTH - 1)] = held->held[(aside - 1) & (LV_HELD_DEPTH - 1)];
	held->depth++;
	cpu->task_top = held_top_entry(held);
	return 0;
}

#endif
