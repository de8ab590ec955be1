// SPDX-License-Identifier: GPL-2.0-only
/* Names of lock classes, what they are certain of, and that the order of discovery is nothing. */
#include "test_naming_names.h"

static void test_static(void **state)
{
	struct lv_name *n = &world.names[world.nr_names++];

	(void)state;
	n->state = LV_SLOT_READY;
	n->place.kind = LV_PLACE_STATIC;
	n->place.base = 0xffffffff82000210;
	strcpy(n->text, "&init_task.wait");
	add(LV_PLACE_STATIC, 0xffffffff82000140, 0, LV_RWLOCK);
	add(LV_PLACE_STATIC, 0xffffffff82000210, 0, LV_SPIN);
	add(LV_PLACE_STATIC, 0xffffffffc0003000, 0, LV_SPIN);
	add(LV_PLACE_STATIC, 0xffffffffc0003008, 0, LV_SPIN);
	add(LV_PLACE_STATIC, 0xffffffff81000010, 0, LV_SPIN);
	add(LV_PLACE_STATIC, 0xffffffffd0000000, 0, LV_SPIN);
	name_all();
	NAMED(0, "tasklist_lock", EXACT);
	assert_string_equal(world.results[0].kind, "static");
	assert_string_equal(world.results[0].key, "[<ffffffff82000140>]");
	assert_string_equal(world.results[0].alias, "");
	NAMED(1, "init_task+0x10", EXACT);
	assert_string_equal(world.results[1].alias, "&init_task.wait");
	NAMED(2, "lv_lock [lv_uffd]", EXACT);
	NAMED(3, "lv_lock+0x8 [lv_uffd]", EXACT);
	NAMED(4, "kernel+0x10", EXACT); /* data without symbols: not a function's name */
	NAMED(5, "0xffffffffd0000000", EXACT);
}

/* The second of two static locks is called so even when the first is never seen. */
static void test_static_duplicates(void **state)
{
	(void)state;
	add(LV_PLACE_STATIC, 0xffffffff82000180, 0, LV_SPIN);
	add(LV_PLACE_STATIC, 0xffffffffc0003040, 0, LV_SPIN);
	name_all();
	NAMED(0, "cache_lock#2", EXACT);
	NAMED(1, "cache_lock [lv_uffd]", EXACT);
	add(LV_PLACE_STATIC, 0xffffffff82000100, 0, LV_SPIN);
	name_all();
	NAMED(0, "cache_lock#2", EXACT);
	NAMED(2, "cache_lock", EXACT);
}

/* variables.def says what it is; of an array each element has its own name. */
static void test_static_by_list(void **state)
{
	(void)state;
	use_symbols("ffffffff81000000 T _text\n"
		    "ffffffff81f00000 D _sdata\n"
		    "ffffffff82000000 D printk_limits\n"
		    "ffffffff82000140 D printk_ratelimit_state\n"
		    "ffffffff82000168 D ext4_mount_msg_ratelimit\n"
		    "ffffffff82000178 D _end\n");
	add(LV_PLACE_STATIC, 0xffffffff82000058, 0, LV_RAWSPIN);
	add(LV_PLACE_STATIC, 0xffffffff8200005c, 0, LV_RAWSPIN);
	add(LV_PLACE_STATIC, 0xffffffff82000148, 0, LV_RAWSPIN);
	add(LV_PLACE_STATIC, 0xffffffff82000170, 0, LV_RAWSPIN);
	name_all();
	NAMED(0, "printk_limits[2].lock", EXACT);
	NAMED(1, "printk_limits+0x5c", EXACT);
	NAMED(2, "printk_ratelimit_state.lock", EXACT);
	NAMED(3, "ext4_mount_msg_ratelimit+0x8", EXACT); /* too small for one */
}

/* Who takes the inner lock of a lock that sleeps says what the variable is. */
static void test_static_inner_lock(void **state)
{
	static const __u64 slow[] = {0xffffffff81000110}, other[] = {0xffffffff81000210};
	const struct callsite_stack by_rwsem = {slow, 1}, by_other = {other, 1};

	(void)state;
	use_symbols("ffffffff81000000 T _text\n"
		    "ffffffff81000100 t rwsem_wake\n"
		    "ffffffff81000200 t other\n"
		    "ffffffff81f00000 D _sdata\n"
		    "ffffffff82000000 D mounts\n"
		    "ffffffff82000028 D _end\n");
	add(LV_PLACE_STATIC, 0xffffffff82000014, 0, LV_RAWSPIN);
	name_all_taken(&by_rwsem, 1);
	NAMED(0, "mounts.wait_lock", EXACT);
	name_all_taken(&by_other, 1);
	NAMED(0, "mounts+0x14", EXACT);
}

