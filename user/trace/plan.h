/* SPDX-License-Identifier: GPL-2.0-only */
/* Which hooks this kernel has, and how each would be attached. */
#ifndef LOCKVANE_TRACE_PLAN_H
#define LOCKVANE_TRACE_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "abi.h"
#include "base/error.h"
#include "hooks.h"
#include "kernel/features.h"
#include "kernel/kbtf.h"

enum plan_verb {
	PLAN_ACQUIRE,
	PLAN_TRY,
	PLAN_RELEASE,
	PLAN_WAITQ,
	PLAN_NAME,
};

struct plan_hook {
	const char *function;
	enum plan_verb verb;
	bool present; /* the kernel has the function out of line, and BTF for it */
};

struct plan {
	struct plan_hook hooks[LV_HOOKS];
	enum lv_irq_source irq_source;
	bool counts_preemption;
	bool unlocks_hidden; /* some lock's release has no function to hook */
	unsigned int nr_cpus; /* possible ones */
};

/*
 * From what features_probe() found, where nothing in that forbids tracing.
 * -ENOTSUP, in words, where there is nothing to plan: no spin lock functions
 * to hook, no preempt count to tell the context by, too many CPUs.
 */
int plan_make(const struct kbtf *btf, const struct features *f, struct plan *ret,
	      struct error *err);

/* "fexit" or "fentry". */
const char *plan_way(const struct plan_hook *hook);

/* "bpf_local_irq_save", "bpf_spin_lock" or "none". */
const char *plan_irq_source(enum lv_irq_source source);

/* Bytes of kernel memory that tracing pins: a fixed part and one for each possible CPU. */
size_t plan_pinned_fixed(void);
size_t plan_pinned_per_cpu(void);

#endif
