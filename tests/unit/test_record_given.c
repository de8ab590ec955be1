// SPDX-License-Identifier: GPL-2.0-only
/*
 * Locks that are not given back by who took them, or not seen to be: handed over to user
 * space or to another task, contradicted by an interrupt.
 */
#include "test_record.h"

#include "replay/world.h"
#include "record/held.h"

#define UNLINKER 100
#define WORKER 101

static const struct machine_op rwsem_read = { .family = LV_RWSEM, .mode = LV_READ };
static const struct machine_op rwsem_write = { .family = LV_RWSEM };
static const struct machine_op percpu_write = { .family = LV_PERCPU_RWSEM };
static const struct machine_op ww_op = { .family = LV_MUTEX, .ww = true };

static const struct lv_held_stack *task_stack(struct machine *m)
{
	return task_held(&machine_world(m)->cpus[machine_cpu(m)]);
}

static uint32_t flags_at(struct machine *m, uint64_t addr)
{
	const struct lv_class *class = class_at(m, addr);

	return class ? class->flags : 0;
}

static void test_hand_over(void **state)
{
	struct machine *m = *state;
	uint64_t umount = machine_add_lock(m, LV_RWSEM), after = machine_add_lock(m, LV_MUTEX);
	uint64_t level[3];

	machine_world(m)->annotated = false;
	for (int i = 0; i < 3; i++)
		level[i] = machine_add_lock(m, LV_PERCPU_RWSEM);
	LOCK(m, level[0], percpu_write);
	LOCK(m, umount, rwsem_write);
	LOCK(m, level[1], percpu_write);
	LOCK(m, level[2], percpu_write);
	machine_hand_over(m, LV_PERCPU_RWSEM);
	assert_int_equal(task_stack(m)->depth, 1); /* the others stay */
	assert_int_equal(lost(m, LV_LOSS_STALE_HOLDER), 0);
	LOCK(m, after, mutex_op);
	assert_int_equal(edge_between(m, umount, after), LV_DEP_EN);
	assert_int_equal(edge_between(m, level[2], after), 0);
}

static void test_non_owner(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_RWSEM);

	machine_world(m)->annotated = false;
	assert_int_equal(machine_switch(m, UNLINKER, "unlinker"), 0);
	LOCK(m, a, rwsem_read);
	assert_int_equal(machine_switch(m, WORKER, "worker"), 0);
	UNLOCK(m, a, rwsem_read);
	assert_true(flags_at(m, a) & LV_CLASS_HANDED);
	assert_int_equal(lost_any(m), 0);
}

/* Taken before we looked, as each reader is that an arming finds. */
static void test_unseen_reader_is_no_hand_over(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_RWSEM);

	machine_world(m)->annotated = false;
	machine_switch(m, UNLINKER, "unlinker");
	world_disarm(machine_world(m));
	LOCK(m, a, rwsem_read);
	world_arm(machine_world(m));
	UNLOCK(m, a, rwsem_read);
	assert_int_equal(lost(m, LV_LOSS_UNKNOWN_RELEASE), 1);

	/* By another, who had it before us: the one that is known to hold it is not alone. */
	world_disarm(machine_world(m));
	LOCK(m, a, rwsem_read);
	world_arm(machine_world(m));
	machine_switch(m, WORKER, "worker");
	LOCK(m, a, rwsem_read);
	machine_switch(m, UNLINKER, "unlinker");
	UNLOCK(m, a, rwsem_read);
	assert_int_equal(lost(m, LV_LOSS_UNKNOWN_RELEASE), 2);
	assert_false(flags_at(m, a) & LV_CLASS_HANDED);
}

static void test_acquire_context(void **state)
{
	struct machine *m = *state;
	uint64_t outer = machine_add_lock(m, LV_MUTEX), plain = machine_add_lock(m, LV_MUTEX);
	uint64_t a = machine_add_lock(m, LV_MUTEX), b = machine_add_lock(m, LV_MUTEX);

	machine_world(m)->annotated = false;
	LOCK(m, outer, mutex_op);
	LOCK(m, a, ww_op);
	LOCK(m, b, ww_op);
	LOCK(m, plain, mutex_op);
	assert_int_equal(edge_between(m, a, b), 0);
	assert_int_equal(edge_between(m, outer, a), LV_DEP_EN);
	assert_int_equal(edge_between(m, outer, b), LV_DEP_EN);
	assert_int_equal(edge_between(m, b, plain), LV_DEP_EN);
}

