/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Held stacks. Spinning locks belong to a CPU and level: they survive the hand-over of the
 * run-queue lock at a context switch. Sleeping locks belong to the task. An entry is made when the
 * lock is held and goes before it is given back, so what stands here is held, unless an event was
 * lost; then the stack is wrong and the checks below empty it.
 */
#ifndef LOCKVANE_RECORD_HELD_H
#define LOCKVANE_RECORD_HELD_H

#include "traits.h"
#include "record/class.h"

#define TASK_PROBES 4

static __always_inline int family_sleeps(__u32 family)
{
	return family != LV_SPIN && family != LV_RWLOCK && family != LV_RAWSPIN;
}

/* Does the lock's own memory read as held, by whomever? A percpu-rwsem's readers leave no trace. */
static __always_inline int held_by_any(__u64 addr, __u32 family, __u32 mode)
{
	__u32 word = 0;

	/* A pseudo-lock has no word of its own: see edge_is_real(). */
	if (family == LV_PSEUDO || (family == LV_PERCPU_RWSEM && mode != LV_WRITE))
		return 1;
	return !world_lock_word(addr, family, &word) && word;
}

/*
 * And by us? An owner proves it; a word alone does not refute it, but another
 * CPU may hold the lock.
 */
static __always_inline int held_by_us(__u64 addr, __u32 family, __u32 mode)
{
	int shared = 0;
	__u64 owner = 0;

	if (!family_sleeps(family) || world_owner(addr, family, &owner, &shared))
		return held_by_any(addr, family, mode);
	if (owner != world_task() || shared != (mode != LV_WRITE))
		return 0;
	return mode == LV_WRITE || held_by_any(addr, family, mode); /* a reader stays named */
}

/*
 * Does its memory say that it is not held here? A rwsem's word names the newest reader, but none
 * where there is none.
 */
static __always_inline int held_refutes(__u64 addr, __u32 family, __u32 mode)
{
	return mode == LV_WRITE ? !held_by_us(addr, family, mode) : !held_by_any(addr, family, mode);
}

/* The running task's sleeping locks, or NULL: it holds none. */
static __always_inline struct lv_held_stack *task_held(struct lv_cpu *cpu)
{
	return cpu->task_slot == LV_NONE ? 0 : world_task_stack(cpu->task_slot);
}

/*
 * The key of a slot. The epoch stands where kernel addresses are all ones: a task that was disarmed
 * in the middle never gives its slot back.
 */
static __always_inline __u64 task_key(__u64 task, __u32 word)
{
	return (task & 0xffffffffffffull) | (__u64)(word >> LV_EPOCH_SHIFT) << 48;
}

/* The slot of a task that holds something, LV_NONE if it has none. */
static __always_inline __u32 task_find(struct lv_cpu *cpu, __u64 task)
{
	__u64 key = task_key(task, cpu->word);
	__u32 hash = hash64(task);

	for (__u32 i = 0; i < TASK_PROBES; i++) {
		__u32 id = (hash + i) & (LV_MAX_TASKS - 1);
		__u64 seen = read_once(*world_task_key(id));

		if (seen == key)
			return id;
		if (seen == (key | LV_TASK_IDLE))
			break; /* it claims it again when it needs one */
	}
	return LV_NONE;
}

/*
 * A slot for the running task, at its first sleeping lock since it blocked with
 * none: its own of before, or a free one, or another idle task's. It keeps the
 * slot while it runs: see record_switch().
 */
RECORD_RARE __u32 task_claim(__u32 cpu_id)
{
	struct lv_cpu *cpu = world_cpu(cpu_id);
	__u64 task = world_task();
	__u32 hash = hash64(task);
	__u64 key;

	if (!cpu)
		return LV_NONE;
	key = task_key(task, cpu->word);
	for (__u32 i = 0; i < 2 * TASK_PROBES; i++) {
		__u32 id = (hash + i % TASK_PROBES) & (LV_MAX_TASKS - 1);
		__u64 *slot = world_task_key(id);
		struct lv_held_stack *stack = world_task_stack(id);
		__u64 seen = read_once(*slot);
		int free = !seen || seen >> 48 != key >> 48 || seen == (key | LV_TASK_IDLE);

		if (!stack || (!free && (i < TASK_PROBES || !(seen & LV_TASK_IDLE))))
			continue;
		if (__sync_val_compare_and_swap(slot, seen, key) != seen)
			continue;
		stack->depth = 0;
		stack->tainted = 0;
		stack->doubted = 0;
		cpu->task_slot = id;
		return id;
	}
	count_loss(cpu, LV_LOSS_TASKS);
	return LV_NONE;
}

