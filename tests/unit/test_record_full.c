// SPDX-License-Identifier: GPL-2.0-only
/* The native recorder with its tables full: it goes on, and counts what it had to drop. */
#include "test_record.h"

static void fill_classes(struct machine *m)
{
	struct world *world = machine_world(m);

	for (size_t i = 0; i < LV_MAX_CLASSES; i++) {
		world->classes[i].state = LV_SLOT_READY;
		world->classes[i].place.kind = LV_PLACE_KFENCE;
	}
}

static void test_classes_full(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_SPIN), b = machine_add_lock(m, LV_SPIN);

	LOCK(m, a, spin);
	UNLOCK(m, a, spin);
	fill_classes(m);
	LOCK(m, b, spin);
	UNLOCK(m, b, spin);
	LOCK(m, b, spin_try);
	UNLOCK(m, b, spin);
	assert_int_equal(lost(m, LV_LOSS_CLASSES), 2);
	assert_int_equal(machine_world(m)->cpus[0].stack[LV_LEVEL_TASK].depth, 0);
	/* What was known before still is. */
	LOCK(m, a, spin);
	UNLOCK(m, a, spin);
	assert_int_equal(lost(m, LV_LOSS_CLASSES), 2);
}

static void test_edges_full(void **state)
{
	struct machine *m = *state;
	struct world *world = machine_world(m);
	uint64_t a = machine_add_lock(m, LV_SPIN), b = machine_add_lock(m, LV_SPIN);
	uint64_t c = machine_add_lock(m, LV_SPIN);

	LOCK(m, a, spin);
	LOCK(m, b, spin);
	UNLOCK(m, b, spin);
	for (size_t i = 0; i < LV_MAX_EDGES; i++)
		if (world->edges[i].state == LV_SLOT_FREE)
			world->edges[i] = (struct lv_edge){ .state = LV_SLOT_READY,
							    .from = LV_MAX_CLASSES };
	LOCK(m, b, spin); /* known: no loss */
	UNLOCK(m, b, spin);
	assert_int_equal(lost(m, LV_LOSS_EDGES), 0);
	LOCK(m, c, spin);
	assert_int_equal(lost(m, LV_LOSS_EDGES), 1);
	assert_int_equal(edge_between(m, a, c), 0);
	UNLOCK(m, c, spin);
	UNLOCK(m, a, spin);
}

static void test_stacks_full(void **state)
{
	struct machine *m = *state;
	struct world *world = machine_world(m);
	uint64_t a = machine_add_lock(m, LV_SPIN), b = machine_add_lock(m, LV_SPIN);

	world->control.next_stack = LV_MAX_STACKS - 1;
	LOCK(m, a, spin); /* takes the last */
	assert_int_equal(class_at(m, a)->usage_stack[LV_USED], LV_MAX_STACKS - 1);
	LOCK(m, b, spin);
	assert_true(lost(m, LV_LOSS_STACKS) > 0);
	assert_int_equal(class_at(m, b)->usage_stack[LV_USED], LV_NONE);
	HAS(m, b, LV_USED); /* the fact is kept, only its stack is not */
	assert_int_equal(edge_between(m, a, b), LV_DEP_EN);
	UNLOCK(m, b, spin);
	UNLOCK(m, a, spin);
}

static void test_held_full(void **state)
{
	struct machine *m = *state;
	struct lv_held_stack *held = &machine_world(m)->cpus[0].stack[LV_LEVEL_TASK];
	uint64_t locks[LV_HELD_DEPTH + 2];

	for (int i = 0; i < LV_HELD_DEPTH + 2; i++) {
		locks[i] = machine_add_lock(m, LV_SPIN);
		LOCK(m, locks[i], spin);
	}
	assert_int_equal(held->depth, LV_HELD_DEPTH);
	assert_true(held->tainted);
	assert_int_equal(lost(m, LV_LOSS_DEPTH), 2);
	assert_int_equal(lost(m, LV_LOSS_TAINTED), 1); /* the last one's edges */
	assert_int_equal(nr_edges(m), LV_HELD_DEPTH);
	for (int i = LV_HELD_DEPTH + 2; i-- > 0;)
		UNLOCK(m, locks[i], spin);
	assert_int_equal(lost(m, LV_LOSS_UNKNOWN_RELEASE), 2);
	assert_int_equal(held->depth, 0);
	assert_false(held->tainted); /* empty again: trusted again */
}

