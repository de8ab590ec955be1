// SPDX-License-Identifier: GPL-2.0-only
/* What the recorder keeps beside the fact that something happened: where, which instances, how often. */
#include <errno.h>
#include <string.h>

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

/* Also of a holder that was taken a thousand times before, at a place for which there is a memo. */
static void holder_has_its_place(struct machine *m, const struct machine_op *op, uint64_t last)
{
	uint64_t a = machine_add_lock(m, op->family), b = machine_add_lock(m, op->family);

	for (int i = 0; i < 1000; i++) {
		at(m, 0xffffffff81001000);
		LOCK(m, a, *op);
		UNLOCK(m, a, *op);
	}
	at(m, last);
	LOCK(m, a, *op);
	at(m, 0xffffffff81002000);
	LOCK(m, b, *op);
	UNLOCK(m, b, *op);
	UNLOCK(m, a, *op);
	assert_non_null(find_edge(m, a, b));
	assert_int_equal(find_edge(m, a, b)->from_caller, last);
}

static void test_spinning_holder_has_its_place(void **state)
{
	holder_has_its_place(*state, &spin, 0xffffffff81001000);
}

static void test_sleeping_holder_has_its_place(void **state)
{
	holder_has_its_place(*state, &mutex_op, 0xffffffff81001000);
}

