// SPDX-License-Identifier: GPL-2.0-only
/* What the recorder keeps beside the fact that something happened: where, which instances, how often. */
#include "test_record.h"

static void at(struct machine *m, uint64_t frame)
{
	machine_at(m, &frame, 1);
}

static const struct lv_edge *find_edge(struct machine *m, uint64_t from, uint64_t to)
{
	const struct world *world = machine_world(m);

	for (size_t i = 0; i < LV_MAX_EDGES; i++) {
		const struct lv_edge *edge = &world->edges[i];

		if (edge->state == LV_SLOT_READY &&
		    &world->classes[edge->from] == class_at(m, from) &&
		    &world->classes[edge->to] == class_at(m, to))
			return edge;
	}
	return NULL;
}

/* Also of a holder that was taken so a thousand times before. */
static void holder_has_its_place(struct machine *m, const struct machine_op *op)
{
	uint64_t a = machine_add_lock(m, op->family), b = machine_add_lock(m, op->family);

	for (int i = 0; i < 1000; i++) {
		at(m, 0xffffffff81001000);
		LOCK(m, a, *op);
		UNLOCK(m, a, *op);
	}
	LOCK(m, a, *op);
	at(m, 0xffffffff81002000);
	LOCK(m, b, *op);
	UNLOCK(m, b, *op);
	UNLOCK(m, a, *op);
	assert_non_null(find_edge(m, a, b));
	assert_int_equal(find_edge(m, a, b)->from_caller, 0xffffffff81001000);
}

static void test_spinning_holder_has_its_place(void **state)
{
	holder_has_its_place(*state, &spin);
}

static void test_sleeping_holder_has_its_place(void **state)
{
	holder_has_its_place(*state, &mutex_op);
}

/* A spinning lock under a sleeping one: the holder is the task's, not the CPU's. */
static void test_mixed_holder_has_its_place(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_MUTEX), b = machine_add_lock(m, LV_SPIN);

	at(m, 0xffffffff81001000);
	LOCK(m, a, mutex_op);
	at(m, 0xffffffff81002000);
	LOCK(m, b, spin);
	UNLOCK(m, b, spin);
	UNLOCK(m, a, mutex_op);
	assert_non_null(find_edge(m, a, b));
	assert_int_equal(find_edge(m, a, b)->from_caller, 0xffffffff81001000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_spinning_holder_has_its_place),
		TEST(test_sleeping_holder_has_its_place),
		TEST(test_mixed_holder_has_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
