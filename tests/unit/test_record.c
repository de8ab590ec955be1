// SPDX-License-Identifier: GPL-2.0-only
/* The native recorder: what it holds, what it refuses to believe, what it counts as lost. */
#include "test_record.h"

#include <string.h>

#include "replay/hooked.h"
#include "replay/world.h"
#include "record/recorder.h"

/* An interrupt that takes and gives back a lock, once, in the middle of a program. */
static void interrupt_once(struct seat *seat)
{
	struct machine *m = seat->intrude_arg;
	uint64_t inner = world_address(1);

	seat->intrude = NULL;
	assert_int_equal(machine_enter(m, LV_LEVEL_HARDIRQ), 0);
	LOCK(m, inner, spin);
	UNLOCK(m, inner, spin);
	assert_int_equal(machine_exit(m, LV_LEVEL_HARDIRQ), 0);
}

static void test_guard(void **state)
{
	struct machine *m = *state;
	uint64_t outer = machine_add_lock(m, LV_SPIN);
	uint64_t inner = machine_add_lock(m, LV_SPIN);

	world_seat->intrude = interrupt_once;
	world_seat->intrude_arg = m;
	LOCK(m, outer, spin);
	assert_null(world_seat->intrude); /* it has come */
	UNLOCK(m, outer, spin);

	assert_null(class_at(m, inner)); /* missed whole */
	assert_non_null(class_at(m, outer));
	assert_int_equal(lost(m, LV_LOSS_GUARD), 2);
	assert_int_equal(machine_world(m)->cpus[0].guard, 0);
	assert_int_equal(machine_world(m)->cpus[0].stack[LV_LEVEL_HARDIRQ].depth, 0);

	/* And after it the interrupt's locks are seen. */
	interrupt_once(world_seat);
	assert_non_null(class_at(m, inner));
}

static void test_unarmed(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_SPIN);

	world_disarm(machine_world(m));
	LOCK(m, a, spin);
	UNLOCK(m, a, spin);
	assert_null(class_at(m, a));
	assert_int_equal(tables_events(machine_world(m)->cpus, 1), 0);
	assert_int_equal(lost_any(m), 0);
}

static void test_nmi(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_SPIN);

	world_seat->preempt_count += 0x100000;
	LOCK(m, a, spin_try);
	assert_null(class_at(m, a));
	assert_int_equal(lost(m, LV_LOSS_NMI), 1);
	assert_int_equal(machine_world(m)->cpus[0].guard, 0);
}

static void test_unknown_cpu(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_SPIN);

	world_seat->cpu = 2;
	world_seat->own = NULL;
	LOCK(m, a, spin);
	world_seat->cpu = 0;
	world_seat->own = &machine_world(m)->cpus[0];
	assert_null(class_at(m, a));
	assert_int_equal(machine_world(m)->control.lost_cpu, 1);
}

static void test_held_stack(void **state)
{
	struct machine *m = *state;
	const struct lv_held_stack *held = &machine_world(m)->cpus[0].stack[LV_LEVEL_TASK];
	uint64_t a = machine_add_lock(m, LV_SPIN), b = machine_add_lock(m, LV_SPIN);
	uint64_t c = machine_add_lock(m, LV_SPIN);

	LOCK(m, a, spin);
	LOCK(m, b, spin);
	LOCK(m, c, spin);
	assert_int_equal(held->depth, 3);
	assert_true(held->held[0].addr == a && held->held[1].addr == b && held->held[2].addr == c);
	UNLOCK(m, c, spin);
	UNLOCK(m, b, spin);
	UNLOCK(m, a, spin);
	assert_int_equal(held->depth, 0);

	assert_int_equal(edge_between(m, a, b), LV_DEP_EN);
	assert_int_equal(edge_between(m, b, c), LV_DEP_EN);
	assert_int_equal(edge_between(m, a, c), 0); /* b was waited for: it stands between */
	assert_int_equal(nr_edges(m), 2);
	assert_int_equal(lost_any(m), 0);
	assert_int_equal(tables_events(machine_world(m)->cpus, 1), 6);
}

static void test_out_of_order(void **state)
{
	struct machine *m = *state;
	const struct lv_held_stack *held = &machine_world(m)->cpus[0].stack[LV_LEVEL_TASK];
	uint64_t a = machine_add_lock(m, LV_SPIN), b = machine_add_lock(m, LV_SPIN);
	uint64_t c = machine_add_lock(m, LV_SPIN), d = machine_add_lock(m, LV_SPIN);

	LOCK(m, a, spin);
	LOCK(m, b, spin);
	LOCK(m, c, spin);
	UNLOCK(m, a, spin);
	assert_int_equal(held->depth, 2);
	assert_true(held->held[0].addr == b && held->held[1].addr == c);
	UNLOCK(m, b, spin);
	LOCK(m, d, spin);
	UNLOCK(m, c, spin);
	UNLOCK(m, d, spin);
	assert_int_equal(held->depth, 0);
	assert_int_equal(edge_between(m, c, d), LV_DEP_EN);
	assert_int_equal(edge_between(m, b, d), 0);
	assert_int_equal(lost_any(m), 0);
}

