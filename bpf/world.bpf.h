/* SPDX-License-Identifier: GPL-2.0-only */
/* The recorder's world as a BPF program sees it, on kernels 6.1 and later. */
#ifndef LOCKVANE_WORLD_BPF_H
#define LOCKVANE_WORLD_BPF_H

#include "record/world.h"
#include "abi.h"
#include "frame.bpf.h"
#include "maps.bpf.h"
#include "place.bpf.h"
#include "pseudo.bpf.h"
#include "word.bpf.h"

#define RECORD_RARE __noinline
#define RECORD_SHARED __noinline

/* Chosen by the user half from what the kernel has; constants to the verifier. */
const volatile bool lv_preempt_counted = 1;
const volatile bool lv_preempts = 0;
const volatile bool lv_shows_atomic = 0;
const volatile __u32 lv_irq_source = LV_IRQ_SOURCE_NONE;

extern const unsigned long local_interrupt_disable_state __ksym __weak; /* since 7.3 */
extern const void __lock_text_start __ksym __weak;
extern const void __lock_text_end __ksym __weak;
extern const void __sched_text_start __ksym __weak;
extern const void __sched_text_end __ksym __weak;
extern const unsigned long irqsave_flags __ksym __weak;
extern void bpf_local_irq_save(unsigned long *flags) __ksym __weak; /* 6.14 */
extern void bpf_local_irq_restore(unsigned long *flags) __ksym __weak;

#define WORLD_LOOKUP(function, map, type)                 \
	static __always_inline type *function(__u32 id)   \
	{                                                 \
		return bpf_map_lookup_elem(&(map), &id);  \
	}

WORLD_LOOKUP(world_cpu, lv_cpus, struct lv_cpu)
WORLD_LOOKUP(world_class, lv_classes, struct lv_class)
WORLD_LOOKUP(world_edge, lv_edges, struct lv_edge)
WORLD_LOOKUP(world_stack, lv_stacks, struct lv_stack)
WORLD_LOOKUP(world_name, lv_names, struct lv_name)
WORLD_LOOKUP(world_fact, lv_facts, struct lv_fact)
WORLD_LOOKUP(world_task_stack, lv_tasks, struct lv_held_stack)

static __always_inline __u64 *world_task_key(__u32 id)
{
	return &lv_task_keys.key[id & (LV_MAX_TASKS - 1)];
}

static __always_inline struct lv_order *world_order(__u32 id)
{
	return &lv_orders.order[id & (LV_MAX_ORDERS - 1)];
}

static __always_inline __u64 *world_alike(__u32 id)
{
	return &lv_alikes.word[id & (LV_MAX_ALIKES - 1)];
}

static __always_inline struct lv_wait *world_wait(__u32 id)
{
	return &lv_waits.wait[id & (LV_MAX_WAITS - 1)];
}

static __always_inline __u64 *world_wait_key(__u32 id)
{
	return &lv_waits.key[id & (LV_MAX_WAITS - 1)];
}

static __always_inline struct lv_control *world_control(void)
{
	return &lv_control;
}

static __always_inline __u32 world_cpu_id(void)
{
	return bpf_get_smp_processor_id();
}

static __always_inline __u64 world_task(void)
{
	return bpf_get_current_task();
}

static __always_inline void world_describe_task(struct lv_stack *stack)
{
	stack->task = bpf_get_current_task();
	stack->pid = (__u32)bpf_get_current_pid_tgid();
	bpf_get_current_comm(stack->comm, sizeof(stack->comm));
}

/*
 * A typed pointer refuses arithmetic. A pointer read back from memory has no type, at a fifth of
 * what bpf_get_func_arg() costs.
 */
static __always_inline __u64 world_argument(void *ctx, struct lv_cpu *cpu, __u32 n)
{
	volatile __u64 *argument = &cpu->argument;

	*argument = ((const __u64 *)ctx)[n];
	return *argument;
}

/* All functions of spinning locks are in one section. */
static __always_inline __u64 world_caller(__u64 event)
{
	if (!&__lock_text_start)
		return 0;
	return frame_caller(event, &__lock_text_start, &__lock_text_end);
}

static __always_inline int world_is_code(__u64 ip)
{
	return arch_is_static(ip);
}

static __always_inline __u32 world_caller_at(__u64 event)
{
	if (!&__lock_text_start)
		return FRAME_NOWHERE;
	return unwind_slot(event, &__lock_text_start, &__lock_text_end) - event;
}

