// SPDX-License-Identifier: GPL-2.0-only
/* The native recorder's evidence: irq contexts, irqs on, trylocks, recursive readers. */
#include "test_record.h"

static void enter(struct machine *m, enum lv_level level)
{
	assert_int_equal(machine_enter(m, level), 0);
}

static void leave(struct machine *m, enum lv_level level)
{
	assert_int_equal(machine_exit(m, level), 0);
}

static void test_plain_use(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_SPIN), b = machine_add_lock(m, LV_SPIN);
	uint64_t c = machine_add_lock(m, LV_SPIN);

	LOCK(m, a, spin);
	UNLOCK(m, a, spin);
	HAS(m, a, LV_USED);
	HAS(m, a, LV_ENABLED_HARDIRQ);
	HAS(m, a, LV_ENABLED_SOFTIRQ);

	machine_bh_disable(m);
	LOCK(m, b, spin);
	UNLOCK(m, b, spin);
	machine_bh_enable(m);
	HAS(m, b, LV_ENABLED_HARDIRQ);
	HAS_NOT(m, b, LV_ENABLED_SOFTIRQ);

	machine_irq_disable(m);
	LOCK(m, c, spin);
	UNLOCK(m, c, spin);
	machine_irq_enable(m);
	assert_int_equal(usage_at(m, c), 1u << LV_USED);
}

static void test_irq_source_absent(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_SPIN);

	machine_world(m)->irqs_seen = false;
	LOCK(m, a, spin);
	assert_int_equal(usage_at(m, a), 1u << LV_USED); /* unknown is not on */
	enter(m, LV_LEVEL_HARDIRQ);
	uint64_t b = machine_add_lock(m, LV_SPIN);

	LOCK(m, b, spin);
	UNLOCK(m, b, spin);
	leave(m, LV_LEVEL_HARDIRQ);
	UNLOCK(m, a, spin);
	HAS(m, a, LV_ENABLED_HARDIRQ); /* the interrupt has shown it */
}

/* An interrupt proves that irqs were on under the lock it hits. */
static void test_on_by_hardirq(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_SPIN), b = machine_add_lock(m, LV_SPIN);

	machine_world(m)->annotated = false;
	machine_irq_disable(m);
	LOCK(m, a, spin);
	machine_irq_enable(m); /* nobody tells us */
	HAS_NOT(m, a, LV_ENABLED_HARDIRQ);
	enter(m, LV_LEVEL_HARDIRQ);
	LOCK(m, b, spin);
	HAS(m, a, LV_ENABLED_HARDIRQ);
	HAS_NOT(m, a, LV_ENABLED_SOFTIRQ); /* a hardirq does not show that */
	HAS(m, b, LV_USED_IN_HARDIRQ);
	UNLOCK(m, b, spin);
	leave(m, LV_LEVEL_HARDIRQ);
	UNLOCK(m, a, spin);
}

static void test_on_by_softirq(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_SPIN), b = machine_add_lock(m, LV_SPIN);
	uint64_t c = machine_add_lock(m, LV_SPIN);

	machine_world(m)->annotated = false;
	machine_irq_disable(m);
	LOCK(m, a, spin);
	machine_irq_enable(m);
	enter(m, LV_LEVEL_SOFTIRQ);
	LOCK(m, b, spin);
	HAS(m, a, LV_ENABLED_HARDIRQ);
	HAS(m, a, LV_ENABLED_SOFTIRQ);
	enter(m, LV_LEVEL_HARDIRQ);
	LOCK(m, c, spin);
	HAS(m, b, LV_ENABLED_HARDIRQ);
	HAS_NOT(m, b, LV_ENABLED_SOFTIRQ);
	UNLOCK(m, c, spin);
	leave(m, LV_LEVEL_HARDIRQ);
	UNLOCK(m, b, spin);
	leave(m, LV_LEVEL_SOFTIRQ);
	UNLOCK(m, a, spin);
}

static void test_on_by_unlock_irq(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_SPIN), b = machine_add_lock(m, LV_SPIN);

	LOCK(m, a, spin_irq);
	LOCK(m, b, spin);
	HAS_NOT(m, a, LV_ENABLED_HARDIRQ);
	HAS_NOT(m, b, LV_ENABLED_HARDIRQ);
	UNLOCK(m, a, spin_irq_on);
	HAS_NOT(m, a, LV_ENABLED_HARDIRQ); /* it has gone by then */
	HAS(m, b, LV_ENABLED_HARDIRQ);
	HAS(m, b, LV_ENABLED_SOFTIRQ);
	UNLOCK(m, b, spin);
}

