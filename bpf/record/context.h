/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which CPU, which level, may we write? First thing in every hook.
 *
 * preempt_count (include/linux/preempt.h): 0x000000ff preemption,
 * 0x0000ff00 softirq (0x100 serving, 0x200 a disable), 0x000f0000 hardirq,
 * 0x00f00000 NMI.
 */
#ifndef LOCKVANE_RECORD_CONTEXT_H
#define LOCKVANE_RECORD_CONTEXT_H

#include "record/world.h"

#define CONTEXT_PREEMPT 0x000000ffu
#define CONTEXT_SOFTIRQ 0x0000ff00u
#define CONTEXT_SERVING 0x00000100u
#define CONTEXT_BH_STEP 0x00000200u
#define CONTEXT_HARDIRQ 0x000f0000u
#define CONTEXT_NMI 0x00f00000u
#define CONTEXT_ALL 0x00ffffffu /* above them, x86 keeps a flag of the scheduler's */
#define CONTEXT_ABOVE_TASK (CONTEXT_SERVING | CONTEXT_HARDIRQ | CONTEXT_NMI)
#define CONTEXT_IN_INTERRUPT (CONTEXT_SOFTIRQ | CONTEXT_HARDIRQ | CONTEXT_NMI)

/* Programs run with preemption off, interrupts nest strictly: plain stores do. */
#define barrier_here() __asm__ __volatile__("" ::: "memory")
/*
 * Keep a value as it is: compilers would compute a pointer anew for each member,
 * and forget a mask that they know to be of no use, but 6.1's verifier does not.
 */
#define keep_value(p) __asm__ __volatile__("" : "+r"(p))

struct context {
	struct lv_cpu *cpu;
	__u32 id;    /* number of the CPU */
	__u32 count; /* preempt_count */
	__u32 level; /* enum lv_level */
};

/* Losses are counted by the program that met them. */
static __always_inline void count_losses(struct lv_cpu *cpu, enum lv_loss kind, __u64 nr)
{
	__u32 hook = cpu->guard ? cpu->guard - 1 : cpu->sleeper;

	cpu->lost[kind][hook & (LV_MAX_HOOKS - 1)] += nr;
}

static __always_inline void count_loss(struct lv_cpu *cpu, enum lv_loss kind)
{
	count_losses(cpu, kind, 1);
}

RECORD_RARE int count_unplanned_cpu(void)
{
	__sync_fetch_and_add(&world_control()->lost_cpu, 1);
	return 0;
}

static __always_inline __u32 level_of(__u32 count)
{
	if (count & CONTEXT_HARDIRQ)
		return LV_LEVEL_HARDIRQ;
	return count & CONTEXT_SERVING ? LV_LEVEL_SOFTIRQ : LV_LEVEL_TASK;
}

/* Forget what a level holds; whatever was left was a stale entry. */
static __always_inline void empty_level(struct lv_cpu *cpu, __u32 level)
{
	struct lv_held_stack *stack = &cpu->stack[level];

	count_losses(cpu, LV_LOSS_STALE_HOLDER, stack->depth);
	stack->depth = 0;
	stack->tainted = 0;
}

RECORD_RARE int is_probed(void)
{
	return world_control()->probe_task == world_task();
}

/* Asked first in every hook, before anything is fetched: disarmed, it costs that and no more. */
static __always_inline __u32 armed_word(void)
{
	return read_once(world_control()->word);
}

/* Is what happens here recorded, with this word? */
static __always_inline int is_armed(__u32 word)
{
	return word && (!(word & LV_PROBING) || is_probed());
}

/*
 * Take the guard. Returns 0 if the event is ours to record; context_look() or context_leave() must
 * follow. word: armed_word(), not 0. The guard is one plain word a CPU: an interrupt that hits between
 * test and set runs its own programs whole and leaves the word as it was.
 */
static __always_inline int context_claim(struct context *ret, __u32 word, __u32 hook)
{
	__u32 id = world_cpu_id();
	struct lv_cpu *cpu = world_cpu(id);

	if (!cpu) {
		count_unplanned_cpu();
		return -1;
	}
	if (word & LV_PROBING && !is_probed())
		return -1;
	if (cpu->guard) {
		cpu->lost[LV_LOSS_GUARD][hook]++;
		return -1;
	}
	cpu->guard = hook + 1;
	barrier_here();
	ret->cpu = cpu;
	ret->id = id;
	return 0;
}