/* Before 6.2 a read takes stack, which is scarce: out of line. */
static __always_inline __u64 world_event_word(__u64 event, __u32 at)
{
	return bpf_rdonly_cast ? memory_load(event + (at & FRAME_WORDS)) : frame_word(event, at);
}

/*
 * Most functions of sleeping locks are in .sched.text; of those that are not, an address in the
 * function itself comes back, which the user half knows by its symbol. A task that was preempted
 * may have left its event: a trampoline's frame is on the stack of the task that runs.
 */
static __always_inline __u64 world_sleeping_caller(__u64 event)
{
	__u64 stack = MEMORY_MEMBER(bpf_get_current_task(), struct task_struct, stack);

	if (event - stack >= MEMORY_STACK_SIZE || !&__sched_text_start)
		return 0;
	return frame_caller(event, &__sched_text_start, &__sched_text_end);
}

static __always_inline __u32 world_sleeping_caller_at(__u64 event)
{
	__u64 stack = MEMORY_MEMBER(bpf_get_current_task(), struct task_struct, stack);

	if (event - stack >= MEMORY_STACK_SIZE || !&__sched_text_start)
		return FRAME_NOWHERE;
	return unwind_slot(event, &__sched_text_start, &__sched_text_end) - event;
}

static __always_inline __u64 world_sleeping_word(__u64 event, __u32 at)
{
	__u64 stack = MEMORY_MEMBER(bpf_get_current_task(), struct task_struct, stack);

	return event - stack < MEMORY_STACK_SIZE ? world_event_word(event, at) : 0;
}

static __always_inline int world_is_generic(__u64 ip)
{
	return generic_has(ip);
}

/* Past our own frames and the lock's function come generic functions, then their caller. */
static __always_inline __u64 above_generic(const __u64 *ip, int nr)
{
	int passed = 0;

	for (int i = 0; i < nr; i++) {
		int generic = world_is_generic(ip[i]);

		if (passed && !generic)
			return arch_is_static(ip[i]) ? ip[i] : LV_SITE_OPEN;
		passed |= generic;
	}
	return LV_SITE_OPEN;
}

/* skip: the frames that are a tracepoint's. */
static __noinline __u64 world_walk_above(void *ctx, __u64 *ip, __u32 skip)
{
	if (bpf_get_stack(ctx, ip, LV_ABOVE_FRAMES * sizeof(*ip), skip) < 0)
		return LV_SITE_OPEN;
	return above_generic(ip, LV_ABOVE_FRAMES);
}

/* By ORC, where it tells: 0, if not. */
RECORD_RARE __u64 world_above_spinning(__u64 event)
{
	if (!&__lock_text_start)
		return 0;
	return frame_above(unwind_slot(event, &__lock_text_start, &__lock_text_end));
}

static __always_inline __u64 world_above(void *ctx, struct lv_cpu *cpu)
{
	__u64 above = world_above_spinning(cpu->event);

	return above ? above : world_walk_above(ctx, cpu->frames, 0);
}

RECORD_RARE __u64 world_above_sleeping(__u64 event)
{
	__u64 stack = MEMORY_MEMBER(bpf_get_current_task(), struct task_struct, stack);

	if (event - stack >= MEMORY_STACK_SIZE || !&__sched_text_start)
		return 0;
	return frame_above(unwind_slot(event, &__sched_text_start, &__sched_text_end));
}

/* The frames are a task's whose program may be preempted while it reads them. */
static __noinline __u64 world_walk_task(void *ctx, __u32 skip)
{
	__u32 id = bpf_get_smp_processor_id(), slot;
	struct lv_cpu *cpu = bpf_map_lookup_elem(&lv_cpus, &id);
	struct lv_frames *frames;

	if (!cpu)
		return LV_SITE_OPEN;
	slot = cpu->task_slot;
	frames = bpf_map_lookup_elem(&lv_frames, &slot);
	return frames ? world_walk_above(ctx, frames->ip, skip) : LV_SITE_OPEN;
}

static __always_inline __u64 world_above_task(void *ctx)
{
	__u32 id = bpf_get_smp_processor_id();
	struct lv_cpu *cpu = bpf_map_lookup_elem(&lv_cpus, &id);
	__u64 above = cpu ? world_above_sleeping(cpu->sleep_event) : 0;

	return above ? above : world_walk_task(ctx, 0);
}

