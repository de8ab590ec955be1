// SPDX-License-Identifier: GPL-2.0-only
/* A ring of tasks that wait is told when two looks prove it, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "trace/rings.h"

#define SECOND 1000000000ull
#define BEGAN (100 * SECOND)
#define EPOCH 3u

/* What the kernel shows, and who looks at it. */
struct scene {
	struct lv_waits waits;
	struct lv_control control;
	struct lv_class classes[LV_MAX_CLASSES];
	struct lv_held_stack held[LV_MAX_TASKS];
	__u64 keys[LV_MAX_TASKS];
	bool goes_on[LV_MAX_WAITS];
	struct rings *rings;
	uint64_t now_ns;
};

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	if (!s || rings_new(&s->rings))
		return -1;
	s->control.word = EPOCH << LV_EPOCH_SHIFT | LV_ARMED;
	s->now_ns = BEGAN + 2 * SECOND;
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	rings_free(s->rings);
	free(s);
	return 0;
}

/* Task `task` sleeps and waits for lock `addr`, of which the word names `owner`. */
static struct lv_wait *add(struct scene *s, uint64_t task, uint64_t addr, uint64_t owner)
{
	struct lv_wait *wait = &s->waits.wait[task];

	s->waits.key[task] = task;
	*wait = (struct lv_wait){
		.task = task,
		.addr = addr,
		.owner = owner,
		.family = LV_MUTEX,
		.class = addr,
		.since_ns = BEGAN,
		.looked_ns = BEGAN,
		.pid = task,
		.nr = 1,
	};
	return wait;
}

static struct lv_wait *add_rwsem(struct scene *s, uint64_t task, uint64_t addr, uint64_t readers)
{
	struct lv_wait *wait = add(s, task, addr, 0);

	wait->family = LV_RWSEM;
	wait->readers = readers;
	return wait;
}

/* And its held stack has this lock. */
static struct lv_held_stack *hold(struct scene *s, uint64_t task, uint64_t addr, uint8_t mode)
{
	struct lv_held_stack *held = &s->held[task];

	s->keys[task] = task | (uint64_t)EPOCH << 48;
	held->held[held->depth++] = (struct lv_held){.addr = addr, .mode = mode, .class = addr};
	return held;
}

static int look(struct scene *s, uint64_t later_ns)
{
	const struct tables tables = {
		.control = &s->control,
		.classes = s->classes,
		.held = s->held,
		.task_keys = s->keys,
	};
	const struct rings_look l = {
		.waits = &s->waits,
		.tables = &tables,
		.now_ns = s->now_ns += later_ns,
		.goes_on = s->goes_on,
	};

	s->waits.round++;
	for (int i = 0; i < LV_MAX_WAITS; i++) {
		s->waits.wait[i].round = s->waits.round;
		s->goes_on[i] = s->waits.wait[i].nr != 0;
	}
	return rings_add_look(s->rings, &l);
}

static size_t nr_told(struct scene *s)
{
	size_t nr;

	rings_told(s->rings, &nr);
	return nr;
}

static void abba(struct scene *s)
{
	add(s, 1, 20, 2);
	add(s, 2, 10, 1);
}

static void test_two_looks(void **state)
{
	struct scene *s = *state;
	const struct tables_wait *told;
	size_t nr;

	abba(s);
	assert_int_equal(look(s, 0), 0);
	assert_int_equal(look(s, SECOND / 2), 0);
	assert_int_equal(look(s, SECOND / 2), 1);
	told = rings_told(s->rings, &nr);
	assert_int_equal(nr, 2);
	assert_int_equal(told[0].ring, told[1].ring);
	/* Each waits for what the next one holds. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(told[i].wait.owner, told[1 - i].wait.task);
		assert_int_equal(told[i].held, LV_WRITE);
		assert_int_equal(told[i].waited_ms, 3000);
	}
	/* once */
	assert_int_equal(look(s, SECOND), 0);
	assert_int_equal(look(s, 10 * SECOND), 0);
	assert_int_equal(nr_told(s), 2);
}

static void test_one_look(void **state)
{
	struct scene *s = *state;

	abba(s);
	assert_int_equal(look(s, 0), 0);
	s->waits.wait[2].owner = 0; /* given back */
	assert_int_equal(look(s, SECOND), 0);
	s->waits.wait[2].owner = 1;
	/* It is another ring, of the same tasks. */
	assert_int_equal(look(s, SECOND), 0);
	assert_int_equal(nr_told(s), 0);
}

/* Someone woke, or waits anew: what was seen before proves nothing. */
static void test_interrupted(void **state)
{
	struct scene *s = *state;

	abba(s);
	assert_int_equal(look(s, 0), 0);
	s->waits.wait[1].switches++;
	assert_int_equal(look(s, SECOND), 0);
	s->waits.wait[1].since_ns = s->waits.wait[1].looked_ns = BEGAN + SECOND;
	assert_int_equal(look(s, SECOND), 0);
	assert_int_equal(look(s, SECOND), 1);
}

static void test_runs(void **state)
{
	struct scene *s = *state;

	abba(s);
	s->waits.wait[1].looked_ns = 0; /* it was not asleep */
	assert_int_equal(look(s, 0), 0);
	assert_int_equal(look(s, SECOND), 0);
	s->waits.wait[1].looked_ns = BEGAN;
	s->waits.wait[1].nr = 0; /* it sleeps, but not in a lock's function */
	assert_int_equal(look(s, SECOND), 0);
	assert_int_equal(look(s, SECOND), 0);
	assert_int_equal(nr_told(s), 0);
}

