/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Behind each event: what does lockdep hold, and what do we? Only for kernels
 * with PROVE_LOCKING, and only in the judge: see tests/truth/. Runs after the
 * recorder has let go of its guard; one of its own keeps it whole.
 */
#ifndef LOCKVANE_OBSERVE_BPF_H
#define LOCKVANE_OBSERVE_BPF_H

#include "truth.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct lockdep_map {
	struct lock_class_key *key;
	const char *name;
};

struct held_lock {
	unsigned long acquire_ip;
	struct lockdep_map *instance;
	struct lockdep_map *nest_lock;
	unsigned int pin_count;
};

struct lock_class {
	const void *key;
	unsigned int subclass;
	unsigned long usage_mask;
	const char *name;
	__u8 wait_type_inner;
	__u8 wait_type_outer;
	__u8 lock_type;
};

struct task_struct___lockdep {
	int lockdep_depth;
	struct held_lock held_locks[1];
	int softirqs_enabled;
	int softirq_context;
};

struct raw_spinlock___lockdep {
	struct lockdep_map dep_map;
};

struct mutex___lockdep {
	struct lockdep_map dep_map;
};

struct rw_semaphore___lockdep {
	struct lockdep_map dep_map;
};

struct percpu_rw_semaphore___lockdep {
	struct lockdep_map dep_map;
};

/* rwlock_t and socket_lock_t have no name of their own: by somebody who has one. */
struct eventpoll___lockdep {
	struct {
		struct lockdep_map dep_map;
	} lock;
};

struct sock___lockdep {
	struct {
		struct lockdep_map dep_map;
	} sk_lock;
};

/* Pseudo-locks' */
struct work_struct___lockdep {
	struct lockdep_map lockdep_map;
};

struct workqueue_struct___lockdep {
	struct lockdep_map *lockdep_map;
};

struct timer_list___lockdep {
	struct lockdep_map lockdep_map;
};

struct super_block___lockdep {
	struct {
		struct percpu_rw_semaphore___lockdep rw_sem[3];
	} s_writers;
};

struct kernfs_node___lockdep {
	struct lockdep_map dep_map;
};

struct srcu_struct___lockdep {
	struct lockdep_map dep_map;
};

#pragma clang attribute pop

extern const int hardirqs_enabled __ksym __weak;
extern const int hardirq_context __ksym __weak;
extern const void lock_classes __ksym __weak;
extern const void debug_locks __ksym __weak;
extern const void __might_fault __ksym __weak;
extern const void gup_fast_fallback __ksym __weak;

struct observe_cpu {
	__u32 busy;
	__u32 pad;
	__u64 dep_map[TRUTH_OURS]; /* 0: of a pseudo-lock */
	struct truth_situation now;
	__u8 held[TRUTH_DEPTH * 64];
};

/* One for each level of a CPU: an interrupt may come while the observer is at work. */
LV_TABLE(truth_cpus, struct observe_cpu, 8 * LV_LEVELS);
LV_TABLE(truth_found, struct truth_situation, TRUTH_SITUATIONS);
LV_TABLE(truth_keys, struct truth_key, TRUTH_KEYS);
LV_TABLE(truth_ends, struct truth_ends, LV_MAX_EDGES);
LV_TABLE(truth_pseudos, struct truth_pseudo, TRUTH_PSEUDOS);
LV_TABLE(truth_state, struct truth_control, 1);

static __always_inline struct observe_cpu *observe_cpu(void)
{
	__u32 level = level_of(world_preempt_count() & CONTEXT_ALL);
	__u32 id = world_cpu_id() * LV_LEVELS + level;

	return bpf_map_lookup_elem(&truth_cpus, &id);
}

static __always_inline struct truth_control *observe_control(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&truth_state, &zero);
}

#define FIELD(type, field) bpf_core_field_offset(struct type##___lockdep, field)

