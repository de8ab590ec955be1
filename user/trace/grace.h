/* SPDX-License-Identifier: GPL-2.0-only */
/* Waits until no BPF program runs any more that ran when it was called, preempted ones too. */
#ifndef LOCKVANE_TRACE_GRACE_H
#define LOCKVANE_TRACE_GRACE_H

struct grace {
	int outer, inner; /* maps; -1: none */
};

/* 0 or -errno. */
int grace_begin(struct grace *ret);
/* An RCU grace period: milliseconds, or as long as a program is kept from its end. 0 or -errno. */
int grace_wait(const struct grace *grace);
void grace_end(struct grace *grace);

#endif