static void test_no_ring(void **state)
{
	struct scene *s = *state;

	/* A long chain whose last holder lives, and two that queue for one. */
	for (uint64_t task = 1; task < 6; task++)
		add(s, task, 10 * task, task + 1);
	add(s, 8, 10, 2);
	add(s, 9, 10, 2);
	assert_int_equal(look(s, 0), 0);
	assert_int_equal(look(s, SECOND), 0);
	assert_int_equal(nr_told(s), 0);
}

static void test_self(void **state)
{
	struct scene *s = *state;

	add(s, 1, 10, 1);
	assert_int_equal(look(s, 0), 0);
	assert_int_equal(look(s, SECOND), 1);
	assert_int_equal(nr_told(s), 1);
}

/* Those who queue behind a ring are none of it; two rings are two. */
static void test_beside(void **state)
{
	struct scene *s = *state;
	const struct tables_wait *told;
	size_t nr;

	abba(s);
	add(s, 3, 10, 1);
	add(s, 4, 30, 5);
	add(s, 5, 40, 6);
	add(s, 6, 50, 4);
	assert_int_equal(look(s, 0), 0);
	assert_int_equal(look(s, SECOND), 2);
	told = rings_told(s->rings, &nr);
	assert_int_equal(nr, 5);
	assert_int_not_equal(told[0].ring, told[2].ring);
	for (size_t i = 0; i < nr; i++)
		assert_int_not_equal(told[i].wait.task, 3);
}

static void reader_and_writer(struct scene *s)
{
	add(s, 1, 20, 2);
	add_rwsem(s, 2, 10, 1);
}

static void test_reader(void **state)
{
	struct scene *s = *state;
	const struct tables_wait *told;
	size_t nr;

	reader_and_writer(s);
	hold(s, 1, 10, LV_READ);
	assert_int_equal(look(s, 0), 0);
	assert_int_equal(look(s, SECOND), 1);
	told = rings_told(s->rings, &nr);
	assert_int_equal(nr, 2);
	assert_int_equal(told[told[0].wait.task == 2 ? 0 : 1].held, LV_READ);
}

/* A work is waited for with a mutex held that the work waits for. */
static void test_flush(void **state)
{
	struct scene *s = *state;

	add(s, 1, 21, 0)->family = LV_PSEUDO;
	add(s, 2, 10, 1);
	assert_int_equal(look(s, 0), 0);
	assert_int_equal(look(s, SECOND), 0); /* who executes it is not known */
	hold(s, 2, 21, LV_WRITE);
	assert_int_equal(look(s, SECOND), 0);
	assert_int_equal(look(s, SECOND), 1);
}

/* Of readers only an entry that can be believed tells. */
static void test_reader_unproved(void **state)
{
	struct scene *s = *state;
	struct lv_held_stack *held;

	reader_and_writer(s);
	assert_int_equal(look(s, 0), 0);
	assert_int_equal(look(s, SECOND), 0); /* no entry */
	held = hold(s, 1, 10, LV_READ);
	held->doubted = 1;
	assert_int_equal(look(s, SECOND), 0);
	assert_int_equal(look(s, SECOND), 0);
	held->doubted = 0;
	held->tainted = 1;
	assert_int_equal(look(s, SECOND), 0);
	assert_int_equal(look(s, SECOND), 0);
	held->tainted = 0;
	s->classes[10].flags = LV_CLASS_HANDED;
	assert_int_equal(look(s, SECOND), 0);
	assert_int_equal(look(s, SECOND), 0);
	s->classes[10].flags = 0;
	s->waits.wait[2].readers = 0; /* the count knows of none */
	assert_int_equal(look(s, SECOND), 0);
	assert_int_equal(look(s, SECOND), 0);
	s->control.word += 1 << LV_EPOCH_SHIFT; /* of another epoch */
	s->waits.wait[2].readers = 1;
	assert_int_equal(look(s, SECOND), 0);
	assert_int_equal(look(s, SECOND), 0);
	assert_int_equal(nr_told(s), 0);
}

/* An owner is who the word names, whatever a held stack says. */
static void test_owner_counts(void **state)
{
	struct scene *s = *state;

	add(s, 1, 20, 7);
	add(s, 2, 10, 1);
	hold(s, 2, 20, LV_WRITE);
	assert_int_equal(look(s, 0), 0);
	assert_int_equal(look(s, SECOND), 0);
	assert_int_equal(nr_told(s), 0);
}

static void test_long_enough(void **state)
{
	struct scene *s = *state;

	assert_false(rings_may_stand(&s->waits, BEGAN + SECOND));
	abba(s);
	assert_false(rings_may_stand(&s->waits, BEGAN + SECOND - 1));
	assert_true(rings_may_stand(&s->waits, BEGAN + SECOND));
	assert_false(rings_may_stand(&s->waits, BEGAN - SECOND));
}

#define RING_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RING_TEST(test_two_looks),     RING_TEST(test_one_look),
		RING_TEST(test_interrupted),   RING_TEST(test_runs),
		RING_TEST(test_no_ring),       RING_TEST(test_self),
		RING_TEST(test_beside),	       RING_TEST(test_reader),
		RING_TEST(test_reader_unproved), RING_TEST(test_owner_counts),
		RING_TEST(test_long_enough),   RING_TEST(test_flush),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
