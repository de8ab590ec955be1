/* SPDX-License-Identifier: GPL-2.0-only */
/* The daemon: windows of watching within a budget, for months. */
#ifndef LOCKVANE_DAEMON_MONITOR_H
#define LOCKVANE_DAEMON_MONITOR_H

#include "base/error.h"
#include "capture/capture.h"
#include "daemon/config.h"
#include "kernel/kbtf.h"
#include "trace/plan.h"

struct monitor_setup {
	struct config config; /* the monitor takes it over */
	const struct kbtf *btf;
	const struct plan *plan;
	const char *folder;	    /* presence_begin()'s */
	const struct capture *head; /* empty, but for what it says of the kernel */
	/* Read the configuration again. */
	int (*reload)(void *arg, struct config *ret, struct error *err);
	void *arg;
};

/*
 * Until SIGTERM or SIGINT. Failures on the way are told where the rest is; -errno with words if it
 * cannot begin.
 */
int monitor_run(struct monitor_setup *setup, struct error *err);

/* "watched 3.2% of the time, 3.0% of events" */
void monitor_coverage(uint64_t armed_ns, uint64_t watched_ns, uint64_t seen, uint64_t unseen,
		      char *ret, size_t room);

#endif
