/* SPDX-License-Identifier: GPL-2.0-only */
/* Which hooks this kernel has, and how each would be attached. */
#ifndef LOCKVANE_TRACE_PLAN_H
#define LOCKVANE_TRACE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "base/error.h"
#include "hooks.h"
#include "kernel/features.h"
#include "kernel/kbtf.h"
#include "kernel/ksyms.h"

/* The choices of `--locks`, one bit a word; plan.c says which families are in each. */
#define PLAN_LOCKS(X) X(spin) X(rw) X(mutex) X(rwsem) X(sock) X(pseudo)

enum plan_locks {
#define X(name) PLAN_LOCKS_##name,
	PLAN_LOCKS(X)
#undef X
	NR_PLAN_LOCKS,
};

#define PLAN_ALL_LOCKS ((1u << NR_PLAN_LOCKS) - 1)

struct plan_hook {
	const char *function;
	uint32_t family; /* enum lv_family */
	const char *way; /* "fexit", "fentry", or "tp_btf" */
	uint32_t needs, unless; /* see hooks.def; LV_HOOK_NONE */
	bool present; /* wanted, and the kernel has it out of line, with BTF for it */
};

struct plan {
	struct plan_hook hooks[LV_HOOKS];
	enum lv_irq_source irq_source;
	bool counts_preemption;
	bool shows_atomic; /* programs see the preemption count of what they hook */
	bool preempts; /* the kernel, itself: programs of sleeping locks, too */
	bool unlocks_hidden; /* some lock's release has no function to hook */
	unsigned int nr_cpus; /* possible ones */
	const struct kbtf *btf; /* plan_make()'s */
};

/*
 * From what features_probe() found, where nothing in that forbids tracing. ksyms: NULL, BTF is
 * believed without them;
 * locks: a bit for each of PLAN_LOCKS that is wanted.
 * -ENOTSUP, in words, where there is nothing to plan: no spin lock functions
 * to hook, no preempt count to tell the context by, too many CPUs.
 */
int plan_make(const struct kbtf *btf, const struct ksyms *ksyms, const struct features *f,
	      uint32_t locks, struct plan *ret, struct error *err);

/* "spin,rwsem" to bits. -EINVAL names the word that is none. */
int plan_parse_locks(const char *text, uint32_t *ret, struct error *err);

/* "bpf_local_irq_save", "bpf_spin_lock" or "none". */
const char *plan_irq_source(enum lv_irq_source source);

/* Bytes of kernel memory that tracing pins: a fixed part and one for each possible CPU. */
size_t plan_pinned_fixed(void);
size_t plan_pinned_per_cpu(void);

#endif