/* From a lock to its lockdep_map. */
static __always_inline __u32 dep_map_offset(__u32 family)
{
	switch (family) {
	case LV_RWLOCK:
		return FIELD(eventpoll, lock.dep_map) - FIELD(eventpoll, lock);
	case LV_MUTEX:
		return FIELD(mutex, dep_map);
	case LV_RWSEM:
		return FIELD(rw_semaphore, dep_map);
	case LV_PERCPU_RWSEM:
		return FIELD(percpu_rw_semaphore, dep_map);
	case LV_SOCK:
		return FIELD(sock, sk_lock.dep_map) - FIELD(sock, sk_lock);
	default:
		return FIELD(raw_spinlock, dep_map);
	}
}

static __always_inline const struct lock_class *observe_class(__u32 i)
{
	return (const void *)((const char *)&lock_classes + i * bpf_core_type_size(struct lock_class));
}

static __always_inline void observe_fill_key(struct truth_key *key, const struct lock_class *class)
{
	key->subclass = BPF_CORE_READ(class, subclass);
	key->lock_type = BPF_CORE_READ(class, lock_type) |
			 BPF_CORE_READ(class, wait_type_inner) << 8 |
			 BPF_CORE_READ(class, wait_type_outer) << 16;
}

/*
 * The index of the key of that address and name. Two CPUs at once may make two entries of one. class: the address of
 * lockdep's; 0: it is not known.
 */
RECORD_RARE int observe_key_at(__u64 address, __u64 name, __u64 class)
{
	__u64 hash = (address ^ name << 7) * 0x9e3779b97f4a7c15ull;

	for (__u32 probe = 0; probe < TRUTH_KEY_PROBES; probe++) {
		__u32 id = ((__u32)(hash >> 32) + probe) & (TRUTH_KEYS - 1);
		struct truth_key *key = bpf_map_lookup_elem(&truth_keys, &id);
		__u32 state = key ? slot_claim(&key->state) : LV_SLOT_CLAIMED;

		if (key && state == LV_SLOT_FREE) {
			key->key = address;
			key->name_at = name;
			if (class)
				observe_fill_key(key, (const struct lock_class *)class);
			bpf_probe_read_kernel_str(key->name, sizeof(key->name), (void *)name);
			slot_ready(&key->state);
			return id;
		}
		if (key && state == LV_SLOT_READY && key->key == address && key->name_at == name)
			return id;
	}
	return TRUTH_NO_KEY;
}

/* The index of what has lockdep's class i now. */
RECORD_RARE int observe_key(__u32 i)
{
	const struct lock_class *class;
	__u64 address;

	if (i >= TRUTH_CLASSES || !&lock_classes)
		return TRUTH_NO_KEY;
	class = observe_class(i);
	address = (__u64)BPF_CORE_READ(class, key);
	if (!address)
		return TRUTH_NO_KEY;
	return observe_key_at(address, (__u64)BPF_CORE_READ(class, name), (__u64)class);
}

#include "pseudo.bpf.h"

/* One entry of our held stacks. where: a level, or HELD_SLEEPING. */
RECORD_RARE int observe_ours(__u32 where, __u32 at)
{
	struct observe_cpu *mine = observe_cpu();
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	const struct lv_held_stack *stack = cpu ? held_at(cpu, where) : 0;
	const struct lv_class *class;
	const struct lv_held *lock;
	__u32 nr;

	if (!mine || !stack || at >= LV_HELD_DEPTH || at >= stack->depth)
		return 0;
	lock = &stack->held[at];
	nr = mine->now.nr_ours;
	if (nr >= TRUTH_OURS) {
		mine->now.irqs |= TRUTH_DEEPER;
		return 0;
	}
	class = world_class(lock->class);
	if (class && class->family == LV_PSEUDO &&
	    !pseudo_is_held(LV_PSEUDO_KIND_OF(class->subclass), lock->addr))
		return 0; /* the recorder asks, too, before an edge */
	mine->dep_map[nr] = class && class->family != LV_PSEUDO ?
				    lock->addr + dep_map_offset(class->family) :
				    0;
	mine->now.ours[nr].class = lock->class;
	mine->now.ours[nr].mode = lock->mode;
	mine->now.ours[nr].flags = lock->flags & (LV_HELD_TRY | LV_HELD_NESTED);
	mine->now.ours[nr].sleeping = where == HELD_SLEEPING;
	mine->now.ours[nr].theirs = TRUTH_NOBODY;
	mine->now.nr_ours = nr + 1;
	return 0;
}

