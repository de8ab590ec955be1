/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Armed or not: the control's word, the lease that keeps it (bpf/lease.bpf.h), and what must have
 * ended between two epochs.
 */
#ifndef LOCKVANE_TRACE_ARMING_H
#define LOCKVANE_TRACE_ARMING_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "trace/grace.h"

struct arming {
	struct lv_control *control;
	struct lv_task_keys *keys;
	struct grace grace;
	uint32_t epoch;
	uint32_t word;	   /* armed with this, 0: not */
	uint64_t since_ns; /* when it was disarmed, by whomever */
};

/* CLOCK_MONOTONIC, which the lease is of. */
uint64_t arming_now_ns(void);

/* 0 or -errno. */
int arming_begin(struct arming *ret, struct lv_control *control, struct lv_task_keys *keys);
void arming_end(struct arming *a);

/* A new epoch, for LV_LEASE_NS. Disarmed only. */
void arming_arm(struct arming *a, enum lv_armed armed);

/* Put off the end. False: it has come already, and the hooks are disarmed. */
bool arming_renew(struct arming *a);

/* Disarm, and wait until no program runs any more that began before. */
void arming_disarm(struct arming *a);

#endif
