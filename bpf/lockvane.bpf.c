// SPDX-License-Identifier: GPL-2.0-only
/*
 * The programs: one a line of hooks.def, each only hands its event to the
 * recorder. Locks are seen on return from the function that took them and on
 * entry to the one that gives them back, so that what the recorder believes
 * to be held is held, and every program but the wait-queue ones runs with
 * preemption off.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "abi.h"
#include "hooks.h"
#include "world.bpf.h"
#include "record/recorder.h"

char LICENSE[] SEC("license") = "GPL";

/* Arguments are fetched as scalars: a typed pointer would refuse arithmetic. */
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

#define LV_ACQUIRE(function, family, mode, irq)                                             \
	SEC("fexit/" #function)                                                             \
	int lv_##function(void *ctx)                                                        \
	{                                                                                   \
		record_acquire(ctx, argument(ctx, 0), LV_HOOK_##function, LV_##family,      \
			       LV_##mode, 0, LV_IRQ_##irq);                                 \
		return 0;                                                                   \
	}

#define LV_TRY(function, family, mode, irq)                                                 \
	SEC("fexit/" #function)                                                             \
	int lv_##function(void *ctx)                                                        \
	{                                                                                   \
		if ((__u32)returned(ctx))                                                   \
			record_acquire(ctx, argument(ctx, 0), LV_HOOK_##function,           \
				       LV_##family, LV_##mode, LV_HELD_TRY, LV_IRQ_##irq);  \
		return 0;                                                                   \
	}

#define LV_RELEASE(function, family, irq)                                                   \
	SEC("fentry/" #function)                                                            \
	int lv_##function(void *ctx)                                                        \
	{                                                                                   \
		__u64 flags = LV_IRQ_##irq == LV_IRQ_RESTORE ? argument(ctx, 1) : 0;        \
                                                                                            \
		record_release(ctx, argument(ctx, 0), LV_HOOK_##function, LV_##family,      \
			       LV_IRQ_##irq, flags);                                        \
		return 0;                                                                   \
	}

#define LV_WAITQ(function)                                                                  \
	SEC("fentry/" #function)                                                            \
	int lv_##function(void *ctx)                                                        \
	{                                                                                   \
		record_waitq(argument(ctx, 0));                                             \
		return 0;                                                                   \
	}

#define LV_NAME(function)                                                                   \
	SEC("fentry/" #function)                                                            \
	int lv_##function(void *ctx)                                                        \
	{                                                                                   \
		record_name(argument(ctx, 0), argument(ctx, 1));                            \
		return 0;                                                                   \
	}

#include "hooks.def"

/* (bool preempt, struct task_struct *prev, struct task_struct *next, ...) */
SEC("tp_btf/sched_switch")
int lv_sched_switch(__u64 *ctx)
{
	__u64 next = 0;

	/* Read, not loaded: a typed pointer could not be hashed. */
	bpf_probe_read_kernel(&next, sizeof(next), &ctx[2]);
	record_switch(next);
	return 0;
}

extern const void page_offset_base __ksym __weak; /* only where they are randomised */
extern const void vmemmap_base __ksym __weak;
extern const void max_pfn __ksym __weak;
extern const void __kfence_pool __ksym __weak;
extern const void __per_cpu_offset __ksym;
extern const void __per_cpu_start __ksym;
extern const void __per_cpu_end __ksym;
extern const void pcpu_unit_size __ksym __weak; /* an int of mm/percpu.c */
extern const void runqueues __ksym __weak;

static __always_inline __u64 word_at(const void *symbol, __u64 otherwise)
{
	__u64 value = 0;

	if (!symbol || bpf_probe_read_kernel(&value, sizeof(value), symbol))
		return otherwise;
	return value;
}

static __always_inline void find_layout(struct lv_layout *layout)
{
	layout->page_offset = word_at(&page_offset_base, 0xffff888000000000ull);
	layout->page_offset_end = layout->page_offset +
				  (word_at(&max_pfn, 0) << PLACE_PAGE_SHIFT);
	layout->vmemmap = word_at(&vmemmap_base, 0xffffea0000000000ull);
	layout->percpu_start = (__u64)&__per_cpu_start;
	layout->percpu_end = (__u64)&__per_cpu_end;
	layout->percpu_unit_end = layout->percpu_start + (__u32)word_at(&pcpu_unit_size, 0);
	if (layout->percpu_unit_end < layout->percpu_end)
		layout->percpu_unit_end = layout->percpu_end;
	layout->kfence = word_at(&__kfence_pool, 0);
	layout->kfence_end = layout->kfence ? layout->kfence + LV_KFENCE_SIZE : 0;
}

static long find_cpu(__u32 i, __u32 *rq_lock)
{
	struct lv_cpu *cpu = world_cpu(i);

	if (!cpu)
		return 1;
	cpu->percpu = word_at((const char *)&__per_cpu_offset + i * sizeof(__u64), 0);
	cpu->rq_lock = &runqueues ? (__u64)&runqueues + cpu->percpu + *rq_lock : 0;
	return 0;
}

/* Run once by the user half, before it arms: where this kernel keeps things. */
SEC("syscall")
int lv_prepare(void *ctx)
{
	struct lv_control *control = world_control();
	__u32 rq_lock = 0;

	if (!control)
		return -1;
	find_layout(&control->layout);
	if (bpf_core_field_exists(((struct rq *)0)->__lock))
		rq_lock = bpf_core_field_offset(struct rq, __lock);
	bpf_loop(LV_MAX_CPUS, find_cpu, &rq_lock, 0);
	return 0;
}
