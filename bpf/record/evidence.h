/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The evidence of a dependency beside that it is there: where its holder had been taken, which
 * instances were seen at its ends, and which locks were held exclusively all the while. And of two
 * locks of one class, in which orders they nested.
 */
#ifndef LOCKVANE_RECORD_EVIDENCE_H
#define LOCKVANE_RECORD_EVIDENCE_H

#include "record/usage.h"

/* The new edge's holder had been taken there. where: as for held_drop_stale(). */
RECORD_RARE int edge_keep_caller(__u32 id, __u64 from_addr, __u32 where)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	const struct lv_held_stack *stack = cpu ? held_at(cpu, where) : 0;
	struct lv_edge *edge = world_edge(id);

	if (!stack || !edge)
		return 0;
	for (__u32 i = 0; i < LV_HELD_DEPTH; i++) {
		if (i >= stack->depth)
			break;
		if (stack->held[i].addr == from_addr)
			edge->from_caller = stack->held[i].caller;
	}
	return 0;
}

/* Is addr held exclusively, and was it before the lock at from_addr, if that is in there? */
RECORD_RARE int gate_is_before(__u64 addr, __u64 from_addr, __u32 where)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	const struct lv_held_stack *stack = cpu ? held_at(cpu, where) : 0;

	if (!stack)
		return 0;
	for (__u32 i = 0; i < LV_HELD_DEPTH; i++) {
		if (i >= stack->depth || stack->held[i].addr == from_addr)
			break;
		if (stack->held[i].addr == addr && stack->held[i].mode == LV_WRITE)
			return 1;
	}
	return 0;
}

static __always_inline void gate_add(struct lv_edge *edge, const struct lv_held *lock)
{
	for (int i = 0; i < LV_GATES; i++) {
		if (edge->gate[i])
			continue;
		write_once(edge->gate[i], lock->addr);
		edge->gate_class[i] = lock->class;
		break;
	}
}

/* The new edge's gates: the oldest exclusive locks before its holder. */
RECORD_RARE int gates_take(__u32 id, __u64 from_addr, __u32 where)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	const struct lv_held_stack *stack = cpu ? held_at(cpu, where) : 0;
	struct lv_edge *edge = world_edge(id);

	if (!stack || !edge)
		return 0;
	for (__u32 i = 0; i < LV_HELD_DEPTH; i++) {
		if (i >= stack->depth || stack->held[i].addr == from_addr)
			break;
		if (stack->held[i].mode == LV_WRITE)
			gate_add(edge, &stack->held[i]);
	}
	return 0;
}

/* A lock that is not held this time was no gate. */
RECORD_RARE int gates_keep(__u32 id, __u64 from_addr, __u32 where)
{
	struct lv_edge *edge = world_edge(id);

	if (!edge)
		return 0;
	for (int i = 0; i < LV_GATES; i++) {
		__u64 addr = edge->gate[i];

		if (!addr || gate_is_before(addr, from_addr, where) ||
		    (where == LV_LEVEL_TASK && gate_is_before(addr, from_addr, HELD_SLEEPING)))
			continue;
		write_once(edge->gate[i], 0);
	}
	return 0;
}

/* The instances of one more sighting. */
static __always_inline void edge_see_instances(struct lv_edge *edge, __u64 from_addr,
					       __u64 to_addr)
{
	write_once(edge->seen_from, edge->seen_from | LV_INSTANCE_BIT(from_addr));
	write_once(edge->seen_to, edge->seen_to | LV_INSTANCE_BIT(to_addr));
	if (instance_is_lower(from_addr, edge->low[0].from)) {
		write_once(edge->low[0].from, from_addr);
		edge->low[0].to = to_addr;
	}
	if (instance_is_lower(to_addr, edge->low[1].to)) {
		edge->low[1].from = from_addr;
		write_once(edge->low[1].to, to_addr);
	}
}

/* Is it still to be found out whether this edge's holder, a spinning lock, was held by us? */
static __always_inline int edge_is_unsure(const struct lv_edge *edge, __u32 where)
{
	return !world_counts_preemption() && !(where & HELD_SLEEPING) &&
	       read_once(edge->sure) < LV_EDGE_SURE && read_once(edge->unsure) < LV_EDGE_UNSURE;
}

/*
 * Where unlocks are hidden, a holder's entry may be stale, and its word read as held by another CPU. If
 * none seems to have it, it is ours.
 */
static __always_inline void edge_make_sure(struct lv_edge *edge, __u64 from_addr)
{
	if (world_holds_elsewhere(world_cpu_id(), from_addr))
		write_once(edge->unsure, edge->unsure + 1);
	else
		write_once(edge->sure, edge->sure + 1);
}

/* Would a look at these instances of a known edge change anything? */
static __always_inline int edge_has_news(const struct lv_edge *edge, __u64 from_addr, __u64 to_addr)
{
	return !(read_once(edge->seen_from) & LV_INSTANCE_BIT(from_addr)) ||
	       !(read_once(edge->seen_to) & LV_INSTANCE_BIT(to_addr)) ||
	       instance_is_lower(from_addr, read_once(edge->low[0].from)) ||
	       instance_is_lower(to_addr, read_once(edge->low[1].to)) ||
	       read_once(edge->gate[0]) || read_once(edge->gate[1]) || read_once(edge->gate[2]);
}

