// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that variables of the kernel's point to: which of it is told apart, and what it is
 * called. And locks on stacks, which are called by who took them.
 */
#include "test_naming_names.h"

#include "naming/anchors.h"
#include "naming/names_fold.h"
#include "naming/tabletype.h"

#define DIRECT 0xffff888000000000ull
#define FUTEX 0xffffffff82000000ull
#define HASHINFO 0xffffffff82000040ull
#define KERNFS 0xffffffff82000080ull
#define NODES 0xffffffff820000c0ull
#define UNKNOWN 0xffffffff82000100ull
#define SPARSE 0xffffffff82002000ull
#define TYPED 0xffffffff82000140ull

static int pointer(struct mini *m, int to)
{
	int id = btf__add_ptr(m->btf, to);

	assert_true(id > 0);
	return id;
}

static void function(struct mini *m, const char *name, int given)
{
	int number = pointer(m, m->u32), to = pointer(m, given);
	int proto = btf__add_func_proto(m->btf, 0);

	assert_int_equal(btf__add_func_param(m->btf, "nr", number), 0);
	assert_int_equal(btf__add_func_param(m->btf, "x", to), 0);
	assert_true(btf__add_func(m->btf, name, BTF_FUNC_STATIC, proto) > 0);
}

static struct kbtf *types(void)
{
	struct mini m;
	int bucket, pool, zone, holder, mutexes, zones, to[3];

	mini_begin(&m);
	mini_spinlocks(&m, false);
	mini_locks(&m);
	mini_struct(&m, "futex_hash_bucket", 64);
	mini_field(&m, "waiters", m.u32, 0);
	mini_field(&m, "lock", m.spinlock_t, 4);
	bucket = mini_struct(&m, "inet_bind_hashbucket", 16);
	mini_field(&m, "lock", m.spinlock_t, 0);
	pool = mini_struct(&m, "no_lock", 16);
	mini_field(&m, "word", m.u64, 0);
	to[0] = pointer(&m, pool);
	to[1] = pointer(&m, bucket);
	to[2] = pointer(&m, m.spinlock_t);
	holder = mini_struct(&m, "inet_hashinfo", 48);
	mini_field(&m, "pool", to[0], 0);
	mini_field(&m, "bhash", to[1], 16);
	mini_field(&m, "ehash_locks", to[2], 24);
	mutexes = mini_array(&m, m.mutex, 4);
	mini_struct(&m, "kernfs_global_locks", 128);
	mini_field(&m, "open_file_mutex", mutexes, 0);
	zone = mini_struct(&m, "zone", 0x400);
	mini_field(&m, "lock", m.spinlock_t, 0x80);
	zones = mini_array(&m, zone, 4);
	mini_struct(&m, "pglist_data", 0x1400);
	mini_field(&m, "node_zones", zones, 0);
	mini_field(&m, "nr_zones", m.u32, 0x1200);
	assert_true(btf__add_var(m.btf, "typed", BTF_VAR_STATIC, holder) > 0);
	function(&m, "complete", m.completion);
	function(&m, "wait_for_common", m.completion);
	function(&m, "__wake_up", m.wait_queue_head_t);
	function(&m, "zone_walk", zones);
	return mini_end(&m, NULL);
}

static int setup_tables(void **state)
{
	if (setup(state))
		return -1;
	ksyms_free(world.ksyms);
	kbtf_free(world.btf);
	fixture_write("tables", "ffffffff81000000 T _text\n"
				"ffffffff81000100 T complete\n"
				"ffffffff81000200 t wait_for_common.constprop.0\n"
				"ffffffff81000300 T __wake_up\n"
				"ffffffff81000400 T zone_walk\n"
				"ffffffff81000500 T after\n"
				"ffffffff81f00000 D __start_ro_after_init\n"
				"ffffffff81f00009 D __end_ro_after_init\n"
				"ffffffff81ffffc0 D _sdata\n"
				"ffffffff82000000 d __futex_data\n"
				"ffffffff82000040 D tcp_hashinfo\n"
				"ffffffff82000080 D kernfs_locks\n"
				"ffffffff820000c0 D node_data\n"
				"ffffffff82000100 d unknown\n"
				"ffffffff82000140 d typed\n"
				"ffffffff82000180 D __init_begin\n"
				"ffffffff82001000 D __init_end\n"
				"ffffffff82002000 d sparse\n"
				"ffffffff82010000 B _end\n"
				"ffffffffc0003000 d theirs\t[mod]\n"
				"ffffffffc0003040 d behind\t[mod]\n");
	assert_int_equal(ksyms_load(fixture_path("tables"), &world.ksyms), 0);
	world.from.ksyms = world.ksyms;
	world.from.btf = world.btf = types();
	return 0;
}

