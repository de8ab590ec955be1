// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory is freed and becomes another type's, at the same address: the class it
 * had may not be found at an end of any new edge, or get any new usage bit.
 */
#include "test_record.h"

#include <string.h>

#include "test_random.h"

#define OBJECTS 24
#define CACHES 3
#define STEPS 3000

static const struct machine_op mutex_try = {.family = LV_MUTEX, .try = true};

struct reuse {
	struct machine *m;
	struct world *world;
	uint64_t caches[CACHES];
	uint64_t addr[OBJECTS];
	uint32_t family[OBJECTS];
	uint32_t seen_edges, seen_bits;
	uint32_t checked, reused;
};

/* Where the object lies from now on: a slab of any cache, or pages of another sort. */
static struct lv_place draw_place(const struct reuse *r)
{
	static const uint32_t kinds[] = {LV_PLACE_VMALLOC, LV_PLACE_EARLY, LV_PLACE_PAGE};
	struct lv_place place = {.kind = LV_PLACE_SLAB};

	if (draw(8) == 0) {
		place.kind = kinds[draw(3)];
		return place;
	}
	place.base = r->caches[draw(CACHES)];
	place.off = 8 * draw(3);
	return place;
}

/* The class is that of the place the address is in now. */
static void check_class(const struct reuse *r, uint32_t id, uint64_t addr)
{
	const struct lv_place *is =
		&r->world->objects[(addr - WORLD_BASE) / WORLD_OBJECT_SIZE].shown;
	const struct lv_class *class = &r->world->classes[id];

	assert_int_equal(class->place.kind, is->kind);
	assert_true(class->place.base == is->base);
	assert_int_equal(class->place.off, is->off);
}

/* Called after each event: what is new in the tables is of the event. */
static void check_new(struct reuse *r)
{
	static uint8_t edge_known[LV_MAX_EDGES];
	static uint16_t bits_known[LV_MAX_CLASSES];

	if (!r->checked++) {
		memset(edge_known, 0, sizeof(edge_known));
		memset(bits_known, 0, sizeof(bits_known));
	}
	for (uint32_t i = 0; i < LV_MAX_EDGES; i++) {
		const struct lv_edge *edge = &r->world->edges[i];

		if (edge->state != LV_SLOT_READY || edge_known[i])
			continue;
		edge_known[i] = 1;
		check_class(r, edge->from, edge->from_addr);
		check_class(r, edge->to, edge->to_addr);
		r->seen_edges++;
	}
	for (uint32_t i = 0; i < LV_MAX_CLASSES; i++) {
		const struct lv_class *class = &r->world->classes[i];
		uint32_t fresh = class->usage & ~bits_known[i];

		for (int bit = 0; fresh && bit < LV_USAGES; bit++)
			if (fresh & 1u << bit) {
				check_class(r, i, class->usage_addr[bit]);
				r->seen_bits++;
			}
		bits_known[i] |= class->usage;
	}
}

static const struct machine_op *draw_op(const struct reuse *r, uint32_t object)
{
	if (r->family[object] == LV_MUTEX)
		return draw(4) ? &mutex_op : &mutex_try;
	return draw(4) ? &spin : &spin_try;
}

/* Where all locks of a test are taken: classes' memos are found by it. */
static const uint64_t caller[] = {0xffffffff81000010};

static int setup_reuse(struct reuse *r, struct machine *m)
{
	static const char *const names[CACHES] = {"kioctx", "dentry", "kmalloc-192"};

	memset(r, 0, sizeof(*r));
	r->m = m;
	r->world = machine_world(m);
	r->world->annotated = false;
	for (uint32_t cpu = 0; cpu < 2; cpu++) {
		machine_on_cpu(m, cpu);
		machine_at(m, caller, 1);
	}
	for (int i = 0; i < CACHES; i++)
		r->caches[i] = world_add_cache(r->world, names[i], 192);
	for (int i = 0; i < OBJECTS; i++) {
		struct lv_place place = draw_place(r);

		r->family[i] = i % 4 ? LV_SPIN : LV_MUTEX;
		r->addr[i] = machine_add_lock(m, r->family[i]);
		machine_show_place(m, r->addr[i], &place);
	}
	return 0;
}

