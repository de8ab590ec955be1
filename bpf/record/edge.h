/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which class is taken under which: lockdep's check_prevs_add(). A lock that
 * was waited for depends on the holders before it, back to and including the
 * first that was waited for itself; older ones depend on that one. We go on
 * past a recursive reader, where lockdep stops: a strong path may not pass
 * through it, so what lies behind would be lost.
 */
#ifndef LOCKVANE_RECORD_EDGE_H
#define LOCKVANE_RECORD_EDGE_H

#include "record/doubt.h"
#include "record/evidence.h"

#define EDGE_PROBES 32
#define EDGE_WALK 8 /* holders passed on the way to a proper one: trylocks, recursive readers */

/* Is the lock that follows of the holder's class, or of that one's twin? */
static __always_inline int edge_is_self(const struct lv_held *from, const struct lv_held *to)
{
	const struct lv_class *twin;

	if (from->class == to->class || !(to->flags & LV_HELD_TWIN))
		return from->class == to->class;
	twin = world_class(to->class);
	return twin && twin->other == from->class + 1;
}

/* lockdep's calc_dep(): who holds, exclusive or shared; who follows, recursive or not. */
static __always_inline __u32 edge_dep(const struct lv_held *from, const struct lv_held *to)
{
	__u32 dep = (from->mode == LV_WRITE) + 2 * (to->mode != LV_RECURSIVE);
	__u32 bits = 1u << dep;

	if (edge_is_self(from, to) && from->addr > to->addr)
		bits |= LV_DEP_DOWN;
	return bits;
}

/* How the holder of such an edge holds: the first letter. */
static __always_inline __u32 edge_from_mode(__u32 dep)
{
	return dep & (LV_DEP_ER | LV_DEP_EN) ? LV_WRITE : LV_READ;
}

static __always_inline __u64 edge_key(__u32 from, __u32 to, __u32 dep)
{
	return (__u64)from << 32 | (__u64)to << 8 | dep; /* never 0: dep is not */
}

/* An edge made here is claimed still: its stack is missing. */
RECORD_RARE int edge_probe(__u32 id, __u64 classes, __u32 dep, __u64 from_addr, __u64 to_addr)
{
	__u32 from = classes >> 32, to = (__u32)classes;
	struct lv_edge *edge = world_edge(id);
	__u32 state;

	if (!edge)
		return PROBE_RACE;
	state = slot_claim(&edge->state);
	if (state == LV_SLOT_FREE) {
		edge->from = from;
		edge->to = to;
		edge->dep = dep;
		edge->stack = LV_NONE;
		edge->from_addr = from_addr;
		edge->to_addr = to_addr;
		return PROBE_MADE;
	}
	if (state == LV_SLOT_CLAIMED)
		return PROBE_RACE;
	return edge->from == from && edge->to == to && edge->dep == dep ? PROBE_FOUND :
									  PROBE_OTHER;
}

/*
 * Find the edge, or make it. ret_new says which. LV_NONE: table full, or a
 * race; the next time will do.
 */
static __always_inline __u32 edge_find(struct lv_cpu *cpu, __u64 classes, __u32 dep,
				       __u64 from_addr, __u64 to_addr, int *ret_new)
{
	__u32 hash = hash64(edge_key(classes >> 32, (__u32)classes, dep));

	for (__u32 i = 0; i < EDGE_PROBES; i++) {
		__u32 id = (hash + i) & (LV_MAX_EDGES - 1);
		int probe = edge_probe(id, classes, dep, from_addr, to_addr);

		if (probe == PROBE_RACE) {
			count_loss(cpu, LV_LOSS_RACE);
			return LV_NONE;
		}
		if (probe == PROBE_OTHER)
			continue;
		*ret_new = probe == PROBE_MADE;
		return id;
	}
	count_loss(cpu, LV_LOSS_EDGES);
	return LV_NONE;
}

/* Where this CPU would remember an edge. */
static __always_inline struct lv_edge_slot *edge_slot(struct lv_cpu *cpu, __u64 key)
{
	return &cpu->edge[hash64(key) & (LV_EDGE_SLOTS - 1)];
}

/* Beside its kind, in a CPU's memory: the holder was the only one, so that there was no gate. */
#define EDGE_ALONE (1 << 5)

static __always_inline __u32 edge_slot_dep(const struct lv_held *from, __u32 dep)
{
	return from->flags & LV_HELD_OLDEST ? dep | EDGE_ALONE : dep;
}

/* A CPU looks at 32 of an edge's pairs of instances, by this. */
static __always_inline __u32 edge_pair_bit(__u64 from_addr, __u64 to_addr)
{
	return 1u << (hash64(from_addr + 3 * to_addr) >> 27);
}