/* Our entry for the lock with this lockdep_map that has no partner yet. */
RECORD_RARE int observe_partner(__u64 instance, __u32 theirs)
{
	struct observe_cpu *mine = observe_cpu();

	if (!mine)
		return TRUTH_NOBODY;
	for (__u32 i = 0; i < TRUTH_OURS; i++) {
		if (i >= mine->now.nr_ours)
			break;
		if (mine->dep_map[i] == instance && mine->now.ours[i].theirs == TRUTH_NOBODY) {
			mine->now.ours[i].theirs = theirs;
			return i;
		}
	}
	return TRUTH_NOBODY;
}

/* Entry i of lockdep's. */
RECORD_RARE int observe_theirs(__u32 i, __u64 subject)
{
	struct observe_cpu *mine = observe_cpu();
	__u32 size = bpf_core_type_size(struct held_lock);
	__u32 off = i * size, nr;
	__u64 instance, nest;

	if (!mine || size > 64 || off + 64 > sizeof(mine->held))
		return 0;
	nr = mine->now.nr_theirs;
	if (nr >= TRUTH_THEIRS) {
		mine->now.irqs |= TRUTH_DEEPER;
		return 0;
	}
	bpf_probe_read_kernel(&instance, 8,
			      &mine->held[off] + bpf_core_field_offset(struct held_lock, instance));
	bpf_probe_read_kernel(
		&nest, 8, &mine->held[off] + bpf_core_field_offset(struct held_lock, nest_lock));
	bpf_probe_read_kernel(&mine->now.frames[nr & (TRUTH_FRAMES - 1)], 8,
			      &mine->held[off] +
				      bpf_core_field_offset(struct held_lock, acquire_ip));
	/* The bit fields are the word before pin_count. */
	bpf_probe_read_kernel(&mine->now.theirs[nr].word, 4,
			      &mine->held[off] +
				      bpf_core_field_offset(struct held_lock, pin_count) - 4);
	mine->now.theirs[nr].key = observe_key(mine->now.theirs[nr].word & (TRUTH_CLASSES - 1));
	mine->now.theirs[nr].word &= ~(TRUTH_CLASSES - 1);
	mine->now.theirs[nr].nested = nest != 0;
	mine->now.theirs[nr].ours = observe_partner(instance, nr);
	if (mine->now.theirs[nr].ours == TRUTH_NOBODY)
		observe_pseudo_partner(nr);
	if (instance == subject)
		mine->now.subject = nr;
	mine->now.nr_theirs = nr + 1;
	return 0;
}

/* How much lockdep has held by the running task. */
static __always_inline __u32 observe_depth(void)
{
	__u32 depth = 0;

	bpf_probe_read_kernel(&depth, 4,
			      (const char *)world_task() +
				      bpf_core_field_offset(struct task_struct___lockdep,
							    lockdep_depth));
	return depth;
}

static __always_inline int observe_read_held(struct observe_cpu *mine, __u32 *ret)
{
	const char *task = (const char *)world_task();
	__u32 size = bpf_core_type_size(struct held_lock);
	__u32 depth = observe_depth(), bytes;

	if (depth > TRUTH_DEPTH)
		return -1;
	bytes = depth * size;
	if (bytes > sizeof(mine->held))
		return -1;
	if (bytes &&
	    bpf_probe_read_kernel(
		    mine->held, bytes,
		    task + bpf_core_field_offset(struct task_struct___lockdep, held_locks)))
		return -1;
	*ret = depth;
	return 0;
}