/* A chain of locks, sleeping ones first; given back newest first. */
static void use_some(struct reuse *r)
{
	uint32_t chain[4], nr = 0, want = 1 + draw(4);
	const struct machine_op *op;

	for (uint32_t pass = 0; pass < 2; pass++)
		for (uint32_t i = 0; i < OBJECTS && nr < want; i++) {
			uint32_t object = draw(OBJECTS);
			struct machine_holder holder;

			if ((r->family[object] == LV_MUTEX) == pass ||
			    machine_holder(r->m, r->addr[object], &holder))
				continue;
			op = draw_op(r, object);
			assert_int_equal(machine_lock(r->m, r->addr[object], op), 0);
			check_new(r);
			chain[nr++] = object;
		}
	while (nr) {
		op = r->family[chain[--nr]] == LV_MUTEX ? &mutex_op : &spin;
		assert_int_equal(machine_unlock(r->m, r->addr[chain[nr]], op), 0);
		check_new(r);
	}
}

/* Freed, and allocated as something else; nobody holds it. */
static void reuse_one(struct reuse *r)
{
	uint32_t object = draw(OBJECTS);
	struct lv_place place = draw_place(r);

	machine_show_place(r->m, r->addr[object], &place);
	r->reused++;
}

static void run_reuse(struct reuse *r, bool with_stale)
{
	for (uint32_t step = 0; step < STEPS / 10; step++) {
		machine_on_cpu(r->m, draw(2));
		for (uint32_t i = 0; i < 10; i++)
			use_some(r);
		if (with_stale && draw(4) == 0) {
			uint32_t object = 1 + draw(3); /* a spinning lock's release is missed */
			struct lv_place place = draw_place(r);

			LOCK(r->m, r->addr[object], spin);
			check_new(r);
			world_disarm(r->world);
			UNLOCK(r->m, r->addr[object], spin);
			r->world->control.word = r->world->word;
			machine_show_place(r->m, r->addr[object], &place);
			r->reused++;
		}
		reuse_one(r);
	}
	assert_true(r->reused >= STEPS / 10);
	assert_true(r->seen_edges > 100);
	assert_true(r->seen_bits > 20);
}

static void test_reuse(void **state)
{
	struct reuse r;

	for (seed = 1; seed < 4; seed++) {
		uint32_t kept = seed;

		machine_reset(*state);
		setup_reuse(&r, *state);
		run_reuse(&r, false);
		assert_true(lost(*state, LV_LOSS_STALE_CLASS) >
			    0); /* there was something to find */
		seed = kept;
	}
}

/* What the held stack remembers of a lock whose release was missed is of its old class. */
static void test_reuse_of_stale(void **state)
{
	struct reuse r;

	seed = 7;
	setup_reuse(&r, *state);
	run_reuse(&r, true);
}

/* One address as three types in turn, each under the same holder: three edges, each its own. */
static void test_three_types(void **state)
{
	struct machine *m = *state;
	struct world *world = machine_world(m);
	uint64_t holder = machine_add_lock(m, LV_SPIN), object = machine_add_lock(m, LV_SPIN);
	const struct lv_place fixed = {.kind = LV_PLACE_STATIC, .base = 0xffffffff81000000ull};
	struct lv_place place = {.kind = LV_PLACE_SLAB, .off = 8};
	uint32_t edges = 0;

	world->annotated = false;
	machine_at(m, caller, 1);
	machine_show_place(m, holder, &fixed);
	for (int i = 0; i < 3; i++) {
		place.base = world_add_cache(world, i ? i == 1 ? "b" : "c" : "a", 64);
		machine_show_place(m, object, &place);
		/* Until the old class is believed no more; never does it get an edge. */
		for (int round = 0; round < LV_ADDR_AGE; round++) {
			LOCK(m, holder, spin);
			LOCK(m, object, spin);
			UNLOCK(m, object, spin);
			UNLOCK(m, holder, spin);
		}
		assert_int_equal(edge_between(m, holder, object), LV_DEP_EN);
		assert_int_equal(nr_edges(m), ++edges);
	}
}