static void test_on_by_irqrestore(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_SPIN), b = machine_add_lock(m, LV_SPIN);
	uint64_t c = machine_add_lock(m, LV_SPIN), d = machine_add_lock(m, LV_SPIN);
	uint64_t rw = machine_add_lock(m, LV_RWLOCK);
	const struct machine_op read_irq = { .family = LV_RWLOCK,
					     .mode = LV_READ,
					     .irq = LV_IRQ_OFF };
	const struct machine_op read_restore = { .family = LV_RWLOCK,
						 .mode = LV_READ,
						 .irq = LV_IRQ_RESTORE };

	LOCK(m, a, spin_irq); /* saved: on */
	LOCK(m, b, spin);
	UNLOCK(m, a, spin_restore);
	HAS(m, b, LV_ENABLED_HARDIRQ);
	UNLOCK(m, b, spin);

	/* A reader's plain unlock in between leaves the flags to the outer one. */
	LOCK(m, rw, read_irq);
	LOCK(m, rw, read_op);
	UNLOCK(m, rw, read_op);
	UNLOCK(m, rw, read_restore);
	assert_true(machine_irqs_on(m));

	machine_irq_disable(m);
	LOCK(m, c, spin_irq); /* saved: off */
	LOCK(m, d, spin);
	UNLOCK(m, c, spin_restore);
	HAS_NOT(m, d, LV_ENABLED_HARDIRQ);
	UNLOCK(m, d, spin);
	machine_irq_enable(m);
}

static void test_on_by_unlock_bh(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_SPIN), b = machine_add_lock(m, LV_SPIN);
	uint64_t c = machine_add_lock(m, LV_SPIN);

	LOCK(m, a, spin_bh);
	LOCK(m, b, spin);
	HAS(m, b, LV_ENABLED_HARDIRQ);
	HAS_NOT(m, b, LV_ENABLED_SOFTIRQ);
	UNLOCK(m, a, spin_bh_on);
	HAS(m, b, LV_ENABLED_SOFTIRQ);
	UNLOCK(m, b, spin);

	machine_bh_disable(m); /* one more: the unlock leaves softirqs off */
	LOCK(m, a, spin_bh);
	LOCK(m, c, spin);
	UNLOCK(m, a, spin_bh_on);
	HAS_NOT(m, c, LV_ENABLED_SOFTIRQ);
	UNLOCK(m, c, spin);
	assert_int_equal(machine_bh_enable(m), 0);
}

static void test_trylock(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_SPIN), b = machine_add_lock(m, LV_SPIN);
	uint64_t c = machine_add_lock(m, LV_SPIN), d = machine_add_lock(m, LV_SPIN);

	LOCK(m, a, spin);
	LOCK(m, b, spin_try);
	assert_int_equal(edge_between(m, a, b), 0); /* it would not have waited */
	HAS(m, b, LV_ENABLED_HARDIRQ);
	LOCK(m, c, spin);
	assert_int_equal(edge_between(m, b, c), LV_DEP_EN);
	assert_int_equal(edge_between(m, a, c), LV_DEP_EN); /* not by way of b */
	LOCK(m, d, spin);
	assert_int_equal(edge_between(m, b, d), 0); /* by way of c */
	UNLOCK(m, d, spin);
	UNLOCK(m, c, spin);
	UNLOCK(m, b, spin);

	machine_on_cpu(m, 1);
	LOCK(m, d, spin);
	machine_on_cpu(m, 0);
	assert_int_equal(machine_lock(m, d, &spin_try), 1); /* failed: no event */
	assert_int_equal(machine_world(m)->cpus[0].stack[LV_LEVEL_TASK].depth, 1);
	UNLOCK(m, a, spin);

	enter(m, LV_LEVEL_HARDIRQ);
	LOCK(m, b, spin_try);
	HAS_NOT(m, b, LV_USED_IN_HARDIRQ);
	UNLOCK(m, b, spin);
	leave(m, LV_LEVEL_HARDIRQ);
}