/* A variable's words and its size tell its type, where BTF does not know the variable. */
static void test_static_by_type(void **state)
{
	(void)state;
	use_symbols("ffffffff81000000 T _text\n"
		    "ffffffff81f00000 D _sdata\n"
		    "ffffffff82000000 D odd_sighand\n"
		    "ffffffff82000840 D other_sighand\n"
		    "ffffffff82000850 D shapes\n"
		    "ffffffff820008d0 D my_mutex\n"
		    "ffffffff820008f0 D _end\n");
	add(LV_PLACE_STATIC, 0xffffffff82000008, 0, LV_SPIN);
	add(LV_PLACE_STATIC, 0xffffffff82000848, 0, LV_SPIN);
	add(LV_PLACE_STATIC, 0xffffffff82000868, 0, LV_SPIN);
	add(LV_PLACE_STATIC, 0xffffffff820008d0, 0, LV_MUTEX);
	add(LV_PLACE_STATIC, 0xffffffff820008d8, 0, LV_SPIN);
	name_all();
	NAMED(0, "odd_sighand.signalfd_wqh", EXACT);
	NAMED(1, "other_sighand+0x8", EXACT); /* far too small for a sighand_struct */
	NAMED(2, "shapes.table[1].lock", EXACT);
	NAMED(3, "my_mutex", EXACT);
	NAMED(4, "my_mutex.wait_lock", EXACT);
}

/* Told by little but the size: a table of wait queues, and a struct without a name. */
static void test_static_by_size(void **state)
{
	(void)state;
	use_symbols("ffffffff81000000 T _text\n"
		    "ffffffff81f00000 D _sdata\n"
		    "ffffffff82000000 D wait_table\n"
		    "ffffffff82000600 D odd_table\n"
		    "ffffffff82000c18 D nameless\n"
		    "ffffffff82000c28 D input_pool\n"
		    "ffffffff82000cb0 D odd_pool\n"
		    "ffffffff82000d38 D _end\n");
	add(LV_PLACE_STATIC, 0xffffffff82000048, 0, LV_SPIN);
	add(LV_PLACE_STATIC, 0xffffffff8200004c, 0, LV_SPIN);
	add(LV_PLACE_STATIC, 0xffffffff82000648, 0, LV_SPIN);
	add(LV_PLACE_STATIC, 0xffffffff82000c24, 0, LV_SPIN);
	add(LV_PLACE_STATIC, 0xffffffff82000000, 0, LV_SPIN);
	add(LV_PLACE_STATIC, 0xffffffff82000c9c, 0, LV_SPIN);
	add(LV_PLACE_STATIC, 0xffffffff82000d24, 0, LV_SPIN);
	name_all();
	NAMED(5, "input_pool.hidden", EXACT); /* nameless.def says that it is no "rival" */
	NAMED(6, "odd_pool+0x74", EXACT);
	NAMED(0, "wait_table[3]", EXACT);
	NAMED(4, "wait_table[0]", EXACT); /* the first is an element as well */
	NAMED(1, "wait_table+0x4c", EXACT); /* not where a head has its lock */
	NAMED(2, "odd_table+0x48", EXACT);  /* one more than a power of two */
	NAMED(3, "nameless.inner", EXACT);
}

static void test_percpu(void **state)
{
	(void)state;
	add(LV_PLACE_PERCPU, 0x100, 0, LV_SPIN);
	add(LV_PLACE_PERCPU, 0x480, 0, LV_SPIN);
	add(LV_PLACE_PERCPU, 0x610, 0, LV_SPIN);
	add(LV_PLACE_PERCPU, 0x650, 0, LV_SPIN);
	add(LV_PLACE_PERCPU, 0x680, 0, LV_SPIN);
	add(LV_PLACE_PERCPU, 0x110, 0, LV_SPIN);
	add(LV_PLACE_PERCPU, 0x808, 0, LV_SPIN);
	add(LV_PLACE_PERCPU, 0xf00, 0, LV_SPIN);
	add(LV_PLACE_PERCPU_DYN, 0x908, 0, LV_SPIN);
	add(LV_PLACE_PERCPU_DYN, 0x9000, 0, LV_SPIN);
	add(LV_PLACE_PERCPU, 0x708, 0, LV_SPIN);
	name_all();
	NAMED(10, "stopped.wait", EXACT); /* completions are everywhere */
	NAMED(0, "rq.__lock", EXACT);
	NAMED(1, "timer_bases[1].lock", EXACT);
	NAMED(2, "first_list.lock", EXACT); /* two variables of that struct */
	NAMED(3, "second_list.lock", EXACT);
	NAMED(4, "pure_lock", EXACT);
	NAMED(5, "runqueues+0x10", EXACT);
	NAMED(6, "only_in_symbols+0x8", EXACT);
	NAMED(7, "percpu+0xf00", EXACT);
	NAMED(8, "lv_stats+0x8 [lv_uffd]", EXACT); /* a module's static one */
	NAMED(9, "percpu-dyn+0x9000", AMBIGUOUS);
	assert_string_equal(world.results[0].kind, "percpu");
	assert_string_equal(world.results[0].key, "percpu+0x100");
}

