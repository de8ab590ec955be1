/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The recorder's world over plain memory: what bpf/world.bpf.h is in the
 * kernel, this is in tests, scenarios and benchmarks. Included once by each
 * file that includes the recorder itself.
 *
 * A world is the tables and a small simulated memory of equal objects, each
 * of which can be a lock or hold a string. A seat is what one CPU sees: it
 * belongs to one thread at a time, and world_seat points at the thread's.
 */
#ifndef LOCKVANE_REPLAY_WORLD_H
#define LOCKVANE_REPLAY_WORLD_H

#include <errno.h>
#include <string.h>

#include "replay/seat.h"

#define RECORD_RARE static __attribute__((noinline, unused))
#define RECORD_SHARED RECORD_RARE
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

#include "traits.h"
#include "record/world.h"

/* Benchmarks make them the constants that they are in the programs. */
#ifndef WORLD_PREEMPTS
#define WORLD_PREEMPTS world_seat->world->preempts
#endif
#ifndef WORLD_COUNTS_PREEMPTION
#define WORLD_COUNTS_PREEMPTION world_seat->world->counts_preemption
#endif

#define WORLD_TABLE(function, type, field, limit)                         \
	static __always_inline type *function(__u32 id)                   \
	{                                                                 \
		struct world *world = world_seat->world;                  \
                                                                          \
		return id < (limit) ? &world->field[id] : NULL;           \
	}

/* Nearly always this seat's own. */
static __always_inline struct lv_cpu *world_cpu(__u32 id)
{
	const struct seat *seat = world_seat;

	if (id == seat->cpu)
		return seat->own;
	return id < seat->world->nr_cpus ? &seat->world->cpus[id] : NULL;
}

WORLD_TABLE(world_class, struct lv_class, classes, LV_MAX_CLASSES)
WORLD_TABLE(world_edge, struct lv_edge, edges, LV_MAX_EDGES)
WORLD_TABLE(world_stack, struct lv_stack, stacks, LV_MAX_STACKS)
WORLD_TABLE(world_name, struct lv_name, names, LV_MAX_NAMES)
WORLD_TABLE(world_fact, struct lv_fact, facts, LV_MAX_FACTS)
WORLD_TABLE(world_task_stack, struct lv_held_stack, tasks, LV_MAX_TASKS)

static __always_inline __u64 *world_task_key(__u32 id)
{
	return &world_seat->world->task_keys.key[id & (LV_MAX_TASKS - 1)];
}

static __always_inline struct lv_control *world_control(void)
{
	return &world_seat->world->control;
}

static __always_inline __u32 world_cpu_id(void)
{
	return world_seat->cpu;
}

static __always_inline __u64 world_task(void)
{
	return world_seat->task;
}

static inline void world_describe_task(struct lv_stack *stack)
{
	stack->task = world_seat->task;
	stack->pid = world_seat->pid;
	memcpy(stack->comm, world_seat->comm, sizeof(stack->comm));
}

static __always_inline __u64 world_argument(void *ctx, struct lv_cpu *cpu, __u32 n)
{
	(void)cpu;
	return ((const __u64 *)ctx)[n];
}

static inline __u64 world_caller(__u64 event)
{
	(void)event;
	return world_seat->nr_frames ? world_seat->frames[0] : 0;
}

static inline __u64 world_sleeping_caller(__u64 event)
{
	return world_caller(event);
}

static inline int world_is_code(__u64 ip)
{
	return ip != 0;
}

static inline __u32 world_caller_at(__u64 event)
{
	(void)event;
	return 1;
}

static inline __u32 world_sleeping_caller_at(__u64 event)
{
	return world_caller_at(event);
}

static inline __u64 world_event_word(__u64 event, __u32 at)
{
	(void)at;
	return world_caller(event);
}

static inline __u64 world_sleeping_word(__u64 event, __u32 at)
{
	return world_event_word(event, at);
}

static inline int world_is_generic(__u64 ip)
{
	return ip && ip == world_seat->generic;
}

