// SPDX-License-Identifier: GPL-2.0-only
/* A kernel that preempts itself: who is no owner is held only while no release was missed. */
#include "test_record.h"

#include "replay/world.h"
#include "record/held.h"

#define OURS 100
#define OTHER 101

static const struct machine_op rwsem_read = { .family = LV_RWSEM, .mode = LV_READ };

struct locks {
	uint64_t reader, next, more;
};

static struct locks begin(struct machine *m)
{
	struct locks l = { .reader = machine_add_lock(m, LV_RWSEM),
			   .next = machine_add_lock(m, LV_MUTEX),
			   .more = machine_add_lock(m, LV_MUTEX) };

	machine_world(m)->annotated = false;
	machine_world(m)->preempts = true;
	assert_int_equal(machine_switch(m, OURS, "ours"), 0);
	return l;
}

static void nest(struct machine *m, uint64_t inner)
{
	LOCK(m, inner, mutex_op);
	UNLOCK(m, inner, mutex_op);
}

static void test_nothing_missed(void **state)
{
	struct machine *m = *state;
	struct locks l = begin(m);

	LOCK(m, l.reader, rwsem_read);
	nest(m, l.next);
	assert_int_equal(edge_between(m, l.reader, l.next), LV_DEP_SN);
	assert_int_equal(lost_any(m), 0);
}

static void test_missed_since(void **state)
{
	struct machine *m = *state;
	struct locks l = begin(m);

	LOCK(m, l.reader, rwsem_read);
	world_seat->missed++;
	nest(m, l.next);
	nest(m, l.more);
	assert_int_equal(nr_edges(m), 0);
	assert_int_equal(lost(m, LV_LOSS_DOUBTED), 1);
	UNLOCK(m, l.reader, rwsem_read);

	LOCK(m, l.reader, rwsem_read);
	nest(m, l.next);
	assert_int_equal(edge_between(m, l.reader, l.next), LV_DEP_SN);
}

/* What was missed on another CPU was not this task's, which ran here. */
static void test_missed_elsewhere(void **state)
{
	struct machine *m = *state;
	struct locks l = begin(m);

	machine_on_cpu(m, 1);
	world_seat->missed++;
	machine_on_cpu(m, 0);
	LOCK(m, l.reader, rwsem_read);
	nest(m, l.next);
	assert_int_equal(edge_between(m, l.reader, l.next), LV_DEP_SN);
}

/* Missed before it was away: the other task's look is not to hide it. */
static void test_missed_before_a_switch(void **state)
{
	struct machine *m = *state;
	struct locks l = begin(m);

	LOCK(m, l.reader, rwsem_read);
	world_seat->missed++;
	assert_int_equal(machine_switch(m, OTHER, "other"), 0);
	LOCK(m, l.next, mutex_op);
	assert_int_equal(machine_switch(m, OURS, "ours"), 0);
	nest(m, l.more);
	assert_int_equal(edge_between(m, l.reader, l.more), 0);
	assert_int_equal(lost(m, LV_LOSS_DOUBTED), 1);
}

/* While it was away, others' releases were missed: not its own. */
static void test_missed_while_away(void **state)
{
	struct machine *m = *state;
	struct locks l = begin(m);

	LOCK(m, l.reader, rwsem_read);
	assert_int_equal(machine_switch(m, OTHER, "other"), 0);
	LOCK(m, l.next, mutex_op);
	world_seat->missed++;
	assert_int_equal(machine_switch(m, OURS, "ours"), 0);
	nest(m, l.more);
	assert_int_equal(edge_between(m, l.reader, l.more), LV_DEP_SN);
}

static void test_owner_proves(void **state)
{
	struct machine *m = *state;
	struct locks l = begin(m);

	LOCK(m, l.more, mutex_op);
	world_seat->missed++;
	nest(m, l.next);
	assert_int_equal(edge_between(m, l.more, l.next), LV_DEP_EN);
	assert_int_equal(lost_any(m), 0);
}

static void test_no_preemption(void **state)
{
	struct machine *m = *state;
	struct locks l = begin(m);

	machine_world(m)->preempts = false;
	LOCK(m, l.reader, rwsem_read);
	world_seat->missed++;
	nest(m, l.next);
	assert_int_equal(edge_between(m, l.reader, l.next), LV_DEP_SN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_missed),	   TEST(test_missed_since),
		TEST(test_missed_elsewhere),	   TEST(test_missed_before_a_switch),
		TEST(test_missed_while_away),	   TEST(test_owner_proves),
		TEST(test_no_preemption),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
