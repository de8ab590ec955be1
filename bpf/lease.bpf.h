/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hooks are armed until a time that the user half puts off again and again. A user half that
 * cannot (stopped, frozen, swapped out, stuck in an fsync(), dying) has its hooks disarmed by the
 * next task switch. The clock is read by a CPU's first switch in a tick: jiffies are a plain load.
 */
#ifndef LOCKVANE_LEASE_BPF_H
#define LOCKVANE_LEASE_BPF_H

#include "abi.h"
#include "maps.bpf.h"

/* Over: unless the user half has just armed anew, which is another word. */
__noinline int lease_end(__u32 word, __u64 now)
{
	if (__sync_val_compare_and_swap(&lv_control.word, word, 0) == word)
		*(volatile __u64 *)&lv_control.lapsed_ns = now;
	return 0;
}

/* On a task switch, armed with this word. */
static __always_inline void lease_look(__u32 word)
{
	__u32 tick = bpf_jiffies64(), id = bpf_get_smp_processor_id();
	struct lv_cpu *cpu = bpf_map_lookup_elem(&lv_cpus, &id);
	__u64 now;

	if (!cpu || cpu->tick == tick)
		return;
	cpu->tick = tick;
	now = bpf_ktime_get_ns();
	if (now > *(volatile __u64 *)&lv_control.lease_ns)
		lease_end(word, now);
}

#endif