static void test_levels_apart(void **state)
{
	struct machine *m = *state;
	struct lv_cpu *cpu = &machine_world(m)->cpus[0];
	uint64_t a = machine_add_lock(m, LV_SPIN), b = machine_add_lock(m, LV_SPIN);
	uint64_t c = machine_add_lock(m, LV_SPIN);

	LOCK(m, a, spin);
	assert_int_equal(machine_enter(m, LV_LEVEL_SOFTIRQ), 0);
	LOCK(m, b, spin);
	assert_int_equal(machine_enter(m, LV_LEVEL_HARDIRQ), 0);
	LOCK(m, c, spin);
	assert_int_equal(cpu->stack[LV_LEVEL_TASK].depth, 1);
	assert_int_equal(cpu->stack[LV_LEVEL_SOFTIRQ].depth, 1);
	assert_int_equal(cpu->stack[LV_LEVEL_HARDIRQ].depth, 1);
	UNLOCK(m, c, spin);
	assert_int_equal(machine_exit(m, LV_LEVEL_HARDIRQ), 0);
	UNLOCK(m, b, spin);
	assert_int_equal(machine_exit(m, LV_LEVEL_SOFTIRQ), 0);
	UNLOCK(m, a, spin);

	assert_int_equal(nr_edges(m), 0);
	assert_int_equal(lost_any(m), 0);
	HAS(m, b, LV_USED_IN_SOFTIRQ);
	HAS(m, c, LV_USED_IN_HARDIRQ);
	HAS_NOT(m, a, LV_USED_IN_SOFTIRQ);
	HAS_NOT(m, a, LV_USED_IN_HARDIRQ);
}

static void test_wrong_release(void **state)
{
	struct machine *m = *state;
	const struct lv_held_stack *held = &machine_world(m)->cpus[0].stack[LV_LEVEL_TASK];
	uint64_t a = machine_add_lock(m, LV_SPIN), b = machine_add_lock(m, LV_SPIN);

	assert_int_equal(machine_unlock(m, a, &spin), -2);
	assert_int_equal(lost(m, LV_LOSS_UNKNOWN_RELEASE), 1);
	LOCK(m, a, spin);
	assert_int_equal(machine_unlock(m, b, &spin), -2);
	assert_int_equal(lost(m, LV_LOSS_UNKNOWN_RELEASE), 2);
	assert_int_equal(held->depth, 1); /* what is held stays */
	UNLOCK(m, a, spin);
	assert_int_equal(held->depth, 0);

	/* A mutex that nobody has: no slot is claimed for it. */
	a = machine_add_lock(m, LV_MUTEX);
	assert_int_equal(machine_unlock(m, a, &mutex_op), -2);
	assert_int_equal(lost(m, LV_LOSS_UNKNOWN_RELEASE), 3);
}

/* How many slots of the task table are in use by tasks that may hold something. */
static uint32_t nr_task_slots(struct machine *m)
{
	uint32_t nr = 0;

	for (size_t i = 0; i < LV_MAX_TASKS; i++)
		nr += machine_world(m)->task_keys.key[i] &&
		      !(machine_world(m)->task_keys.key[i] & LV_TASK_IDLE);
	return nr;
}

static void test_epoch(void **state)
{
	struct machine *m = *state;
	struct world *world = machine_world(m);
	uint64_t a = machine_add_lock(m, LV_SPIN), b = machine_add_lock(m, LV_SPIN);
	uint64_t mutex = machine_add_lock(m, LV_MUTEX), c = machine_add_lock(m, LV_SPIN);

	LOCK(m, mutex, mutex_op);
	LOCK(m, a, spin);
	world_disarm(world);
	UNLOCK(m, a, spin); /* not seen */
	UNLOCK(m, mutex, mutex_op);
	LOCK(m, a, spin); /* held by somebody else from now on: the word tells nothing */
	world_arm(world);
	LOCK(m, b, spin);
	assert_int_equal(world->cpus[0].stack[LV_LEVEL_TASK].depth, 1);
	assert_int_equal(edge_between(m, a, b), 0);
	assert_int_equal(lost_any(m), 0);
	UNLOCK(m, b, spin);
	machine_unlock(m, a, &spin);

	/* Nor does the task get its old mutex back with a switch away and back. */
	machine_switch(m, 7, "other");
	machine_switch(m, 1, "task");
	LOCK(m, c, spin);
	assert_int_equal(edge_between(m, mutex, c), 0);
	UNLOCK(m, c, spin);
	LOCK(m, mutex, mutex_op);
	UNLOCK(m, mutex, mutex_op);
	machine_switch(m, 7, "other"); /* only then the slot is given back */
	assert_int_equal(nr_task_slots(m), 0);
}