static __always_inline __u32 observe_irqs(void)
{
	const char *task = (const char *)world_task();
	__u32 on = 0, in = 0, irqs = 0;

	bpf_probe_read_kernel(
		&on, 4,
		task + bpf_core_field_offset(struct task_struct___lockdep, softirqs_enabled));
	bpf_probe_read_kernel(
		&in, 4,
		task + bpf_core_field_offset(struct task_struct___lockdep, softirq_context));
	if (&hardirqs_enabled && *(const int *)bpf_this_cpu_ptr(&hardirqs_enabled))
		irqs |= TRUTH_HARDIRQS_ON;
	if (&hardirq_context && *(const int *)bpf_this_cpu_ptr(&hardirq_context))
		irqs |= TRUTH_IN_HARDIRQ;
	return irqs | (on ? TRUTH_SOFTIRQS_ON : 0) | (in ? TRUTH_IN_SOFTIRQ : 0);
}

/* task_irq_context() */
static __always_inline __u32 observe_irq_context(const struct observe_cpu *mine)
{
	return (mine->now.irqs & TRUTH_IN_HARDIRQ ? 2 : 0) |
	       (mine->now.irqs & TRUTH_IN_SOFTIRQ ? 1 : 0);
}

#define OBSERVE_FIRST (__builtin_offsetof(struct truth_situation, class) / 4)
#define OBSERVE_END (__builtin_offsetof(struct truth_situation, frames) / 4)

static __always_inline __u64 observe_hash(const struct observe_cpu *mine)
{
	const __u32 *words = (const __u32 *)&mine->now;
	__u64 hash = 0xcbf29ce484222325ull;

	for (__u32 i = OBSERVE_FIRST; i < OBSERVE_END; i++)
		hash = (hash ^ words[i]) * 0x100000001b3ull ^ hash >> 29;
	return hash | 1;
}

RECORD_RARE int observe_count(void)
{
	struct observe_cpu *mine = observe_cpu();
	struct truth_control *control = observe_control();
	__u64 hash;

	if (!mine || !control)
		return 0;
	hash = observe_hash(mine);
	for (__u32 i = 0; i < TRUTH_PROBES; i++) {
		__u32 id = ((__u32)(hash >> 32) + i) & (TRUTH_SITUATIONS - 1);
		struct truth_situation *slot = bpf_map_lookup_elem(&truth_found, &id);
		__u32 state;

		if (!slot)
			return 0;
		state = slot_claim(&slot->state);
		if (state == LV_SLOT_FREE) {
			mine->now.hash = hash;
			mine->now.count = 1;
			mine->now.state = LV_SLOT_CLAIMED;
			__builtin_memcpy(slot, &mine->now, sizeof(*slot));
			slot_ready(&slot->state);
			return 0;
		}
		if (state == LV_SLOT_READY && slot->hash == hash) {
			__sync_fetch_and_add(&slot->count, 1);
			return 0;
		}
	}
	__sync_fetch_and_add(&control->dropped, 1);
	return 0;
}

#define OBSERVE_META(hook, family, what) ((hook) | (family) << 16 | (what) << 24)

static __always_inline void observe_fill(struct observe_cpu *mine, __u64 addr, __u32 meta,
					 __u32 depth)
{
	__u32 level = mine->now.level;
	__u64 subject = addr + dep_map_offset((meta >> 16) & 0xff);

	for (__u32 i = 0; i < LV_HELD_DEPTH; i++)
		observe_ours(level, i);
	if (level == LV_LEVEL_TASK)
		for (__u32 i = 0; i < LV_HELD_DEPTH; i++)
			observe_ours(HELD_SLEEPING, i);
	for (__u32 i = 0; i < TRUTH_DEPTH; i++) {
		if (i >= depth)
			break;
		observe_theirs(i, subject);
	}
	for (__u32 i = 0; i < TRUTH_OURS; i++)
		if (i < mine->now.nr_ours && mine->dep_map[i] == subject)
			mine->now.class = mine->now.ours[i].class;
}

