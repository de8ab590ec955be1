// SPDX-License-Identifier: GPL-2.0-only
/* The native recorder: misuses one event shows, told nesting, wait queues' names. */
#include "test_record.h"

#include <string.h>

/* The facts of a kind, and the last one of it. */
static int nr_facts(struct machine *m, uint32_t kind, const struct lv_fact **ret)
{
	const struct world *world = machine_world(m);
	int nr = 0;

	for (size_t i = 0; i < LV_MAX_FACTS; i++) {
		if (world->facts[i].state != LV_SLOT_READY || world->facts[i].kind != kind)
			continue;
		*ret = &world->facts[i];
		nr++;
	}
	return nr;
}

static void test_double_unlock(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_SPIN), mutex = machine_add_lock(m, LV_MUTEX);
	const struct lv_fact *fact;

	LOCK(m, a, spin);
	UNLOCK(m, a, spin);
	machine_unlock(m, a, &spin);
	machine_unlock(m, a, &spin);
	assert_int_equal(nr_facts(m, LV_FACT_BAD_UNLOCK, &fact), 1); /* once a class */
	assert_true(fact->addr == a);
	assert_ptr_equal(&machine_world(m)->classes[fact->class], class_at(m, a));
	assert_int_not_equal(fact->stack, LV_NONE);

	machine_unlock(m, mutex, &mutex_op); /* never taken: a class for it all the same */
	assert_int_equal(nr_facts(m, LV_FACT_BAD_UNLOCK, &fact), 2);
	assert_int_equal(lost(m, LV_LOSS_UNKNOWN_RELEASE), 3);
}

/* We missed the taking: the word says so, and nobody is accused. */
static void test_missed_acquire(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_SPIN), mutex = machine_add_lock(m, LV_MUTEX);
	uint64_t rw = machine_add_lock(m, LV_RWLOCK);
	const struct lv_fact *fact;

	world_disarm(machine_world(m));
	LOCK(m, mutex, mutex_op);
	LOCK(m, a, spin);
	LOCK(m, rw, read_op);
	world_arm(machine_world(m));
	UNLOCK(m, rw, read_op);
	UNLOCK(m, a, spin);
	UNLOCK(m, mutex, mutex_op);
	assert_int_equal(lost(m, LV_LOSS_UNKNOWN_RELEASE), 3);
	assert_int_equal(nr_facts(m, LV_FACT_BAD_UNLOCK, &fact), 0);
}

static void test_mutex_of_another(void **state)
{
	struct machine *m = *state;
	uint64_t mutex = machine_add_lock(m, LV_MUTEX);
	const struct lv_fact *fact;

	LOCK(m, mutex, mutex_op);
	machine_switch(m, 7, "other");
	machine_unlock(m, mutex, &mutex_op);
	assert_int_equal(nr_facts(m, LV_FACT_BAD_UNLOCK, &fact), 1);
}

static void test_held_freed(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_SPIN), b = machine_add_lock(m, LV_SPIN);
	uint64_t mutex = machine_add_lock(m, LV_MUTEX);
	const struct lv_fact *fact;

	LOCK(m, mutex, mutex_op);
	LOCK(m, a, spin);
	machine_free_lock(m, b);
	assert_int_equal(nr_facts(m, LV_FACT_HELD_FREED, &fact), 0);
	machine_free_lock(m, a);
	assert_int_equal(nr_facts(m, LV_FACT_HELD_FREED, &fact), 1);
	assert_true(fact->addr == a);
	machine_free_lock(m, mutex);
	assert_int_equal(nr_facts(m, LV_FACT_HELD_FREED, &fact), 2);
	UNLOCK(m, a, spin);
	machine_free_lock(m, a);
	assert_int_equal(nr_facts(m, LV_FACT_HELD_FREED, &fact), 2);
}

static void test_held_at_exit(void **state)
{
	struct machine *m = *state;
	uint64_t mutex = machine_add_lock(m, LV_MUTEX);
	const struct lv_fact *fact;

	assert_int_equal(machine_user_return(m), 0);
	assert_int_equal(nr_facts(m, LV_FACT_HELD_AT_EXIT, &fact), 0);
	LOCK(m, mutex, mutex_op);
	assert_int_equal(machine_user_return(m), 0);
	assert_int_equal(nr_facts(m, LV_FACT_HELD_AT_EXIT, &fact), 1);
	assert_true(fact->addr == mutex);
}