#define TABLES(name) cmocka_unit_test_setup_teardown(name, setup_tables, teardown)

static struct lv_anchors table;

static void choose(const struct lv_anchor *found, size_t nr)
{
	struct anchors *a = NULL;

	assert_int_equal(anchors_new(world.ksyms, world.btf, &a), 0);
	assert_int_equal(anchors_add(a, found, nr), 0);
	anchors_table(a, &table);
	anchors_free(a);
}

#define CHOOSE(...)                                                                                \
	choose((const struct lv_anchor[]){__VA_ARGS__},                                            \
	       sizeof((const struct lv_anchor[]){__VA_ARGS__}) / sizeof(struct lv_anchor))

static void test_ranges(void **state)
{
	struct anchors_range ranges[ANCHORS_RANGES];

	(void)state;
	assert_int_equal(anchors_ranges(world.ksyms, ranges), 3);
	assert_true(ranges[0].start == 0xffffffff81f00000 && ranges[0].end == 0xffffffff81f00009);
	assert_true(ranges[1].start == 0xffffffff81ffffc0 && ranges[1].end == 0xffffffff82000180);
	assert_true(ranges[2].start == 0xffffffff82001000);
}

/* Sorted; elements' sizes by our table of variables, by the members of a known struct, by BTF. */
static void test_types(void **state)
{
	(void)state;
	CHOOSE({.addr = DIRECT + 0x30000, .where = HASHINFO + 16},
	       {.addr = DIRECT + 0x20000, .where = FUTEX},
	       {.addr = DIRECT + 0x10000, .where = TYPED + 16},
	       {.addr = DIRECT + 0x40040, .where = NODES + 8},
	       {.addr = DIRECT + 0x50000, .where = KERNFS});
	assert_int_equal(table.nr, 5);
	assert_true(table.anchor[0].base == TYPED + 16 && table.anchor[0].stride == 16);
	assert_true(table.anchor[1].base == FUTEX && table.anchor[1].stride == 64);
	assert_int_equal(table.anchor[1].size, 0x10000); /* up to the next one */
	assert_true(table.anchor[2].base == HASHINFO + 16 && table.anchor[2].stride == 16);
	assert_true(table.anchor[3].base == NODES); /* whichever node's */
	assert_true(table.anchor[3].stride == 0x1400 && table.anchor[3].size == 0x1400);
	assert_int_equal(table.anchor[4].stride, 32); /* a struct of one array is the array */
	assert_true(table.anchor[4].size > 0x100000);
}

/* Of the unknown variables that point to a page's begin; no code, no module's, none in the middle
 * of an object. */
static void test_untyped(void **state)
{
	(void)state;
	CHOOSE({.addr = DIRECT + 0x1000, .where = UNKNOWN},
	       {.addr = DIRECT + 0x2040, .where = HASHINFO},
	       {.addr = DIRECT + 0x3000, .where = HASHINFO}, /* what has no lock */
	       {.addr = DIRECT + 0x4000, .where = 0xffffffff81000010},
	       {.addr = DIRECT + 0x5000, .where = 0xffffffffc0003000},
	       {.addr = DIRECT + 0x6000, .where = NODES},
	       {.addr = DIRECT + 0x7000, .where = UNKNOWN + 16}, /* no pointer by itself */
	       {.addr = DIRECT + 0x7040, .where = UNKNOWN});
	assert_int_equal(table.nr, 3);
	assert_true(table.anchor[0].addr == DIRECT + 0x1000 && !table.anchor[0].stride);
	assert_true(table.anchor[1].addr == DIRECT + 0x3000 && !table.anchor[1].stride);
	assert_true(table.anchor[2].addr == DIRECT + 0x6000);
}