static void test_sleeping_holder_moves(void **state)
{
	holder_has_its_place(*state, &mutex_op, 0xffffffff81003000);
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

/* Two of a class in this memory, with another's lock before them. */
static void nest(struct machine *m, uint64_t outer, uint64_t inner)
{
	LOCK(m, outer, spin);
	LOCK(m, inner, spin);
	UNLOCK(m, inner, spin);
	UNLOCK(m, outer, spin);
}

static uint64_t add_object(struct machine *m, uint64_t cache)
{
	const struct lv_place place = {.kind = LV_PLACE_SLAB, .base = cache, .off = 8};
	uint64_t addr = machine_add_lock(m, LV_SPIN);

	machine_show_place(m, addr, &place);
	return addr;
}

static void add_two(struct machine *m, uint64_t *ret_a, uint64_t *ret_b)
{
	uint64_t cache = world_add_cache(machine_world(m), "node", 64);

	machine_world(m)->annotated = false;
	*ret_a = add_object(m, cache);
	*ret_b = add_object(m, cache);
}

/* Not the first pair of its class: another nests before it, one way only. */
static void test_orders_of_any_pair(void **state)
{
	struct machine *m = *state;
	uint64_t a, b, c;

	add_two(m, &a, &b);
	c = machine_add_lock(m, LV_SPIN);
	machine_show_place(m, c, &world_object(machine_world(m), a)->shown);
	nest(m, a, c);
	nest(m, a, b);
	assert_false(class_at(m, a)->flags & LV_CLASS_SELF_ORDER);
	nest(m, b, a);
	assert_true(class_at(m, a)->flags & LV_CLASS_SELF_ORDER);
	assert_false(class_at(m, a)->flags & LV_CLASS_SELF_SURE);
	nest(m, a, b);
	nest(m, b, a);
	assert_true(class_at(m, a)->flags & LV_CLASS_SELF_SURE);
}

/* Freed each time in between: other objects, whose roles are others. */
static void test_orders_of_reused_memory(void **state)
{
	struct machine *m = *state;
	uint64_t a, b;

	add_two(m, &a, &b);
	for (int i = 0; i < 20; i++) {
		nest(m, i % 2 ? b : a, i % 2 ? a : b);
		machine_free_lock(m, a);
		machine_free_lock(m, b);
	}
	assert_true(class_at(m, a)->flags & LV_CLASS_SELF_ORDER);
	assert_false(class_at(m, a)->flags & LV_CLASS_SELF_SURE);
}

static void test_same_order_again(void **state)
{
	struct machine *m = *state;
	uint64_t a, b;

	add_two(m, &a, &b);
	for (int i = 0; i < 20; i++)
		nest(m, a, b);
	assert_false(class_at(m, a)->flags);
}

/*
 * Two sites, or two of kmalloc's caches, are two classes to the recorder; what their locks have shown goes
 * with the dependency between them, for the user half, who may know that they are one.
 */
static void orders_of_two_classes(struct machine *m, const struct lv_place *of_a,
				  const struct lv_place *of_b, bool reused)
{
	uint64_t a = machine_add_lock(m, LV_SPIN), b = machine_add_lock(m, LV_SPIN);
	uint32_t both = LV_CLASS_SELF_ORDER | LV_CLASS_SELF_SURE;

	machine_world(m)->annotated = false;
	machine_show_place(m, a, of_a);
	machine_show_place(m, b, of_b);
	for (int i = 0; i < 20; i++) {
		uint64_t outer = i % 2 ? b : a, inner = i % 2 ? a : b;

		at(m, 0xffffffff81001000);
		LOCK(m, outer, spin);
		at(m, 0xffffffff81002000);
		LOCK(m, inner, spin);
		UNLOCK(m, inner, spin);
		UNLOCK(m, outer, spin);
		if (reused) {
			machine_free_lock(m, a);
			machine_free_lock(m, b);
		}
	}
	for (size_t i = 0; i < LV_MAX_EDGES; i++) {
		const struct lv_edge *edge = &machine_world(m)->edges[i];

		if (edge->state == LV_SLOT_READY)
			assert_int_equal(edge->order, reused ? LV_CLASS_SELF_ORDER : both);
	}
}

static int describe(void *arg, const struct lv_class *class, struct capture_class *ret)
{
	(void)arg;
	(void)class;
	ret->name = strdup("twice.lock");
	ret->kind = strdup("slab");
	ret->key = strdup("twice.lock");
	return ret->name && ret->kind && ret->key ? 0 : -ENOMEM;
}

static uint32_t one_with_first(void *arg, uint32_t id)
{
	const struct world *world = arg;

	for (uint32_t i = 0; i < id; i++)
		if (world->classes[i].state == LV_SLOT_READY)
			return i;
	return id;
}

static char *symbol(void *arg, uint64_t ip)
{
	(void)arg;
	(void)ip;
	return strdup("function");
}

/* What the user half makes of it, where it finds the two to be one. */
static uint32_t flags_of_joined(struct machine *m)
{
	const struct world *world = machine_world(m);
	const struct tables tables = {.control = &world->control,
				      .cpus = world->cpus,
				      .nr_cpus = world->nr_cpus,
				      .classes = world->classes,
				      .edges = world->edges,
				      .stacks = world->stacks,
				      .names = world->names};
	const struct tables_words words = {.arg = machine_world(m),
					   .describe_class = describe,
					   .one_with = one_with_first,
					   .symbol = symbol};
	struct capture *c = capture_new();
	uint32_t flags;

	assert_non_null(c);
	assert_int_equal(tables_to_capture(&tables, &words, c), 0);
	assert_int_equal(c->nr_classes, 1);
	flags = c->classes[0].flags;
	capture_free(c);
	return flags;
}

#define CACHE 0xffff888100050000ull
#define IN_CACHE(n, offset)                                                                     	{.base = CACHE + 256 * (n), .off = offset, .kind = LV_PLACE_SLAB, .site = LV_SITE_OPEN}

static void test_orders_of_two_sites(void **state)
{
	static const struct lv_place place = IN_CACHE(0, 64);

	orders_of_two_classes(*state, &place, &place, false);
}

static void test_orders_of_two_caches(void **state)
{
	static const struct lv_place small = IN_CACHE(0, 64), large = IN_CACHE(1, 64);

	orders_of_two_classes(*state, &small, &large, false);
	assert_int_equal(flags_of_joined(*state), LV_CLASS_SELF_ORDER | LV_CLASS_SELF_SURE);
}

static void test_orders_of_two_caches_reused(void **state)
{
	static const struct lv_place small = IN_CACHE(0, 64), large = IN_CACHE(1, 64);

	orders_of_two_classes(*state, &small, &large, true);
	assert_int_equal(flags_of_joined(*state), LV_CLASS_SELF_ORDER);
}

/* At two offsets they are of two members, whatever their sites lock. */
static void test_orders_of_two_members(void **state)
{
	static const struct lv_place one = IN_CACHE(0, 64), other = IN_CACHE(0, 72);
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_SPIN), b = machine_add_lock(m, LV_SPIN);

	machine_world(m)->annotated = false;
	machine_show_place(m, a, &one);
	machine_show_place(m, b, &other);
	for (int i = 0; i < 20; i++) {
		at(m, 0xffffffff81001000);
		nest(m, i % 2 ? b : a, i % 2 ? a : b);
	}
	for (size_t i = 0; i < LV_MAX_EDGES; i++)
		assert_int_equal(machine_world(m)->edges[i].order, 0);
}

