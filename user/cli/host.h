/* SPDX-License-Identifier: GPL-2.0-only */
/* The machine that is to be traced: may it be, and what is there to hook? */
#ifndef LOCKVANE_CLI_HOST_H
#define LOCKVANE_CLI_HOST_H

#include "base/error.h"
#include "capture/capture.h"
#include "kernel/features.h"
#include "kernel/kbtf.h"
#include "trace/plan.h"

struct host {
	struct kbtf *btf;
	struct features features;
	struct plan plan;
};

/* -errno with words that say what forbids it. To be released with host_done() in any case. */
int host_look(uint32_t locks, bool accept_hazard, struct host *ret, struct error *err);
void host_done(struct host *h);

/* Say in a capture what kernel it is of, and what cannot be seen there. -ENOMEM. */
int host_describe(const struct host *h, struct capture *c);
/* And which modules are loaded. -ENOMEM. */
int host_describe_modules(struct capture *c);

#endif
