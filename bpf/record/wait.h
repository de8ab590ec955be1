/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A task that waits for a sleeping lock. The kernel tells it before the wait (contention_begin) and
 * after it (contention_end), whether or not the task got the lock. A task that flushes a work waits for it as for
 * a lock, from that function's entry to its return. Two things come of it: the
 * dependencies of the attempt, which would else be seen only once the lock is held, and a table of
 * who waits for what, whether or not anything is armed: from that the user half tells a deadlock
 * while it hangs (user/trace/waits.c).
 */
#ifndef LOCKVANE_RECORD_WAIT_H
#define LOCKVANE_RECORD_WAIT_H

#include "hooks.h"
#include "record/edge.h"

#define WAIT_PROBES 4

/* A wait's lock: family and mode, in one. */
#define WAIT_HOW(family, mode) ((family) | (mode) << 8)
#define WAIT_FAMILY(how) ((how)&0xff)
#define WAIT_MODE(how) (((how) >> 8) & 0xff)
#define WAIT_INNER (1 << 16) /* the waiter has taken the lock's inner lock by now */
#define WAIT_ANEW (1 << 17)  /* an earlier wait has ended, whether or not that was seen */

/* The slot of a task, LV_NONE if it has none. */
static __always_inline __u32 wait_find(__u64 task)
{
	__u32 hash = hash64(task);

	for (__u32 i = 0; i < WAIT_PROBES; i++) {
		__u32 id = (hash + i) & (LV_MAX_WAITS - 1);

		if (read_once(*world_wait_key(id)) == task)
			return id;
	}
	return LV_NONE;
}

RECORD_RARE __u32 wait_claim(void)
{
	__u64 task = world_task();
	__u32 hash = hash64(task);
	struct lv_cpu *cpu = world_cpu(world_cpu_id());

	for (__u32 i = 0; i < WAIT_PROBES; i++) {
		__u32 id = (hash + i) & (LV_MAX_WAITS - 1);
		__u64 *key = world_wait_key(id);

		if (read_once(*key) || __sync_val_compare_and_swap(key, 0, task))
			continue;
		write_once(world_wait(id)->since_ns, 0);
		world_wait(id)->task = task;
		return id;
	}
	if (cpu)
		cpu->lost[LV_LOSS_WAITS][LV_HOOK_contention_begin]++;
	return LV_NONE;
}

/*
 * The running task begins to wait. A mutex tells so again between spinning and sleeping: that is the
 * same wait, which goes on. class: LV_NONE if it is to be derived. Returns its slot, or LV_NONE.
 */
RECORD_RARE __u32 wait_begin(__u64 addr, __u32 how, __u32 class)
{
	__u32 id = wait_find(world_task());
	struct lv_wait *wait;

	if (id == LV_NONE)
		id = wait_claim();
	if (id == LV_NONE)
		return id;
	wait = world_wait(id);
	if (!(how & WAIT_ANEW) && wait->since_ns && wait->addr == addr &&
	    wait->family == WAIT_FAMILY(how) && wait->mode == WAIT_MODE(how))
		return id;
	write_once(wait->since_ns, 0);
	wait->addr = addr;
	wait->class = class;
	wait->family = WAIT_FAMILY(how);
	wait->mode = WAIT_MODE(how);
	write_once(wait->since_ns, world_time_ns());
	return id;
}

/* The wait for the lock at addr has ended; of one that is not noted, a spinning lock's, nothing. */
static __always_inline void wait_end(__u64 addr)
{
	__u32 id = wait_find(world_task());
	struct lv_wait *wait;

	if (id == LV_NONE)
		return;
	wait = world_wait(id);
	if (wait->addr != addr)
		return;
	write_once(wait->since_ns, 0);
	write_once(*world_wait_key(id), 0);
}

/* Does the task hold a lock that was taken under an acquire context? */
static __always_inline int wait_is_ordered(const struct lv_held_stack *held)
{
	for (__u32 i = 0; i < LV_HELD_DEPTH; i++) {
		if (i >= held->depth)
			break;
		if (held->held[i].flags & LV_HELD_NESTED)
			return 1;
	}
	return 0;
}

/*
 * The lock's inner lock is taken by who waits for the lock: lockdep has that dependency. Both have
 * classes; a CPU looks at it as at others.
 */
RECORD_RARE __u32 wait_add_inner(__u64 classes, __u64 addr, __u64 inner, __u32 meta, __u32 stack)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	__u64 key = edge_key(classes >> 32, (__u32)classes, META_DEP(meta));
	const struct lv_edge_slot *slot;

	if (!cpu)
		return stack;
	slot = edge_slot(cpu, key);
	if (slot->key == key && slot->pairs & edge_pair_bit(addr, inner)) {
		cpu->edge_hits[slot->edge & (LV_MAX_EDGES - 1)]++;
		return stack;
	}
	if (!class_check(cpu, classes >> 32, addr) || !class_check(cpu, (__u32)classes, inner))
		return stack;
	return edge_add(classes, addr, inner, meta, stack);
}

/*
 * The dependencies of an attempt: from all that the running task holds to the lock that it waits
 * for, and from that to its inner lock. Nothing is held after. above: the caller above the generic
 * functions, 0: not read yet. Returns the stack slot to be filled, or LV_NONE; LV_ABOVE: nothing
 * was done, call again with it.
 */
RECORD_SHARED __u32 wait_attempt(__u64 addr, __u32 how, __u64 above)
{
	__u32 meta = EVENT_META(LV_HOOK_contention_begin, LV_LEVEL_TASK, WAIT_FAMILY(how)) | META_BARE;
	struct lv_held lock = { .addr = addr, .mode = WAIT_MODE(how), .flags = LV_HELD_ENTRY };
	__u32 stack = LV_NONE, inner, family = WAIT_FAMILY(how);
	struct lv_held_stack *held;
	const struct lv_class *class;
	struct context context;

	if (context_enter_sleeping(&context, LV_HOOK_contention_begin) ||
	    context.level != LV_LEVEL_TASK)
		return LV_NONE;
	held = task_held(context.cpu);
	lock.class = class_of(addr, family, LV_SITE_ABOVE, above);
	if (lock.class >= LV_ABOVE)
		return held && held->depth ? lock.class : LV_NONE;
	inner = how & WAIT_INNER ? world_inner_lock(family) : 0;
	if (held && held->depth) {
		if (wait_is_ordered(held))
			lock.flags |= LV_HELD_NESTED;
		else
			held_set_class(&lock, lock.class, HELD_SLEEPING);
		class = world_class(lock.class);
		if (class && !(read_once(class->settled) & USAGE_MODE(LV_USED, lock.mode)))
			stack = usage_add(lock.class, addr, USAGE_MODE(LV_USED, lock.mode), meta,
					  LV_NONE);
		stack = edges_record(context.cpu, 0, held, &lock, meta, stack);
	}
	if (inner) {
		inner = class_of(addr + inner, LV_SPIN, LV_SITE_ABOVE, above);
		if (inner < LV_ABOVE)
			stack = wait_add_inner((__u64)lock.class << 32 | inner, addr,
					       addr + world_inner_lock(family),
					       EDGE_META(meta, lock.mode == LV_WRITE ? LV_DEP_EN :
										       LV_DEP_SN),
					       stack);
	}
	return stack;
}

#endif