/* Where unlocks are hidden: a holder that no other CPU has is ours. */
static void test_holder_is_made_sure(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_SPIN), b = machine_add_lock(m, LV_SPIN);

	machine_world(m)->counts_preemption = false;
	nest(m, a, b);
	assert_int_equal(find_edge(m, a, b)->sure, 1);
	for (int i = 0; i < 20; i++)
		nest(m, a, b);
	assert_int_equal(find_edge(m, a, b)->sure, LV_EDGE_SURE);
	assert_int_equal(find_edge(m, a, b)->unsure, 0);
}

/* A lock given back unseen, and taken by another CPU, while this one takes b. */
static void nest_in_stale(struct machine *m, uint64_t a, uint64_t b, const struct machine_op *lock,
			  const struct machine_op *unlock, bool other_is_seen)
{
	machine_on_cpu(m, 0);
	leave_stale(m, a, lock, unlock);
	machine_on_cpu(m, 1);
	if (other_is_seen)
		LOCK(m, a, spin);
	else
		UNSEEN(m, LOCK(m, a, spin));
	machine_on_cpu(m, 0);
	LOCK(m, b, spin);
	UNLOCK(m, b, spin);
	machine_on_cpu(m, 1);
	UNLOCK(m, a, spin);
}

/* It is the other CPU's lock whose word reads as held. */
static void test_stale_is_not_made_sure(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_SPIN), b = machine_add_lock(m, LV_SPIN);

	machine_world(m)->counts_preemption = false;
	for (int i = 0; i < 20; i++)
		nest_in_stale(m, a, b, &spin, &spin, true);
	assert_non_null(find_edge(m, a, b));
	assert_int_equal(find_edge(m, a, b)->sure, 0);
	assert_int_not_equal(find_edge(m, a, b)->unsure, 0);
}

/*
 * The same, and the other CPU's event was lost, so that it seems to have nothing. But with irqs on, who took
 * a lock with irqs off has given it back.
 */
static void test_stale_of_irq_goes(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_SPIN), b = machine_add_lock(m, LV_SPIN);

	machine_world(m)->annotated = false;
	machine_world(m)->counts_preemption = false;
	for (int i = 0; i < 20; i++)
		nest_in_stale(m, a, b, &spin_irq, &spin_irq_on, false);
	assert_null(find_edge(m, a, b));
}

/* Two sites take some locks in turn, all of one place: the class of the second. */
static const struct lv_class *take_at_two_sites(struct machine *m, int nr, bool freed)
{
	static const struct lv_place place = IN_CACHE(0, 64);

	machine_world(m)->annotated = false;
	for (int i = 0; i < nr; i++) {
		uint64_t a = machine_add_lock(m, LV_SPIN);

		machine_show_place(m, a, &place);
		at(m, 0xffffffff81001000);
		LOCK(m, a, spin);
		UNLOCK(m, a, spin);
		if (freed)
			machine_free_lock(m, a);
		at(m, 0xffffffff81002000);
		LOCK(m, a, spin);
		UNLOCK(m, a, spin);
	}
	for (size_t i = 0; i < LV_MAX_CLASSES; i++)
		if (machine_world(m)->classes[i].place.site == 0xffffffff81002000)
			return &machine_world(m)->classes[i];
	return NULL;
}