/*
 * Look at one more sighting of an edge. where: the holder's stack. One CPU at a time does: who
 * comes meanwhile has others to look at.
 */
static __always_inline void edge_look(struct lv_edge *edge, __u32 id, __u64 from_addr,
				      __u64 to_addr, __u32 where, int is_new)
{
	if ((!is_new && !edge_has_news(edge, from_addr, to_addr) && !edge_is_unsure(edge, where)) ||
	    __sync_val_compare_and_swap(&edge->looking, 0, 1))
		return;
	edge_see_instances(edge, from_addr, to_addr);
	if (edge_is_unsure(edge, where))
		edge_make_sure(edge, from_addr);
	if (!is_new) {
		gates_keep(id, from_addr, where);
	} else {
		edge_keep_caller(id, from_addr, where);
		if (where == LV_LEVEL_TASK)
			gates_take(id, from_addr, HELD_SLEEPING);
		gates_take(id, from_addr, where);
	}
	barrier_here();
	write_once(edge->looking, 0);
}

/*
 * Might two classes be one to the user half, who knows what their sites lock? Those of two sites, or of
 * two caches of untyped memory.
 */
static __always_inline int order_may_be_one(const struct lv_class *a, const struct lv_class *b)
{
	return a->place.site && b->place.site && a->family == b->family &&
	       a->place.off == b->place.off && a->place.kind == b->place.kind;
}

/* Two locks that nested: from << 32 | to, their classes. Equal, but for those that might be one. */
#define ORDER_CLASSES(from, to) ((__u64)(from) << 32 | (to))

/* A hash of the two, of which the order does not matter, and of what might be their one class. */
static __always_inline __u64 order_hash(__u64 classes, __u64 a, __u64 b)
{
	const struct lv_class *class = world_class((__u32)classes);
	__u64 low = a < b ? a : b, high = a < b ? b : a, one = (__u32)classes;
	__u64 hash;

	if (class && class->place.site)
		one = (__u64)class->place.off << 32 | class->family;
	hash = (low + one) * HASH_FACTOR;
	return ((hash >> 32 ^ hash) + high) * HASH_FACTOR;
}

/*
 * The looks of the objects that two locks lie in, 0: not known, or both the same. While that stays,
 * and differs between them, the one has not become the other.
 */
static __always_inline __u64 order_who(__u64 classes, __u64 from, __u64 to)
{
	__u64 outer = object_looks(classes >> 32, from), inner = object_looks((__u32)classes, to);
	__u64 low = from < to ? outer : inner, high = from < to ? inner : outer;

	return low && high && low != high ? low ^ (high << 1 | high >> 63) : 0;
}

#define ORDER_BOTH (LV_ORDER_UP | LV_ORDER_DOWN)

/* The word after one more sighting that was not as the last; same: the objects are what they were. */
static __always_inline __u64 order_turned(__u64 word, __u64 bit, int same)
{
	__u64 turns = word >> LV_ORDER_TURNS_SHIFT & LV_ORDER_TURNS;

	if (!same)
		turns = 0;
	else if (word & ORDER_BOTH && turns < LV_ORDER_TURNS)
		turns++;
	word &= ~(__u64)(LV_ORDER_LAST | LV_ORDER_TURNS << LV_ORDER_TURNS_SHIFT);
	word |= bit | turns << LV_ORDER_TURNS_SHIFT;
	return bit == LV_ORDER_DOWN ? word | LV_ORDER_LAST : word;
}

/*
 * Two locks have nested in an order that is new, or not that of the last time. classes: ORDER_CLASSES().
 * Returns what is known of them now: LV_CLASS_SELF_*.
 */
RECORD_RARE __u32 order_add(__u64 classes, __u64 from_addr, __u64 to_addr)
{
	__u64 hash = order_hash(classes, from_addr, to_addr), word, who;
	__u64 bit = from_addr > to_addr ? LV_ORDER_DOWN : LV_ORDER_UP;
	struct lv_order *order = world_order(hash >> 32);

	word = read_once(order->word);
	if ((word ^ hash) >> LV_ORDER_BITS)
		word = hash >> LV_ORDER_BITS << LV_ORDER_BITS;
	who = order_who(classes, from_addr, to_addr);
	word = order_turned(word, bit, who && who == order->who);
	order->who = who;
	order->word = word;
	if ((word & ORDER_BOTH) != ORDER_BOTH)
		return 0;
	if ((word >> LV_ORDER_TURNS_SHIFT & LV_ORDER_TURNS) >= 3)
		return LV_CLASS_SELF_ORDER | LV_CLASS_SELF_SURE;
	return LV_CLASS_SELF_ORDER;
}

/* Would order_add() learn something? Pairs that have shown both orders stay in the table. */
RECORD_RARE int order_is_news(__u64 classes, __u64 from_addr, __u64 to_addr)
{
	__u64 hash = order_hash(classes, from_addr, to_addr);
	__u64 word = read_once(world_order(hash >> 32)->word);
	int down = from_addr > to_addr;

	if (from_addr == to_addr)
		return 0;
	if ((word ^ hash) >> LV_ORDER_BITS)
		return (word & ORDER_BOTH) != ORDER_BOTH;
	return !(word & (down ? LV_ORDER_DOWN : LV_ORDER_UP)) ||
	       !!(word & LV_ORDER_LAST) != down;
}

#endif
