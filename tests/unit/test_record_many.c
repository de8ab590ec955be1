// SPDX-License-Identifier: GPL-2.0-only
/* Locks of one class, more than a CPU remembers, used in turn: the class's memo stands for each. */
#include "test_record.h"

#include <stdlib.h>

#define MANY (4 * LV_MEMOS)
#define ROUNDS 3

static int many_setup(void **state)
{
	const struct machine_options options = {.nr_cpus = 1, .nr_locks = MANY + 8};

	*state = machine_new(&options);
	return *state ? 0 : -1;
}

static uint64_t *add_many(struct machine *m, uint32_t family)
{
	struct world *world = machine_world(m);
	const struct lv_place place = {
		.kind = LV_PLACE_SLAB, .base = world_add_cache(world, "filp", 256), .off = 0x40};
	static const uint64_t caller[] = {0xffffffff81000010};
	uint64_t *ret = calloc(MANY, sizeof(*ret));

	assert_non_null(ret);
	world->annotated = false;
	machine_at(m, caller, 1);
	for (int i = 0; i < MANY; i++) {
		ret[i] = machine_add_lock(m, family);
		machine_show_place(m, ret[i], &place);
	}
	return ret;
}

static uint64_t class_memo_hits(struct machine *m)
{
	const struct lv_cpu *cpu = machine_world(m)->cpus;
	uint64_t sum = 0;

	for (int i = 0; i < LV_CLASS_MEMOS; i++)
		sum += cpu->class_memo[i].hits;
	return sum;
}

static uint64_t acquisitions(struct machine *m, uint64_t addr)
{
	static struct tables_totals totals;
	struct world *world = machine_world(m);
	const struct tables tables = {.cpus = world->cpus, .nr_cpus = world->nr_cpus};
	const struct lv_class *class = class_at(m, addr);

	assert_non_null(class);
	tables_add_up(&tables, &totals);
	return totals.acquisitions[class - world->classes];
}

/*
 * Each under one and the same lock, so that there is an edge to be met, too. Returns how many were done by
 * the class's memo; one that is filled in anew begins at 0.
 */
static uint64_t use_all(struct machine *m, uint64_t outer, const uint64_t *at,
			const struct machine_op *op)
{
	uint64_t by_class = 0;

	for (int i = 0; i < MANY; i++) {
		uint64_t before;

		LOCK(m, outer, mutex_op);
		before = class_memo_hits(m);
		LOCK(m, at[i], *op);
		by_class += class_memo_hits(m) > before;
		UNLOCK(m, at[i], *op);
		UNLOCK(m, outer, mutex_op);
	}
	return by_class;
}

static void test_spinning(void **state)
{
	struct machine *m = *state;
	uint64_t outer = machine_add_lock(m, LV_MUTEX), *at = add_many(m, LV_SPIN);
	uint64_t by_class = 0;

	for (int i = 0; i < ROUNDS; i++)
		by_class += use_all(m, outer, at, &spin);
	assert_int_equal(acquisitions(m, at[0]), ROUNDS * MANY);
	/* All but those that have memos of their own, and that the class's bits were learnt from. */
	assert_in_range(by_class, (ROUNDS - 1) * (MANY - LV_MEMOS), ROUNDS * MANY);
	assert_int_equal(nr_edges(m), 1);
	assert_int_equal(lost_any(m), 0);
	free(at);
}

static void test_sleeping(void **state)
{
	static const struct machine_op rwsem_write = {.family = LV_RWSEM};
	struct machine *m = *state;
	uint64_t outer = machine_add_lock(m, LV_MUTEX), *at = add_many(m, LV_RWSEM);

	for (int i = 0; i < ROUNDS; i++)
		use_all(m, outer, at, &rwsem_write);
	assert_int_equal(acquisitions(m, at[0]), ROUNDS * MANY);
	assert_int_equal(nr_edges(m), 1);
	assert_int_equal(lost_any(m), 0);
	free(at);
}

/* Another of the class further down makes it the twin, whatever the class's memo says. */
static void test_twin_further_down(void **state)
{
	struct machine *m = *state;
	uint64_t outer = machine_add_lock(m, LV_MUTEX), *at = add_many(m, LV_MUTEX);
	const struct lv_class *class;

	for (int i = 0; i < ROUNDS; i++)
		use_all(m, outer, at, &mutex_op);
	class = class_at(m, at[0]);
	assert_int_equal(class->other, 0);
	LOCK(m, at[1], mutex_op);
	LOCK(m, outer, mutex_op);
	LOCK(m, at[0], mutex_op);
	assert_int_not_equal(class->other, 0);
	free(at);
}

#define MANY_TEST(function) cmocka_unit_test_setup_teardown(function, many_setup, machine_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MANY_TEST(test_spinning),
		MANY_TEST(test_sleeping),
		MANY_TEST(test_twin_further_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
