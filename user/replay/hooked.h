/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The native stand-in of bpf/lockvane.bpf.c: each function is a hook that hands its event to the
 * recorder, on the thread's seat (replay/seat.h).
 */
#ifndef LOCKVANE_REPLAY_HOOKED_H
#define LOCKVANE_REPLAY_HOOKED_H

#include "replay/machine.h"

/* how: 0 or LV_HELD_NESTED; trylocks by op. */
void hooked_acquire(uint64_t addr, const struct machine_op *op, uint32_t how);
void hooked_release(uint64_t addr, const struct machine_op *op, uint64_t flags);
void hooked_hand_over(uint32_t family);
/* base: what a pseudo-lock's class is about. */
void hooked_hold(uint64_t addr, uint64_t base, const struct machine_op *op);
void hooked_drop(uint64_t addr, const struct machine_op *op);
void hooked_attempt(uint64_t addr, uint64_t base, const struct machine_op *op);
/* The task begins to wait for a sleeping lock. */
void hooked_wait(uint64_t addr, const struct machine_op *op);
void hooked_switch(uint64_t next);
void hooked_enable(void);
void hooked_free(uint64_t addr, uint64_t size);
void hooked_user_return(void);
void hooked_name(uint64_t addr, uint64_t text);

#endif