/* lockdep goes out at its first report. Nothing can be compared from then on, so we stop, too. */
RECORD_RARE int observe_is_over(void)
{
	int on = 0;

	if (&debug_locks)
		bpf_probe_read_kernel(&on, sizeof(on), &debug_locks);
	if (!on)
		lv_control.word = 0;
	return !on;
}

/* The observer of this CPU and level, which begins another situation; NULL: it may not. observe_end() must follow. */
static __always_inline struct observe_cpu *observe_begin(__u32 meta, __u32 *ret_depth)
{
	struct observe_cpu *mine = observe_cpu();
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	struct truth_control *control = observe_control();

	/* In a self-check, other tasks' programs do not run. */
	if (!mine || !cpu || !control || !(lv_control.word & LV_ARMED) || observe_is_over())
		return 0;
	if (mine->busy) {
		__sync_fetch_and_add(&control->skipped, 1);
		return 0;
	}
	mine->busy = 1;
	barrier_here();
	__builtin_memset(&mine->now, 0, sizeof(mine->now));
	mine->now.class = LV_NONE;
	mine->now.hook = meta & 0xffff;
	mine->now.what = meta >> 24;
	mine->now.subject = TRUTH_NOBODY;
	mine->now.level = level_of(world_preempt_count() & CONTEXT_ALL);
	mine->now.irqs = observe_irqs() | (cpu->guard ? TRUTH_LOST : 0);
	if (!observe_read_held(mine, ret_depth))
		return mine;
	__sync_fetch_and_add(&control->unread, 1);
	barrier_here();
	mine->busy = 0;
	return 0;
}

static __always_inline void observe_end(struct observe_cpu *mine)
{
	struct truth_control *control = observe_control();

	if (control)
		__sync_fetch_and_add(&control->noted, 1);
	observe_count();
	barrier_here();
	mine->busy = 0;
}

RECORD_RARE int truth_look(__u64 addr, __u32 meta)
{
	__u32 depth = 0;
	struct observe_cpu *mine = observe_begin(meta, &depth);

	if (mine) {
		observe_fill(mine, addr, meta, depth);
		observe_end(mine);
	}
	return 0;
}

/*
 * A pseudo-lock is about to be waited for, with something held. As an entry of lockdep's held stack, from which on the kind
 * is known; map: lockdep's, 0: not known; word: that entry's, as far as it is known.
 */
RECORD_RARE int truth_wait(__u64 map, __u32 word, __u32 what, __u32 class)
{
	__u32 depth = 0, nr;
	struct observe_cpu *mine = observe_begin(OBSERVE_META(LV_HOOKS, 0, what), &depth);

	if (!mine)
		return 0;
	observe_fill(mine, 0, 0, depth);
	nr = mine->now.nr_theirs;
	if (depth && nr < TRUTH_THEIRS) {
		mine->now.class = class;
		mine->now.theirs[nr].word = word | observe_irq_context(mine) << TRUTH_CONTEXT_SHIFT |
					    TRUTH_KNOWN | 1 << TRUTH_CHECK_SHIFT;
		mine->now.theirs[nr].key =
			map ? observe_key_at(observe_map_key(map), observe_map_name(map), 0) :
			      TRUTH_NO_KEY;
		mine->now.theirs[nr].ours = TRUTH_NOBODY;
		mine->now.subject = nr;
		mine->now.nr_theirs = nr + 1;
	}
	observe_end(mine);
	return 0;
}

/* (map, subclass, trylock, read, check, nest_lock, ip) */
SEC("tp_btf/lock_acquire")
int truth_acquire(__u64 *ctx)
{
	__u64 map = traced(ctx, 0);
	__u32 read = (__u32)traced(ctx, 3), kind;

	if (!is_armed(armed_word()) || (__u32)traced(ctx, 2) || !(__u32)traced(ctx, 4) ||
	    !observe_depth())
		return 0;
	kind = observe_key_kind(observe_map_key(map), observe_map_name(map));
	if (!kind || !observe_is_pseudo(kind, read, traced(ctx, 6)))
		return 0;
	truth_wait(map, kind | (read & 3) << TRUTH_READ_SHIFT, TRUTH_ACQUIRED, LV_NONE);
	return 0;
}

