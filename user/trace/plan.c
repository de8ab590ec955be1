// SPDX-License-Identifier: GPL-2.0-only
#include "trace/plan.h"

#include <errno.h>
#include <linux/btf.h>
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>

#define HOOK(function, family, way) \
	{ #function, LV_##family, way, LV_HOOK_NONE, LV_HOOK_NONE, false }

#define RELEASE_WAY_WAIT "fentry"
#define RELEASE_WAY_AGAIN "fexit"

static const struct plan_hook all_hooks[LV_HOOKS] = {
#define LV_ACQUIRE(function, family, mode, irq) HOOK(function, family, "fexit"),
#define LV_TRY(function, family, mode, irq) HOOK(function, family, "fexit"),
#define LV_RELEASE(function, family, irq) HOOK(function, family, "fentry"),
#define LV_NAME(function, family) HOOK(function, family, "fentry"),
#define LV_SLEEP(function, family, mode, lock, when, how) HOOK(function, family, "fexit"),
#define LV_SLEEP_RELEASE(function, family, lock, how) \
	HOOK(function, family, RELEASE_WAY_##how),
#define LV_DOWNGRADE(function, family) HOOK(function, family, "fexit"),
#define LV_HAND_OVER(function, family) HOOK(function, family, "fexit"),
#define LV_PSEUDO(id, way, function, needs, unless) \
	{ #function, LV_PSEUDO, #way, LV_HOOK_##needs, LV_HOOK_##unless, false },
#include "hooks.def"
};

static const uint8_t locks_of_family[] = {
	[LV_SPIN] = PLAN_LOCKS_spin,     [LV_RT_SPIN] = PLAN_LOCKS_spin,
	[LV_RWLOCK] = PLAN_LOCKS_rw,     [LV_RT_RWLOCK] = PLAN_LOCKS_rw,
	[LV_MUTEX] = PLAN_LOCKS_mutex,   [LV_RWSEM] = PLAN_LOCKS_rwsem,
	[LV_PERCPU_RWSEM] = PLAN_LOCKS_rwsem, [LV_SOCK] = PLAN_LOCKS_sock,
	[LV_PSEUDO] = PLAN_LOCKS_pseudo,
};

int plan_parse_locks(const char *text, uint32_t *ret, struct error *err)
{
	static const char *const words[NR_PLAN_LOCKS] = {
#define X(name) #name,
		PLAN_LOCKS(X)
#undef X
	};
	uint32_t locks = 0;

	if (!strcmp(text, "all")) {
		*ret = PLAN_ALL_LOCKS;
		return 0;
	}
	for (;; text++) {
		size_t len = strcspn(text, ","), i = 0;

		while (i < NR_PLAN_LOCKS &&
		       (strlen(words[i]) != len || strncmp(words[i], text, len)))
			i++;
		if (i == NR_PLAN_LOCKS)
			return error_set(err, -EINVAL, "\"%.*s\" is no sort of lock", (int)len,
					 text);
		locks |= 1u << i;
		text += len;
		if (!*text)
			break;
	}
	*ret = locks;
	return 0;
}

/* The lock and its way back: without the second, holders can't be believed. */
static const struct {
	enum lv_hook lock, unlock;
} pairs[] = {
	{ LV_HOOK__raw_spin_lock, LV_HOOK__raw_spin_unlock },
	{ LV_HOOK__raw_spin_lock_irq, LV_HOOK__raw_spin_unlock_irq },
	{ LV_HOOK__raw_spin_lock_irq_disable, LV_HOOK__raw_spin_unlock_irq_enable },
	{ LV_HOOK__raw_spin_lock_irqsave, LV_HOOK__raw_spin_unlock_irqrestore },
	{ LV_HOOK__raw_spin_lock_bh, LV_HOOK__raw_spin_unlock_bh },
	{ LV_HOOK__raw_read_lock, LV_HOOK__raw_read_unlock },
	{ LV_HOOK__raw_read_lock_irq, LV_HOOK__raw_read_unlock_irq },
	{ LV_HOOK__raw_read_lock_irqsave, LV_HOOK__raw_read_unlock_irqrestore },
	{ LV_HOOK__raw_read_lock_bh, LV_HOOK__raw_read_unlock_bh },
	{ LV_HOOK__raw_write_lock, LV_HOOK__raw_write_unlock },
	{ LV_HOOK__raw_write_lock_irq, LV_HOOK__raw_write_unlock_irq },
	{ LV_HOOK__raw_write_lock_irqsave, LV_HOOK__raw_write_unlock_irqrestore },
	{ LV_HOOK__raw_write_lock_bh, LV_HOOK__raw_write_unlock_bh },
};

static bool has_hidden_unlocks(const struct plan *plan)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (plan->hooks[pairs[i].lock].present && !plan->hooks[pairs[i].unlock].present)
			return true;
	return false;
}

static enum lv_irq_source find_irq_source(const struct features *f)
{
	if (f->irq_kfunc)
		return LV_IRQ_SOURCE_KFUNC;
	return f->irqsave_flags ? LV_IRQ_SOURCE_SPIN_LOCK : LV_IRQ_SOURCE_NONE;
}

static bool is_wanted(const struct plan_hook *hook, uint32_t locks)
{
	return locks & 1u << locks_of_family[hook->family];
}

/* BTF may describe a function that was inlined into all its callers. */
static bool is_there(const struct plan_hook *hook, const struct kbtf *btf,
		     const struct ksyms *ksyms)
{
	struct kbtf_type found = {};
	char type[64];

	if (!strcmp(hook->way, "tp_btf")) {
		snprintf(type, sizeof(type), "btf_trace_%s", hook->function);
		return kbtf_next(btf, type, 1 << BTF_KIND_TYPEDEF, &found);
	}
	if (!kbtf_func_is_hookable(btf, hook->function))
		return false;
	return hook->family != LV_PSEUDO || !ksyms || ksyms_by_name(ksyms, hook->function, NULL);
}

/* Without its other half, or beside one that sees the same, a hook is of no use. */
static void drop_useless(struct plan *plan)
{
	for (int i = 0; i < LV_HOOKS; i++)
		if (plan->hooks[i].unless != LV_HOOK_NONE &&
		    plan->hooks[plan->hooks[i].unless].present)
			plan->hooks[i].present = false;
	for (int i = 0; i < LV_HOOKS; i++)
		if (plan->hooks[i].needs != LV_HOOK_NONE &&
		    !plan->hooks[plan->hooks[i].needs].present)
			plan->hooks[i].present = false;
}

int plan_make(const struct kbtf *btf, const struct ksyms *ksyms, const struct features *f,
	      uint32_t locks, struct plan *ret, struct error *err)
{
	struct plan plan = {};
	int cpus = libbpf_num_possible_cpus();

	memcpy(plan.hooks, all_hooks, sizeof(all_hooks));
	for (int i = 0; i < LV_HOOKS; i++)
		plan.hooks[i].present = is_there(&plan.hooks[i], btf, ksyms);
	drop_useless(&plan);
	if (!plan.hooks[LV_HOOK__raw_spin_lock].present)
		return error_set(err, -ENOTSUP,
				 "this kernel has no _raw_spin_lock function to hook (a "
				 "uniprocessor kernel, or one whose locks are inlined)");
	if (f->preempt_count == FEATURES_PREEMPT_COUNT_UNKNOWN)
		return error_set(err, -ENOTSUP,
				 "this kernel's preempt count was not found");
	if (cpus <= 0)
		return error_set(err, cpus, "cannot tell how many CPUs are possible");
	if (cpus > LV_MAX_CPUS)
		return error_set(err, -ENOTSUP,
				 "%d possible CPUs, lockvane is made for %d: boot with "
				 "possible_cpus=%d or fewer", cpus, LV_MAX_CPUS, LV_MAX_CPUS);
	plan.nr_cpus = cpus;
	plan.btf = btf;
	plan.irq_source = find_irq_source(f);
	plan.preempts = f->preempts;
	/* CONFIG_PREEMPTION uninlines the unlocks and counts preemption. */
	plan.unlocks_hidden = has_hidden_unlocks(&plan);
	plan.counts_preemption = !plan.unlocks_hidden;
	/* A function only with CONFIG_PREEMPT_RCU: else a program runs with preemption off itself. */
	plan.shows_atomic = plan.counts_preemption && kbtf_has_func(btf, "__rcu_read_lock");
	for (int i = 0; i < LV_HOOKS; i++)
		plan.hooks[i].present &= is_wanted(&plan.hooks[i], locks);
	*ret = plan;
	return 0;
}

const char *plan_irq_source(enum lv_irq_source source)
{
	switch (source) {
	case LV_IRQ_SOURCE_KFUNC:
		return "bpf_local_irq_save";
	case LV_IRQ_SOURCE_SPIN_LOCK:
		return "bpf_spin_lock";
	default:
		return "none";
	}
}

size_t plan_pinned_fixed(void)
{
	return sizeof(struct lv_control) + sizeof(struct lv_task_keys) +
	       sizeof(struct lv_anchors) + sizeof(struct lv_units) +
	       sizeof(struct lv_stack_tasks) + sizeof(struct lv_valve) +
	       sizeof(struct lv_releases) + sizeof(struct lv_orders) + sizeof(struct lv_alikes) + sizeof(struct lv_waits) +
	       LV_MAX_CLASSES * sizeof(struct lv_class) +
	       LV_MAX_EDGES * sizeof(struct lv_edge) + LV_MAX_STACKS * sizeof(struct lv_stack) +
	       LV_MAX_NAMES * sizeof(struct lv_name) + LV_MAX_FACTS * sizeof(struct lv_fact) +
	       LV_MAX_TASKS * (sizeof(struct lv_held_stack) + LV_ABOVE_FRAMES * sizeof(__u64)) +
	       sizeof(struct lv_generic);
}

size_t plan_pinned_per_cpu(void)
{
	return sizeof(struct lv_cpu) + sizeof(__u64); /* and its irq slot */
}