static void test_facts_full(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_SPIN);

	for (size_t i = 0; i < LV_MAX_FACTS; i++)
		machine_world(m)->facts[i] = (struct lv_fact){ .state = LV_SLOT_READY,
							       .class = LV_NONE };
	machine_unlock(m, a, &spin);
	assert_int_equal(lost(m, LV_LOSS_FACTS), 1);
}

/* Told that another lock keeps their order: no edge among equals. */
static void test_nest_lock(void **state)
{
	struct machine *m = *state;
	uint64_t nest = machine_add_lock(m, LV_SPIN), a = machine_add_lock(m, LV_SPIN);
	uint64_t b = machine_add_lock(m, LV_SPIN);
	const struct machine_op nested = { .family = LV_SPIN, .nest_lock = nest };

	machine_tell_class(m, b, 1); /* a's */
	LOCK(m, a, nested); /* its nest_lock is not held: as any lock */
	LOCK(m, b, nested);
	assert_int_equal(edge_between(m, a, a), LV_DEP_EN);
	UNLOCK(m, b, spin);
	UNLOCK(m, a, spin);

	machine_reset(m);
	nest = machine_add_lock(m, LV_SPIN);
	a = machine_add_lock(m, LV_SPIN);
	b = machine_add_lock(m, LV_SPIN);
	machine_tell_class(m, b, 1);
	LOCK(m, nest, spin);
	LOCK(m, a, nested);
	LOCK(m, b, nested);
	assert_int_equal(edge_between(m, a, a), 0);
	assert_int_equal(edge_between(m, nest, a), LV_DEP_EN);
	UNLOCK(m, b, spin);
	UNLOCK(m, a, spin);
	UNLOCK(m, nest, spin);
}

/* Told that it nests: each subclass is a class. The address' class is not cached over it. */
static void test_subclass(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_SPIN), b = machine_add_lock(m, LV_SPIN);
	const struct machine_op child = { .family = LV_SPIN, .subclass = 1 };

	machine_tell_class(m, b, 0);
	LOCK(m, a, spin);
	LOCK(m, b, child);
	UNLOCK(m, b, spin);
	UNLOCK(m, a, spin);
	assert_int_equal(nr_edges(m), 1);
	assert_int_equal(edge_between(m, a, b), LV_DEP_EN); /* b is of subclass 1 by now */
	assert_int_equal(edge_between(m, a, a), 0);
	LOCK(m, b, spin);
	UNLOCK(m, b, spin);
	assert_ptr_equal(class_at(m, a), class_at(m, b));
	assert_int_equal(lost_any(m), 0);
}

static uint64_t add_text(struct machine *m, const char *text)
{
	uint64_t addr = machine_add_lock(m, LV_SPIN);

	strcpy(world_memory(machine_world(m), addr, strlen(text) + 1), text);
	return addr;
}

static void test_waitq_names(void **state)
{
	struct machine *m = *state;
	struct world *world = machine_world(m);
	uint64_t head = machine_add_lock(m, LV_SPIN), again = machine_add_lock(m, LV_SPIN);
	uint64_t name = add_text(m, "&ctx->fd_wqh"), same = add_text(m, "&ctx->fd_wqh");
	uint64_t other = add_text(m, "&x->wait");
	const struct lv_place place = { .kind = LV_PLACE_SLAB,
					.base = world_add_cache(world, "userfaultfd_ctx", 192),
					.off = 64 };
	const struct lv_name *found = NULL;
	int nr = 0;

	world->annotated = false;
	machine_show_place(m, head, &place);
	machine_show_place(m, again, &place);
	machine_name_waitq(m, head, name);
	machine_name_waitq(m, again, same); /* the same words */
	for (size_t i = 0; i < LV_MAX_NAMES; i++) {
		if (world->names[i].state != LV_SLOT_READY)
			continue;
		found = &world->names[i];
		nr++;
	}
	assert_int_equal(nr, 1);
	assert_string_equal(found->text, "&ctx->fd_wqh");
	assert_string_equal(found->cache, "userfaultfd_ctx");
	assert_int_equal(found->clashes, 0);
	machine_name_waitq(m, head, other);
	assert_int_equal(found->clashes, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_double_unlock),
		TEST(test_missed_acquire),
		TEST(test_mutex_of_another),
		TEST(test_held_freed),
		TEST(test_held_at_exit),
		TEST(test_facts_full),
		TEST(test_nest_lock),
		TEST(test_subclass),
		TEST(test_waitq_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