/* In slabs: arrays of locks. The rest has a type of its own, and more like it. */
static void test_slab(void **state)
{
	(void)state;
	CHOOSE({.addr = DIRECT + 0x1800, .where = HASHINFO + 24, .size = 0x1000, .slab = 1},
	       {.addr = DIRECT + 0x8000, .where = HASHINFO + 16, .size = 64, .slab = 1},
	       {.addr = DIRECT + 0x9000, .where = UNKNOWN, .size = 64, .slab = 1});
	assert_int_equal(table.nr, 1);
	assert_true(table.anchor[0].stride == 4 && table.anchor[0].size == 0x1000);
	for (uint64_t page = DIRECT / 4096; page < DIRECT / 4096 + 16; page++)
		assert_int_equal(table.pages[page / 64 % 64] >> page % 64 & 1,
				 page == DIRECT / 4096 + 1 || page == DIRECT / 4096 + 2);
}

/* Several words for one place: whoever knows the type, or the first. */
static void test_doubles(void **state)
{
	(void)state;
	CHOOSE({.addr = DIRECT + 0x1000, .where = HASHINFO},
	       {.addr = DIRECT + 0x1000, .where = HASHINFO + 16},
	       {.addr = DIRECT + 0x1000, .where = UNKNOWN},
	       {.addr = DIRECT + 0x2000, .where = UNKNOWN},
	       {.addr = DIRECT + 0x2000, .where = HASHINFO});
	assert_int_equal(table.nr, 2);
	assert_true(table.anchor[0].base == HASHINFO + 16);
	assert_true(table.anchor[1].base == HASHINFO);
}

static void test_too_many(void **state)
{
	static struct lv_anchor many[LV_MAX_ANCHORS + 50];
	size_t nr = sizeof(many) / sizeof(many[0]);

	(void)state;
	for (size_t i = 0; i < nr; i++)
		many[i] = (struct lv_anchor){.addr = DIRECT + (nr - i) * 0x1000, .where = UNKNOWN};
	choose(many, nr);
	assert_int_equal(table.nr, LV_MAX_ANCHORS);
	assert_true(table.anchor[LV_MAX_ANCHORS - 1].addr == DIRECT + LV_MAX_ANCHORS * 0x1000ull);
}

static void test_names(void **state)
{
	(void)state;
	add(LV_PLACE_TABLE, FUTEX, 4, LV_SPIN);
	add(LV_PLACE_TABLE, HASHINFO + 16, 0, LV_SPIN);
	add(LV_PLACE_TABLE, HASHINFO + 24, 0, LV_SPIN);
	add(LV_PLACE_TABLE, KERNFS, 0, LV_MUTEX);
	add(LV_PLACE_TABLE, NODES, 0x480, LV_SPIN);
	add(LV_PLACE_TABLE, FUTEX, 8, LV_SPIN); /* no lock is there */
	add(LV_PLACE_TABLE, UNKNOWN, 0, LV_SPIN);
	add(LV_PLACE_TABLE, TYPED + 16, 0, LV_SPIN);
	add(LV_PLACE_TABLE, 0xffffffffc0003000, 0, LV_SPIN);
	name_all();
	NAMED(0, "__futex_data[].lock", INFERRED);
	NAMED(1, "tcp_hashinfo.bhash[].lock", INFERRED);
	NAMED(2, "tcp_hashinfo.ehash_locks[]", INFERRED);
	NAMED(3, "kernfs_locks.open_file_mutex[]", INFERRED);
	NAMED(4, "node_data.node_zones[1].lock", INFERRED);
	NAMED(5, "__futex_data[]+0x8", AMBIGUOUS);
	NAMED(6, "unknown[]", AMBIGUOUS);
	NAMED(7, "typed.bhash[].lock", INFERRED);
	NAMED(8, "*ffffffffc0003000+0x0", AMBIGUOUS);
	assert_string_equal(world.results[0].kind, "table");
	world.from.btf = NULL;
	name_all();
	NAMED(0, "__futex_data[]+0x4", AMBIGUOUS);
	world.from.ksyms = NULL;
	name_all();
	NAMED(0, "*ffffffff82000000+0x4", AMBIGUOUS);
}