static inline __u64 world_above(void *ctx, struct lv_cpu *cpu)
{
	const struct seat *seat = world_seat;

	(void)ctx;
	(void)cpu;
	for (__u32 i = 1; i < seat->nr_frames; i++)
		if (!world_is_generic(seat->frames[i]))
			return seat->frames[i];
	return LV_SITE_OPEN;
}

static inline __u64 world_above_task(void *ctx)
{
	return world_above(ctx, NULL);
}

static __always_inline __u32 world_preempt_count(void)
{
	return world_seat->preempt_count;
}

static __always_inline __u32 world_preempt_count_of(const struct lv_cpu *cpu)
{
	(void)cpu;
	return world_preempt_count();
}

static __always_inline int world_counts_preemption(void)
{
	return WORLD_COUNTS_PREEMPTION;
}

static __always_inline int world_shows_atomic(void)
{
	return WORLD_COUNTS_PREEMPTION;
}

static __always_inline int world_preempts(void)
{
	return WORLD_PREEMPTS;
}

static __always_inline __u64 world_releases_missed(const struct lv_cpu *cpu)
{
	(void)cpu;
	return world_seat->missed;
}

static __always_inline int world_flags_irqs_on(__u64 flags)
{
	return !!(flags & LV_IRQ_FLAG);
}

static __always_inline int world_irqs_on(__u32 cpu)
{
	(void)cpu;
	return world_seat->world->irqs_seen ? world_seat->irqs_on : -1;
}

/* Tests put an interrupt in the middle of a running program here. */
static inline void world_intrude(void)
{
	if (world_seat->intrude)
		world_seat->intrude(world_seat);
}

static inline int world_read(void *ret, __u32 size, __u64 addr)
{
	const void *at = world_memory(world_seat->world, addr, size);

	world_intrude();
	if (!at)
		return -EFAULT;
	memcpy(ret, at, size);
	return 0;
}

/* Like bpf_probe_read_kernel_str(): cut to size, terminated; the length with the NUL. */
static inline int world_read_str(char *ret, __u32 size, __u64 addr)
{
	const char *at = world_memory(world_seat->world, addr, 1);
	size_t len;

	if (!at || !size)
		return -EFAULT;
	len = strnlen(at, WORLD_OBJECT_SIZE - addr % WORLD_OBJECT_SIZE);
	if (len >= size)
		len = size - 1;
	memcpy(ret, at, len);
	ret[len] = '\0';
	return len + 1;
}

/*
 * Mutexes name their holder and rwsems their writer, as a kernel's; annotations tell of attempts too,
 * by another.
 */
static inline int world_owner(__u64 addr, __u32 family, __u64 *ret, int *ret_shared)
{
	__u64 count = 0;

	*ret_shared = 0;
	if (family == LV_RWSEM)
		return world_read(&count, sizeof(count), addr) || !(count & 1) ||
				       world_read(ret, sizeof(*ret), addr + 8) || !*ret ?
			       -ENOTSUP :
			       0;
	if (family != LV_MUTEX || world_read(ret, sizeof(*ret), addr))
		return -ENOTSUP;
	return 0;
}

/* As machine_lock.c writes them: an rwsem's count, and behind it the newest reader. */
static inline int world_only_reader(__u64 addr, __u64 *ret)
{
	__u64 count = 0;

	if (world_read(&count, sizeof(count), addr) || world_read(ret, sizeof(*ret), addr + 8))
		return -EFAULT;
	return count >> 8 == 1 && !(count & 1) ? 0 : -ENOENT;
}

static inline int world_lock_word(__u64 addr, __u32 family, __u32 *ret)
{
	__u64 word = 0;
	int err = world_read(&word, sizeof(word), addr);

	(void)family;
	*ret = word != 0;
	return err;
}

static inline int world_place(__u64 addr, struct lv_place *ret)
{
	const struct world *world = world_seat->world;
	const struct world_object *object = world_object(world, addr);

	world_intrude();
	if (!object)
		return -EFAULT;
	*ret = world->annotated ? object->told : object->shown;
	return ret->kind == LV_PLACE_NONE ? -ENOENT : 0;
}

/* A page is one lock, whose place may say anything; told ones change with each acquisition. */
static inline __u64 world_page(__u64 addr)
{
	return addr;
}