static void test_recursive_reader(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_SPIN), rw = machine_add_lock(m, LV_RWLOCK);
	uint64_t b = machine_add_lock(m, LV_SPIN), c = machine_add_lock(m, LV_SPIN);

	LOCK(m, a, spin);
	LOCK(m, rw, read_op);
	assert_int_equal(edge_between(m, a, rw), LV_DEP_EN); /* queued behind a writer */
	LOCK(m, b, spin);
	assert_int_equal(edge_between(m, rw, b), LV_DEP_SN);
	assert_int_equal(edge_between(m, a, b), 0);
	UNLOCK(m, b, spin);
	UNLOCK(m, rw, read_op);
	UNLOCK(m, a, spin);
	HAS(m, rw, LV_USED_READ);
	HAS(m, rw, LV_ENABLED_HARDIRQ_READ);
	HAS_NOT(m, rw, LV_ENABLED_HARDIRQ);

	/* BH off counts as interrupt: the reader jumps the queue, and hides nobody. */
	machine_bh_disable(m);
	LOCK(m, a, spin);
	LOCK(m, rw, read_op);
	assert_int_equal(edge_between(m, a, rw), LV_DEP_EN | LV_DEP_ER);
	LOCK(m, c, spin);
	assert_int_equal(edge_between(m, rw, c), LV_DEP_SN);
	assert_int_equal(edge_between(m, a, c), LV_DEP_EN);
	UNLOCK(m, c, spin);
	UNLOCK(m, rw, read_op);
	UNLOCK(m, a, spin);
	machine_bh_enable(m);

	enter(m, LV_LEVEL_HARDIRQ);
	LOCK(m, rw, read_op);
	HAS(m, rw, LV_USED_IN_HARDIRQ_READ);
	HAS_NOT(m, rw, LV_USED_IN_HARDIRQ);
	UNLOCK(m, rw, read_op);
	leave(m, LV_LEVEL_HARDIRQ);
}

static void test_rwsem_reader(void **state)
{
	struct machine *m = *state;
	const struct machine_op down_read = { .family = LV_RWSEM, .mode = LV_READ };
	uint64_t sem = machine_add_lock(m, LV_RWSEM), mutex = machine_add_lock(m, LV_MUTEX);

	machine_bh_disable(m); /* a bug, but not what makes a rwsem's reader recursive */
	LOCK(m, mutex, mutex_op);
	LOCK(m, sem, down_read);
	assert_int_equal(edge_between(m, mutex, sem), LV_DEP_EN);
	UNLOCK(m, sem, down_read);
	UNLOCK(m, mutex, mutex_op);
	machine_bh_enable(m);
	LOCK(m, sem, down_read);
	LOCK(m, mutex, mutex_op);
	assert_int_equal(edge_between(m, sem, mutex), LV_DEP_SN);
	UNLOCK(m, mutex, mutex_op);
	UNLOCK(m, sem, down_read);
}

/* Sleeping and spinning holders in the order they were taken in. */
static void test_mixed_order(void **state)
{
	struct machine *m = *state;
	uint64_t m1 = machine_add_lock(m, LV_MUTEX), m2 = machine_add_lock(m, LV_MUTEX);
	uint64_t s1 = machine_add_lock(m, LV_SPIN), s2 = machine_add_lock(m, LV_SPIN);

	LOCK(m, m1, mutex_op);
	LOCK(m, s1, spin);
	LOCK(m, s2, spin);
	UNLOCK(m, s2, spin);
	UNLOCK(m, s1, spin);
	LOCK(m, m2, mutex_op);
	LOCK(m, s2, spin);
	UNLOCK(m, s2, spin);
	UNLOCK(m, m2, mutex_op);
	UNLOCK(m, m1, mutex_op);
	assert_int_equal(edge_between(m, m1, s1), LV_DEP_EN);
	assert_int_equal(edge_between(m, s1, s2), LV_DEP_EN);
	assert_int_equal(edge_between(m, m1, m2), LV_DEP_EN);
	assert_int_equal(edge_between(m, m2, s2), LV_DEP_EN);
	assert_int_equal(nr_edges(m), 4);
	assert_int_equal(lost_any(m), 0);
}

/*
 * A softirq's release is lost; the hardirq that comes takes the same lock, whose
 * word then reads as held. The stale entry is not a lock held with irqs on.
 */
static void test_stale_below_interrupt(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_SPIN);

	assert_int_equal(machine_enter(m, LV_LEVEL_SOFTIRQ), 0);
	leave_stale(m, a, &spin_irq, &spin_irq_on);
	assert_int_equal(machine_enter(m, LV_LEVEL_HARDIRQ), 0);
	LOCK(m, a, spin);
	HAS(m, a, LV_USED_IN_HARDIRQ);
	HAS_NOT(m, a, LV_ENABLED_HARDIRQ);
	assert_int_equal(lost(m, LV_LOSS_STALE_HOLDER), 1);
	UNLOCK(m, a, spin);
	assert_int_equal(machine_exit(m, LV_LEVEL_HARDIRQ), 0);
	assert_int_equal(machine_exit(m, LV_LEVEL_SOFTIRQ), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_plain_use),
		TEST(test_irq_source_absent),
		TEST(test_on_by_hardirq),
		TEST(test_on_by_softirq),
		TEST(test_on_by_unlock_irq),
		TEST(test_on_by_irqrestore),
		TEST(test_on_by_unlock_bh),
		TEST(test_trylock),
		TEST(test_recursive_reader),
		TEST(test_rwsem_reader),
		TEST(test_mixed_order),
		TEST(test_stale_below_interrupt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