/*
 * One of our programs has seen a pseudo-lock attempted. lockdep may not look at it there; but it knows what is held. A wait
 * for readers of srcu it looks at, but without its tracepoint.
 */
static __always_inline void observe_attempt(__u64 map, __u32 kind, __u32 how, __u32 class)
{
	__u32 word = kind | pseudo_mode(how) << TRUTH_READ_SHIFT;

	if (kind == LV_PSEUDO_SRCU)
		truth_wait(map, word, TRUTH_ACQUIRED, LV_NONE);
	if (class != LV_NONE || kind == TRUTH_FAULT)
		truth_wait(map, word, TRUTH_ATTEMPTED, class);
}

/* One of our programs has seen a pseudo-lock: the keys of those that are an object's are learnt. */
RECORD_RARE int truth_pseudo(__u64 addr, __u64 base, __u32 how)
{
	__u32 kind = pseudo_kind(how), class = LV_NONE;
	__u64 map;

	if (!is_armed(armed_word()))
		return 0;
	if (kind) {
		map = observe_pseudo_map(kind, addr);
		class = pseudo_known_class(addr, base, kind);
		observe_learn(map ? observe_map_key(map) : 0, kind, class);
	} else {
		map = addr + FIELD(rw_semaphore, dep_map);
		kind = TRUTH_FAULT;
	}
	if (how & PSEUDO_ATTEMPT && observe_depth())
		observe_attempt(map, kind, how, class);
	return 0;
}

#define OBSERVE_PSEUDO(addr, base, how) truth_pseudo(addr, base, how)

#define OBSERVE_TAKEN(hook, family, addr) truth_look(addr, OBSERVE_META(hook, family, TRUTH_TAKEN))
#define OBSERVE_GIVEN_BACK(hook, family, addr, irqs_on)                                            \
	truth_look(addr,                                                                           \
		   OBSERVE_META(hook, family, (irqs_on) ? TRUTH_GIVEN_BACK_ON : TRUTH_GIVEN_BACK))

static long observe_usage(__u32 i, void *unused)
{
	__u32 id = observe_key(i);
	struct truth_key *key = bpf_map_lookup_elem(&truth_keys, &id);

	if (!key)
		return 0;
	key->usage = BPF_CORE_READ(observe_class(i), usage_mask);
	key->live = 1;
	return 0;
}

static __always_inline __u64 observe_key_of(__u32 id, __u64 addr)
{
	const struct lv_class *class = world_class(id);
	__u64 key = 0;

	if (class && class->family != LV_PSEUDO && addr)
		bpf_probe_read_kernel(&key, sizeof(key),
				      (void *)(addr + dep_map_offset(class->family) +
					       bpf_core_field_offset(struct lockdep_map, key)));
	return key;
}

static long observe_edge(__u32 i, void *unused)
{
	struct truth_ends *ends = bpf_map_lookup_elem(&truth_ends, &i);
	const struct lv_edge *edge = world_edge(i);

	if (!ends || !edge)
		return 1;
	if (edge->state != LV_SLOT_READY)
		return 0;
	ends->from = observe_key_of(edge->from, edge->from_addr);
	ends->to = observe_key_of(edge->to, edge->to_addr);
	return 0;
}

/* Run when all is over: copy the usage of lockdep's classes, and ask the locks of our edges for their keys. */
SEC("syscall")
int truth_finish(void *ctx)
{
	bpf_loop(TRUTH_CLASSES, observe_usage, 0, 0);
	bpf_loop(LV_MAX_EDGES, observe_edge, 0, 0);
	return 0;
}

#endif
