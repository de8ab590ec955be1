// SPDX-License-Identifier: GPL-2.0-only
/* Who waits is noted, and what he holds then depends on nothing that comes after. */
#include "test_record.h"

#include "replay/world.h"
#include "record/wait.h"

#define OURS 100

static const uint32_t for_mutex = WAIT_HOW(LV_MUTEX, LV_WRITE);

static const struct lv_wait *find(struct machine *m, uint64_t task)
{
	const struct lv_waits *waits = &machine_world(m)->waits;

	for (int i = 0; i < LV_MAX_WAITS; i++)
		if (waits->key[i] == task)
			return &waits->wait[i];
	return NULL;
}

static uint64_t begin(struct machine *m)
{
	machine_world(m)->annotated = false;
	assert_int_equal(machine_switch(m, OURS, "ours"), 0);
	return world_seat->task;
}

/* As the lock's word has it while somebody else holds it. */
static void give_to(struct machine *m, uint64_t addr, uint64_t task)
{
	*(uint64_t *)world_memory(machine_world(m), addr, sizeof(task)) = task;
}

static void test_table(void **state)
{
	struct machine *m = *state;
	uint64_t lock = machine_add_lock(m, LV_MUTEX), other = machine_add_lock(m, LV_MUTEX);
	uint64_t task = begin(m);
	const struct lv_wait *wait;

	assert_null(find(m, task));
	machine_world(m)->time_ns = 1000;
	wait_begin(lock, for_mutex, LV_NONE);
	wait = find(m, task);
	assert_non_null(wait);
	assert_int_equal(wait->addr, lock);
	assert_int_equal(wait->since_ns, 1001);
	assert_int_equal(wait->family, LV_MUTEX);
	/* It goes to sleep, which is told again. */
	machine_world(m)->time_ns = 2000;
	wait_begin(lock, for_mutex | WAIT_INNER, LV_NONE);
	assert_int_equal(wait->since_ns, 1001);
	/* Another lock's end, a spinning one's inside it, is none of its. */
	wait_end(other);
	assert_ptr_equal(find(m, task), wait);
	/* An end that was missed: the next wait takes the slot. */
	wait_begin(other, for_mutex, LV_NONE);
	assert_ptr_equal(find(m, task), wait);
	assert_int_equal(wait->addr, other);
	assert_int_equal(wait->since_ns, 2001);
	/* And whose ends may be missed begins anew. */
	machine_world(m)->time_ns = 3000;
	wait_begin(other, for_mutex | WAIT_ANEW, 7);
	assert_int_equal(wait->since_ns, 3001);
	assert_int_equal(wait->class, 7);
	wait_end(other);
	assert_null(find(m, task));
}

static void test_table_full(void **state)
{
	struct machine *m = *state;
	uint64_t lock = machine_add_lock(m, LV_MUTEX), task = begin(m);
	struct lv_waits *waits = &machine_world(m)->waits;

	for (int i = 0; i < LV_MAX_WAITS; i++)
		waits->key[i] = i + 1;
	wait_begin(lock, for_mutex, LV_NONE);
	assert_null(find(m, task));
	assert_int_equal(lost(m, LV_LOSS_WAITS), 1);
	wait_end(lock);
	assert_int_equal(lost_any(m), 1);
}

static void test_edge(void **state)
{
	struct machine *m = *state;
	uint64_t held = machine_add_lock(m, LV_MUTEX), lock = machine_add_lock(m, LV_MUTEX);

	begin(m);
	LOCK(m, held, mutex_op);
	give_to(m, lock, 0x7777);
	wait_attempt(lock, for_mutex, 0);
	assert_int_equal(edge_between(m, held, lock), LV_DEP_EN);
	assert_true(class_at(m, lock)->usage & 1 << LV_USED);
	/* Nothing is held after. */
	UNLOCK(m, held, mutex_op);
	LOCK(m, held, mutex_op);
	assert_int_equal(edge_between(m, lock, held), 0);
	assert_int_equal(lost_any(m), 0);
}

static void test_nothing_held(void **state)
{
	struct machine *m = *state;
	uint64_t lock = machine_add_lock(m, LV_MUTEX);

	begin(m);
	give_to(m, lock, 0x7777);
	wait_attempt(lock, for_mutex, 0);
	assert_int_equal(nr_edges(m), 0);
	assert_int_equal(lost_any(m), 0);
}

static void test_self(void **state)
{
	struct machine *m = *state;
	uint64_t lock = machine_add_lock(m, LV_MUTEX);

	begin(m);
	LOCK(m, lock, mutex_op);
	wait_attempt(lock, for_mutex, 0);
	assert_int_equal(edge_between(m, lock, lock), LV_DEP_EN);
	assert_int_equal(lost_any(m), 0);
}

/* The release was missed: the word names another. */
static void test_stale_self(void **state)
{
	struct machine *m = *state;
	uint64_t lock = machine_add_lock(m, LV_MUTEX);

	begin(m);
	LOCK(m, lock, mutex_op);
	give_to(m, lock, 0x7777);
	wait_attempt(lock, for_mutex, 0);
	assert_int_equal(nr_edges(m), 0);
}

static void test_inner(void **state)
{
	struct machine *m = *state;
	uint64_t lock = machine_add_lock(m, LV_MUTEX), inner = machine_add_lock(m, LV_SPIN);

	begin(m);
	machine_world(m)->inner_lock = inner - lock;
	give_to(m, lock, 0x7777);
	wait_attempt(lock, for_mutex, 0);
	assert_int_equal(nr_edges(m), 0); /* it is not taken yet */
	wait_attempt(lock, for_mutex | WAIT_INNER, 0);
	assert_int_equal(edge_between(m, lock, inner), LV_DEP_EN);
	wait_attempt(lock, for_mutex | WAIT_INNER, 0);
	assert_int_equal(nr_edges(m), 1);
}

/* Who loses under an acquire context backs off. */
static void test_ordered(void **state)
{
	struct machine *m = *state;
	uint64_t plain = machine_add_lock(m, LV_MUTEX), held = machine_add_lock(m, LV_MUTEX);
	uint64_t lock = machine_add_lock(m, LV_MUTEX);

	begin(m);
	LOCK(m, plain, mutex_op);
	LOCK(m, held, mutex_op);
	task_held(world_cpu(world_cpu_id()))->held[1].flags |= LV_HELD_NESTED;
	give_to(m, lock, 0x7777);
	wait_attempt(lock, for_mutex, 0);
	assert_int_equal(edge_between(m, held, lock), 0);
	assert_int_equal(edge_between(m, plain, lock), LV_DEP_EN);
}

/* Who waits spins on nothing: what seems so is left by a release that was missed, and a tracepoint raises the count. */
static void test_stale(void **state)
{
	struct machine *m = *state;
	uint64_t stale = machine_add_lock(m, LV_SPIN), held = machine_add_lock(m, LV_MUTEX);
	uint64_t lock = machine_add_lock(m, LV_MUTEX);
	struct machine_op tried = mutex_op;

	tried.try = true;
	begin(m);
	LOCK(m, stale, spin);
	LOCK(m, held, tried);
	give_to(m, lock, 0x7777);
	wait_attempt(lock, for_mutex, 0);
	assert_int_equal(edge_between(m, held, lock), LV_DEP_EN);
	assert_int_equal(edge_between(m, stale, lock), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_table), TEST(test_table_full), TEST(test_edge), TEST(test_nothing_held),
		TEST(test_self),  TEST(test_stale_self), TEST(test_inner), TEST(test_ordered),
		TEST(test_stale),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