/* Have all of them been looked at? */
static __always_inline int edge_knows_pairs(const struct lv_edge_slot *slot)
{
	return slot->pairs == ~0u;
}

static __always_inline void edge_remember(struct lv_cpu *cpu, __u64 key, __u32 pair, __u32 id)
{
	struct lv_edge_slot *slot = edge_slot(cpu, key);

	slot->pairs = slot->key == key ? slot->pairs | pair : pair;
	slot->edge = id;
	slot->key = key;
	cpu->edge_hits[id & (LV_MAX_EDGES - 1)]++;
}

/*
 * An edge this CPU does not know: look at both ends again, then find or make
 * it. classes: from << 32 | to. The dependency kind comes in `meta` above the
 * event's own. Returns the stack slot.
 */
#define EDGE_META(meta, dep) ((meta) | (dep) << 24)
#define META_DEP(meta) (((meta) >> 24) & 0x1f)
#define META_SLOT_DEP(meta) (((meta) >> 24) & 0x3f)

/* Where the holder's entry is: a level's stack, or the task's. */
static __always_inline __u32 edge_holder_stack(const struct lv_class *from, __u32 meta)
{
	if (from->family == LV_PSEUDO)
		return pseudo_where(LV_PSEUDO_KIND_OF(from->subclass), META_LEVEL(meta));
	return family_sleeps(from->family) ? HELD_SLEEPING : META_LEVEL(meta);
}

/*
 * A holder that does not seem to hold: it goes, where that is proved. A sleeping
 * lock's word names the newest of its readers only, which proves nothing of the others.
 */
static __always_inline void edge_expel(struct lv_cpu *cpu, const struct lv_class *from, __u64 addr,
				       __u32 meta)
{
	int sleeps = family_sleeps(from->family);

	if (from->place.kind == LV_PLACE_TOLD ||
	    (sleeps && from->family != LV_PSEUDO && edge_from_mode(META_DEP(meta)) != LV_WRITE &&
	     held_by_any(addr, from->family, LV_READ)))
		count_loss(cpu, LV_LOSS_STALE_HOLDER);
	else
		held_expel(addr, edge_holder_stack(from, meta));
}

/* Is the holder's lock held, as far as memory tells? */
static __always_inline int edge_is_held(const struct lv_class *from, __u64 addr, __u32 dep)
{
	if (from->family == LV_PSEUDO)
		return world_pseudo_is_held(LV_PSEUDO_KIND_OF(from->subclass), addr);
	return held_by_us(addr, from->family, edge_from_mode(dep));
}

/* Is there something else than its release that shows when a pseudo-lock is not held any more? */
static __always_inline int edge_is_proved(const struct lv_class *from)
{
	return from->family == LV_PSEUDO &&
	       pseudo_traits(LV_PSEUDO_KIND_OF(from->subclass)) &
		       (LV_PSEUDO_BY_STACK | LV_PSEUDO_BY_WORD);
}

/*
 * Are both what they seem to be, and is the one held, the other taken? A holder that does not hold
 * goes.
 */
RECORD_RARE int edge_is_real(__u64 classes, __u64 from_addr, __u64 to_addr, __u32 meta)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	struct lv_class *from = world_class(classes >> 32);
	struct lv_class *to = world_class((__u32)classes);

	if (!cpu || !from || !to)
		return 0;
	/*
	 * A reader twice, or the stale entry of one: where no preemption count bounds it, nobody can tell,
	 * but for who waits for what its own memory says he holds.
	 * Two families at one address are two locks: a socket's owner, and its spinlock.
	 */
	if (from_addr == to_addr && from->family == to->family && from->family != LV_PSEUDO &&
	    from->place.kind != LV_PLACE_TOLD &&
	    (family_sleeps(from->family) || !world_counts_preemption()) &&
	    !doubt_is_owned(from_addr, from->family, edge_from_mode(META_DEP(meta))))
		return 0;
	if (!class_check(cpu, classes >> 32, from_addr) ||
	    !class_check(cpu, (__u32)classes, to_addr))
		return 0;
	if (!edge_is_held(from, from_addr, META_DEP(meta))) {
		edge_expel(cpu, from, from_addr, meta);
		return 0;
	}
	if (!(meta & META_ATTEMPT) && !held_by_any(to_addr, to->family, LV_READ)) {
		count_loss(cpu, LV_LOSS_STALE_HOLDER);
		return 0;
	}
	return !(world_preempts() && family_sleeps(from->family) && !edge_is_proved(from) &&
		 !doubt_is_owned(from_addr, from->family, edge_from_mode(META_DEP(meta))) &&
		 doubt_drop(from_addr));
}

