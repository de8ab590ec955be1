/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs of pseudo-locks do: see_<id>(ctx, meta) for each LV_PSEUDO of hooks.def. ctx is
 * the function's arguments, or the tracepoint's.
 */
#ifndef LOCKVANE_PSEUDO_HOOKS_BPF_H
#define LOCKVANE_PSEUDO_HOOKS_BPF_H

#include "record/recorder.h"

extern const void process_timeout __ksym __weak;
extern const void work_for_cpu_fn __ksym __weak;
extern const void smp_call_on_cpu_callback __ksym __weak;

/* An instance is odd, as no lock's address is; one object may be several kinds' instance. */
#define INSTANCE(addr, kind) ((__u64)(addr) + 1 + (LV_PSEUDO_##kind & 3))

static __always_inline void pseudo_hold(void *ctx, __u64 addr, __u64 base, __u32 meta, __u32 how)
{
	record_stack(ctx, pseudo_see(addr, base, meta, how));
}

/* Nothing is to be learnt where nothing is held. */
static __always_inline void pseudo_attempt(void *ctx, __u64 addr, __u64 base, __u32 meta,
					   __u32 how)
{
	if (pseudo_holds_any())
		record_stack(ctx, pseudo_see(addr, base, meta, how | PSEUDO_ATTEMPT));
}

/* Work items and workqueues */

/* The function of a work; 0: one that many use for what they like. */
static __always_inline __u64 work_function(__u64 work)
{
	__u64 function = PLACE_MEMBER(work, struct work_struct, func);

	if (function == (__u64)&work_for_cpu_fn || function == (__u64)&smp_call_on_cpu_callback)
		return 0;
	return function;
}

#define PF_WQ_WORKER 0x20 /* include/linux/sched.h */

/* The workqueue whose work the running task executes; 0: it is no worker. */
static __always_inline __u64 running_wq(void)
{
	__u64 task = world_task(), kthread, worker, pwq;

	if (!((__u32)PLACE_MEMBER(task, struct task_struct, flags) & PF_WQ_WORKER))
		return 0;
	kthread = PLACE_MEMBER(task, struct task_struct, worker_private);
	worker = kthread ? PLACE_MEMBER(kthread, struct kthread, data) : 0;
	pwq = worker ? PLACE_MEMBER(worker, struct worker, current_pwq) : 0;
	return pwq ? PLACE_MEMBER(pwq, struct pool_workqueue, wq) : 0;
}

/* A worker begins with nothing, and the queue comes before the work, as in process_one_work(). */
static __always_inline void see_work_start(__u64 *ctx, __u32 meta)
{
	__u64 work = ctx[0], wq = running_wq(), function = work_function(work);

	pseudo_hold(ctx, INSTANCE(wq, WQ), wq, meta,
		    PSEUDO(WQ) | PSEUDO_IN_TRACE | PSEUDO_FRESH | PSEUDO_IF_KNOWN);
	if (function)
		pseudo_hold(ctx, INSTANCE(work, WORK), function, meta,
			    PSEUDO(WORK) | PSEUDO_IN_TRACE);
}

/* The work may be gone by now. */
static __always_inline void see_work_end(__u64 *ctx, __u32 meta)
{
	pseudo_drop(INSTANCE(ctx[0], WORK), meta, PSEUDO(WORK));
	pseudo_drop(INSTANCE(running_wq(), WQ), meta, PSEUDO(WQ));
}

static __always_inline void see_work_flush(__u64 *ctx, __u32 meta)
{
	__u64 work = ctx[0], function = pseudo_holds_any() ? work_function(work) : 0;

	if (function)
		pseudo_attempt(ctx, INSTANCE(work, WORK), function, meta, PSEUDO(WORK));
}

static __always_inline void see_work_flush_6_1(__u64 *ctx, __u32 meta)
{
	see_work_flush(ctx, meta);
}

static __always_inline void see_wq_flush(__u64 *ctx, __u32 meta)
{
	__u64 wq = ctx[0];

	pseudo_attempt(ctx, INSTANCE(wq, WQ), wq, meta, PSEUDO(WQ));
}

/* The next one may come to lie where it was. */
static __always_inline void see_wq_gone(__u64 *ctx, __u32 meta)
{
	pseudo_retire(INSTANCE(ctx[0], WQ), ctx[0], PSEUDO(WQ));
}

/* Timers */

/* What sleeps with a timeout has a timer of its own on the stack, and nobody else's. */
static __always_inline int timer_is_private(__u64 function)
{
	return function == (__u64)&process_timeout;
}

static __always_inline void see_timer_start(__u64 *ctx, __u32 meta)
{
	__u64 timer = ctx[0], function = ctx[1];

	if (!timer_is_private(function))
		pseudo_hold(ctx, INSTANCE(timer, TIMER), function, meta, PSEUDO(TIMER));
}

static __always_inline void see_timer_end(__u64 *ctx, __u32 meta)
{
	__u64 timer = ctx[0], function = ctx[1];

	if (!timer_is_private(function))
		pseudo_drop(INSTANCE(timer, TIMER), meta, PSEUDO(TIMER));
}

static __always_inline void see_timer_delete(__u64 *ctx, __u32 meta)
{
	__u64 timer = ctx[0], function;

	if (!pseudo_holds_any())
		return;
	function = PLACE_MEMBER(timer, struct timer_list, function);
	if (function && !timer_is_private(function))
		pseudo_attempt(ctx, INSTANCE(timer, TIMER), function, meta, PSEUDO(TIMER));
}

static __always_inline void see_timer_delete_6_12(__u64 *ctx, __u32 meta)
{
	see_timer_delete(ctx, meta);
}

static __always_inline void see_timer_shutdown(__u64 *ctx, __u32 meta)
{
	see_timer_delete(ctx, meta);
}

/* Page faults */

/* (mm, address, regs): the fault of a kernel's access to user memory is about to take mmap_lock. */
static __always_inline void see_fault(__u64 *ctx, __u32 meta)
{
	__u64 mm, regs = ctx[2];

	if (PLACE_MEMBER(regs, struct pt_regs, cs) & 3 || !pseudo_holds_any())
		return;
	mm = ctx[0];
	meta = EVENT_META(META_HOOK(meta), LV_LEVEL_TASK, LV_RWSEM);
	pseudo_attempt(ctx, mm + bpf_core_field_offset(struct mm_struct, mmap_lock), 0, meta,
		       PSEUDO_READ);
}

#endif