/* Only its task uses a slot that is not idle: the store is enough. key: 0, or an idle one. */
static __always_inline void task_give_back(struct lv_cpu *cpu, __u64 key)
{
	*(volatile __u64 *)world_task_key(cpu->task_slot) = key;
	cpu->task_slot = LV_NONE;
	cpu->task_top = 0;
}

/*
 * The preemption count that a spinning lock just taken will be held at.
 * raw_spin_rq_lock_nested() takes a run-queue lock with preemption off once
 * more, and lifts that while it holds the lock (since 5.14).
 */
static __always_inline __u32 held_count(const struct lv_cpu *cpu, __u32 count, __u32 class)
{
	return (count & CONTEXT_PREEMPT) - (class + 1 == cpu->rq_class);
}

/*
 * A held spinning lock has raised the preemption count, and one taken later
 * has raised it once more: an entry made at the later one's count or above is
 * stale, left by a release we missed. The kernel keeps a program that was
 * interrupted from running again, so one unlucky interrupt can lose all the
 * releases of a function, to its end. Asked before a new lock gets its edges:
 * another CPU may hold the stale entry, and then its word would not refute it.
 */
RECORD_RARE int held_refute(__u32 level, __u32 count)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	struct lv_held_stack *stack;

	if (!cpu || level >= LV_LEVELS)
		return 0;
	stack = &cpu->stack[level];
	for (int i = 0; i < LV_HELD_DEPTH; i++) {
		__u32 depth = stack->depth;

		if (!depth || stack->held[(depth - 1) & (LV_HELD_DEPTH - 1)].count < count)
			break;
		stack->depth = depth - 1;
		count_loss(cpu, LV_LOSS_STALE_HOLDER);
	}
	return 0;
}

/* Empty a level of what cannot be held below a lock that is held at this count. */
static __always_inline void held_bound(struct lv_cpu *cpu, __u32 level, __u32 count)
{
	struct lv_held_stack *stack = &cpu->stack[level];
	__u32 depth = stack->depth;

	if (world_counts_preemption() && depth &&
	    stack->held[(depth - 1) & (LV_HELD_DEPTH - 1)].count >= count)
		held_refute(level, count);
}

#define HELD_SLEEPING (1 << 4) /* beside a level: the task's stack, not the level's */

/* Where a pseudo-lock of this kind is held at a level. */
static __always_inline __u32 pseudo_where(__u32 kind, __u32 level)
{
	if (level != LV_LEVEL_TASK || pseudo_traits(kind) & LV_PSEUDO_SPINS)
		return level;
	return HELD_SLEEPING;
}

static __always_inline struct lv_held_stack *held_at(struct lv_cpu *cpu, __u32 where)
{
	if (where & HELD_SLEEPING)
		return task_held(cpu);
	/* Masked, too: a compiler may compute the address before it compares. */
	return where < LV_LEVELS ? &cpu->stack[where & 3] : 0;
}

/* See held_drop_stale(). */
RECORD_RARE int held_is_stale(__u64 addr, __u32 where, __u32 mode, __u32 at)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	const struct lv_held_stack *stack = cpu ? held_at(cpu, where) : 0;
	const struct lv_class *class;
	const struct lv_held *lock;

	if (!stack || at >= stack->depth)
		return 0;
	lock = &stack->held[at & (LV_HELD_DEPTH - 1)];
	class = world_class(lock->class);
	if (!class || class->place.kind == LV_PLACE_TOLD)
		return 0; /* annotations tell of attempts, too */
	if (lock->addr == addr && (lock->mode == LV_WRITE || mode == LV_WRITE))
		return 1;
	return !world_counts_preemption() && !family_sleeps(class->family) &&
	       !held_by_any(lock->addr, class->family, lock->mode);
}

/*
 * Take entry `at` off the stack and close the gap. lowered: by how much the
 * counts of those above it change.
 */
static __always_inline void held_close(struct lv_held_stack *stack, __u32 at, __u32 lowered)
{
	for (__u32 i = 0; i < LV_HELD_DEPTH - 1; i++) {
		struct lv_held *gap = &stack->held[(at + i) & (LV_HELD_DEPTH - 1)];

		if (at + i + 1 >= stack->depth)
			break;
		*gap = stack->held[(at + i + 1) & (LV_HELD_DEPTH - 1)];
		gap->count -= lowered;
	}
	stack->depth--;
	if (!stack->depth)
		stack->tainted = 0;
}

