/* SPDX-License-Identifier: GPL-2.0-only */
/* The daemon's rights once it is set up. docs/monitor.md says what each right is for. */
#ifndef LOCKVANE_DAEMON_PRIVILEGES_H
#define LOCKVANE_DAEMON_PRIVILEGES_H

#include "base/error.h"

/* Before anything else: no exec gives more than we have, for this process and what it forks. */
int privileges_lock(struct error *err);

/*
 * Keep CAP_BPF, CAP_PERFMON and CAP_SYSLOG (those of them we have), for hooks
 * that are attached again and for symbols.
 */
int privileges_drop(struct error *err);

#endif