static __always_inline __u32 world_as_before_7_3(__u32 count)
{
	return &local_interrupt_disable_state ? world_count_of_7_3(count) : count;
}

static __always_inline __u32 world_preempt_count(void)
{
	return world_as_before_7_3(arch_preempt_count());
}

static __always_inline __u32 world_preempt_count_of(const struct lv_cpu *cpu)
{
	return world_as_before_7_3(arch_preempt_count_of(cpu));
}

static __always_inline int world_counts_preemption(void)
{
	return lv_preempt_counted;
}

static __always_inline int world_shows_atomic(void)
{
	return lv_shows_atomic;
}

static __always_inline int world_preempts(void)
{
	return lv_preempts;
}

/* As bpf_prog_inc_misses_counter() has counted them on this CPU. */
static __always_inline __u64 world_releases_missed(const struct lv_cpu *cpu)
{
	__u64 sum = 0;

	for (__u32 i = 0; i < LV_MAX_RELEASES; i++) {
		if (!lv_releases.misses[i])
			break;
		sum += memory_word(cpu->percpu + lv_releases.misses[i]);
	}
	return sum;
}

/*
 * A tracing program has no flags register to look at. From 6.14 on a kfunc
 * saves the flag to our stack; before that, bpf_spin_lock() leaves it in a
 * per-CPU variable of kernel/bpf/helpers.c. The lock is this CPU's own, taken
 * under the guard: nobody else ever wants it.
 */
RECORD_RARE int world_irq_flag(__u32 cpu)
{
	struct lv_irq_slot *slot;
	unsigned long saved = 0, flags = 0;

	if (lv_irq_source == LV_IRQ_SOURCE_KFUNC && bpf_local_irq_save) {
		bpf_local_irq_save(&saved);
		bpf_probe_read_kernel(&flags, sizeof(flags), &saved);
		bpf_local_irq_restore(&saved);
		return arch_flags_irqs_on(flags);
	}
	if (lv_irq_source == LV_IRQ_SOURCE_SPIN_LOCK && &irqsave_flags) {
		slot = bpf_map_lookup_elem(&lv_irq_slots, &cpu);
		if (!slot)
			return -1;
		bpf_spin_lock(&slot->lock);
		bpf_spin_unlock(&slot->lock);
		flags = *(const unsigned long *)bpf_this_cpu_ptr(&irqsave_flags);
		return arch_flags_irqs_on(flags);
	}
	return -1;
}

static __always_inline int world_flags_irqs_on(__u64 flags)
{
	return arch_flags_irqs_on(flags);
}

static __always_inline int world_irqs_on(__u32 cpu)
{
	return lv_irq_source == LV_IRQ_SOURCE_NONE ? -1 : world_irq_flag(cpu);
}

/* Names are literals, of the kernel or a module, or were allocated. */
static __always_inline int world_read_str(char *ret, __u32 size, __u64 addr)
{
	if (!memory_is_plain(addr))
		return -1;
	return bpf_probe_read_kernel_str(ret, size, (const void *)addr);
}

static __always_inline int world_owner(__u64 addr, __u32 family, __u64 *ret, int *ret_shared)
{
	return word_owner(addr, family, ret, ret_shared);
}

static __always_inline int world_lock_word(__u64 addr, __u32 family, __u32 *ret)
{
	return word_held(addr, family, ret);
}

static __always_inline int world_only_reader(__u64 addr, __u64 *ret)
{
	return word_only_reader(addr, ret);
}

static __always_inline __u32 world_inner_lock(__u32 family)
{
	return word_inner_lock(family);
}

static __always_inline __u64 world_time_ns(void)
{
	return bpf_ktime_get_ns() | 1;
}

static __always_inline int world_place(__u64 addr, struct lv_place *ret)
{
	return place_find(addr, ret);
}

static __always_inline __u64 world_page(__u64 addr)
{
	return addr >> MEMORY_PAGE_SHIFT << MEMORY_PAGE_SHIFT;
}

static __always_inline __u32 world_stride(__u64 addr, const struct lv_place *place)
{
	return place_stride(addr, place);
}

static __always_inline int world_is_at(__u64 addr, const struct lv_place *place)
{
	return place->kind == LV_PLACE_PSEUDO ||
	       place_is(addr, place->base, place->off, place->kind);
}

static __always_inline void world_describe_cache(const struct lv_place *place, char *ret_name,
						 __u32 *ret_size)
{
	place_describe_cache(place->base, ret_name, ret_size);
}