/* On a stack, the class is by who took the lock; that is not asked again for an edge's ends. */
static void test_stack(void **state)
{
	static const struct lv_place place = {.kind = LV_PLACE_STACK, .site = LV_SITE_OPEN};
	static const uint64_t callers[] = {0xffffffff81000010, 0xffffffff81000020};
	struct machine *m = *state;
	struct world *world = machine_world(m);
	uint64_t addr[2];

	world->annotated = false;
	for (int i = 0; i < 2; i++) {
		addr[i] = machine_add_lock(m, LV_SPIN);
		machine_show_place(m, addr[i], &place);
		machine_at(m, &callers[i], 1);
		LOCK(m, addr[i], spin);
	}
	assert_int_equal(nr_edges(m), 1);
	for (uint32_t i = 0; i < LV_MAX_EDGES; i++) {
		const struct lv_edge *edge = &world->edges[i];

		if (edge->state != LV_SLOT_READY)
			continue;
		assert_true(world->classes[edge->from].place.site == callers[0]);
		assert_true(world->classes[edge->to].place.site == callers[1]);
	}
	assert_int_equal(lost(m, LV_LOSS_STALE_CLASS), 0);
}

#define KMALLOC 0xffff888100000000ull
static const struct lv_place kmalloc = {
	.base = KMALLOC, .off = 64, .kind = LV_PLACE_SLAB, .site = LV_SITE_OPEN};

static uint32_t classes_at(struct machine *m, uint64_t site)
{
	struct world *world = machine_world(m);
	uint32_t nr = 0;

	for (uint32_t i = 0; i < LV_MAX_CLASSES; i++)
		nr += world->classes[i].state == LV_SLOT_READY &&
		      world->classes[i].place.base == KMALLOC &&
		      (!site || world->classes[i].place.site == site);
	return nr;
}

/* Untyped memory: one address, of one type and then of another, as the memory is used again. */
static void test_untyped(void **state)
{
	static const uint64_t callers[] = {0xffffffff81000010, 0xffffffff81000020};
	struct machine *m = *state;
	struct world *world = machine_world(m);
	uint64_t lock, below;

	world->annotated = false;
	lock = machine_add_lock(m, LV_SPIN);
	below = machine_add_lock(m, LV_SPIN);
	machine_show_place(m, lock, &kmalloc);
	for (int i = 0; i < 100; i++) {
		machine_at(m, &callers[i & 1], 1);
		LOCK(m, lock, spin);
		LOCK(m, below, spin);
		UNLOCK(m, below, spin);
		UNLOCK(m, lock, spin);
	}
	assert_int_equal(classes_at(m, callers[0]), 1);
	assert_int_equal(classes_at(m, callers[1]), 1);
	assert_int_equal(classes_at(m, 0), 2);
	assert_int_equal(nr_edges(m), 2);
}

/* A generic function's callers are told apart, for a mutex as for a spinlock. */
static void test_generic(void **state)
{
	static const uint64_t generic = 0xffffffff81000010;
	static const uint64_t stacks[2][2] = {{generic, 0xffffffff81000100},
					      {generic, 0xffffffff81000200}};
	struct machine *m = *state;
	struct world *world = machine_world(m);
	uint64_t events = tables_events(world->cpus, 1);

	world->annotated = false;
	world_seat->generic = generic;
	for (int i = 0; i < 2; i++) {
		uint64_t lock = machine_add_lock(m, LV_SPIN);
		uint64_t sleeping = machine_add_lock(m, LV_MUTEX);

		machine_show_place(m, lock, &kmalloc);
		machine_show_place(m, sleeping, &kmalloc);
		machine_at(m, stacks[i], 2);
		LOCK(m, lock, spin);
		UNLOCK(m, lock, spin);
		LOCK(m, sleeping, mutex_op);
		UNLOCK(m, sleeping, mutex_op);
	}
	assert_int_equal(classes_at(m, stacks[0][1]), 2);
	assert_int_equal(classes_at(m, stacks[1][1]), 2);
	assert_int_equal(classes_at(m, 0), 4);
	assert_int_equal(tables_events(world->cpus, 1) - events, 8);
}