/* Since 6.15 the section has an address, which the recorder's offset contains. */
static void test_percpu_linked_high(void **state)
{
	(void)state;
	use_symbols("ffffffff81000000 T _text\n"
		    "ffffffff82000000 D _sdata\n"
		    "ffffffff83000000 D __per_cpu_start\n"
		    "ffffffff83001000 D __per_cpu_end\n");
	add(LV_PLACE_PERCPU, 0xffffffff83000100, 0, LV_SPIN);
	add(LV_PLACE_PERCPU, 0x610, 0, LV_SPIN);
	name_all();
	NAMED(0, "rq.__lock", EXACT);
	assert_string_equal(world.results[0].key, "percpu+0x100");
	NAMED(1, "first_list.lock", EXACT);
}

static void test_other_places(void **state)
{
	(void)state;
	add(LV_PLACE_PAGE, 0, 0x28, LV_SPIN);
	add(LV_PLACE_PAGE, 0, 0x30, LV_SPIN);
	add(LV_PLACE_VMALLOC, 0, 0, LV_SPIN);
	add(LV_PLACE_EARLY, 0, 0, LV_SPIN);
	add(LV_PLACE_KFENCE, 0, 0, LV_SPIN);
	add(99, 0, 0, LV_SPIN);
	add(LV_PLACE_VMALLOC, 0, 0, LV_MUTEX);
	name_all();
	NAMED(0, "ptdesc.ptl", EXACT);
	NAMED(1, "page+0x30", AMBIGUOUS);
	NAMED(2, "vmalloc", AMBIGUOUS);
	NAMED(3, "early", AMBIGUOUS);
	NAMED(4, "kfence", AMBIGUOUS);
	NAMED(5, "unknown", AMBIGUOUS);
	NAMED(6, "vmalloc#2", AMBIGUOUS);
}

static void test_subclass(void **state)
{
	(void)state;
	add(LV_PLACE_PERCPU, 0x100, 0, LV_SPIN);
	add(LV_PLACE_PERCPU, 0x100, 0, LV_SPIN)->subclass = LV_SUBCLASS_TWIN;
	add(LV_PLACE_PERCPU, 0x100, 0, LV_SPIN)->subclass = LV_SUBCLASS_KERNEL;
	name_all();
	NAMED(0, "rq.__lock", EXACT);
	NAMED(1, "rq.__lock/1", EXACT);
	NAMED(2, "k-rq.__lock", EXACT);
}

static void test_unique(void **state)
{
	(void)state;
	slab("sighand_cache", 2080, NULL);
	load_slabs();
	add(LV_PLACE_PERCPU, 0x500, 0, LV_SPIN);
	add(LV_PLACE_PERCPU, 0x400, 0, LV_SPIN);
	/* a cache we have no folder of, shared as far as the kernel half knows; one that it knows is not */
	add_slab("sighand_struct", 2080, 0, LV_SPIN)->place.site = LV_SITE_OPEN;
	add_slab("sighand_cache", 2080, 0, LV_SPIN);
	add_slab("task_struct", 9792, 0xb90, LV_SPIN);
	name_all();
	NAMED(0, "timer_bases[2].lock", EXACT);
	NAMED(1, "timer_bases[0].lock", EXACT);
	NAMED(2, "sighand_struct.siglock@sighand_struct", INFERRED);
	NAMED(3, "sighand_struct.siglock", EXACT); /* the surer one keeps the name */
	assert_int_equal(world.results[4].certainty, NAMES_EXACT);
}

