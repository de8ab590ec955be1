// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sleeping locks, whose programs take no guard: what happens when a task is
 * preempted in the middle of one, migrates, or dies; what compilers inline;
 * and what the lock's own owner refutes. Over the recorder itself: a machine
 * has no such moments.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "capture/tables.h"
#include "replay/world.h"
#include "record/recorder.h"

#define LOCKS 64
#define CPUS 2
#define TASK(n) (0xffff888200000000ull + (n) * 0x2000ull)
#define HOOK LV_HOOK_mutex_lock

static struct seat seats[CPUS];

static struct world *on_cpu(uint32_t cpu)
{
	world_seat = &seats[cpu];
	return world_seat->world;
}

static int setup(void **state)
{
	struct world *world = world_new(CPUS, LOCKS);

	if (!world)
		return -1;
	world->annotated = false;
	for (size_t i = 0; i < LOCKS; i++)
		world->objects[i].shown = (struct lv_place){ .kind = LV_PLACE_STATIC,
							     .base = world_address(i) };
	for (uint32_t i = 0; i < CPUS; i++)
		seats[i] = (struct seat){ .world = world,
					  .own = &world->cpus[i],
					  .cpu = i,
					  .irqs_on = 1,
					  .task = TASK(i + 1) };
	world_arm(world);
	on_cpu(0);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	world_seat = NULL;
	world_free(*state);
	return 0;
}

/* The owner, as kernel/locking/mutex.c keeps it. */
static void own(uint64_t addr, uint64_t task)
{
	memcpy(world_memory(world_seat->world, addr, 8), &task, 8);
}

static void take_as(uint64_t addr, uint32_t how)
{
	own(addr, world_seat->task);
	record_sleep(NULL, addr, EVENT_META(HOOK, LV_LEVEL_TASK, LV_MUTEX), how);
}

static void take(uint64_t addr)
{
	take_as(addr, 0);
}

static void drop_as(uint64_t addr, uint32_t how)
{
	sleep_release(addr, EVENT_META(LV_HOOK_mutex_unlock, LV_LEVEL_TASK, LV_MUTEX), how);
	own(addr, 0);
}

static void drop(uint64_t addr)
{
	drop_as(addr, 0);
}

static void switch_to(uint64_t task, enum record_leave leave)
{
	record_switch(NULL, task, armed_word(), leave);
	world_seat->task = task;
}

static uint64_t lost(const struct world *world, enum lv_loss kind)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < world->nr_cpus; i++)
		for (int hook = 0; hook < LV_MAX_HOOKS; hook++)
			sum += world->cpus[i].lost[kind][hook];
	return sum;
}

static uint64_t lost_any(const struct world *world)
{
	uint64_t sum = 0;

	for (int kind = 0; kind < LV_LOSS_KINDS; kind++)
		sum += lost(world, kind);
	return sum;
}

/* Is there an edge between the classes of two locks? Their places are their addresses. */
static bool nests(const struct world *world, uint64_t from, uint64_t to)
{
	for (size_t i = 0; i < LV_MAX_EDGES; i++) {
		const struct lv_edge *edge = &world->edges[i];

		if (edge->state == LV_SLOT_READY &&
		    world->classes[edge->from].place.base == from &&
		    world->classes[edge->to].place.base == to)
			return true;
	}
	return false;
}

/* Of tasks that may hold something. */
static uint32_t nr_slots(const struct world *world)
{
	const struct tables tables = { .control = &world->control,
				       .task_keys = world->task_keys.key };

	return tables_tasks(&tables);
}

static const struct lv_held_stack *held(void)
{
	return task_held(world_seat->own);
}

/* Another task runs in the middle of a program, with the same locks' functions. */
static void preempted(struct seat *seat)
{
	uint64_t task = seat->task;
	uint64_t theirs = world_address(10), inner = world_address(11);

	seat->intrude = NULL;
	switch_to(TASK(7), RECORD_PREEMPTED);
	take(theirs);
	take(inner);
	drop(inner);
	drop(theirs);
	switch_to(task, RECORD_BLOCKED);
}

static void test_preempted_in_a_program(void **state)
{
	struct world *world = *state;
	uint64_t a = world_address(0), b = world_address(1);

	/* In the first lock's: before the task has a slot. */
	world_seat->intrude = preempted;
	take(a);
	assert_null(world_seat->intrude);
	assert_int_equal(held()->depth, 1);
	/* In the second's: its slot is kept for it, and theirs is another. */
	world_seat->intrude = preempted;
	take(b);
	assert_null(world_seat->intrude);
	assert_int_equal(held()->depth, 2);
	assert_true(nests(world, a, b));
	assert_true(nests(world, world_address(10), world_address(11)));
	assert_false(nests(world, a, world_address(10)));
	assert_false(nests(world, world_address(10), b));
	drop(b);
	drop(a);
	assert_int_equal(lost_any(world), 0);
	assert_int_equal(world->cpus[0].guard, 0);
	switch_to(TASK(8), RECORD_BLOCKED);
	assert_int_equal(nr_slots(world), 0);
}

