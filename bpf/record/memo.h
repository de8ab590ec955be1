/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Nearly every acquisition is the last one at its address over again: by the
 * same function, in the same context, under the same lock. All that the
 * recorder makes of one follows from these, so such a one teaches nothing: the
 * entry for the held stack, and the edge that was met, stand with the address.
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
 * Do it again: the entry on the stack, the counts. stack is where it goes, under
 * the newest holder's entry. 0 if this is not what the slot tells.
 */
static __always_inline int memo_repeat(struct lv_cpu *cpu, struct lv_held_stack *stack, __u64 addr,
				       __u32 family, __u64 when, __u64 under)
{
	const struct lv_addr_slot *slot = addr_slot(cpu, addr, family);
	__u64 value = read_once(slot->value), entry = slot->entry;
	__u32 depth = stack->depth, edge = slot->edge;

	if (!addr_is_known(cpu, slot, addr, family, value) || slot->when != when ||
	    slot->under != under || (__u32)entry != (__u32)value)
		return 0;
	if (depth >= LV_HELD_DEPTH || stack->tainted)
		return 0;
	stack->held[depth].addr = addr;
	stack->held[depth].entry = entry;
	stack->depth = depth + 1;
	cpu->acquisitions[value & (LV_MAX_CLASSES - 1)]++;
	if (edge != LV_NONE)
		cpu->edge_hits[edge & (LV_MAX_EDGES - 1)]++;
	return 1;
}

/* The edge of that kind, if this CPU knows it. */
static __always_inline __u32 memo_edge(const struct lv_cpu *cpu, const struct lv_held *from,
				       const struct lv_held *to)
{
	__u64 key = edge_key(from->class, to->class, edge_dep(from, to));
	const struct lv_edge_slot *slot = &cpu->edge[hash64(key) & (LV_EDGE_SLOTS - 1)];

	return slot->key == key ? slot->edge : LV_NONE;
}

/*
 * Keep what an acquisition came to, to be repeated. from: the newest holder, or
 * NULL. The class must have all bits that were due. Not shared in halves: a
 * program of a sleeping lock can be preempted in here.
 */
static __always_inline void memo_keep(struct lv_cpu *cpu, const struct lv_held *lock, __u32 family,
				      const struct lv_held *from, __u64 when)
{
	struct lv_addr_slot *slot = addr_slot(cpu, lock->addr, family);
	__u32 edge = LV_NONE;

	if (from && !(lock->flags & LV_HELD_TRY)) {
		if (from->class == lock->class || !edge_stands_for_older(from))
			return;
		edge = memo_edge(cpu, from, lock);
		if (edge == LV_NONE)
			return;
	}
	slot->when = 0;
	slot->under = from ? from->entry : 0;
	slot->entry = lock->entry;
	slot->edge = edge;
	slot->when = when;
}

#endif