/* The newest lock on the stack, or NULL. */
static __always_inline struct lv_held *held_top(struct lv_held_stack *stack)
{
	__u32 depth = stack->depth;

	return depth ? &stack->held[(depth - 1) & (LV_HELD_DEPTH - 1)] : 0;
}

static __always_inline __u64 held_top_entry(struct lv_held_stack *stack)
{
	const struct lv_held *top = held_top(stack);

	return top ? top->entry : 0;
}

/* A stale entry goes. Those above keep their counts: they are what the kernel counted. */
RECORD_RARE int held_forget(__u32 where, __u32 at)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	struct lv_held_stack *stack = cpu ? held_at(cpu, where) : 0;

	if (!stack || at >= stack->depth)
		return 0;
	held_close(stack, at, 0);
	if (where & HELD_SLEEPING)
		cpu->task_top = held_top_entry(stack);
	count_loss(cpu, LV_LOSS_STALE_HOLDER);
	return 0;
}

/* The oldest entry of this lock, LV_HELD_DEPTH: there is none. */
static __always_inline __u32 held_index(const struct lv_held_stack *stack, __u64 addr)
{
	for (__u32 i = 0; i < LV_HELD_DEPTH; i++) {
		if (i >= stack->depth)
			break;
		if (stack->held[i].addr == addr)
			return i;
	}
	return LV_HELD_DEPTH;
}

/*
 * An acquisition is seen when it has succeeded: what this level is thought to
 * hold of the same lock, one of them exclusively, is stale. Where preemption is
 * not counted, unlocks are hidden, and so is all that spins with a free word.
 * Two readers may well be one task's. where: a level, or HELD_SLEEPING.
 */
RECORD_RARE int held_drop_stale(__u64 addr, __u32 where, __u32 mode)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	const struct lv_held_stack *stack = cpu ? held_at(cpu, where) : 0;

	if (!stack || (world_counts_preemption() && held_index(stack, addr) == LV_HELD_DEPTH))
		return 0;
	for (__u32 i = LV_HELD_DEPTH; i-- > 0;)
		if (held_is_stale(addr, where, mode, i))
			held_forget(where, i);
	return 0;
}

/* held_index(); out of line, or the verifier would walk what follows for each index. */
RECORD_RARE __u32 held_find(__u64 addr, __u32 where)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	const struct lv_held_stack *stack = cpu ? held_at(cpu, where) : 0;

	return stack ? held_index(stack, addr) : LV_HELD_DEPTH;
}

/*
 * The newest entry of another lock of this class, or of its twin; LV_HELD_DEPTH: there is none. Out of line, as
 * held_find().
 */
RECORD_RARE __u32 held_equal(__u64 addr, __u32 class, __u32 twin, __u32 where)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	const struct lv_held_stack *stack = cpu ? held_at(cpu, where) : 0;
	__u32 found = LV_HELD_DEPTH;

	for (__u32 i = 0; i < LV_HELD_DEPTH; i++) {
		const struct lv_held *lock;

		if (!stack || i >= stack->depth)
			break;
		lock = &stack->held[i];
		if ((lock->class == class || lock->class == twin) && lock->addr != addr)
			found = i;
	}
	return found;
}

/*
 * The class of a lock whose equal is entry `at`: the twin, or its own if that is stale. Out of
 * line, or the verifier would walk it for each `at`.
 */
RECORD_RARE __u32 held_twin(__u32 id, __u32 where, __u32 at)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	const struct lv_held_stack *stack = cpu ? held_at(cpu, where) : 0;
	const struct lv_class *class = world_class(id);
	const struct lv_held *equal;
	__u32 twin;

	if (!stack || !class || at >= LV_HELD_DEPTH)
		return id;
	equal = &stack->held[at];
	if (held_refutes(equal->addr, class->family, equal->mode)) {
		held_forget(where, at);
		return id;
	}
	twin = class_twin(id);
	return twin == LV_NONE ? id : twin;
}

/*
 * The class of a lock that was waited for, of `class` by its place: its twin, if
 * another of these is held here. where: as for held_drop_stale(). A stale entry makes no twin.
 */
RECORD_RARE __u32 held_class(__u64 addr, __u32 id, __u32 where)
{
	const struct lv_class *class = world_class(id);
	__u32 at;

	if (!class || class->place.kind == LV_PLACE_TOLD)
		return id;
	at = held_equal(addr, id, class->other - 1, where);
	return at < LV_HELD_DEPTH ? held_twin(id, where, at) : id;
}