static __always_inline int world_pseudo_place(__u64 addr, __u64 base, struct lv_place *ret)
{
	return pseudo_place(base, ret);
}

static __always_inline void world_describe_pseudo(__u64 base, __u32 kind, char *ret_text)
{
	pseudo_describe(base, kind, ret_text);
}

static __always_inline int world_pseudo_is_held(__u32 kind, __u64 addr)
{
	return pseudo_is_held(kind, addr);
}

/* Sockets are allocated from slabs. */
static __always_inline int world_is_kernel_sock(__u64 addr)
{
	struct sock *sock = (struct sock *)(addr - bpf_core_field_offset(struct sock, sk_lock));

	return memory_is_direct(addr) && BPF_CORE_READ_BITFIELD_PROBED(sock, sk_kern_sock);
}

/* Modules go and slabs change hands; the kernel's image and its per-CPU section stay. */
static __always_inline int world_place_is_permanent(__u64 addr, const struct lv_place *place)
{
	return place->kind == LV_PLACE_PERCPU ||
	       (place->kind == LV_PLACE_STATIC && memory_is_kernel(addr));
}

#define OBJECT_WORDS 16 /* words of an object that are looked at: its first two cache lines */
#define OBJECT_LOCK 40	/* bytes, the largest lock's: struct rw_semaphore */

struct world_holders {
	__u64 addr;
	__u32 own; /* this CPU, which is not asked */
	__u32 found;
};

static long world_holds_cpu(__u32 i, struct world_holders *holders)
{
	const volatile struct lv_cpu *cpu = world_cpu(i);

	if (!cpu)
		return 1;
	if (i == holders->own)
		return 0;
	/* Its program is running: who knows what for. */
	holders->found |= cpu->guard != 0;
	for (__u32 level = 0; level < LV_LEVELS; level++)
		for (__u32 at = 0; at < LV_HELD_DEPTH; at++)
			holders->found |= at < cpu->stack[level].depth &&
					  cpu->stack[level].held[at].addr == holders->addr;
	return holders->found & 1; /* for the verifier, which asks a callback for 0 or 1 */
}

RECORD_RARE int world_search_holders(__u32 cpu_id, __u64 addr)
{
	struct world_holders holders = { .addr = addr, .own = cpu_id };

	bpf_loop(LV_MAX_CPUS, world_holds_cpu, &holders, 0);
	return holders.found;
}

static __always_inline int world_holds_elsewhere(__u32 cpu_id, __u64 addr)
{
	return world_search_holders(cpu_id, addr);
}

/*
 * All ones if the word is not to be hashed: the lock's, or a pointer into what is around it. Without
 * branches: see place_search_anchor().
 */
static __always_inline __u64 object_skips(__u64 base, __u64 at, __u64 off, __u64 word)
{
	__u64 of_lock = (off - at - sizeof(word)) & (at - off - OBJECT_LOCK);
	__u64 near = ((word - base) >> MEMORY_PAGE_SHIFT) - 1;
	__u64 skips = (of_lock | near) >> 63;

	__asm__ __volatile__("" : "+r"(skips));
	return -skips;
}

RECORD_RARE __u64 world_object_hash_at(__u64 base, __u32 off, __u32 size)
{
	__u64 hash = 0, rich = 0;

	for (__u32 i = 0; i < OBJECT_WORDS; i++) {
		__u64 word, next, skips;

		if (8 * i + 8 > size)
			break;
		word = memory_word(base + 8 * i);
		next = (hash ^ word) * LV_INSTANCE_HASH(1ull);
		skips = object_skips(base, 8 * i, off, word);
		hash = next ^ ((hash ^ next) & skips);
		rich |= arch_is_kernel(word) & ~skips;
	}
	return (hash & ~(__u64)LV_LOOK_RICH) | 1 | rich * LV_LOOK_RICH;
}

static __always_inline __u64 world_object_hash(__u64 addr, const struct lv_place *place,
						 __u32 size)
{
	if (place->kind != LV_PLACE_SLAB)
		return 0;
	return world_object_hash_at(addr - place->off, place->off, size);
}

static __always_inline void world_take_stack(void *ctx, struct lv_stack *stack)
{
	long bytes = bpf_get_stack(ctx, stack->ip, sizeof(stack->ip), 0);

	stack->nr = bytes > 0 ? bytes / sizeof(stack->ip[0]) : 0;
}

#endif