static void test_lower_level_empties_higher(void **state)
{
	struct machine *m = *state;
	struct lv_cpu *cpu = &machine_world(m)->cpus[0];
	uint64_t a = machine_add_lock(m, LV_SPIN), b = machine_add_lock(m, LV_SPIN);
	uint64_t c = machine_add_lock(m, LV_SPIN);

	assert_int_equal(machine_enter(m, LV_LEVEL_SOFTIRQ), 0);
	LOCK(m, a, spin);
	assert_int_equal(machine_enter(m, LV_LEVEL_HARDIRQ), 0);
	LOCK(m, b, spin);
	assert_int_equal(machine_exit(m, LV_LEVEL_HARDIRQ), 0);
	assert_int_equal(machine_exit(m, LV_LEVEL_SOFTIRQ), 0);
	/* Both releases were missed. */
	LOCK(m, c, spin);
	assert_int_equal(cpu->stack[LV_LEVEL_SOFTIRQ].depth, 0);
	assert_int_equal(cpu->stack[LV_LEVEL_HARDIRQ].depth, 0);
	assert_int_equal(cpu->stack[LV_LEVEL_TASK].depth, 1);
	assert_int_equal(lost(m, LV_LOSS_STALE_HOLDER), 2);
	assert_int_equal(nr_edges(m), 0);
	UNLOCK(m, c, spin);
}

static void test_preempt_count_bound(void **state)
{
	struct machine *m = *state;
	struct lv_cpu *cpu = &machine_world(m)->cpus[0];
	uint64_t stale = machine_add_lock(m, LV_SPIN), a = machine_add_lock(m, LV_SPIN);
	uint64_t b = machine_add_lock(m, LV_SPIN);

	leave_stale(m, stale, &spin, &spin);
	assert_int_equal(cpu->stack[LV_LEVEL_TASK].depth, 1);
	/* Another CPU has the lock: its word reads as held, only the count refutes. */
	machine_on_cpu(m, 1);
	LOCK(m, stale, spin);
	machine_on_cpu(m, 0);
	LOCK(m, a, spin);
	LOCK(m, b, spin);
	assert_int_equal(edge_between(m, stale, a), 0);
	assert_int_equal(edge_between(m, stale, b), 0);
	assert_true(lost(m, LV_LOSS_STALE_HOLDER) > 0);
	UNLOCK(m, b, spin);
	machine_unlock(m, a, &spin);
	assert_int_equal(cpu->stack[LV_LEVEL_TASK].depth, 0);
}

static void test_word_refutes_stale(void **state)
{
	struct machine *m = *state;
	uint64_t stale = machine_add_lock(m, LV_SPIN), a = machine_add_lock(m, LV_SPIN);

	machine_world(m)->counts_preemption = false; /* no count to tell by */
	leave_stale(m, stale, &spin, &spin);
	LOCK(m, a, spin);
	assert_int_equal(edge_between(m, stale, a), 0);
	assert_int_equal(lost(m, LV_LOSS_STALE_HOLDER), 1);
	UNLOCK(m, a, spin);
}

static void test_switch_keeps_rq_lock(void **state)
{
	struct machine *m = *state;
	struct lv_cpu *cpu = &machine_world(m)->cpus[0];
	uint64_t rq = machine_add_lock(m, LV_SPIN), stale = machine_add_lock(m, LV_SPIN);
	uint64_t a = machine_add_lock(m, LV_SPIN);

	cpu->rq_lock = rq;
	LOCK(m, stale, spin);
	LOCK(m, rq, spin_irq);
	machine_switch(m, 7, "next");
	assert_int_equal(cpu->stack[LV_LEVEL_TASK].depth, 1);
	assert_true(cpu->stack[LV_LEVEL_TASK].held[0].addr == rq);
	assert_int_equal(lost(m, LV_LOSS_STALE_HOLDER), 1);
	UNLOCK(m, rq, spin_irq_on);
	assert_int_equal(lost(m, LV_LOSS_UNKNOWN_RELEASE), 0);
	LOCK(m, a, spin);
	assert_int_equal(edge_between(m, stale, a), 0);
	UNLOCK(m, a, spin);
}