RECORD_RARE __u32 edge_add(__u64 classes, __u64 from_addr, __u64 to_addr, __u32 meta, __u32 stack)
{
	__u32 cpu_id = world_cpu_id();
	struct lv_cpu *cpu = world_cpu(cpu_id);
	struct lv_class *from = world_class(classes >> 32);
	struct lv_edge *edge;
	int is_new = 0;
	__u32 id;

	if (!cpu || !from)
		return stack;
	id = edge_find(cpu, classes, META_DEP(meta), from_addr, to_addr, &is_new);
	edge = world_edge(id);
	if (!edge)
		return stack;
	if (is_new) {
		if (stack == LV_NONE)
			stack = stack_claim(cpu, cpu_id, META_HOOK(meta), META_LEVEL(meta));
		edge->stack = stack;
	}
	edge_look(edge, id, from_addr, to_addr, edge_holder_stack(from, meta), is_new);
	if (is_new)
		slot_ready(&edge->state);
	edge_remember(cpu, edge_key(classes >> 32, (__u32)classes, META_SLOT_DEP(meta)),
		      edge_is_unsure(edge, edge_holder_stack(from, meta)) ?
			      0 :
			      edge_pair_bit(from_addr, to_addr), id);
	return stack;
}

/* One edge, by the cache if this CPU has seen it, with these instances. */
static __always_inline __u32 edge_record(struct lv_cpu *cpu, const struct lv_held *from,
					 const struct lv_held *to, __u32 meta, __u32 stack)
{
	__u32 dep = edge_slot_dep(from, edge_dep(from, to));
	__u64 key = edge_key(from->class, to->class, dep);
	struct lv_edge_slot *slot = edge_slot(cpu, key);

	if (slot->key == key && slot->pairs & edge_pair_bit(from->addr, to->addr)) {
		cpu->edge_hits[slot->edge & (LV_MAX_EDGES - 1)]++;
		return stack;
	}
	/* Asked here and not there: 512 bytes of stack are all that a chain of calls may have. */
	if (!edge_is_real((__u64)from->class << 32 | to->class, from->addr, to->addr,
			  EDGE_META(meta, dep)))
		return stack;
	return edge_add((__u64)from->class << 32 | to->class, from->addr, to->addr,
			EDGE_META(meta, dep), stack);
}

/*
 * Keep the order that two locks of what is, or might be, one class have shown: with the class, or
 * with their edge.
 */
RECORD_RARE int edge_keep_order(__u64 classes, __u64 key, __u32 flags)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	const struct lv_edge_slot *slot = cpu ? edge_slot(cpu, key) : 0;
	__u32 from = classes >> 32;
	struct lv_class *class = world_class(from);
	struct lv_edge *edge;

	if (from == (__u32)classes) {
		if (class && flags & ~read_once(class->flags))
			__sync_fetch_and_or(&class->flags, flags);
		return 0;
	}
	edge = slot && slot->key == key ? world_edge(slot->edge) : 0;
	if (edge && flags & ~read_once(edge->order))
		__sync_fetch_and_or(&edge->order, flags);
	return 0;
}

/* Might the two be of one class? Most holders' memory is of one type. */
static __always_inline int edge_is_perhaps_self(__u32 from, __u32 to)
{
	const struct lv_class *outer = world_class(from), *inner;

	if (!outer || !outer->place.site)
		return 0;
	inner = world_class(to);
	return inner && order_may_be_one(outer, inner);
}

/* Two of one class, or perhaps. A recursive reader waits for no reader. */
static __always_inline void edge_see_order(const struct lv_held *from, const struct lv_held *to,
					   __u32 meta)
{
	__u64 classes = ORDER_CLASSES(from->class, edge_is_self(from, to) ? from->class : to->class);
	__u32 dep = edge_dep(from, to);
	__u32 flags;

	if (dep & LV_DEP_SR || !order_is_news(classes, from->addr, to->addr) ||
	    !edge_is_real(ORDER_CLASSES(from->class, to->class), from->addr, to->addr,
			  EDGE_META(meta, dep)))
		return;
	flags = order_add(classes, from->addr, to->addr);
	if (flags)
		edge_keep_order(classes,
				edge_key(from->class, to->class, edge_slot_dep(from, dep)), flags);
}

/* Is the newest of the two stacks' remaining entries the sleeping one? */
static __always_inline int edge_sleeping_is_newer(const struct lv_held_stack *task, __u32 sleeping,
						  __u32 spinning)
{
	if (!sleeping)
		return 0;
	return !spinning || task->held[(sleeping - 1) & (LV_HELD_DEPTH - 1)].under >= spinning;
}

/* Does something else order the two: a lock that is held, or the acquire context of both? */
static __always_inline int edge_is_ordered(const struct lv_held *from, const struct lv_held *to)
{
	return to->flags & LV_HELD_NESTED &&
	       (from->flags & LV_HELD_NESTED || from->class == to->class);
}

