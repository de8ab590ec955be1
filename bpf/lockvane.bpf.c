// SPDX-License-Identifier: GPL-2.0-only
/*
 * The programs: one a line of hooks.def, each only hands its event to the
 * recorder. Locks are seen on return from the function that took them and on
 * entry to the one that gives them back, so that what the recorder believes
 * to be held is held, and every program of a spinning lock runs with preemption
 * off.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "abi.h"
#include "hooks.h"
#include "world.bpf.h"
#include "anchor.bpf.h"
#include "layout.bpf.h"
#include "lease.bpf.h"
#include "record/recorder.h"
#include "retire.bpf.h"
#include "valve.bpf.h"
#include "wait.bpf.h"

extern const void cpu_hotplug_lock __ksym __weak;

char LICENSE[] SEC("license") = "GPL";

/* As scalars: a typed pointer would refuse arithmetic. Under the guard, world_argument() is cheaper. */
static __always_inline __u64 argument(void *ctx, __u32 n)
{
	__u64 value = 0;

	bpf_get_func_arg(ctx, n, &value);
	return value;
}

static __always_inline __u64 returned(void *ctx)
{
	__u64 value = 0;

	bpf_get_func_ret(ctx, &value);
	return value;
}

/* An argument of a tracepoint. A raw tracepoint's program may not use a map with a bpf_spin_lock in it. */
static __always_inline __u64 traced(const __u64 *ctx, __u32 n)
{
	__u64 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), ctx + n);
	return value;
}

/*
 * A test may add code behind each event of a lock: see tests/truth/. Nothing, in what is shipped.
 */
#ifdef LV_OBSERVER
#include LV_OBSERVER
#else
#define OBSERVE_TAKEN(hook, family, addr)
#define OBSERVE_GIVEN_BACK(hook, family, addr, irqs_on)
#define OBSERVE_PSEUDO(addr, base, how)
#endif

#include "pseudo_hooks.bpf.h"

/* In a program: nothing is to be done. The recorder asks itself whose events these are... */
#define UNLESS_ARMED_LEAVE                                                                  \
	__u32 word = armed_word();                                                          \
                                                                                            \
	if (!word)                                                                          \
		return 0

/* ...but for sleeping locks and names. */
#define UNLESS_OURS_LEAVE                                                                   \
	if (!is_armed(armed_word()))                                                        \
		return 0

