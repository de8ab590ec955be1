// SPDX-License-Identifier: GPL-2.0-only
/* Locks taken while another of their class is held: the class's twin. */
#include "test_record.h"

#include <string.h>

static const struct machine_op rwsem_write = { .family = LV_RWSEM };
static const struct machine_op mutex_try = { .family = LV_MUTEX, .try = true };

/* Equals in objects of one cache, and a lock of its own. */
static void add_equals(struct machine *m, uint32_t family, uint64_t *ret, int nr)
{
	struct world *world = machine_world(m);
	const struct lv_place place = { .kind = LV_PLACE_SLAB,
					.base = world_add_cache(world, "inode_cache", 600),
					.off = 0x98 };

	world->annotated = false;
	for (int i = 0; i < nr; i++) {
		ret[i] = machine_add_lock(m, family);
		machine_show_place(m, ret[i], &place);
	}
}

static uint32_t id_of(struct machine *m, uint64_t addr, uint32_t subclass)
{
	struct world *world = machine_world(m);
	const struct lv_place *place = &world_object(world, addr)->shown;

	for (uint32_t i = 0; i < LV_MAX_CLASSES; i++) {
		const struct lv_class *class = &world->classes[i];

		if (class->state == LV_SLOT_READY && class->place.base == place->base &&
		    class->place.off == place->off && class->subclass == subclass)
			return i;
	}
	return LV_NONE;
}

static uint32_t dep_of(struct machine *m, uint32_t from, uint32_t to)
{
	struct world *world = machine_world(m);
	uint32_t dep = 0;

	for (size_t i = 0; i < LV_MAX_EDGES; i++) {
		const struct lv_edge *edge = &world->edges[i];

		if (edge->state == LV_SLOT_READY && edge->from == from && edge->to == to)
			dep |= edge->dep;
	}
	return dep;
}

static void nest(struct machine *m, uint64_t outer, uint64_t inner, const struct machine_op *op)
{
	LOCK(m, outer, *op);
	LOCK(m, inner, *op);
	UNLOCK(m, inner, *op);
	UNLOCK(m, outer, *op);
}

static void test_twin(struct machine *m, const struct machine_op *op)
{
	uint32_t class, twin;
	uint64_t at[3];

	add_equals(m, op->family, at, 3);
	nest(m, at[0], at[1], op);
	class = id_of(m, at[0], 0);
	twin = id_of(m, at[0], 1);
	assert_int_not_equal(twin, LV_NONE);
	assert_int_equal(dep_of(m, class, twin), LV_DEP_EN);
	assert_int_equal(dep_of(m, class, class), 0);
	assert_int_equal(machine_world(m)->classes[class].other, twin + 1);
	assert_int_equal(machine_world(m)->classes[twin].other, class + 1);
	assert_string_equal(machine_world(m)->classes[twin].cache, "inode_cache");
	assert_int_equal(lost_any(m), 0);

	/* Alone again, each is of the class. And a third one shares the twin. */
	LOCK(m, at[1], *op);
	UNLOCK(m, at[1], *op);
	LOCK(m, at[0], *op);
	nest(m, at[1], at[2], op);
	assert_int_equal(dep_of(m, twin, twin), LV_DEP_EN);
	UNLOCK(m, at[0], *op);
}

static void test_twin_of_spinning(void **state)
{
	test_twin(*state, &spin);
}

static void test_twin_of_mutex(void **state)
{
	test_twin(*state, &mutex_op);
}

static void test_twin_of_rwsem(void **state)
{
	test_twin(*state, &rwsem_write);
}

/* Given back in the order they were taken: what is left still is the twin. */
static void test_hand_over_hand(void **state)
{
	struct machine *m = *state;
	uint64_t at[3];

	add_equals(m, LV_SPIN, at, 3);
	LOCK(m, at[0], spin);
	LOCK(m, at[1], spin);
	UNLOCK(m, at[0], spin);
	LOCK(m, at[2], spin);
	assert_int_equal(dep_of(m, id_of(m, at[0], 1), id_of(m, at[0], 1)), LV_DEP_EN);
	assert_int_equal(dep_of(m, id_of(m, at[0], 1), id_of(m, at[0], 0)), 0);
}

/* With another lock between the two. */
static void test_twin_further_down(void **state)
{
	struct machine *m = *state;
	uint64_t at[2], other = machine_add_lock(m, LV_MUTEX);
	uint32_t twin;

	add_equals(m, LV_MUTEX, at, 2);
	for (int i = 0; i < 3; i++) { /* nor does a memo say otherwise */
		LOCK(m, at[0], mutex_op);
		LOCK(m, other, mutex_op);
		LOCK(m, at[1], mutex_op);
		UNLOCK(m, at[1], mutex_op);
		UNLOCK(m, other, mutex_op);
		UNLOCK(m, at[0], mutex_op);
	}
	twin = id_of(m, at[0], 1);
	assert_int_equal(dep_of(m, id_of(m, other, 0), twin), LV_DEP_EN);
	assert_int_equal(dep_of(m, id_of(m, other, 0), id_of(m, at[0], 0)), 0);
	assert_int_equal(machine_world(m)->cpus[0].acquisitions[twin], 3);
}

static void test_both_orders(void **state)
{
	struct machine *m = *state;
	uint32_t class;
	uint64_t at[2];

	add_equals(m, LV_SPIN, at, 2);
	nest(m, at[0], at[1], &spin);
	class = id_of(m, at[0], 0);
	assert_false(machine_world(m)->classes[class].flags & LV_CLASS_SELF_ORDER);
	nest(m, at[1], at[0], &spin);
	assert_int_equal(dep_of(m, class, id_of(m, at[0], 1)), LV_DEP_EN | LV_DEP_DOWN);
	assert_true(machine_world(m)->classes[class].flags & LV_CLASS_SELF_ORDER);
}

/* A trylock waits for nobody, in whatever order: it stays in its class. */
static void test_trylock_is_no_twin(void **state)
{
	struct machine *m = *state;
	uint64_t at[2];

	add_equals(m, LV_MUTEX, at, 2);
	LOCK(m, at[0], mutex_op);
	LOCK(m, at[1], mutex_try);
	assert_int_equal(id_of(m, at[0], 1), LV_NONE);
}

/* The holder's release was lost: it makes no twin, and goes. */
static void test_stale_makes_no_twin(void **state)
{
	struct machine *m = *state;
	uint64_t at[2];

	add_equals(m, LV_MUTEX, at, 2);
	leave_stale(m, at[0], &mutex_op, &mutex_op);
	LOCK(m, at[1], mutex_op);
	assert_int_equal(id_of(m, at[0], 1), LV_NONE);
	assert_int_equal(lost(m, LV_LOSS_STALE_HOLDER), 1);
	assert_int_equal(nr_edges(m), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_twin_of_spinning),	TEST(test_twin_of_mutex),
		TEST(test_twin_of_rwsem),	TEST(test_hand_over_hand),
		TEST(test_twin_further_down),	TEST(test_both_orders),
		TEST(test_trylock_is_no_twin),	TEST(test_stale_makes_no_twin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