/* Nothing known at all, and whatever bytes. */
static void test_hostile(void **state)
{
	struct lv_class *c;
	size_t i;

	(void)state;
	memset(&world.from, 0, sizeof(world.from));
	add(LV_PLACE_STATIC, 0xffffffff82000140, 0, LV_SPIN);
	add(LV_PLACE_PERCPU, 0x100, 0, LV_SPIN);
	add(LV_PLACE_PAGE, 0, 0x28, LV_SPIN);
	add_slab("task_struct", 9792, 0xb90, LV_SPIN);
	add_slab("", 0, 0x10, LV_SPIN);
	add_slab("bad\x1b[31m\ncache", 64, 8, 77);
	c = add(LV_PLACE_SLAB, 1, 0xffffffff, 0xffff);
	memset(c->cache, 0xff, sizeof(c->cache)); /* no end */
	memset(tell("", 0, 0x10, "")->text, 'x', LV_NAME_LEN);
	tell("bad\x1b[31m\ncache", 64, 8, "&a->\x07 \n[[[");
	world.names[world.nr_names].state = LV_SLOT_CLAIMED;
	world.nr_names++;
	name_all();
	NAMED(0, "0xffffffff82000140", EXACT);
	NAMED(1, "percpu+0x100", EXACT);
	NAMED(2, "page+0x28", AMBIGUOUS);
	NAMED(3, "task_struct+0xb90", EXACT);
	NAMED(4, "slab+0x10", AMBIGUOUS);
	NAMED(5, "bad?[31m?cache+0x8", EXACT);
	for (i = 0; i < world.nr_classes; i++) {
		const char *p = world.results[i].name;

		assert_true(strlen(p) < NAMES_LEN);
		for (; *p; p++)
			assert_true(*p >= 0x20 && *p < 0x7f);
	}
}

/* Every order of classes and names gives every class the same name. */
static void test_order(void **state)
{
	struct names_result first[MAX_ITEMS];
	size_t i, turn;

	(void)state;
	SLAB(":0000576", 576, "kioctx", "bfq_queue");
	slab("kmalloc-cg-192", 192, NULL);
	load_slabs();
	add_slab("kioctx", 576, 0x100, LV_SPIN);
	add_slab("kmalloc-cg-192", 192, 0x20, LV_SPIN);
	add_slab("kmalloc-cg-192", 192, 0, LV_MUTEX);
	add(LV_PLACE_PERCPU, 0x500, 0, LV_SPIN);
	add(LV_PLACE_PERCPU, 0x400, 0, LV_SPIN);
	add(LV_PLACE_VMALLOC, 0, 0, LV_SPIN);
	add(LV_PLACE_VMALLOC, 0, 0, LV_MUTEX);
	tell("kioctx", 576, 0x160, "&ctx->wait");
	tell("kmalloc-cg-192", 192, 0x20, "&pipe->rd_wait");
	tell("kmalloc-cg-192", 192, 0x28, "&y->odd");
	name_all();
	memcpy(first, world.results, sizeof(first));
	for (turn = 1; turn < world.nr_classes; turn++) {
		struct lv_class c = world.classes[0];
		struct lv_name n = world.names[0];

		memmove(&world.classes[0], &world.classes[1], (world.nr_classes - 1) * sizeof(c));
		world.classes[world.nr_classes - 1] = c;
		memmove(&world.names[0], &world.names[1], (world.nr_names - 1) * sizeof(n));
		world.names[world.nr_names - 1] = n;
		name_all();
		for (i = 0; i < world.nr_classes; i++)
			assert_string_equal(world.results[i].name,
					    first[(i + turn) % world.nr_classes].name);
	}
}

/* What has gone is not called by what lies there now, nor the other way round. */
static void test_gone(void **state)
{
	struct lv_class *c;

	(void)state;
	slab("kioctx", 576, NULL);
	load_slabs();
	c = add(LV_PLACE_STATIC, 0xffffffffc0003000, 0, LV_SPIN);
	c->state = LV_SLOT_DEAD;
	strcpy(c->cache, "elder");
	c->cache_size = 0x40;
	add(LV_PLACE_STATIC, 0xffffffffc0003000, 0, LV_SPIN);
	add_slab("kioctx", 576, 0x160, LV_SPIN);
	tell("kioctx", 576, 0x160, "&elder->wait");
	world.names[0].state = LV_SLOT_DEAD;
	name_all();
	assert_string_equal(world.results[0].name, "elder+0x40 [elder]");
	assert_string_equal(world.results[1].name, "lv_lock [lv_uffd]");
	assert_string_equal(world.results[2].alias, "");
	world.classes[2].state = LV_SLOT_DEAD;
	name_all();
	assert_string_equal(world.results[2].alias, "&elder->wait");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_static),	   TEST(test_static_duplicates),
		TEST(test_static_by_list), TEST(test_static_inner_lock), TEST(test_static_by_type), TEST(test_static_by_size),
		TEST(test_percpu),	   TEST(test_percpu_linked_high),
		TEST(test_other_places),   TEST(test_subclass),
		TEST(test_unique),	   TEST(test_hostile),
		TEST(test_order),	   TEST(test_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