#define LV_ACQUIRE(function, family, mode, irq)                                             \
	SEC("fexit/" #function)                                                             \
	int lv_##function(void *ctx)                                                        \
	{                                                                                   \
		UNLESS_ARMED_LEAVE;                                                         \
		record_acquire(ctx, word, LV_HOOK_##function, LV_##family, LV_##mode, 0,          \
			       LV_IRQ_##irq);                                               \
		OBSERVE_TAKEN(LV_HOOK_##function, LV_##family, argument(ctx, 0));           \
		return 0;                                                                   \
	}

#define LV_TRY(function, family, mode, irq)                                                 \
	SEC("fexit/" #function)                                                             \
	int lv_##function(void *ctx)                                                        \
	{                                                                                   \
		UNLESS_ARMED_LEAVE;                                                         \
		if (!(__u32)returned(ctx))                                                  \
			return 0;                                                           \
		record_acquire(ctx, word, LV_HOOK_##function, LV_##family, LV_##mode,       \
			       LV_HELD_TRY, LV_IRQ_##irq);                                  \
		OBSERVE_TAKEN(LV_HOOK_##function, LV_##family, argument(ctx, 0));           \
		return 0;                                                                   \
	}

#define LV_RELEASE(function, family, irq)                                                   \
	SEC("fentry/" #function)                                                            \
	int lv_##function(void *ctx)                                                        \
	{                                                                                   \
		__u64 flags = 0;                                                            \
                                                                                            \
		UNLESS_ARMED_LEAVE;                                                         \
		if (LV_IRQ_##irq == LV_IRQ_RESTORE)                                         \
			flags = ((const __u64 *)ctx)[1];                                    \
		record_release(ctx, word, LV_HOOK_##function, LV_##family, LV_IRQ_##irq,    \
			       flags);                                                      \
		OBSERVE_GIVEN_BACK(LV_HOOK_##function, LV_##family, argument(ctx, 0),       \
				   release_enables(LV_IRQ_##irq, 0, flags));                \
		return 0;                                                                   \
	}

#define LV_NAME(function, family)                                                           \
	SEC("fentry/" #function)                                                            \
	int lv_##function(void *ctx)                                                        \
	{                                                                                   \
		UNLESS_OURS_LEAVE;                                                          \
		record_name(argument(ctx, 0), argument(ctx, 1));                            \
		return 0;                                                                   \
	}

/* Where a sleeping lock's address is; see hooks.def. */
#define LOCK_ARG argument(ctx, 0)
#define LOCK_ARG2 argument(ctx, 1)
#define LOCK_SOCK (argument(ctx, 0) + bpf_core_field_offset(struct sock, sk_lock))
#define LOCK_CPUS ((__u64)&cpu_hotplug_lock)

#define TAKEN_ALWAYS 1
#define TAKEN_ZERO !(__u32)returned(ctx)
#define TAKEN_NONZERO (__u32)returned(ctx)
#define TAKEN_TRUE (__u8)returned(ctx) /* a bool: the rest of the register is anything */

#define HOW_WAIT 0
#define HOW_TRY LV_HELD_TRY
#define HOW_AGAIN LV_HELD_AGAIN
#define HOW_WW (argument(ctx, 1) ? LV_HELD_NESTED : 0)
#define HOW_WW_TRY (HOW_WW | LV_HELD_TRY | LV_HELD_AGAIN)

#define MODE_READ SLEEP_READ
#define MODE_WRITE 0

/* An event that may be told twice is seen on return, when the inner function has told. */
#define RELEASE_WAIT "fentry/"
#define RELEASE_AGAIN "fexit/"

#define SLEEP_META(function, family) \
	EVENT_META(LV_HOOK_##function, LV_LEVEL_TASK, LV_##family)

#define LV_SLEEP(function, family, mode, lock, when, how)                                   \
	SEC("fexit/" #function)                                                             \
	int lv_##function(void *ctx)                                                        \
	{                                                                                   \
		UNLESS_OURS_LEAVE;                                                          \
		if (!(TAKEN_##when))                                                        \
			return 0;                                                           \
		record_sleep(ctx, LOCK_##lock, SLEEP_META(function, family),                \
			     HOW_##how | MODE_##mode);                                      \
		OBSERVE_TAKEN(LV_HOOK_##function, LV_##family, LOCK_##lock);                \
		return 0;                                                                   \
	}

#define LV_SLEEP_RELEASE(function, family, lock, how)                                       \
	SEC(RELEASE_##how #function)                                                        \
	int lv_##function(void *ctx)                                                        \
	{                                                                                   \
		UNLESS_OURS_LEAVE;                                                          \
		record_stack(ctx, sleep_release(LOCK_##lock, SLEEP_META(function, family),  \
						HOW_##how));                                \
		OBSERVE_GIVEN_BACK(LV_HOOK_##function, LV_##family, LOCK_##lock, 0);        \
		return 0;                                                                   \
	}

#define LV_DOWNGRADE(function, family)                                                      \
	SEC("fexit/" #function)                                                             \
	int lv_##function(void *ctx)                                                        \
	{                                                                                   \
		UNLESS_OURS_LEAVE;                                                          \
		record_stack(ctx, sleep_downgrade(LOCK_ARG, SLEEP_META(function, family))); \
		return 0;                                                                   \
	}

#define LV_HAND_OVER(function, family)                                                      \
	SEC("fexit/" #function)                                                             \
	int lv_##function(void *ctx)                                                        \
	{                                                                                   \
		UNLESS_OURS_LEAVE;                                                          \
		if (!(__u32)returned(ctx))                                                  \
			sleep_hand_over(SLEEP_META(function, family));                      \
		return 0;                                                                   \
	}

#define LV_PSEUDO(id, way, function, needs, unless)                                         \
	SEC(#way "/" #function)                                                             \
	int lv_##id(__u64 *ctx)                                                             \
	{                                                                                   \
		UNLESS_OURS_LEAVE;                                                          \
		see_##id(ctx, EVENT_META(LV_HOOK_##id, LV_LEVEL_TASK, LV_PSEUDO));          \
		return 0;                                                                   \
	}

#include "hooks.def"

/* (bool preempt, struct task_struct *prev, struct task_struct *next, unsigned int prev_state) */
SEC("raw_tp/sched_switch")
int lv_sched_switch(__u64 *ctx)
{
	enum record_leave leave = RECORD_BLOCKED;
	UNLESS_ARMED_LEAVE;
	lease_look(word);
	/* In a self-check, too, whoever goes: it is the other who makes room for us. */
	word &= ~LV_PROBING;
	if (ctx[0])
		leave = RECORD_PREEMPTED;
	else if ((__u32)ctx[3] == LV_TASK_DEAD)
		leave = RECORD_DEAD;
	stack_note(ctx[2]);
	record_switch(ctx, ctx[2], word, leave);
	return 0;
}

/* Run over the kernel's programs before arming: where it counts the skipped runs of releases. */
SEC("iter/bpf_prog")
int lv_find_releases(struct bpf_iter__bpf_prog *ctx)
{
	struct bpf_prog *prog = ctx->prog;
	__u64 stats;
	__u32 id;

	if (!prog)
		return 0;
	id = BPF_CORE_READ(prog, aux, id);
	stats = (__u64)BPF_CORE_READ(prog, stats);
	for (__u32 i = 0; i < LV_MAX_RELEASES; i++)
		if (stats && id == lv_releases.id[i])
			lv_releases.misses[i] =
				stats + bpf_core_field_offset(struct bpf_prog_stats, misses);
	return 0;
}

extern const void __kfence_pool __ksym __weak;
extern const void __per_cpu_offset __ksym;
extern const void __per_cpu_start __ksym;
extern const void __per_cpu_end __ksym;
extern const void pcpu_base_addr __ksym __weak;
extern const void pcpu_first_chunk __ksym __weak;
extern const void runqueues __ksym __weak;

/*
 * A CPU's unit of the first chunk: the static section, and room to allocate in, which that
 * chunk's struct describes. The rest, up to pcpu_unit_size, is free memory like any other.
 */
static __always_inline __u64 find_percpu_size(void)
{
	__u64 chunk = word_at(&pcpu_first_chunk, 0), base = word_at(&pcpu_base_addr, 0);
	__u64 nr_pages;

	if (!chunk || !base)
		return 0;
	nr_pages = (__u32)MEMORY_MEMBER(chunk, struct pcpu_chunk, nr_pages);
	return MEMORY_MEMBER(chunk, struct pcpu_chunk, base_addr) +
	       (nr_pages << MEMORY_PAGE_SHIFT) - base;
}

static __always_inline void find_percpu(struct lv_layout *layout)
{
	layout->percpu_start = (__u64)&__per_cpu_start;
	layout->percpu_end = (__u64)&__per_cpu_end;
	layout->percpu_unit_end = layout->percpu_start + find_percpu_size();
	if (layout->percpu_unit_end < layout->percpu_end)
		layout->percpu_unit_end = layout->percpu_end;
}

static __always_inline int find_layout(struct lv_layout *layout)
{
	find_percpu(layout);
	layout->kfence = word_at(&__kfence_pool, 0);
	layout->kfence_end = layout->kfence ? layout->kfence + LV_KFENCE_SIZE : 0;
	layout->orc_kind = unwind_find_orc_kind();
	return layout_find(layout);
}

static long find_cpu(__u32 i, __u32 *rq_lock)
{
	struct lv_cpu *cpu = world_cpu(i);

	if (!cpu)
		return 1;
	cpu->percpu = word_at((const char *)&__per_cpu_offset + i * sizeof(__u64), 0);
	cpu->count_at = arch_find_count(i);
	cpu->rq_lock = &runqueues ? (__u64)&runqueues + cpu->percpu + *rq_lock : 0;
	return 0;
}

static long find_unit(__u32 i, void *none)
{
	if (i >= lv_units.nr || i >= LV_MAX_CPUS)
		return 1;
	lv_units.start[i] = word_at((const char *)&__per_cpu_offset + i * sizeof(__u64), 0) +
			    (__u64)&__per_cpu_start;
	return 0;
}

/* Run by the user half once, which then sorts them: nr is how many CPUs are possible. */
SEC("syscall")
int lv_find_units(void *ctx)
{
	bpf_loop(LV_MAX_CPUS, find_unit, 0, 0);
	return 0;
}

/* Run by the user half before it arms: where this kernel keeps things, and who asks. */
SEC("syscall")
int lv_prepare(void *ctx)
{
	struct lv_layout layout = {};
	__u32 rq_lock = 0;

	if (find_layout(&layout))
		return 1;
	lv_control.layout = layout; /* at once: hooks may be at work */
	lv_control.probe_task = world_task();
	if (bpf_core_field_exists(((struct rq *)0)->__lock))
		rq_lock = bpf_core_field_offset(struct rq, __lock);
	bpf_loop(LV_MAX_CPUS, find_cpu, &rq_lock, 0);
	return 0;
}