/* One class for all that were given a completion, also where the call was the function's last. */
static void test_stacks(void **state)
{
	static const __u64 callers[] = {0xffffffff81000110, 0xffffffff81000300,
					   0xffffffff81000310, 0xffffffff81000410, 0};
	struct names_fold_item items[5] = {};
	struct names *n = NULL;

	(void)state;
	assert_int_equal(names_new(&world.from, NULL, 0, &n), 0);
	for (size_t i = 0; i < 5; i++) {
		items[i].class = add(LV_PLACE_STACK, 0, 0, LV_SPIN);
		items[i].result = &world.results[i];
		names_class(n, items[i].class, &(struct callsite_stack){&callers[i], 1}, 1,
			    items[i].result);
	}
	names_free(n);
	NAMED(0, "completion.wait", INFERRED);
	NAMED(1, "completion.wait", INFERRED);
	NAMED(2, "wait_queue_head", AMBIGUOUS);
	NAMED(3, "stack in zone_walk", AMBIGUOUS);
	NAMED(4, "stack", AMBIGUOUS);
	assert_string_equal(world.results[0].kind, "stack");
	for (size_t i = 0; i < 5; i++)
		items[i].one_with = i;
	assert_int_equal(names_fold(items, 5), 0);
	assert_int_equal(items[1].one_with, 0);
	for (size_t i = 2; i < 5; i++)
		assert_int_equal(items[i].one_with, i);
}

/* Locks at an equal distance in a variable without a type, taken by one instruction, are an array's. */
static void test_variable(void **state)
{
	struct names_fold_item items[20] = {};
	struct names *n = NULL;

	(void)state;
	assert_int_equal(names_new(&world.from, NULL, 0, &n), 0);
	for (size_t i = 0; i < 20; i++) {
		/* Every third of them; one between and the two last are taken elsewhere. */
		items[i].class = add(LV_PLACE_STATIC, UNKNOWN, 4 + 3 * i, LV_SPIN);
		items[i].result = &world.results[i];
		items[i].nr_sites = 1;
		items[i].sites[0] = i < 18 && i != 7 ? 0xffffffff81000104 : 0xffffffff81000304;
		items[i].one_with = i;
		names_class(n, items[i].class, NULL, 0, items[i].result);
	}
	names_free(n);
	NAMED(0, "unknown+0x4", EXACT);
	assert_int_equal(names_fold(items, 20), 0);
	for (size_t i = 0; i < 18; i++) {
		NAMED(i, "unknown[]", EXACT);
		assert_int_equal(items[i].one_with, 0);
	}
	for (size_t i = 18; i < 20; i++)
		assert_int_equal(items[i].one_with, i);
	NAMED(18, "unknown+0x3a", EXACT);
}

/* Twenty of 400 elements, taken by one instruction. */
static void fold_sparse(struct names_fold_item *items, uint32_t step)
{
	struct names *n = NULL;

	assert_int_equal(names_new(&world.from, NULL, 0, &n), 0);
	for (uint32_t i = 0; i < 20; i++) {
		items[i] = (struct names_fold_item){.one_with = i, .nr_sites = 1,
						    .sites[0] = 0xffffffff81000104};
		items[i].class = add(LV_PLACE_STATIC, SPARSE, step * (i + 1) * (i + 1), LV_SPIN);
		items[i].result = &world.results[i];
		names_class(n, items[i].class, NULL, 0, items[i].result);
	}
	names_free(n);
	assert_int_equal(names_fold(items, 20), 0);
}

/* Enough of them in step are an array's, however many were not seen. */
static void test_sparse_variable(void **state)
{
	struct names_fold_item items[20];

	(void)state;
	fold_sparse(items, 32);
	for (size_t i = 1; i < 20; i++)
		assert_int_equal(items[i].one_with, 0);
	NAMED(3, "sparse[]", EXACT);
}

/* Sixteen bytes are no step: chance may have made them. */
static void test_sparse_by_chance(void **state)
{
	struct names_fold_item items[20];

	(void)state;
	fold_sparse(items, 16);
	for (size_t i = 1; i < 20; i++)
		assert_int_equal(items[i].one_with, i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TABLES(test_variable), TABLES(test_sparse_variable), TABLES(test_sparse_by_chance),
		TABLES(test_ranges), TABLES(test_types),   TABLES(test_untyped),
		TABLES(test_slab),   TABLES(test_doubles), TABLES(test_too_many),
		TABLES(test_names),  TABLES(test_stacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
