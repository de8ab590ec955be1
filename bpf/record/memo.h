/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Nearly every acquisition is one seen before: the same lock, by the same
 * function, in the same context, under the same lock. All that the recorder
 * makes of one follows from these, so such a one teaches nothing: the entry for
 * the held stack, and the edge that was met, are kept by them.
 *
 * Not kept: what left something to be learnt next time (the irq flag, an edge
 * refused), and where more than the newest holder counts.
 *
 * Where not even another lock of the class would teach anything, the class has such a memo, too: for
 * locks that are met once and again much later, or never.
 */
#ifndef LOCKVANE_RECORD_MEMO_H
#define LOCKVANE_RECORD_MEMO_H

#include "record/edge.h"

/* Function and context: the whole preempt_count, which also bounds what can be held. Never 0. */
static __always_inline __u64 memo_when(__u32 hook, __u32 count)
{
	return (__u64)(hook + 1) << 32 | count;
}

static __always_inline __u32 memo_hook(__u64 when)
{
	return ((__u32)(when >> 32) - 1) & (LV_MAX_HOOKS - 1);
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

/* The memo at slot `at`, if it fits and is this site's: its slot, else LV_MEMOS. */
static __always_inline __u32 memo_if_at(struct lv_cpu *cpu, __u32 at, __u64 lock, __u64 when,
					__u64 under, __u64 caller)
{
	const struct lv_memo *memo = memo_beside(cpu, at, 0);

	return memo->caller == caller && memo_fits(cpu, memo, lock, when, under) ? at : LV_MEMOS;
}

/* Where the lock was taken: one word, which stands where the memo's stood. */
static __always_inline __u64 memo_site(const struct lv_cpu *cpu, const struct lv_memo *memo,
				       int sleeps)
{
	if (sleeps)
		return world_sleeping_word(cpu->sleep_event, memo->site_at);
	return world_event_word(cpu->event, memo->site_at);
}

/*
 * In untyped memory another site is another class: the slot of the memo of the lock with this key that
 * was taken at this site, LV_MEMOS: there is none.
 */
RECORD_RARE __u32 memo_at_site(struct lv_cpu *cpu, __u64 lock, __u64 when, __u64 under,
			       __u64 caller)
{
	__u64 addr = lock | 0xffull << 56;
	__u32 at;

	if (!cpu)
		return LV_MEMOS;
	at = memo_if_at(cpu, memo_slot(addr + caller, when, under), lock, when, under, caller);
	if (at >= LV_MEMOS)
		at = memo_if_at(cpu, memo_slot(addr, when, under), lock, when, under, caller);
	if (at >= LV_MEMOS)
		at = memo_if_at(cpu, memo_slot(addr, when, under) ^ 1, lock, when, under, caller);
	return at;
}

/*
 * By what the memo of a whole class is known: in a slab, by its place, so that the class need not be
 * found first, but by the page and the caller; else by its number. site: to be compared as well, or 0.
 */
struct memo_of {
	__u64 key;
	__u64 site;
};

/* No class' number looks like that. */
static __always_inline __u64 memo_place_key(__u64 cache, __u32 off)
{
	return cache << 16 | off;
}

/* The class of a lock that was taken at `caller`. Where a generic function locks, the site is not the caller. */
static __always_inline void memo_find_of(const struct lv_class *class, __u32 id, __u64 caller,
					 struct memo_of *ret)
{
	const struct lv_place *place = &class->place;

	ret->key = (__u64)(id + 1) << 16;
	ret->site = 0;
	if (place->kind != LV_PLACE_SLAB || place->off >= LV_PAGE_STRIDE || class->subclass ||
	    class->family == LV_SOCK || class->family == LV_PSEUDO ||
	    (place->site && place->site != caller))
		return;
	ret->key = memo_place_key(place->base, place->off);
	ret->site = place->site;
}

/* Where it would be: there, or beside it, as a lock's. */
static __always_inline __u32 memo_class_slot(const struct memo_of *of, __u64 when, __u64 under)
{
	return (of->key + of->site + when + under) * HASH_FACTOR >> (64 - LV_CLASS_MEMO_BITS);
}

static __always_inline struct lv_memo *memo_class_beside(struct lv_cpu *cpu, __u32 slot, __u32 by)
{
	slot ^= by;
	keep_value(slot);
	return &cpu->class_memo[slot & (LV_CLASS_MEMOS - 1)];
}

/* So many acquisitions were what this memo says. */
static __always_inline void memo_count(struct lv_cpu *cpu, const struct lv_memo *memo, __u64 hits)
{
	cpu->acquisitions[memo->entry & (LV_MAX_CLASSES - 1)] += hits;
	if (memo->edge != LV_NONE)
		cpu->edge_hits[memo->edge & (LV_MAX_EDGES - 1)] += hits;
}

/* Once more, and the newest of its stack; a sleeping lock's program can be preempted, and counts at once. */
static __always_inline void memo_hit(struct lv_cpu *cpu, struct lv_memo *memo, int sleeps)
{
	if (!sleeps) {
		memo->hits++;
		return;
	}
	cpu->task_top = memo->entry;
	memo_count(cpu, memo, 1);
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

/* This CPU's memo of the edge of that kind, or NULL. */
static __always_inline const struct lv_edge_slot *memo_edge(struct lv_cpu *cpu,
							    const struct lv_held *from,
							    const struct lv_held *to)
{
	__u64 key = edge_key(from->class, to->class, edge_slot_dep(from, edge_dep(from, to)));
	const struct lv_edge_slot *slot = edge_slot(cpu, key);

	return slot->key == key ? slot : 0;
}

/* Is there a memo of the lock, taken so, at another site? */
static __always_inline int memo_is_of_other_site(const struct lv_cpu *cpu,
						 const struct lv_memo *memo,
						 const struct lv_held *lock, __u32 family,
						 __u64 when, __u64 under)
{
	return memo->site_at && memo->caller != lock->caller &&
	       memo_fits(cpu, memo, addr_key(lock->addr, family, 0), when, under);
}

/* Is nothing lost with it? */
static __always_inline int memo_is_old(const struct lv_cpu *cpu, const struct lv_memo *memo)
{
	return !memo->key || !addr_is_fresh(cpu, memo->clock);
}

/*
 * Which of two places is to be used, 0 or 1. Where both are in use, by chance: what is used at once
 * and meets there soon has both.
 */
static __always_inline __u32 memo_choose(const struct lv_cpu *cpu, const struct lv_memo *memo,
					 const struct lv_memo *beside)
{
	return !memo_is_old(cpu, memo) && (memo_is_old(cpu, beside) || cpu->clock & 1);
}

/* Where to keep one. */
static __always_inline struct lv_memo *memo_place(struct lv_cpu *cpu, const struct lv_held *lock,
						  __u32 family, __u64 when, __u64 under)
{
	__u32 slot = memo_slot(lock->addr, when, under);

	if (memo_is_of_other_site(cpu, memo_beside(cpu, slot, 0), lock, family, when, under) ||
	    memo_is_of_other_site(cpu, memo_beside(cpu, slot, 1), lock, family, when, under))
		return &cpu->memo[memo_slot(lock->addr + lock->caller, when, under) &
				  (LV_MEMOS - 1)];
	return memo_beside(cpu, slot, memo_choose(cpu, memo_beside(cpu, slot, 0),
						  memo_beside(cpu, slot, 1)));
}

static __always_inline void memo_fill(struct lv_cpu *cpu, struct lv_memo *memo,
				      const struct lv_held *lock, __u64 when, __u64 under)
{
	memo_settle(cpu, memo);
	memo->when = when;
	memo->under = under;
	memo->caller = lock->caller;
	memo->entry = lock->entry;
}

/* Where above its event the word lies that tells the site: never 0. */
static __always_inline __u32 memo_site_at(const struct lv_cpu *cpu, int sleeps)
{
	return sleeps ? world_sleeping_caller_at(cpu->sleep_event) : world_caller_at(cpu->event);
}

/* The lock's own memo. edge: that was met, or LV_NONE. */
RECORD_RARE int memo_keep_lock(struct lv_cpu *cpu, const struct lv_held *lock, __u64 when,
			       __u64 under, __u32 edge)
{
	const struct lv_class *class = lock ? world_class(lock->class) : 0;
	struct lv_memo *memo;
	__u64 clock;
	__u32 at;

	if (!cpu || !class || class->family == LV_PSEUDO) /* nobody asks for a pseudo-lock's */
		return 0;
	clock = class_when(cpu, lock->addr, class->family);
	if (clock == ADDR_NONE) /* it is another's by now */
		return 0;
	memo = memo_place(cpu, lock, class->family, when, under);
	memo_fill(cpu, memo, lock, when, under);
	memo->edge = edge;
	memo->clock = clock;
	at = class->place.site || lock->caller ? memo_site_at(cpu, family_sleeps(class->family)) : 0;
	memo->site_at = class->place.site ? at : 0;
	if (lock->caller)
		cpu->caller_at[memo_hook(when)] = at;
	memo->key = addr_key(lock->addr, class->family, lock->entry);
	return 0;
}

RECORD_RARE int memo_keep_class(const struct lv_held *lock, __u64 when, __u64 under, __u32 edge)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	const struct lv_class *class = lock ? world_class(lock->class) : 0;
	struct lv_memo *memo;
	struct memo_of of;
	__u32 slot;

	if (!cpu || !class)
		return 0;
	memo_find_of(class, lock->class, lock->caller, &of);
	slot = memo_class_slot(&of, when, under);
	memo = memo_class_beside(cpu, slot, memo_choose(cpu, memo_class_beside(cpu, slot, 0),
							memo_class_beside(cpu, slot, 1)));
	memo_fill(cpu, memo, lock, when, under);
	if (lock->caller)
		cpu->caller_at[memo_hook(when)] =
			memo_site_at(cpu, family_sleeps(class->family));
	memo->edge = edge;
	memo->caller = of.site;
	/* A class's number does not become another's; a cache that goes leaves its place to one. */
	memo->clock = class->place.kind == LV_PLACE_SLAB ? cpu->clock | 1 : 0;
	memo->key = of.key ^ lock->entry;
	return 0;
}

enum memo_what {
	MEMO_NOTHING = 0,
	MEMO_LOCK = 1 << 0,  /* this lock has all bits that were due */
	MEMO_CLASS = 1 << 1, /* and another of its class would have them, too */
};

/*
 * Keep what an acquisition came to: its entry. under: the newest holder's entry,
 * or 0.
 */
RECORD_RARE int memo_keep(const struct lv_held *lock, __u64 when, __u64 under, __u32 what)
{
	const struct lv_held from = { .entry = under };
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	const struct lv_edge_slot *slot;
	const struct lv_class *class;
	__u32 edge = LV_NONE;

	class = lock ? world_class(lock->class) : 0;
	if (!cpu || !class)
		return 0;
	if (under && !(lock->flags & LV_HELD_TRY)) {
		/*
		 * Between locks of one class, or perhaps of one, the order of the addresses counts,
		 * too.
		 */
		if (from.class == lock->class || edge_is_perhaps_self(from.class, lock->class) ||
		    !edge_stands_for_older(&from))
			return 0;
		slot = memo_edge(cpu, &from, lock);
		keep_value(slot);
		if (!slot)
			return 0;
		edge = slot->edge;
		if (!edge_knows_pairs(slot))
			what &= ~MEMO_CLASS;
	}
	/* A lock that the class's memo serves gets its own when it is met again: see memo_want(). */
	return what & MEMO_CLASS ? memo_keep_class(lock, when, under, edge) :
				   memo_keep_lock(cpu, lock, when, under, edge);
}

/* Is it of that class, or that one's twin, or is that its twin? */
static __always_inline int memo_is_like(const struct lv_held *held, __u32 id)
{
	const struct lv_class *twin;

	if (held->class == id || !(held->flags & LV_HELD_TWIN))
		return held->class == id;
	twin = world_class(held->class);
	return !twin || twin->other == id + 1;
}

/* Surely neither the lock nor of its class: a stack of one lock needs no call of memo_is_held(). */
static __always_inline int memo_is_unlike(const struct lv_held *held, __u64 addr, __u32 id)
{
	return held->addr != addr && held->class != id && !(held->flags & LV_HELD_TWIN);
}

/* Is the lock, or another of its class, thought to be held here already? Then it is not for a memo to judge. */
RECORD_RARE int memo_is_held(const struct lv_held_stack *stack, __u64 addr, __u32 id)
{
	if (!stack)
		return 1;
	for (__u32 i = 0; i < LV_HELD_DEPTH; i++) {
		const struct lv_held *held = &stack->held[i];

		if (i >= stack->depth)
			break;
		if (held->addr == addr || memo_is_like(held, id))
			return 1;
	}
	return 0;
}

/* One in four, by chance: a multiple of the clock, so that no period of what runs here meets it always, or never. */
static __always_inline int memo_is_drawn(const struct lv_cpu *cpu)
{
	return cpu->clock * 0x9e3779b9u < 1u << 30;
}

/*
 * The lock just pushed may get a memo of its own when it is met here again, with no other in between: one time in
 * four. A lock that is met a few times in a memo's life is as well served by its class's, and would put out one that
 * is met often. site: as in struct memo_of.
 */
static __always_inline void memo_want(struct lv_cpu *cpu, const struct lv_held *lock, __u64 site,
				      __u64 when, __u64 under, __u32 edge)
{
	__u64 hash = (lock->addr + site + when + under) * HASH_FACTOR;
	struct lv_memo *memo = &cpu->memo[hash >> (64 - LV_MEMO_BITS)];
	__u32 who = hash >> 16;

	keep_value(memo);
	if (memo->wanted != who)
		memo->wanted = who;
	else if (memo_is_drawn(cpu))
		memo_keep_lock(cpu, lock, when, under, edge);
}

/* Is this the memo of the class? */
static __always_inline int memo_is_of(const struct lv_cpu *cpu, const struct lv_memo *memo,
				      const struct memo_of *of, __u64 when, __u64 under)
{
	return memo_fits(cpu, memo, of->key, when, under) && memo->caller == of->site;
}

/* memo_repeat() by the class. caller: where the lock was taken. */
static __always_inline int memo_repeat_class(struct lv_cpu *cpu, struct lv_held_stack *stack,
					     __u64 addr, const struct memo_of *of, __u64 when,
					     __u64 under, __u64 caller, int sleeps)
{
	__u64 depth = stack->depth_tainted;
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
	slot = memo_class_slot(of, when, under);
	memo = memo_class_beside(cpu, slot, 0);
	keep_value(memo);
	if (!memo_is_of(cpu, memo, of, when, under)) {
		memo = memo_class_beside(cpu, slot, 1);
		keep_value(memo);
		if (!memo_is_of(cpu, memo, of, when, under))
			return 0;
	}
	if (depth && !(depth == 1 && memo_is_unlike(stack->held, addr, (__u32)memo->entry)) &&
	    memo_is_held(stack, addr, (__u32)memo->entry))
		return 0;
	next->addr = addr;
	next->entry = memo->entry;
	next->caller = caller;
	stack->depth = depth + 1;
	memo_hit(cpu, memo, sleeps);
	memo_want(cpu, next, of->site, when, under, memo->edge);
	return 1;
}

/* The same of a class that was found. */
static __always_inline int memo_repeat_found(struct lv_cpu *cpu, struct lv_held_stack *stack,
					     __u64 addr, __u32 id, __u64 when, __u64 under,
					     __u64 caller, int sleeps)
{
	const struct lv_class *class = world_class(id);
	struct memo_of of;

	if (!class)
		return 0;
	memo_find_of(class, id, caller, &of);
	return memo_repeat_class(cpu, stack, addr, &of, when, under, caller, sleeps);
}

/* Where the lock was taken; 0: not known, or it is not where it stood last. */
static __always_inline __u64 memo_caller(const struct lv_cpu *cpu, __u32 at, int sleeps)
{
	__u64 caller = 0;

	if (at && sleeps)
		caller = world_sleeping_word(cpu->sleep_event, at);
	else if (at)
		caller = world_event_word(cpu->event, at);
	return world_is_code(caller) ? caller : 0;
}

/* The same of a lock in a page that this CPU remembers: what class it is of has not been asked. */
static __always_inline int memo_repeat_in_page(struct lv_cpu *cpu, struct lv_held_stack *stack,
					       __u64 addr, __u64 when, __u64 under, int sleeps)
{
	struct lv_page page;
	struct memo_of of;
	__u64 caller;

	if (!cpu || !stack || page_find(cpu, addr, &page))
		return 0;
	caller = memo_caller(cpu, cpu->caller_at[memo_hook(when)], sleeps);
	if (!caller)
		return 0;
	of.key = memo_place_key(page.cache, page_off(&page, addr));
	of.site = page.base & LV_PAGE_SITED ? caller : 0;
	return memo_repeat_class(cpu, stack, addr, &of, when, under, caller, sleeps);
}

RECORD_RARE int memo_repeat_spinning(struct lv_cpu *cpu, struct lv_held_stack *stack, __u64 addr,
				     __u64 when, __u64 under)
{
	return memo_repeat_in_page(cpu, stack, addr, when, under, 0);
}

RECORD_RARE int memo_repeat_sleeping(struct lv_cpu *cpu, struct lv_held_stack *stack, __u64 addr,
				     __u64 when, __u64 under)
{
	return memo_repeat_in_page(cpu, stack, addr, when, under, 1);
}

static __always_inline int memo_repeat_other(struct lv_cpu *cpu, struct lv_held_stack *stack,
					     __u64 addr, __u64 when, __u64 under, int sleeps)
{
	return sleeps ? memo_repeat_sleeping(cpu, stack, addr, when, under) :
			memo_repeat_spinning(cpu, stack, addr, when, under);
}

/*
 * Do it again: the entry goes on the stack. under: the newest holder's entry where
 * this stack holds nothing, or 0. sleeps: a sleeping lock, its event in cpu->sleep_event. Returns
 * whether there is a memo of it.
 */
static __always_inline int memo_repeat(struct lv_cpu *cpu, struct lv_held_stack *stack, __u64 addr,
				       __u32 family, __u64 when, __u64 under, int sleeps)
{
	__u64 lock = addr_key(addr, family, 0), depth = stack->depth_tainted, site, caller = 0;
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
			return memo_repeat_other(cpu, stack, addr, when, under, sleeps);
	}
	if (memo->site_at) {
		site = memo_site(cpu, memo, sleeps);
		if (site != memo->caller) {
			slot = memo_at_site(cpu, lock, when, under, site);
			if (slot >= LV_MEMOS)
				return memo_repeat_other(cpu, stack, addr, when, under, sleeps);
			memo = &cpu->memo[slot];
			keep_value(memo);
		}
	}
	next->addr = addr;
	next->entry = memo->entry;
	/* By the function that took it lockdep's subclass is told, of locks that sleep nearly always. */
	if (sleeps)
		caller = memo_caller(cpu, cpu->caller_at[memo_hook(when)], sleeps);
	next->caller = caller ?: memo->caller;
	stack->depth = depth + 1;
	memo_hit(cpu, memo, sleeps);
	return 1;
}

#endif
