/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * This kernel's features and limits: facts for `check` and for planning, from /proc, /sys, BTF and
 * symbols. Nothing is loaded into the kernel to find out.
 */
#ifndef LOCKVANE_KERNEL_FEATURES_H
#define LOCKVANE_KERNEL_FEATURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/kbtf.h"
#include "kernel/ksyms.h"

enum features_answer {
	FEATURES_UNKNOWN = 0,
	FEATURES_NO,
	FEATURES_YES,
};

/* Build options that matter: what a debug kernel adds, what hides or merges locks. */
#define FEATURES_OPTIONS(X)                         \
	X(preemption, "CONFIG_PREEMPTION")          \
	X(preempt_dynamic, "CONFIG_PREEMPT_DYNAMIC") \
	X(preempt_rcu, "CONFIG_PREEMPT_RCU")        \
	X(preempt_rt, "CONFIG_PREEMPT_RT")          \
	X(debug_spinlock, "CONFIG_DEBUG_SPINLOCK")  \
	X(debug_lock_alloc, "CONFIG_DEBUG_LOCK_ALLOC") \
	X(prove_locking, "CONFIG_PROVE_LOCKING")    \
	X(slab_merge, "CONFIG_SLAB_MERGE_DEFAULT")  \
	X(kallsyms_all, "CONFIG_KALLSYMS_ALL")      \
	X(function_tracer, "CONFIG_FUNCTION_TRACER") \
	X(bpf_jit, "CONFIG_BPF_JIT")                \
	X(btf, "CONFIG_DEBUG_INFO_BTF")             \
	X(kfence, "CONFIG_KFENCE")

enum features_lockdown {
	FEATURES_LOCKDOWN_UNKNOWN = 0,
	FEATURES_LOCKDOWN_NONE,
	FEATURES_LOCKDOWN_INTEGRITY,
	FEATURES_LOCKDOWN_CONFIDENTIALITY, /* refuses to let BPF read kernel memory */
};

/* The loop in rcu_read_unlock_special() when it is traced in irq exit (see docs). */
enum features_rcu {
	FEATURES_RCU_UNKNOWN = 0,
	FEATURES_RCU_SAFE,   /* the fixed code, or not PREEMPT_RCU */
	FEATURES_RCU_HAZARD, /* the old code */
};

enum features_preempt_count {
	FEATURES_PREEMPT_COUNT_UNKNOWN = 0,
	FEATURES_PREEMPT_COUNT_PCPU_HOT, /* pcpu_hot.preempt_count: 6.2 to 6.14 */
	FEATURES_PREEMPT_COUNT_VAR,      /* per-CPU __preempt_count */
	FEATURES_PREEMPT_COUNT_TASK,     /* thread_info.preempt_count: arm64 */
};

#define FEATURES_HIDDEN_MAX 8
#define FEATURES_PAGE_BYTES 4096u /* arm64 has kernels with others */

struct features {
	char release[128], version[128], machine[32]; /* as uname -r, -v, -m */
	bool known_machine; /* x86_64, aarch64 */
	unsigned int page_bytes;
	uint32_t possible_cpus; /* highest number + 1; 0: unknown */
	/* CPUs that are to be left alone, as lists: "" none, or not known */
	char isolated[64];  /* isolcpus=, or cpuset's */
	char nohz_full[64]; /* without a tick while one task runs */

	enum features_answer rt;
	char preempt_mode[16]; /* "none", "voluntary", "full", "lazy"; "" unknown */
	bool preempts; /* the kernel itself, too, or that is not known */
	char config_path[160]; /* "" if the configuration cannot be read */
	enum features_answer debug_kernel; /* lockdep runs here */
#define X(name, option) enum features_answer config_##name;
	FEATURES_OPTIONS(X)
#undef X

	uint64_t capabilities; /* effective, 1 << CAP_… */
	bool may_trace;        /* CAP_SYS_ADMIN, or CAP_BPF and CAP_PERFMON */
	enum features_lockdown lockdown;
	int kptr_restrict;               /* -1: unknown */
	enum features_answer jit;        /* BPF is compiled: trampolines need it */
	int jit_harden;                  /* net.core.bpf_jit_harden: 2 blinds root's, too; -1: unknown */
	enum features_answer ftrace;     /* kernel.ftrace_enabled */
	enum features_answer slab_merge; /* the command line overrides the configuration */
	bool symbols;                    /* addresses in /proc/kallsyms are real */

	bool btf;
	bool bpf_func_arg; /* bpf_get_func_arg: else too old */
	enum features_rcu rcu;
	enum features_preempt_count preempt_count;
	bool irq_kfunc;  /* bpf_local_irq_save: 6.14 on */
	bool irqsave_flags; /* the per-CPU variable behind bpf_spin_lock */
	/* lock functions that are inlined here, so that releases are not seen */
	const char *hidden[FEATURES_HIDDEN_MAX];
	size_t nr_hidden;
};

/*
 * root: put before every path, NULL for none. btf and ksyms may be NULL: what
 * they would tell is then unknown. A file that cannot be read makes its facts unknown, no error.
 */
void features_probe(const char *root, const struct kbtf *btf, const struct ksyms *ksyms,
		    struct features *ret);

/* "0-1,4": highest number + 1, or 0 if that is not a CPU list. */
uint32_t features_parse_cpus(const char *list);

#endif