/* Preempted with nothing held, it may be in a program that has just found its slot. */
static void test_slot_is_kept_while_preempted(void **state)
{
	struct world *world = *state;
	uint64_t a = world_address(0);

	take(a);
	drop(a);
	switch_to(TASK(7), RECORD_PREEMPTED);
	assert_int_equal(nr_slots(world), 1);
	switch_to(TASK(1), RECORD_BLOCKED);
	switch_to(TASK(7), RECORD_BLOCKED);
	assert_int_equal(nr_slots(world), 0);
}

static void test_migrated(void **state)
{
	struct world *world = *state;
	uint64_t a = world_address(0), b = world_address(1);

	take(a);
	switch_to(TASK(7), RECORD_BLOCKED);
	on_cpu(1);
	switch_to(TASK(1), RECORD_BLOCKED);
	take(b);
	assert_true(nests(world, a, b));
	drop(a); /* out of order, too */
	drop(b);
	assert_int_equal(held()->depth, 0);
	assert_int_equal(lost_any(world), 0);
}

/* A dead task's memory will be another's, who shall not inherit. */
static void test_dies_with_a_stale(void **state)
{
	struct world *world = *state;
	uint64_t a = world_address(0), b = world_address(1);

	take(a);
	own(a, 0); /* the release was lost */
	switch_to(TASK(7), RECORD_DEAD);
	assert_int_equal(lost(world, LV_LOSS_STALE_HOLDER), 1);
	assert_int_equal(nr_slots(world), 0);
	switch_to(TASK(1), RECORD_BLOCKED);
	take(b);
	assert_false(nests(world, a, b));
}

static const struct lv_fact *find_fact(const struct world *world, uint32_t kind)
{
	for (int i = 0; i < LV_MAX_FACTS; i++)
		if (world->facts[i].state == LV_SLOT_READY && world->facts[i].kind == kind)
			return &world->facts[i];
	return NULL;
}

/* What its own word says that it holds, it will never give back. */
static void test_dies_with_a_lock(void **state)
{
	struct world *world = *state;
	uint64_t a = world_address(0), b = world_address(1);

	take(a);
	take(b);
	own(a, 0); /* the release was lost */
	switch_to(TASK(7), RECORD_DEAD);
	assert_non_null(find_fact(world, LV_FACT_HELD_AT_DEATH));
	assert_int_equal(find_fact(world, LV_FACT_HELD_AT_DEATH)->addr, b);
	assert_int_equal(lost(world, LV_LOSS_STALE_HOLDER), 1);
	assert_int_equal(nr_slots(world), 0);
}

/* A sleeping lock taken where nobody may sleep, though nothing is known to be held. */
static void test_atomic(void **state)
{
	struct world *world = *state;
	uint64_t a = world_address(0), b = world_address(1);

	take(a);
	world_seat->preempt_count = CONTEXT_BH_STEP;
	take_as(b, LV_HELD_TRY);
	assert_null(find_fact(world, LV_FACT_WAIT_ATOMIC));
	drop(b);
	take(b);
	assert_non_null(find_fact(world, LV_FACT_WAIT_ATOMIC));
	assert_int_equal(find_fact(world, LV_FACT_WAIT_ATOMIC)->addr, b);
	world_seat->preempt_count = 0;
}

/* The lock is held by another task now: its word reads as locked, its owner says by whom. */
static void test_owner_refutes(void **state)
{
	struct world *world = *state;
	uint64_t a = world_address(0), b = world_address(1);

	take(a);
	own(a, TASK(9));
	take(b);
	assert_false(nests(world, a, b));
	assert_int_equal(lost(world, LV_LOSS_STALE_HOLDER), 1);
}

/* mutex_lock_io() may call mutex_lock(), or have it inlined. */
static void test_told_twice(void **state)
{
	struct world *world = *state;
	uint64_t a = world_address(0);

	take(a);
	take_as(a, LV_HELD_AGAIN);
	assert_int_equal(held()->depth, 1);
	drop(a);
	drop_as(a, LV_HELD_AGAIN);
	assert_int_equal(held()->depth, 0);

	take_as(a, LV_HELD_AGAIN); /* inlined: the only one to tell */
	assert_int_equal(held()->depth, 1);
	drop_as(a, LV_HELD_AGAIN);
	assert_int_equal(held()->depth, 0);
	assert_int_equal(lost_any(world), 0);
}

/* ww_mutexes of one context: any order among themselves, an order towards others. */
static void test_ww(void **state)
{
	struct world *world = *state;
	uint64_t first = world_address(0), second = world_address(1), outer = world_address(2);

	world->objects[1].shown = world->objects[0].shown; /* one class */
	take(outer);
	take_as(second, LV_HELD_NESTED);
	take_as(first, LV_HELD_NESTED);
	assert_true(nests(world, outer, first));
	assert_false(nests(world, first, first));
	drop(first);
	drop(second);
	drop(outer);
	take(second);
	take(first); /* without a context they are like others */
	assert_true(nests(world, first, first));
}

