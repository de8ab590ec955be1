/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In which irq context a class is used: lockdep's mark_usage() and
 * mark_held_locks() (kernel/locking/lockdep.c). A trylock proves nothing
 * about being taken in irq context, but is held with irqs as they are.
 */
#ifndef LOCKVANE_RECORD_USAGE_H
#define LOCKVANE_RECORD_USAGE_H

#include "record/alike.h"

#define USAGE(bit) (1u << (bit))

/* The write bit of a pair, or the read bit next to it. */
#define USAGE_MODE(bit, mode) (1u << ((bit) + ((mode) != LV_WRITE)))

/* IN bits of a lock taken here. */
static __always_inline __u32 usage_in(__u32 level, __u32 mode)
{
	if (level == LV_LEVEL_HARDIRQ)
		return USAGE_MODE(LV_USED_IN_HARDIRQ, mode);
	return level == LV_LEVEL_SOFTIRQ ? USAGE_MODE(LV_USED_IN_SOFTIRQ, mode) : 0;
}

/* ON bits of a lock held with irqs on; softirqs too unless the count forbids them. */
static __always_inline __u32 usage_on(__u32 mode, __u32 softirq_count)
{
	__u32 bits = USAGE_MODE(LV_ENABLED_HARDIRQ, mode);

	return softirq_count ? bits : bits | USAGE_MODE(LV_ENABLED_SOFTIRQ, mode);
}

/* A stack slot for the event under way, LV_NONE when none is left. */
static __always_inline __u32 stack_claim(struct lv_cpu *cpu, __u32 cpu_id, __u32 hook,
					 __u32 level)
{
	struct lv_control *control = world_control();
	struct lv_stack *stack;
	__u32 id;

	if (read_once(control->next_stack) >= LV_MAX_STACKS) {
		count_loss(cpu, LV_LOSS_STACKS);
		return LV_NONE;
	}
	id = __sync_fetch_and_add(&control->next_stack, 1);
	stack = world_stack(id);
	if (!stack) {
		count_loss(cpu, LV_LOSS_STACKS);
		return LV_NONE;
	}
	stack->hook = hook;
	stack->level = level;
	stack->cpu = cpu_id;
	world_describe_task(stack);
	return id;
}

/* Fill in the stack that something new in the event has claimed, if any. */
static __always_inline void record_stack(void *ctx, __u32 stack)
{
	struct lv_stack *slot = stack >= LV_ABOVE ? 0 : world_stack(stack);

	if (slot)
		world_take_stack(ctx, slot);
}

/* The scalars that the rare path wants to know of an event, in one. */
#define META_LEVEL_SHIFT 16
#define EVENT_META(hook, level, family) \
	((hook) | ((level) << META_LEVEL_SHIFT) | ((family) << 20))
#define META_HOOK(meta) ((meta) & 0xffff)
#define META_LEVEL(meta) (((meta) >> META_LEVEL_SHIFT) & 0xf)
#define META_FAMILY(meta) (((meta) >> 20) & 0xf)
#define META_ATTEMPT (1u << 30) /* an edge leads to a lock that is waited for, and maybe nobody's */
#define META_BARE (1u << 31) /* nothing that spins is held, whatever the preemption count: a tracepoint raises it, too */

/* Which of two instances all samples prefer: the other, the one they have, is 0 when they have none. */
static __always_inline int instance_is_lower(__u64 addr, __u64 than)
{
	return !than || LV_INSTANCE_HASH(addr) < LV_INSTANCE_HASH(than);
}

/* The class's instance at addr was seen to be used so. Two CPUs at a time may lose a look. */
RECORD_RARE int usage_see(__u32 class_id, __u64 addr, __u32 bits)
{
	struct lv_class *class = world_class(class_id);
	__u32 looks;

	if (!class)
		return 0;
	for (int i = 0; i < LV_USAGES; i++) {
		if (!(bits & USAGE(i)))
			continue;
		write_once(class->usage_seen[i],
			   read_once(class->usage_seen[i]) | LV_INSTANCE_BIT(addr));
		if (instance_is_lower(addr, read_once(class->usage_low[i])))
			write_once(class->usage_low[i], addr);
		looks = read_once(class->looks[i]);
		if (looks < LV_USAGE_LOOKS)
			write_once(class->looks[i], looks + 1);
		else
			__sync_fetch_and_or(&class->settled, USAGE(i));
	}
	return 0;
}

/*
 * Set new usage bits of a class for its instance at addr. `stack` is the
 * event's stack slot or LV_NONE; returns it, claimed if it was not yet.
 */
RECORD_RARE __u32 usage_add(__u32 class_id, __u64 addr, __u32 bits, __u32 meta, __u32 stack)
{
	__u32 cpu_id = world_cpu_id();
	struct lv_cpu *cpu = world_cpu(cpu_id);
	struct lv_class *class = world_class(class_id);
	__u32 fresh;

	if (!cpu || !class || !class_check(cpu, class_id, addr))
		return stack;
	if (!held_by_any(addr, class->family, LV_READ)) {
		count_loss(cpu, LV_LOSS_STALE_HOLDER);
		return stack;
	}
	fresh = bits & ~__sync_fetch_and_or(&class->usage, bits);
	usage_see(class_id, addr, bits);
	alike_see(class_id, addr);
	if (bits & ~fresh & ~read_once(class->twice))
		__sync_fetch_and_or(&class->twice, bits & ~fresh);
	if (!fresh)
		return stack;
	if (stack == LV_NONE)
		stack = stack_claim(cpu, cpu_id, META_HOOK(meta), META_LEVEL(meta));
	for (int i = 0; i < LV_USAGES; i++) {
		if (!(fresh & USAGE(i)))
			continue;
		class->usage_stack[i] = stack;
		class->usage_addr[i] = addr;
	}
	return stack;
}