/* Its cache is destroyed, and another made where it was: what comes is of another class at once. */
static void test_dead_cache(void **state)
{
	struct machine *m = *state;
	struct world *world = machine_world(m);
	uint64_t addr = machine_add_lock(m, LV_SPIN), other = machine_add_lock(m, LV_SPIN);
	const struct lv_place place = {.kind = LV_PLACE_SLAB,
				       .base = world_add_cache(world, "first", 64)};
	struct lv_class *first;

	world->annotated = false;
	machine_show_place(m, addr, &place);
	LOCK(m, addr, spin);
	UNLOCK(m, addr, spin);
	first = class_at(m, addr);
	first->state = LV_SLOT_DEAD;

	LOCK(m, addr, spin);
	LOCK(m, other, spin);
	assert_int_equal(edge_between(m, addr, other), LV_DEP_EN);
	assert_ptr_not_equal(class_at(m, addr), first);
	assert_int_equal(lost(m, LV_LOSS_STALE_CLASS), 0);
}

/* Its module is unloaded, and another's per-CPU memory is where that was: it is believed by its address, for a while. */
static void test_dead_class(void **state)
{
	struct machine *m = *state;
	struct world *world = machine_world(m);
	uint64_t addr = machine_add_lock(m, LV_SPIN), other = machine_add_lock(m, LV_SPIN);
	const struct lv_place place = {.kind = LV_PLACE_PERCPU_DYN, .base = 0x40};
	struct lv_class *first;

	world->annotated = false;
	machine_show_place(m, addr, &place);
	LOCK(m, addr, spin);
	UNLOCK(m, addr, spin);
	first = class_at(m, addr);
	first->state = LV_SLOT_DEAD;

	LOCK(m, addr, spin); /* believed to be of it still, but given no edge */
	LOCK(m, other, spin);
	assert_int_equal(nr_edges(m), 0);
	assert_int_equal(lost(m, LV_LOSS_STALE_CLASS), 2); /* the look at its usage, the edge's at it */
	UNLOCK(m, other, spin);
	UNLOCK(m, addr, spin);
	LOCK(m, addr, spin);
	LOCK(m, other, spin);
	assert_int_equal(edge_between(m, addr, other), LV_DEP_EN);
	assert_ptr_not_equal(class_at(m, addr), first);
	assert_true(first->usage);
}

/* lockdep has two classes for a protocol's sockets: they do not wait for each other. */
static void test_kernel_sockets(void **state)
{
	const struct machine_op sock = {.family = LV_SOCK};
	struct machine *m = *state;
	struct world *world = machine_world(m);
	const struct lv_place place = {.kind = LV_PLACE_SLAB,
				       .base = world_add_cache(world, "TCP", 2000),
				       .off = 0x98};
	uint32_t subclasses = 0;

	world->annotated = false;
	for (int i = 0; i < 3; i++) {
		uint64_t addr = machine_add_lock(m, LV_SOCK);

		machine_show_place(m, addr, &place);
		world_object(world, addr)->kernel_sock = i > 0;
		LOCK(m, addr, sock);
	}
	for (uint32_t i = 0; i < LV_MAX_CLASSES; i++)
		if (world->classes[i].state == LV_SLOT_READY)
			subclasses |= 1u << world->classes[i].subclass;
	assert_int_equal(subclasses, 1u << 0 | 1u << LV_SUBCLASS_KERNEL |
					     1u << (LV_SUBCLASS_KERNEL | LV_SUBCLASS_TWIN));
	assert_int_equal(nr_edges(m), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_reuse),
		TEST(test_reuse_of_stale),
		TEST(test_three_types),
		TEST(test_stack),
		TEST(test_untyped),
		TEST(test_generic),
		TEST(test_dead_cache),
		TEST(test_dead_class),
		TEST(test_kernel_sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