static __always_inline void context_leave(struct context *context)
{
	barrier_here();
	context->cpu->guard = 0;
}

/* Under the guard: find out where we are. Returns 0, or -1 where nothing is recorded, without the guard then. */
static __always_inline int context_look(struct context *context)
{
	context->count = world_preempt_count_of(context->cpu) & CONTEXT_ALL;
	context->level = LV_LEVEL_TASK;
	if (context->count & CONTEXT_ABOVE_TASK) {
		if (context->count & CONTEXT_NMI) {
			count_loss(context->cpu, LV_LOSS_NMI);
			context_leave(context);
			return -1;
		}
		context->level = level_of(context->count);
	}
	return 0;
}

/* Both. context_leave() must follow. */
static __always_inline int context_begin(struct context *ret, __u32 word, __u32 hook)
{
	if (context_claim(ret, word, hook) || context_look(ret))
		return -1;
	ret->cpu->events[hook]++;
	return 0;
}

/* Does the CPU believe to hold something at a level above the task's? */
static __always_inline int context_holds_higher(const struct lv_cpu *cpu)
{
	return cpu->stack[LV_LEVEL_HARDIRQ].depth | cpu->stack[LV_LEVEL_SOFTIRQ].depth;
}

/* An event at a lower level: the higher ones have ended. */
RECORD_RARE int context_end_higher(__u32 level)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());

	if (!cpu)
		return 0;
	empty_level(cpu, LV_LEVEL_HARDIRQ);
	if (level < LV_LEVEL_SOFTIRQ)
		empty_level(cpu, LV_LEVEL_SOFTIRQ);
	return 0;
}

RECORD_RARE int context_new_epoch(void)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());

	if (!cpu)
		return 0;
	for (int level = 0; level < LV_LEVELS; level++) {
		cpu->stack[level].depth = 0;
		cpu->stack[level].tainted = 0;
	}
	cpu->task = world_task();
	cpu->task_slot = LV_NONE;
	cpu->task_top = 0;
	cpu->word = armed_word();
	return 0;
}

/* Before something is put on a held stack: make sure of what is there. */
static __always_inline void context_settle(struct lv_cpu *cpu, __u32 level)
{
	if (cpu->word != armed_word())
		context_new_epoch();
	if ((level < LV_LEVEL_HARDIRQ && cpu->stack[LV_LEVEL_HARDIRQ].depth) ||
	    (level < LV_LEVEL_SOFTIRQ && cpu->stack[LV_LEVEL_SOFTIRQ].depth))
		context_end_higher(level);
}

static __always_inline int context_enter(struct context *ret, __u32 word, __u32 hook)
{
	if (context_begin(ret, word, hook))
		return -1;
	context_settle(ret->cpu, ret->level);
	return 0;
}

/*
 * The same for a sleeping lock's program, which can be preempted, and then
 * shares this CPU's memory with those of other tasks. So it takes no guard, and
 * touches little that is not the task's own: see sleep.h. It stays on its CPU.
 */
static __always_inline int context_enter_sleeping_on(struct lv_cpu *cpu, struct context *ret,
						     __u32 hook)
{
	cpu->sleeper = hook;
	ret->count = world_preempt_count_of(cpu) & CONTEXT_ALL;
	ret->level = level_of(ret->count);
	if (ret->count & CONTEXT_NMI) {
		count_loss(cpu, LV_LOSS_NMI);
		return -1;
	}
	if (cpu->word != armed_word())
		context_new_epoch();
	cpu->events[hook & (LV_MAX_HOOKS - 1)]++;
	ret->cpu = cpu;
	return 0;
}

static __always_inline int context_enter_sleeping(struct context *ret, __u32 hook)
{
	struct lv_cpu *cpu;

	ret->id = world_cpu_id();
	cpu = world_cpu(ret->id);
	if (!cpu) {
		count_unplanned_cpu();
		return -1;
	}
	return context_enter_sleeping_on(cpu, ret, hook);
}

#endif