/*
 * Usage that the ON bits of its class give the entry of a lock that is not known to be held irqs
 * off.
 */
static __always_inline __u32 usage_known_on(const struct lv_held *lock, __u32 usage)
{
	__u32 flags = 0;

	if (lock->flags & LV_HELD_IRQ_OFF)
		return 0;
	if (usage & USAGE_MODE(LV_ENABLED_HARDIRQ, lock->mode))
		flags |= LV_HELD_ON_HARDIRQ;
	if (usage & USAGE_MODE(LV_ENABLED_SOFTIRQ, lock->mode))
		flags |= LV_HELD_ON_SOFTIRQ;
	return flags;
}

/*
 * Everything a level holds is held with irqs on (and softirqs, unless
 * softirq_count forbids them): set the ON bits that are missing.
 */
RECORD_RARE __u32 usage_mark_held(__u32 level, __u32 softirq_count, __u32 meta, __u32 stack)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	struct lv_held_stack *held;

	/* Where preemption is not counted, unlocks are hidden, and holders too unsure for this. */
	if (!cpu || level >= LV_LEVELS || !world_counts_preemption())
		return stack;
	held = &cpu->stack[level];
	if (held->tainted || (level == LV_LEVEL_TASK && cpu->task != world_task()))
		return stack;
	for (__u32 i = 0; i < LV_HELD_DEPTH; i++) {
		struct lv_held *lock = &held->held[i];
		struct lv_class *class = world_class(lock->class);
		__u32 bits = usage_on(lock->mode, softirq_count);
		__u32 flags = LV_HELD_ON_HARDIRQ | (softirq_count ? 0 : LV_HELD_ON_SOFTIRQ);

		if (i >= held->depth)
			break;
		lock->flags &= ~LV_HELD_IRQ_OFF;
		if (!class || (lock->flags & flags) == flags || !(bits & ~read_once(class->settled)))
			continue;
		stack = usage_add(lock->class, lock->addr, bits, meta, stack);
		lock->flags |= flags; /* once an acquisition: two are two */
	}
	return stack;
}

/* Do the levels below this interrupt's hold anything? */
static __always_inline int usage_is_interrupting(const struct lv_cpu *cpu, __u32 level)
{
	return cpu->stack[LV_LEVEL_TASK].depth ||
	       (level == LV_LEVEL_HARDIRQ && cpu->stack[LV_LEVEL_SOFTIRQ].depth);
}

/*
 * Entry `at` goes if its function took the lock with irqs off, and no release seen has switched them on.
 * Where unlocks are hidden, whoever has switched them off: rq.__lock is taken by a plain function.
 */
RECORD_RARE int usage_drop_if_irqs_off(__u32 level, __u32 at)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	const struct lv_held_stack *held = cpu ? held_at(cpu, level) : 0;
	const struct lv_held *lock;

	if (!held || at >= held->depth)
		return 0;
	lock = &held->held[at & (LV_HELD_DEPTH - 1)];
	if (lock->flags & LV_HELD_IRQ_OFF && (lock->irq == LV_IRQ_OFF || !world_counts_preemption()))
		held_forget(level, at);
	return 0;
}

/*
 * Irqs are on, or were when an interrupt came over what this level holds. A lock that its function holds
 * with irqs off (_irq, _irqsave) is not held any more: its release was lost, which is likelier than that
 * irqs were switched on under it by nobody we see.
 */
RECORD_RARE int usage_drop_contradicted(__u32 level)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());

	if (!cpu || level >= LV_LEVELS || !cpu->stack[level].depth)
		return 0;
	for (__u32 i = LV_HELD_DEPTH; i-- > 0;)
		usage_drop_if_irqs_off(level, i);
	return 0;
}

/*
 * We are in an interrupt, and have taken a first lock at this count: what the
 * levels below hold, they hold with irqs on, and the task level's with softirqs
 * on if a softirq has come in between.
 */
static __always_inline __u32 usage_mark_interrupted(struct context *context, __u32 count,
						    __u32 meta, __u32 stack)
{
	struct lv_cpu *cpu = context->cpu;
	int no_softirq = context->level == LV_LEVEL_HARDIRQ && !(context->count & CONTEXT_SERVING);

	held_bound(cpu, LV_LEVEL_SOFTIRQ, count);
	held_bound(cpu, LV_LEVEL_TASK, count);
	usage_drop_contradicted(LV_LEVEL_TASK);
	if (context->level == LV_LEVEL_HARDIRQ)
		usage_drop_contradicted(LV_LEVEL_SOFTIRQ);
	if (context->level == LV_LEVEL_HARDIRQ && cpu->stack[LV_LEVEL_SOFTIRQ].depth)
		stack = usage_mark_held(LV_LEVEL_SOFTIRQ, CONTEXT_SERVING, meta, stack);
	if (cpu->stack[LV_LEVEL_TASK].depth)
		stack = usage_mark_held(LV_LEVEL_TASK, no_softirq ? CONTEXT_SERVING : 0, meta,
					stack);
	return stack;
}

#endif
