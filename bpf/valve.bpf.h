/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How often does anybody wait for a lock? With hooks, locks are held for longer, and near saturation
 * that is felt by those who wait for them, in no account of ours. Waits are rare beside acquisitions,
 * and counted armed or not: the user half compares (trace/valve.h).
 */
#ifndef LOCKVANE_VALVE_BPF_H
#define LOCKVANE_VALVE_BPF_H

#include "abi.h"
#include "maps.bpf.h"

/* An interrupt in between loses a count. */
static __always_inline void valve_count(void)
{
	lv_valve.cpu[bpf_get_smp_processor_id() & (LV_MAX_CPUS - 1)].waits++;
}

#endif
