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

static __always_inline struct lv_memo *memo_slot(struct lv_cpu *cpu, __u64 addr, __u64 when,
						 __u64 under)
{
	__u64 sum = addr + when + under;

	return &cpu->memo[sum * HASH_FACTOR >> (64 - LV_MEMO_BITS)];
}

/*
 * Do it again: the entry goes on the stack, under the newest holder's, whose entry
 * is `under`. NULL if there is no memo of it. Who calls counts the hit.
 */
static __always_inline struct lv_memo *memo_repeat(struct lv_cpu *cpu, struct lv_held_stack *stack,
						   __u64 addr, __u32 family, __u64 when,
						   __u64 under)
{
	struct lv_memo *memo = memo_slot(cpu, addr, when, under);
	__u64 entry = memo->entry, depth;

	if (memo->key != addr_key(addr, family, entry) || memo->when != when ||
	    memo->under != under || !addr_is_fresh(cpu, memo->clock))
		return 0;
	depth = stack->depth_tainted;
	if (depth >= LV_HELD_DEPTH) /* or tainted */
		return 0;
	stack->held[depth].addr = addr;
	stack->held[depth].entry = entry;
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
	__u64 key = edge_key(from->class, to->class, edge_dep(from, to));
	const struct lv_edge_slot *slot = edge_slot(cpu, key);

	return slot->key == key ? slot->edge : LV_NONE;
}

/*
 * Keep what an acquisition came to. from: the newest holder, or NULL. The class
 * must have all bits that were due.
 */
static __always_inline void memo_keep(struct lv_cpu *cpu, const struct lv_held *lock, __u32 family,
				      const struct lv_held *from, __u64 when)
{
	__u64 under = from ? from->entry : 0;
	struct lv_memo *memo = memo_slot(cpu, lock->addr, when, under);
	const struct lv_addr_slot *slot = addr_slot(cpu, lock->addr, family);
	__u64 value = read_once(slot->value);
	__u32 edge = LV_NONE;

	if (read_once(slot->key) != addr_key(lock->addr, family, value))
		return; /* another's by now */
	if (from && !(lock->flags & LV_HELD_TRY)) {
		if (from->class == lock->class || !edge_stands_for_older(from))
			return;
		edge = memo_edge(cpu, from, lock);
		if (edge == LV_NONE)
			return;
	}
	memo_settle(cpu, memo);
	memo->when = when;
	memo->under = under;
	memo->edge = edge;
	memo->clock = value >> 32;
	memo->entry = lock->entry;
	memo->key = addr_key(lock->addr, family, lock->entry);
}

#endif