/* Do the locks before this one, if any, depend on it, so that it stands for them? */
static __always_inline int edge_stands_for_older(const struct lv_held *lock)
{
	return lock->flags & LV_HELD_OLDEST ||
	       (!(lock->flags & LV_HELD_TRY) && lock->mode != LV_RECURSIVE);
}

/*
 * One step of edges_walk(): the edge from the newest of the entries that are
 * left, `left` of the level's stack and, above 8 bits, of the task's. Returns the
 * stack slot and, above it, what is left to be walked; out of line, or the verifier
 * would walk each turn of that loop on all paths through the turns before.
 */
#define EDGES_SLEEPING_SHIFT 8
#define EDGES_LEFT_SHIFT 32

RECORD_RARE __u64 edges_step(__u64 addr, __u64 entry, __u32 meta, __u32 stack, __u32 left)
{
	const struct lv_held to = { .addr = addr, .entry = entry };
	__u32 spinning = left & 0xff, sleeping = left >> EDGES_SLEEPING_SHIFT;
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	struct lv_held_stack *held, *task;
	const struct lv_held *from;
	__u32 level = META_LEVEL(meta), at;

	if (!cpu || level >= LV_LEVELS)
		return stack;
	held = &cpu->stack[level];
	task = level == LV_LEVEL_TASK ? task_held(cpu) : 0;
	if (task && edge_sleeping_is_newer(task, sleeping, spinning)) {
		at = --sleeping;
		held = task;
	} else {
		at = --spinning;
	}
	from = &held->held[at & (LV_HELD_DEPTH - 1)];
	left = spinning | sleeping << EDGES_SLEEPING_SHIFT;
	if (!edge_is_ordered(from, &to)) {
		stack = edge_record(cpu, from, &to, meta, stack);
		left = edge_stands_for_older(from) ? 0 : left;
	}
	return stack | (__u64)left << EDGES_LEFT_SHIFT;
}

/* Where preemption is counted, and on, nothing spins. */
static __always_inline int spinning_is_possible(__u32 count)
{
	return !world_counts_preemption() || count & (CONTEXT_PREEMPT | CONTEXT_IN_INTERRUPT);
}

/*
 * The edges into a lock from a mixed or a trylocked stack, newest holder
 * first. entry: the lock's. Sleeping holders count at task level.
 */
RECORD_RARE __u32 edges_walk(__u64 addr, __u64 entry, __u32 meta, __u32 stack)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	__u32 level = META_LEVEL(meta), left = 0;
	const struct lv_held_stack *task;

	if (!cpu || level >= LV_LEVELS)
		return stack;
	if (!(meta & META_BARE) && spinning_is_possible(world_preempt_count()))
		left = cpu->stack[level].depth;
	task = level == LV_LEVEL_TASK ? task_held(cpu) : 0;
	if (task)
		left |= task->depth << EDGES_SLEEPING_SHIFT;
	for (int i = 0; left; i++) {
		__u64 step;

		if (i == EDGE_WALK) {
			count_loss(cpu, LV_LOSS_DEPTH);
			break;
		}
		step = edges_step(addr, entry, meta, stack, left);
		stack = (__u32)step;
		left = step >> EDGES_LEFT_SHIFT;
	}
	return stack;
}

/*
 * All edges into a lock just taken: nearly always one, from the newest holder.
 * spin: the level's stack; task: the running task's, or NULL.
 */
static __always_inline __u32 edges_record(struct lv_cpu *cpu, const struct lv_held_stack *spin,
					  const struct lv_held_stack *task,
					  const struct lv_held *to, __u32 meta, __u32 stack)
{
	__u32 spinning = spin ? spin->depth : 0, sleeping = task ? task->depth : 0;
	const struct lv_held *newest;
	struct lv_held from;

	if ((spinning && spin->tainted) || (sleeping && task->tainted)) {
		count_loss(cpu, LV_LOSS_TAINTED);
		return stack;
	}
	/* Copied: to the verifier, what follows is then the same for both. */
	if (sleeping && edge_sleeping_is_newer(task, sleeping, spinning))
		newest = &task->held[(sleeping - 1) & (LV_HELD_DEPTH - 1)];
	else if (spinning)
		newest = &spin->held[(spinning - 1) & (LV_HELD_DEPTH - 1)];
	else
		return stack;
	from.addr = newest->addr;
	from.entry = newest->entry;
	if (!edge_stands_for_older(&from) || edge_is_ordered(&from, to))
		return edges_walk(to->addr, to->entry, meta, stack);
	stack = edge_record(cpu, &from, to, meta, stack);
	if (META_FAMILY(meta) != LV_PSEUDO &&
	    (edge_is_self(&from, to) || edge_is_perhaps_self(from.class, to->class)))
		edge_see_order(&from, to, meta);
	return stack;
}

#endif