static inline __u32 world_stride(__u64 addr, const struct lv_place *place)
{
	(void)addr;
	return place->kind == LV_PLACE_SLAB && !world_seat->world->annotated ? LV_PAGE_STRIDE : 0;
}

static inline int world_is_at(__u64 addr, const struct lv_place *place)
{
	struct lv_place now;

	return !world_place(addr, &now) && now.base == place->base && now.off == place->off &&
	       now.kind == place->kind;
}

static inline void world_describe_cache(const struct lv_place *place, char *ret_name,
					__u32 *ret_size)
{
	const struct world *world = world_seat->world;

	for (size_t i = 0; i < world->nr_caches; i++) {
		if (world->caches[i].base != place->base)
			continue;
		memcpy(ret_name, world->caches[i].name, LV_NAME_LEN);
		*ret_size = world->caches[i].size;
	}
}

static inline int world_pseudo_place(__u64 addr, __u64 base, struct lv_place *ret)
{
	(void)base;
	return world_place(addr, ret);
}

static inline void world_describe_pseudo(__u64 base, __u32 kind, char *ret_text)
{
	(void)base;
	(void)kind;
	(void)ret_text;
}

/* Its word is written by machine_lock.c. All bits are set: it does not tell. */
static inline int world_pseudo_is_held(__u32 kind, __u64 addr)
{
	__u64 word = 0;

	if (!(pseudo_traits(kind) & LV_PSEUDO_BY_WORD))
		return 1;
	if (world_read(&word, sizeof(word), addr))
		return 0;
	return word == ~0ull ? -1 : !!word;
}

static inline int world_is_kernel_sock(__u64 addr)
{
	const struct world_object *object = world_object(world_seat->world, addr);

	return object && object->kernel_sock;
}

/* A told class may change with the next acquisition, as its subclass does. */
static inline int world_place_is_permanent(__u64 addr, const struct lv_place *place)
{
	(void)addr;
	return place->kind == LV_PLACE_PERCPU || place->kind == LV_PLACE_STATIC;
}

static __always_inline struct lv_order *world_order(__u32 id)
{
	return &world_seat->world->orders.order[id & (LV_MAX_ORDERS - 1)];
}

static __always_inline __u64 *world_alike(__u32 id)
{
	return &world_seat->world->alikes.word[id & (LV_MAX_ALIKES - 1)];
}

static inline int world_holds_elsewhere(__u32 cpu_id, __u64 addr)
{
	const struct world *world = world_seat->world;

	for (__u32 i = 0; i < world->nr_cpus; i++) {
		const struct lv_cpu *cpu = &world->cpus[i];

		for (__u32 level = 0; i != cpu_id && level < LV_LEVELS; level++)
			for (__u32 at = 0; at < cpu->stack[level].depth; at++)
				if (cpu->stack[level].held[at].addr == addr)
					return 1;
	}
	return 0;
}

static __always_inline struct lv_wait *world_wait(__u32 id)
{
	return &world_seat->world->waits.wait[id & (LV_MAX_WAITS - 1)];
}

static __always_inline __u64 *world_wait_key(__u32 id)
{
	return &world_seat->world->waits.key[id & (LV_MAX_WAITS - 1)];
}

/* As machine_lock.c lays locks out: an object has none inside another. */
static inline __u32 world_inner_lock(__u32 family)
{
	return world_seat->world->inner_lock;
}

static inline __u64 world_time_ns(void)
{
	return world_seat->world->time_ns | 1;
}

static inline __u64 world_object_hash(__u64 addr, const struct lv_place *place,
				      __u32 size)
{
	const struct world_object *object = world_object(world_seat->world, addr);

	(void)place;
	(void)size;
	return object ? LV_INSTANCE_HASH(addr + object->lives) : 0;
}

static inline void world_take_stack(void *ctx, struct lv_stack *stack)
{
	const struct seat *seat = world_seat;

	(void)ctx;
	memcpy(stack->ip, seat->frames, seat->nr_frames * sizeof(seat->frames[0]));
	stack->nr = seat->nr_frames;
}

#endif