/* By irqsave, and an interrupt comes: a stale entry, and no reason for ON bits. */
static void test_contradicted_by_interrupt(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_SPIN), below = machine_add_lock(m, LV_SPIN);
	uint64_t other = machine_add_lock(m, LV_SPIN);

	machine_world(m)->annotated = false;
	LOCK(m, below, spin);
	LOCK(m, a, spin_irq);
	machine_irq_enable(m); /* as after a release whose event was lost, under one more preempt_disable() */
	assert_int_equal(machine_enter(m, LV_LEVEL_HARDIRQ), 0);
	LOCK(m, other, spin);
	HAS_NOT(m, a, LV_ENABLED_HARDIRQ);
	HAS(m, below, LV_ENABLED_HARDIRQ);
	assert_int_equal(lost(m, LV_LOSS_STALE_HOLDER), 1);
	assert_int_equal(machine_world(m)->cpus[0].stack[LV_LEVEL_TASK].depth, 1);
}

/* A release that was seen has switched irqs on: what is left is held so. */
static void test_irqs_on_by_release(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_SPIN), b = machine_add_lock(m, LV_SPIN);
	uint64_t other = machine_add_lock(m, LV_SPIN);

	machine_world(m)->annotated = false;
	LOCK(m, a, spin_irq);
	LOCK(m, b, spin);
	UNLOCK(m, b, spin_irq_on);
	assert_int_equal(machine_enter(m, LV_LEVEL_HARDIRQ), 0);
	LOCK(m, other, spin);
	HAS(m, a, LV_ENABLED_HARDIRQ);
	assert_int_equal(lost_any(m), 0);
}

/* netpoll: _bh locks with irqs off. */
static void test_unlock_bh_with_irqs_off(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_SPIN), b = machine_add_lock(m, LV_SPIN);

	machine_world(m)->annotated = false;
	machine_irq_disable(m);
	LOCK(m, a, spin);
	LOCK(m, b, spin_bh);
	UNLOCK(m, b, spin_bh_on);
	HAS_NOT(m, a, LV_ENABLED_HARDIRQ);
	HAS_NOT(m, a, LV_ENABLED_SOFTIRQ);
}

/* The newest entry is what spinning locks look their memo up under: it is not to be a stale entry. */
static void test_top_after_a_stale(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_MUTEX), stale = machine_add_lock(m, LV_MUTEX);
	uint64_t inner = machine_add_lock(m, LV_SPIN);

	machine_world(m)->annotated = false;
	LOCK(m, a, mutex_op);
	leave_stale(m, stale, &mutex_op, &mutex_op);
	LOCK(m, inner, spin); /* its edge refutes the stale entry */
	assert_int_equal(lost(m, LV_LOSS_STALE_HOLDER), 1);
	assert_int_equal(task_stack(m)->depth, 1);
	assert_int_equal(machine_world(m)->cpus[0].task_top, task_stack(m)->held[0].entry);
}

/* Sleeping locks count no preemption: their entries stay as they are. */
static void test_out_of_order(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_MUTEX), b = machine_add_lock(m, LV_MUTEX);
	uint64_t entry;

	LOCK(m, a, mutex_op);
	LOCK(m, b, mutex_op);
	entry = task_stack(m)->held[1].entry;
	UNLOCK(m, a, mutex_op);
	assert_int_equal(task_stack(m)->held[0].entry, entry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_hand_over),
		TEST(test_non_owner),
		TEST(test_unseen_reader_is_no_hand_over),
		TEST(test_acquire_context),
		TEST(test_contradicted_by_interrupt),
		TEST(test_irqs_on_by_release),
		TEST(test_unlock_bh_with_irqs_off),
		TEST(test_top_after_a_stale),
		TEST(test_out_of_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