/* A lock that was waited for, of this class by its place, gets the class it is recorded as. */
static __always_inline void held_set_class(struct lv_held *lock, __u32 class, __u32 where)
{
	lock->class = held_class(lock->addr, class, where);
	if (lock->class != class)
		lock->flags |= LV_HELD_TWIN;
}

/* Where the lock that this CPU, or this task, is recording was taken. */
RECORD_RARE __u64 held_caller(__u32 sleeping)
{
	const struct lv_cpu *cpu = world_cpu(world_cpu_id());

	if (!cpu)
		return 0;
	if (sleeping)
		return world_sleeping_caller(cpu->sleep_event);
	return cpu->event ? world_caller(cpu->event) : 0;
}

/* The entry on the stack, NULL if there is no room. */
static __always_inline struct lv_held *held_push(struct lv_cpu *cpu, struct lv_held_stack *stack,
						 const struct lv_held *lock, __u64 caller)
{
	__u32 depth = stack->depth;
	struct lv_held *pushed;

	if (depth >= LV_HELD_DEPTH) {
		count_loss(cpu, LV_LOSS_DEPTH);
		stack->tainted = 1;
		return 0;
	}
	keep_value(depth);
	pushed = &stack->held[depth & (LV_HELD_DEPTH - 1)];
	keep_value(pushed);
	pushed->addr = lock->addr;
	pushed->entry = lock->entry;
	pushed->caller = caller;
	stack->depth = depth + 1;
	return pushed;
}

/* An entry of this lock turned out to be stale: out with it. where: as for held_drop_stale(). */
RECORD_RARE int held_expel(__u64 addr, __u32 where)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	const struct lv_held_stack *stack = cpu ? held_at(cpu, where) : 0;

	return stack ? held_forget(where, held_index(stack, addr)) : 0;
}

/* Does the memory of entry `at` of the running task's sleeping locks say that it is not held? */
RECORD_RARE int held_is_refuted(__u32 at)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	const struct lv_held_stack *stack = cpu ? task_held(cpu) : 0;
	const struct lv_class *class;
	const struct lv_held *lock;

	if (!stack || at >= stack->depth)
		return 0;
	lock = &stack->held[at & (LV_HELD_DEPTH - 1)];
	class = world_class(lock->class);
	if (!class || class->place.kind == LV_PLACE_TOLD)
		return 0;
	return held_refutes(lock->addr, class->family, lock->mode);
}

/*
 * The running task seems to hold more sleeping locks than we have room for: most
 * are stale then, of readers whose release was lost. Make room.
 */
RECORD_RARE int held_sweep(void)
{
	for (__u32 i = LV_HELD_DEPTH; i-- > 0;)
		if (held_is_refuted(i))
			held_forget(HELD_SLEEPING, i);
	return 0;
}

/* Entry `at` of the running task's sleeping locks leaves its stack if it is of this family. */
RECORD_RARE int held_drop_family(__u32 at, __u32 family)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	struct lv_held_stack *stack = cpu ? task_held(cpu) : 0;
	const struct lv_class *class;

	if (!stack || at >= stack->depth)
		return 0;
	class = world_class(stack->held[at & (LV_HELD_DEPTH - 1)].class);
	if (class && class->family == family)
		held_close(stack, at, 0);
	return 0;
}

/*
 * The lock of entry `at` is given back: a spinning one's above it count one less. Out of
 * line, or the verifier would walk it for each `at`.
 */
RECORD_RARE int held_remove(struct lv_held_stack *stack, __u32 at, __u32 lowered)
{
	if (stack)
		held_close(stack, at, lowered);
	return 0;
}

/*
 * Take addr off the stack, newest first: 0, or -1 if it is not there. lowered: by how much
 * the counts of those above it change.
 */
static __always_inline int held_pop(struct lv_held_stack *stack, __u64 addr, __u32 lowered)
{
	__u32 depth = stack->depth;

	if (!depth || depth > LV_HELD_DEPTH)
		return -1;
	if (stack->held[(depth - 1) & (LV_HELD_DEPTH - 1)].addr == addr) {
		stack->depth = depth - 1;
		if (depth == 1)
			stack->tainted = 0;
		return 0;
	}
	for (__u32 i = 2; i <= LV_HELD_DEPTH; i++) {
		if (i > depth)
			break;
		if (stack->held[(depth - i) & (LV_HELD_DEPTH - 1)].addr == addr) {
			held_remove(stack, depth - i, lowered);
			return 0;
		}
	}
	return -1;
}

#endif