/* What two sites take while the object looks the same is one member. */
static void test_sites_are_alike(void **state)
{
	const struct lv_class *class = take_at_two_sites(*state, 40, false);

	assert_non_null(class);
	assert_int_not_equal(class->alike[0], 0);
	assert_int_equal(machine_world(*state)->classes[class->alike[0] - 1].place.site, 0xffffffff81001000);
	assert_true(__builtin_popcount(class->alike_looks[0]) >= 3);
}

/* The memory has become another object. */
static void test_sites_of_two_objects(void **state)
{
	const struct lv_class *class = take_at_two_sites(*state, 40, true);

	assert_non_null(class);
	assert_int_equal(class->alike[0], 0);
}

static void test_usage_is_seen_twice(void **state)
{
	struct machine *m = *state;
	uint64_t a = machine_add_lock(m, LV_SPIN);

	LOCK(m, a, spin);
	UNLOCK(m, a, spin);
	HAS(m, a, LV_USED);
	assert_false(class_at(m, a)->twice & 1u << LV_USED);
	LOCK(m, a, spin);
	UNLOCK(m, a, spin);
	assert_true(class_at(m, a)->twice & 1u << LV_USED);
}

static void test_instances_are_seen(void **state)
{
	struct machine *m = *state;
	uint64_t a, b, c = machine_add_lock(m, LV_SPIN);
	const struct lv_edge *edge;

	add_two(m, &a, &b);
	nest(m, a, c);
	nest(m, b, c);
	edge = find_edge(m, a, c);
	assert_non_null(edge);
	assert_true(edge->seen_from == (LV_INSTANCE_BIT(a) | LV_INSTANCE_BIT(b)));
	assert_true(edge->seen_to == LV_INSTANCE_BIT(c));
	assert_true(edge->low[0].from == (LV_INSTANCE_HASH(a) < LV_INSTANCE_HASH(b) ? a : b));
	assert_true(edge->low[0].to == c);
	assert_int_equal(edge->looking, 0);
}

/* A gate is one until a sighting is without it, also on a CPU that knows the edge by heart. */
static void test_gate_is_lost(void **state)
{
	struct machine *m = *state;
	uint64_t g = machine_add_lock(m, LV_MUTEX), a = machine_add_lock(m, LV_SPIN);
	uint64_t b = machine_add_lock(m, LV_SPIN);

	for (int i = 0; i < 100; i++) {
		LOCK(m, g, mutex_op);
		nest(m, a, b);
		UNLOCK(m, g, mutex_op);
	}
	assert_non_null(find_edge(m, a, b));
	assert_true(find_edge(m, a, b)->gate[0] == g);
	nest(m, a, b);
	assert_int_equal(find_edge(m, a, b)->gate[0], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_spinning_holder_has_its_place),
		TEST(test_sleeping_holder_has_its_place), TEST(test_sleeping_holder_moves),
		TEST(test_mixed_holder_has_its_place),
		TEST(test_orders_of_any_pair),
		TEST(test_orders_of_reused_memory),
		TEST(test_same_order_again),
		TEST(test_orders_of_two_sites),
		TEST(test_orders_of_two_caches),
		TEST(test_orders_of_two_caches_reused),
		TEST(test_orders_of_two_members),
		TEST(test_holder_is_made_sure),
		TEST(test_stale_is_not_made_sure),
		TEST(test_stale_of_irq_goes),
		TEST(test_sites_are_alike),
		TEST(test_sites_of_two_objects),
		TEST(test_usage_is_seen_twice),
		TEST(test_instances_are_seen),
		TEST(test_gate_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
