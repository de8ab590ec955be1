// SPDX-License-Identifier: GPL-2.0-only
#include "finding/waits.h"

#include "finding/pseudo.h"

/* include/linux/lockdep_types.h: the later, the more it may wait for. */
enum wait_type {
	WAIT_UNKNOWN, /* LD_WAIT_INV: not checked */
	WAIT_FREE,
	WAIT_SPIN,   /* raw_spinlock_t */
	WAIT_CONFIG, /* spinlock_t, rwlock_t: they sleep on PREEMPT_RT */
	WAIT_SLEEP,
};

/* A class's need where it is taken, and the limit it sets to those who hold it. */
struct wait_types {
	enum wait_type outer, inner;
};

static struct wait_types pseudo_types(uint32_t kind)
{
	switch (kind) {
	case LV_PSEUDO_LOCAL_LOCK:
		return (struct wait_types){WAIT_CONFIG, WAIT_CONFIG};
	/* Taken anywhere, PREEMPT_RT implies PREEMPT_RCU: kernel/rcu/update.c */
	case LV_PSEUDO_RCU:
	case LV_PSEUDO_RCU_BH:
		return (struct wait_types){WAIT_FREE, WAIT_CONFIG};
	case LV_PSEUDO_RCU_SCHED:
		return (struct wait_types){WAIT_FREE, WAIT_SPIN};
	/* task_wait_context(): handlers of other hardirqs are threads on PREEMPT_RT. */
	case LV_PSEUDO_UNTHREADED:
		return (struct wait_types){WAIT_FREE, WAIT_SPIN};
	default:
		return (struct wait_types){WAIT_UNKNOWN, WAIT_UNKNOWN};
	}
}

static struct wait_types types_of(const struct capture_class *class)
{
	switch (class->family) {
	case LV_RAWSPIN:
		return (struct wait_types){WAIT_SPIN, WAIT_SPIN};
	case LV_SPIN:
	case LV_RWLOCK:
		return (struct wait_types){WAIT_CONFIG, WAIT_CONFIG};
	case LV_PSEUDO:
		return pseudo_types(finding_pseudo_kind(class));
	default:
		return (struct wait_types){WAIT_SLEEP, WAIT_SLEEP};
	}
}

bool finding_sleeps(const struct capture *c, const struct capture_class *class)
{
	if (class->family != LV_SPIN && class->family != LV_RWLOCK && class->family != LV_RAWSPIN)
		return true;
	return c->rt && class->family != LV_RAWSPIN;
}

bool finding_waits_wrongly(const struct capture *c, const struct capture_class *holder,
			   const struct capture_class *taken)
{
	struct wait_types under = types_of(holder), next = types_of(taken);

	if (c->annotated && !c->rt)
		return under.inner && next.inner && next.outer > under.inner;
	return !finding_sleeps(c, holder) && finding_sleeps(c, taken) && taken->family != LV_PSEUDO;
}