static void test_tasks_full(void **state)
{
	struct machine *m = *state;
	struct world *world = machine_world(m);
	uint64_t mutex = machine_add_lock(m, LV_MUTEX), a = machine_add_lock(m, LV_SPIN);

	for (size_t i = 0; i < LV_MAX_TASKS; i++)
		world->task_keys.key[i] = 0x40 | (uint64_t)(world->word >> LV_EPOCH_SHIFT) << 48;
	LOCK(m, mutex, mutex_op);
	LOCK(m, a, spin);
	UNLOCK(m, a, spin);
	assert_int_equal(lost(m, LV_LOSS_TASKS), 1);
	assert_int_equal(edge_between(m, mutex, a), 0);
	UNLOCK(m, mutex, mutex_op);
	assert_int_equal(lost(m, LV_LOSS_UNKNOWN_RELEASE), 1);
	assert_int_equal(world->cpus[0].guard, 0);

	/* Tasks that hold nothing make room. */
	for (size_t i = 0; i < LV_MAX_TASKS; i++)
		world->task_keys.key[i] |= LV_TASK_IDLE;
	LOCK(m, mutex, mutex_op);
	LOCK(m, a, spin);
	UNLOCK(m, a, spin);
	UNLOCK(m, mutex, mutex_op);
	assert_int_equal(lost(m, LV_LOSS_TASKS), 1);
	assert_int_equal(edge_between(m, mutex, a), LV_DEP_EN);
}

static void test_slot_being_filled(void **state)
{
	struct machine *m = *state;
	struct world *world = machine_world(m);
	uint64_t a = machine_add_lock(m, LV_SPIN);

	for (size_t i = 0; i < LV_MAX_CLASSES; i++)
		world->classes[i].state = LV_SLOT_CLAIMED; /* another CPU, which never gets on */
	LOCK(m, a, spin);
	UNLOCK(m, a, spin);
	assert_int_equal(lost(m, LV_LOSS_RACE), 1);
	assert_int_equal(world->cpus[0].stack[LV_LEVEL_TASK].depth, 0);
}

static void test_no_place(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_SPIN);

	/* An address that lies nowhere: no class, and nothing held. */
	machine_world(m)->objects[0].told.kind = LV_PLACE_NONE;
	LOCK(m, a, spin);
	UNLOCK(m, a, spin);
	assert_int_equal(lost(m, LV_LOSS_NO_CLASS), 1);
	assert_int_equal(lost(m, LV_LOSS_UNKNOWN_RELEASE), 1);
}

/* Two families at one place, as in a merged cache, are two classes. */
static void test_two_families_one_place(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_SPIN), b = machine_add_lock(m, LV_RWLOCK);
	struct world *world = machine_world(m);
	int nr = 0;

	machine_tell_class(m, b, 0);
	LOCK(m, a, spin);
	UNLOCK(m, a, spin);
	LOCK(m, b, write_op);
	UNLOCK(m, b, write_op);
	for (size_t i = 0; i < LV_MAX_CLASSES; i++)
		nr += world->classes[i].state == LV_SLOT_READY;
	assert_int_equal(nr, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_classes_full),
		TEST(test_edges_full),
		TEST(test_stacks_full),
		TEST(test_held_full),
		TEST(test_tasks_full),
		TEST(test_slot_being_filled),
		TEST(test_no_place),
		TEST(test_two_families_one_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