static void test_mutex_goes_with_task(void **state)
{
	struct machine *m = *state;
	uint64_t mutex = machine_add_lock(m, LV_MUTEX);
	uint64_t a = machine_add_lock(m, LV_SPIN), b = machine_add_lock(m, LV_SPIN);
	uint64_t c = machine_add_lock(m, LV_SPIN);

	LOCK(m, mutex, mutex_op);
	machine_switch(m, 7, "other");
	LOCK(m, a, spin);
	UNLOCK(m, a, spin);
	machine_on_cpu(m, 1);
	machine_switch(m, 1, "task"); /* it wakes up elsewhere */
	LOCK(m, b, spin);
	LOCK(m, c, spin);
	UNLOCK(m, c, spin);
	UNLOCK(m, b, spin);
	UNLOCK(m, mutex, mutex_op);
	assert_int_equal(edge_between(m, mutex, a), 0);
	assert_int_equal(edge_between(m, mutex, b), LV_DEP_EN);
	assert_int_equal(edge_between(m, mutex, c), 0);
	assert_int_equal(edge_between(m, b, c), LV_DEP_EN);
	assert_int_equal(lost_any(m), 0);
	assert_int_equal(nr_task_slots(m), 1); /* it may well lock again at once */
	machine_switch(m, 8, "other");
	assert_int_equal(nr_task_slots(m), 0);
}

static void test_stale_class(void **state)
{
	struct machine *m = *state;
	struct world *world = machine_world(m);
	uint64_t a = machine_add_lock(m, LV_SPIN), b = machine_add_lock(m, LV_SPIN);
	uint64_t cache = world_add_cache(world, "kioctx", 576);
	uint64_t other = world_add_cache(world, "dentry", 192);
	const struct lv_place before = { .kind = LV_PLACE_SLAB, .base = cache, .off = 64 };
	const struct lv_place after = { .kind = LV_PLACE_SLAB, .base = other, .off = 88 };
	struct lv_class *class;

	world->annotated = false;
	machine_show_place(m, a, &before);
	LOCK(m, a, spin);
	UNLOCK(m, a, spin);
	class = class_at(m, a);
	assert_string_equal(class->cache, "kioctx");
	assert_int_equal(class->cache_size, 576);

	machine_show_place(m, a, &after); /* freed, and its memory another cache's */
	LOCK(m, a, spin);
	LOCK(m, b, spin); /* the new edge looks at both classes again */
	UNLOCK(m, b, spin);
	UNLOCK(m, a, spin);
	assert_int_equal(lost(m, LV_LOSS_STALE_CLASS), 2); /* so does the look at its usage */
	assert_int_equal(nr_edges(m), 0);

	LOCK(m, a, spin);
	LOCK(m, b, spin);
	UNLOCK(m, b, spin);
	UNLOCK(m, a, spin);
	assert_ptr_not_equal(class_at(m, a), class);
	assert_string_equal(class_at(m, a)->cache, "dentry");
	assert_int_equal(edge_between(m, a, b), LV_DEP_EN);
}

static void test_self_order(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_SPIN), b = machine_add_lock(m, LV_SPIN);
	uint64_t c = machine_add_lock(m, LV_SPIN);

	machine_tell_class(m, b, 0);
	machine_tell_class(m, c, 0);
	LOCK(m, a, spin);
	LOCK(m, b, spin);
	UNLOCK(m, b, spin);
	UNLOCK(m, a, spin);
	assert_int_equal(edge_between(m, a, b), LV_DEP_EN);
	assert_false(class_at(m, a)->flags & LV_CLASS_SELF_ORDER);
	LOCK(m, b, spin);
	LOCK(m, a, spin);
	UNLOCK(m, a, spin);
	UNLOCK(m, b, spin);
	assert_int_equal(edge_between(m, a, b), LV_DEP_EN | LV_DEP_DOWN);
	assert_true(class_at(m, a)->flags & LV_CLASS_SELF_ORDER);
}

/* Who switches irqs off is counted where hardirqs were, and they where NMIs were, on 7.3. */
static void test_count_of_7_3(void **state)
{
	(void)state;
	assert_int_equal(world_count_of_7_3(0x00050203), 0x00000203);
	assert_int_equal(world_count_of_7_3(0x01ff0100), 0x00010100);
	assert_int_equal(world_count_of_7_3(0x20010001), 0x00200001);
	assert_int_equal(world_count_of_7_3(0xffffffff), 0x00ffffff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_guard),
		cmocka_unit_test(test_count_of_7_3),
		TEST(test_unarmed),
		TEST(test_nmi),
		TEST(test_unknown_cpu),
		TEST(test_held_stack),
		TEST(test_out_of_order),
		TEST(test_levels_apart),
		TEST(test_wrong_release),
		TEST(test_epoch),
		TEST(test_lower_level_empties_higher),
		TEST(test_preempt_count_bound),
		TEST(test_word_refutes_stale),
		TEST(test_switch_keeps_rq_lock),
		TEST(test_mutex_goes_with_task),
		TEST(test_stale_class),
		TEST(test_self_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
