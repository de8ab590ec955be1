/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Nearly every acquisition is one seen before: the same lock, by the same
 * function, in the same context, under the same lock. All that the recorder
 * makes of one follows from these, so such a one teaches nothing: the entry for
 * the held stack, and the edge that was met, are kept by them.
 *
 * Not kept: what left something to be learnt next time (the irq flag, an edge
 * refused), and where more than the newest holder counts.
 */
#ifndef LOCKVANE_RECORD_MEMO_H
#define LOCKVANE_RECORD_MEMO_H

#include "record/edge.h"

/* Function and context: the whole preempt_count, which also bounds what can be held. Never 0. */
static __always_inline __u64 memo_when(__u32 hook, __u32 count)
{
	return (__u64)(hook + 1) << 32 | count;
}

/*
 * Where it would be: there, or in the slot beside it (the lowest bit inverted). And what another site's
 * has taken there is where the site is added to the address: a lock is taken at many.
 */
static __always_inline __u32 memo_slot(__u64 addr, __u64 when, __u64 under)
{
	return (addr + when + under) * HASH_FACTOR >> (64 - LV_MEMO_BITS);
}

/* 6.1's verifier knows nothing of an exclusive or. */
static __always_inline struct lv_memo *memo_beside(struct lv_cpu *cpu, __u32 slot, __u32 by)
{
	slot ^= by;
	keep_value(slot);
	return &cpu->memo[slot & (LV_MEMOS - 1)];
}

static __always_inline int memo_fits(const struct lv_cpu *cpu, const struct lv_memo *memo,
				     __u64 lock, __u64 when, __u64 under)
{
	return memo->key == (lock ^ memo->entry) && memo->when == when && memo->under == under &&
	       addr_is_fresh(cpu, memo->clock);
}

/*
 * Do it again: the entry goes on the stack. under: the newest holder's entry where
 * this stack holds nothing, or 0. sleeps: a sleeping lock, its event in cpu->sleep_event. NULL if there is no memo of it. Who calls counts
 * the hit.
 */
static __always_inline struct lv_memo *memo_repeat(struct lv_cpu *cpu, struct lv_held_stack *stack,
						   __u64 addr, __u32 family, __u64 when,
						   __u64 under, int sleeps)
{
	__u64 lock = addr_key(addr, family, 0), depth = stack->depth_tainted;
	struct lv_held *next;
	struct lv_memo *memo;
	__u32 slot;

	if (depth >= LV_HELD_DEPTH) /* or tainted */
		return 0;
	keep_value(depth);
	next = &stack->held[depth & (LV_HELD_DEPTH - 1)];
	keep_value(next);
	if (depth)
		under = next[-1].entry;
	slot = memo_slot(addr, when, under);
	memo = &cpu->memo[slot];
	keep_value(memo);
	if (!memo_fits(cpu, memo, lock, when, under)) {
		memo = memo_beside(cpu, slot, 1);
		keep_value(memo);
		if (!memo_fits(cpu, memo, lock, when, under))
			return 0;
	}
	/* In untyped memory another site is another class. */
	if (memo->sited) {
		__u64 caller = sleeps ? world_sleeping_caller(cpu->sleep_event) :
					world_caller(cpu->event);

		if (memo->caller != caller) {
			memo = &cpu->memo[memo_slot(addr + caller, when, under)];
			keep_value(memo);
			if (!memo_fits(cpu, memo, lock, when, under) || memo->caller != caller)
				return 0;
		}
	}
	next->addr = addr;
	next->entry = memo->entry;
	next->caller = memo->caller;
	stack->depth = depth + 1;
	return memo;
}

/* So many acquisitions were what this memo says. */
static __always_inline void memo_count(struct lv_cpu *cpu, const struct lv_memo *memo, __u64 hits)
{
	cpu->acquisitions[memo->entry & (LV_MAX_CLASSES - 1)] += hits;
	if (memo->edge != LV_NONE)
		cpu->edge_hits[memo->edge & (LV_MAX_EDGES - 1)] += hits;
}

/* Before the memo is overwritten. */
static __always_inline void memo_settle(struct lv_cpu *cpu, struct lv_memo *memo)
{
	__u64 hits = memo->hits;

	if (!hits)
		return;
	memo->hits = 0;
	memo_count(cpu, memo, hits);
}

/* The edge of that kind, if this CPU knows it. */
static __always_inline __u32 memo_edge(struct lv_cpu *cpu, const struct lv_held *from,
				       const struct lv_held *to)
{
	__u64 key = edge_key(from->class, to->class, edge_slot_dep(from, edge_dep(from, to)));
	const struct lv_edge_slot *slot = edge_slot(cpu, key);

	return slot->key == key ? slot->edge : LV_NONE;
}

/* Is there a memo of the lock, taken so, at another site? */
static __always_inline int memo_is_of_other_site(const struct lv_cpu *cpu,
						 const struct lv_memo *memo,
						 const struct lv_held *lock, __u32 family,
						 __u64 when, __u64 under)
{
	return memo->sited && memo->caller != lock->caller &&
	       memo_fits(cpu, memo, addr_key(lock->addr, family, 0), when, under);
}

/* Where to keep one. Else by chance one of the two: what is used at once and meets there soon has both. */
static __always_inline struct lv_memo *memo_place(struct lv_cpu *cpu, const struct lv_held *lock,
						  __u32 family, __u64 when, __u64 under)
{
	__u32 slot = memo_slot(lock->addr, when, under);

	if (memo_is_of_other_site(cpu, memo_beside(cpu, slot, 0), lock, family, when, under) ||
	    memo_is_of_other_site(cpu, memo_beside(cpu, slot, 1), lock, family, when, under))
		return &cpu->memo[memo_slot(lock->addr + lock->caller, when, under) &
				  (LV_MEMOS - 1)];
	return memo_beside(cpu, slot, cpu->clock & 1);
}

/*
 * Keep what an acquisition came to: its entry. under: the newest holder's entry,
 * or 0. The class must have all bits that were due.
 */
RECORD_RARE int memo_keep(const struct lv_held *lock, __u32 family, __u64 when, __u64 under)
{
	const struct lv_held from = { .entry = under };
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	const struct lv_addr_slot *slot;
	const struct lv_class *class;
	struct lv_memo *memo;
	__u32 edge = LV_NONE;
	__u64 value, addr;

	class = lock ? world_class(lock->class) : 0;
	if (!cpu || !class)
		return 0;
	addr = lock->addr;
	slot = addr_slot(cpu, addr, family);
	value = read_once(slot->value);
	if (read_once(slot->key) != addr_key(addr, family, value))
		return 0; /* another's by now */
	if (under && !(lock->flags & LV_HELD_TRY)) {
		/* Of one class, or perhaps, the order of the addresses counts, too. */
		if (from.class == lock->class || edge_is_perhaps_self(from.class, lock->class) ||
		    !edge_stands_for_older(&from))
			return 0;
		edge = memo_edge(cpu, &from, lock);
		if (edge == LV_NONE)
			return 0;
	}
	memo = memo_place(cpu, lock, family, when, under);
	memo_settle(cpu, memo);
	memo->when = when;
	memo->under = under;
	memo->edge = edge;
	memo->clock = value >> 32;
	memo->caller = lock->caller;
	memo->sited = class->place.site != 0;
	memo->entry = lock->entry;
	memo->key = addr_key(addr, family, lock->entry);
	return 0;
}

#endif