static void test_downgrade(void **state)
{
	struct world *world = *state;
	uint64_t a = world_address(0);
	uint32_t meta = EVENT_META(LV_HOOK_down_write, LV_LEVEL_TASK, LV_RWSEM);

	own(a, 1);
	record_sleep(NULL, a, meta, 0);
	assert_int_equal(held()->held[0].mode, LV_WRITE);
	sleep_downgrade(a, meta);
	assert_int_equal(held()->held[0].mode, LV_READ);
	assert_true(world->classes[held()->held[0].class].usage & 1u << LV_ENABLED_HARDIRQ_READ);
	sleep_release(a, meta, 0);
	assert_int_equal(held()->depth, 0);
	assert_int_equal(lost_any(world), 0);
}

static void test_in_an_interrupt(void **state)
{
	struct world *world = *state;
	uint64_t a = world_address(0), b = world_address(1), c = world_address(2);

	take(a);
	world_seat->preempt_count = 0x100;
	take_as(b, LV_HELD_TRY); /* rare, and no bug */
	drop(b);
	take(c); /* a bug */
	drop(c);
	world_seat->preempt_count = 0;
	assert_int_equal(held()->depth, 1);
	assert_false(nests(world, a, b));
	assert_false(nests(world, a, c));
	assert_int_equal(lost(world, LV_LOSS_SLEEPS_IN_IRQ), 1);
	for (size_t i = 0; i < LV_MAX_CLASSES; i++)
		if (world->classes[i].place.base == c)
			assert_true(world->classes[i].usage & 1u << LV_USED_IN_SOFTIRQ);
	drop(a);
}

/* A release was lost, and another task holds the mutex: the first edge that it would get ends it. */
static void test_refuted_holder_goes(void **state)
{
	struct world *world = *state;
	uint64_t stale = world_address(0), a = world_address(1), b = world_address(2);

	take(stale);
	own(stale, TASK(9));
	take(a);
	assert_false(nests(world, stale, a));
	assert_int_equal(lost_any(world), 1);
	assert_int_equal(held()->depth, 1);
	take(b);
	assert_true(nests(world, a, b));
	assert_int_equal(lost_any(world), 1);
	drop(b);
	drop(a);
}

/* More stale entries than there is room for: they make room, and nothing is tainted for it. */
static void test_full_of_stale(void **state)
{
	struct world *world = *state;
	uint64_t a = world_address(20), b = world_address(21);

	for (uint32_t i = 0; i < LV_HELD_DEPTH; i++)
		take_as(world_address(i), LV_HELD_TRY);
	assert_int_equal(held()->depth, LV_HELD_DEPTH);
	for (uint32_t i = 0; i < LV_HELD_DEPTH; i++)
		own(world_address(i), 0);
	take(a);
	assert_int_equal(held()->depth, 1);
	assert_false(held()->tainted);
	take(b);
	assert_true(nests(world, a, b));
	drop(b);
	drop(a);
}

/* With preemption on, nothing spins: what is left there is a stale entry, and no holder. */
static void test_spinning_stale_below(void **state)
{
	struct world *world = *state;
	uint64_t spin = world_address(0), a = world_address(1), b = world_address(2);

	own(spin, 1);
	world_seat->preempt_count = 1;
	record_acquire(&spin, armed_word(), LV_HOOK__raw_spin_lock, LV_SPIN, LV_WRITE, 0, LV_IRQ_KEEP);
	take(b); /* a bug, and seen: a mutex under a spinlock */
	assert_true(nests(world, spin, b));
	drop(b);
	world_seat->preempt_count = 0; /* its release was lost; another CPU holds it */
	take(a);
	assert_false(nests(world, spin, a));
	drop(a);
}

/* Half of one entry and half of another: no entry. */
static void test_torn_cache(void **state)
{
	struct world *world = *state;
	struct lv_cpu *cpu = &world->cpus[0];
	uint64_t a = world_address(0), b = world_address(1);
	uint32_t class_a = class_derive(0, a, LV_MUTEX, 0, 0);
	uint32_t class_b = class_derive(0, b, LV_MUTEX, 0, 0);
	struct lv_addr_slot *slot_a = addr_slot(cpu, a, LV_MUTEX);

	assert_int_not_equal(class_a, class_b);
	slot_a->value = addr_slot(cpu, b, LV_MUTEX)->value;
	assert_int_equal(class_of(a, LV_MUTEX, 0, 0), class_a);
	/* A socket's owner and its spinlock have one address. */
	assert_int_not_equal(class_of(a, LV_SOCK, 0, 0), class_a);
	assert_int_equal(class_of(a, LV_MUTEX, 0, 0), class_a);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_preempted_in_a_program),
		TEST(test_slot_is_kept_while_preempted),
		TEST(test_migrated),
		TEST(test_dies_with_a_stale),
		TEST(test_dies_with_a_lock),
		TEST(test_atomic),
		TEST(test_owner_refutes),
		TEST(test_told_twice),
		TEST(test_ww),
		TEST(test_downgrade),
		TEST(test_in_an_interrupt),
		TEST(test_spinning_stale_below),
		TEST(test_refuted_holder_goes),
		TEST(test_full_of_stale),
		TEST(test_torn_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
