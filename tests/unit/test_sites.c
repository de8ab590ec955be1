// SPDX-License-Identifier: GPL-2.0-only
/* The locks that functions of real kernels take, from their machine code and a few types. */
#include "test_sites_util.h"

#include <errno.h>

#include "abi.h"

static struct kbtf *types, *crowded; /* in which two structs are laid out alike */

/* A struct with what two functions of fs/ use of an inode on its super block's list. */
static int inode_like(struct mini *m, const char *name, int list)
{
	int id = mini_struct(m, name, 600);

	mini_field(m, "i_mapping", m->u64, 48);
	mini_field(m, "i_lock", m->spinlock_t, 128);
	mini_field(m, "i_state", m->u32, 144);
	mini_field(m, "i_lru", list, 256);
	mini_field(m, "i_sb_list", list, 272);
	mini_field(m, "i_count", m->u32, 336);
	return id;
}

static void make_inodes(struct mini *m, bool crowd)
{
	int link = pointer(m, btf__type_cnt(m->btf) + 1), list, inode, super;

	list = mini_struct(m, "list_head", 16);
	mini_field(m, "next", link, 0);
	mini_field(m, "prev", link, 8);
	inode = inode_like(m, "inode", list);
	if (crowd)
		inode_like(m, "decoy", list);
	super = mini_struct(m, "super_block", 1400);
	mini_field(m, "s_inode_list_lock", m->spinlock_t, 1344);
	mini_field(m, "s_inodes", list, 1352);
	super = pointer(m, super);
	function(m, "invalidate_inodes", super, 0, 0);
	function(m, "drop_pagecache_sb", super, pointer(m, 0), 0);
	function(m, "iput", pointer(m, inode), 0, 0);
}

/* A struct with a completion, whose lock does not lie at its start. */
static void make_shrinker(struct mini *m)
{
	int queue, completion, shrinker;

	queue = mini_struct(m, "swait_queue_head", 24);
	mini_field(m, "lock", m->raw_spinlock_t, 0);
	completion = mini_struct(m, "completion", 32);
	mini_field(m, "done", m->u32, 0);
	mini_field(m, "wait", queue, 8);
	shrinker = mini_struct(m, "shrinker", 128);
	mini_field(m, "done", completion, 48);
	completion = pointer(m, completion);
	shrinker = pointer(m, shrinker);
	function(m, "complete", completion, 0, 0);
	function(m, "shrinker_free", shrinker, 0, 0);
	function(m, "shrinker_put", shrinker, 0, 0);
	function(m, "shrinker_end", shrinker, 0, 0);
	function(m, "shrinker_hop", shrinker, 0, 0);
	function(m, "shrinker_stop", shrinker, 0, 0);
	function(m, "shrinker_call", shrinker, completion, 0);
}

/* Structs that point to a lock, and one that has it. */
static void make_page_group(struct mini *m)
{
	int lock = pointer(m, m->raw_spinlock_t), group, slot;

	group = mini_struct(m, "page_group", 64);
	mini_field(m, "pages", lock, 24);
	function(m, "group_pages", pointer(m, group), 0, 0);
	group = mini_struct(m, "page_fault", 24);
	mini_field(m, "ptl", lock, 8);
	slot = pointer(m, group);
	group = mini_struct(m, "page_owner", 64);
	mini_field(m, "lock", m->raw_spinlock_t, 32);
	mini_field(m, "refs", m->u32, 56);
	function(m, "peek", pointer(m, 0), 0, 0);
	group = pointer(m, group);
	function(m, "handle_one", group, 0, 0);
	function(m, "handle_two", group, 0, 0);
	function(m, "fill", slot, group, 0);
	function(m, "settle", slot, group, 0);
}

/* Offsets as in Debian's 6.12. */
static struct kbtf *make_types(bool crowd)
{
	int ports, bucket, table, hrtimer, group, anything, bucket_pointer;
	struct mini m;

	mini_begin(&m);
	mini_spinlocks(&m, false);
	mini_locks(&m);
	ports = mini_struct(&m, "ports_device", 168);
	mini_field(&m, "ports_lock", m.spinlock_t, 96);
	mini_field(&m, "c_ivq_lock", m.spinlock_t, 100);
	bucket = mini_struct(&m, "io_hash_bucket", 64);
	mini_field(&m, "lock", m.spinlock_t, 0);
	mini_field(&m, "list", m.u64, 8);
	bucket_pointer = pointer(&m, bucket);
	table = mini_struct(&m, "io_hash_table", 16);
	mini_field(&m, "hbs", bucket_pointer, 0);
	mini_field(&m, "hash_bits", m.u32, 8);
	hrtimer = mini_struct(&m, "hrtimer", 64);
	mini_field(&m, "expires", m.u64, 24);
	mini_field(&m, "_softexpires", m.u64, 32);
	mini_field(&m, "function", m.u64, 40);
	mini_field(&m, "base", m.u64, 48);
	mini_struct(&m, "k_itimer", 256);
	mini_field(&m, "it_lock", m.spinlock_t, 32);
	mini_field(&m, "kclock", m.u64, 40);
	mini_field(&m, "it_active", m.u32, 56);
	mini_field(&m, "it_overrun", m.u64, 64);
	mini_field(&m, "it_requeue_pending", m.u32, 80);
	mini_field(&m, "it_sigev_notify", m.u32, 84);
	mini_field(&m, "it_interval", m.u64, 88);
	mini_field(&m, "it_signal", m.u64, 96);
	mini_field(&m, "it_pid", m.u64, 104);
	mini_field(&m, "sigq", m.u64, 112);
	mini_field(&m, "real", hrtimer, 120);
	group = mini_struct(&m, "tmigr_group", 120);
	mini_field(&m, "lock", m.raw_spinlock_t, 0);
	anything = pointer(&m, 0);
	make_shrinker(&m);
	make_page_group(&m);
	function(&m, "find_port_by_vq", pointer(&m, ports), anything, 0);
	function(&m, "io_poll_remove_all_table", anything, pointer(&m, table), m.boolean);
	function(&m, "posix_timer_fn", pointer(&m, hrtimer), 0, 0);
	group = pointer(&m, group);
	function(&m, "tmigr_update_events", group, group, anything);
	make_inodes(&m, crowd);
	return mini_end(&m, NULL);
}

/* Every call of a lock function in the excerpt, of which there are `nr`, is of that lock. */
static void assert_locks(const struct excerpt *e, int nr, const char *inner, uint32_t offset)
{
	struct ksyms *ksyms = NULL;
	struct sites *s = open_sites(e, types, &ksyms);
	struct sites_answer a;
	int found = 0;

	for (uint64_t ip = e->addr + 5; ip <= e->addr + e->size; ip++) {
		if (sites_ask(s, ip, &a))
			continue;
		assert_int_equal(a.kind, SITES_MEMBER);
		assert_string_equal(a.inner, inner);
		assert_int_equal(a.offset, offset);
		found++;
	}
	assert_int_equal(found, nr);
	assert_true(sites_memory(s) > 0);
	sites_free(s);
	ksyms_free(ksyms);
}

static void test_prototype(void **state)
{
	assert_locks(&find_port_by_vq, 2, "ports_device.ports_lock", 96);
}

/* An index is scaled by the size of the elements, which are walked by a pointer of their own. */
static void test_array(void **state)
{
	assert_locks(&io_poll_remove_all_table, 2, "io_hash_bucket.lock", 0);
}

/* A timer's function is given a part of the struct with the lock. */
static void test_container(void **state)
{
	assert_locks(&posix_timer_fn, 2, "k_itimer.it_lock", 32);
}

static void test_two_of_a_kind(void **state)
{
	assert_locks(&tmigr_update_events, 6, "tmigr_group.lock", 0);
}

/* How many calls of lock functions take an inode's lock, and of how many it is not known. */
static int count_inode_locks(const struct excerpt *e, const struct kbtf *btf, int *ret_unknown)
{
	struct ksyms *ksyms = NULL;
	struct sites *s = open_sites(e, btf, &ksyms);
	struct sites_answer a;
	int nr = 0;

	*ret_unknown = 0;
	for (uint64_t ip = e->addr + 5; ip <= e->addr + e->size; ip++) {
		if (sites_ask(s, ip, &a) || !strcmp(a.inner, "super_block.s_inode_list_lock"))
			continue;
		*ret_unknown += a.kind == SITES_UNKNOWN;
		if (a.kind == SITES_UNKNOWN)
			continue;
		assert_string_equal(a.inner, "inode.i_lock");
		assert_int_equal(a.offset, 128);
		assert_int_equal(a.strength, SITES_BY_HINT);
		nr++;
	}
	sites_free(s);
	ksyms_free(ksyms);
	return nr;
}

/*
 * Nothing in the function says that the elements of the list are inodes: the only struct with
 * the link, the lock and what is read there is. It is none of two that are alike. The next
 * element is kept in the accumulator, from which the link's offset is subtracted by the short form.
 */
static void test_only_struct(void **state)
{
	int unknown;

	assert_int_equal(count_inode_locks(&invalidate_inodes, types, &unknown), 1);
	assert_int_equal(unknown, 2); /* of pointers to the lock alone, too little is known */
	assert_int_equal(count_inode_locks(&invalidate_inodes, crowded, &unknown), 0);
	assert_int_equal(unknown, 3);
}

/* One element of the list is given to iput(): so all are inodes, whatever else is laid out so. */
static void test_list(void **state)
{
	int unknown;

	assert_int_equal(count_inode_locks(&drop_pagecache_sb, crowded, &unknown), 3);
	assert_int_equal(unknown, 0);
}

/*
 * shrinker_free() calls complete(&s->done). shrinker_end() calls shrinker_put(s), which jumps to
 * complete(&s->done) and so has no frame. shrinker_call(s, f) calls f(&s->done), whatever that is.
 */
static const struct excerpt shrinker_functions = {
	.name = "shrinker_functions",
	.symbols = "ffffffff81000000 T complete\n"
		   "ffffffff81000020 T shrinker_free\n"
		   "ffffffff81000040 T shrinker_put\n"
		   "ffffffff81000060 T shrinker_end\n"
		   "ffffffff81000080 T shrinker_call\n"
		   "ffffffff810000a0 T after_shrinker_call\n"
		   "ffffffff81000100 T _raw_spin_lock_irqsave\n",
	.addr = 0xffffffff81000000,
	.size = 160,
	.code = "488d7f08e8f7000000c3cccccccccccccccccccccccccccccccccccccccccccc"
		"488d7f30e8d7ffffffc3cccccccccccccccccccccccccccccccccccccccccccc"
		"488d7f30e9b7ffffffcccccccccccccccccccccccccccccccccccccccccccccc"
		"e8dbffffffc3cccccccccccccccccccccccccccccccccccccccccccccccccccc"
		"488d7f30ffd6c3cccccccccccccccccccccccccccccccccccccccccccccccccc",
};

/*
 * Both take the lock that they find on their stack. handle_one(mm) has given the slot to fill(slot, mm), which
 * leaves &mm->lock there; handle_two(mm) has given it to settle(slot, mm), too.
 */
static const struct excerpt slots = {
	.name = "slots",
	.symbols = "ffffffff81000000 T handle_one\n"
		   "ffffffff81000040 T handle_two\n"
		   "ffffffff81000080 T fill\n"
		   "ffffffff810000a0 T settle\n"
		   "ffffffff810000c0 T after_settle\n"
		   "ffffffff81000100 T _raw_spin_lock\n",
	.addr = 0xffffffff81000000,
	.size = 192,
	.code = "534883ec204889fb4889de488d7c2408e86b0000004889de488d7c2408e85e00"
		"0000488b7c2410e8d40000004883c4205bc3cccccccccccccccccccccccccccc"
		"534883ec204889fb4889de488d7c2408e82b0000004889de488d7c2408e83e00"
		"0000488b7c2410e8940000004883c4205bc3cccccccccccccccccccccccccccc"
		"488d462048894708c3cccccccccccccccccccccccccccccccccccccccccccccc"
		"c3cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
};

/* Who else was given a stack slot may have left another lock there. */
static void test_slot(void **state)
{
	struct ksyms *ksyms = NULL;
	struct sites *s = open_sites(&slots, types, &ksyms);
	struct sites_answer one, two;

	assert_int_equal(sites_ask(s, 0xffffffff81000000 + 0x2c, &one), 0);
	assert_string_equal(one.name, "page_owner.lock");
	assert_int_equal(one.strength, SITES_BY_TYPE);
	assert_int_equal(sites_ask(s, 0xffffffff81000000 + 0x6c, &two), 0);
	assert_int_equal(two.strength, SITES_BY_HINT);
	sites_free(s);
	ksyms_free(ksyms);
}

/* group_pages(g): spin_lock(g->pages): what the lock lies in is not known, the pointer is. */
static const struct excerpt group_pages = {
	.name = "group_pages",
	.symbols = "ffffffff81000000 T group_pages\n"
		   "ffffffff81000020 T after_group_pages\n"
		   "ffffffff81000100 T _raw_spin_lock\n",
	.addr = 0xffffffff81000000,
	.size = 32,
	.code = "488b7f18e8f7000000c3cccccccccccccccccccccccccccccccccccccccccccc",
};

static void test_pointed(void **state)
{
	struct ksyms *ksyms = NULL;
	struct sites *s = open_sites(&group_pages, types, &ksyms);
	struct sites_answer a;

	assert_int_equal(sites_ask(s, 0xffffffff81000009, &a), 0);
	assert_int_equal(a.kind, SITES_MEMBER);
	assert_int_equal(a.strength, SITES_BY_HINT);
	assert_true(a.pointed);
	assert_string_equal(a.name, "page_group.pages");
	assert_int_equal(a.offset, 0);
	sites_free(s);
	ksyms_free(ksyms);
}

/* What a frame above a function that was given a completion knows of it. */
static void test_argument(void **state)
{
	static const uint64_t above[] = {0xffffffff81000029, 0xffffffff81000065};
	struct ksyms *ksyms = NULL;
	struct sites *s = open_sites(&shrinker_functions, types, &ksyms);
	struct sites_answer below, other, a;

	assert_int_equal(sites_ask(s, 0xffffffff81000009, &below), 0);
	assert_int_equal(below.kind, SITES_GENERIC);
	assert_int_equal(below.arg, 0);
	assert_int_equal(below.arg_offset, 8);
	assert_int_equal(below.function, shrinker_functions.addr);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(sites_ask_argument(s, above[i], &below, &a), 0);
		assert_int_equal(a.kind, SITES_MEMBER);
		assert_string_equal(a.name, "shrinker.done.wait");
		assert_int_equal(a.offset, 56);
	}
	assert_int_equal(sites_ask_argument(s, 0xffffffff81000086, &below, &a), 0);
	assert_string_equal(a.name, "shrinker.done.wait");
	assert_int_equal(a.strength, SITES_BY_HINT);
	/* another function was called there, and jumps nowhere */
	other = below;
	other.function = 0xffffffff81000100;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(sites_ask_argument(s, above[i], &other, &a), 0);
		assert_int_equal(a.kind, SITES_UNKNOWN);
	}
	sites_free(s);
	ksyms_free(ksyms);
}

/* shrinker_stop() calls shrinker_hop(), which jumps to shrinker_put(), which jumps to complete(). */
static const struct excerpt two_jumps = {
	.name = "two_jumps",
	.symbols = "ffffffff81000000 T complete\n"
		   "ffffffff81000020 T shrinker_put\n"
		   "ffffffff81000040 T shrinker_hop\n"
		   "ffffffff81000060 T shrinker_stop\n"
		   "ffffffff81000080 T after_shrinker_stop\n"
		   "ffffffff81000100 T _raw_spin_lock_irqsave\n",
	.addr = 0xffffffff81000000,
	.size = 128,
	.code = "488d7f08e8f7000000c3cccccccccccccccccccccccccccccccccccccccccccc"
		"488d7f30e9d7ffffffcccccccccccccccccccccccccccccccccccccccccccccc"
		"e9dbffffffcccccccccccccccccccccccccccccccccccccccccccccccccccccc"
		"e8dbffffffc3cccccccccccccccccccccccccccccccccccccccccccccccccccc",
};

static void test_two_jumps(void **state)
{
	struct ksyms *ksyms = NULL;
	struct sites *s = open_sites(&two_jumps, types, &ksyms);
	struct sites_answer below, a;

	assert_int_equal(sites_ask(s, 0xffffffff81000009, &below), 0);
	assert_int_equal(sites_ask_argument(s, 0xffffffff81000065, &below, &a), 0);
	assert_int_equal(a.kind, SITES_MEMBER);
	assert_string_equal(a.name, "shrinker.done.wait");
	sites_free(s);
	ksyms_free(ksyms);
}

/* peek(p) locks 32 bytes behind p and reads 56 behind it: in one struct of 64 bytes, and in a larger one, too. */
static const struct excerpt peek = {
	.name = "peek",
	.symbols = "ffffffff81000000 T peek\n"
		   "ffffffff81000020 T after_peek\n"
		   "ffffffff81000100 T _raw_spin_lock\n",
	.addr = 0xffffffff81000000,
	.size = 32,
	.code = "8b4738488d7f20e8f4000000c3cccccccccccccccccccccccccccccccccccccc",
};

static void test_object(void **state)
{
	const struct sites_pointer pointer = {.ip = 0xffffffff8100000c};
	struct sites_object object = {.off = 32, .family = LV_SPIN, .size = 64};
	struct kbtf_type owner = {NULL, 0}, group = {NULL, 0};
	struct ksyms *ksyms = NULL;
	struct sites *s = open_sites(&peek, types, &ksyms);
	struct sites_answer a;

	assert_int_equal(sites_ask(s, pointer.ip, &a), 0);
	assert_int_equal(a.kind, SITES_GENERIC);
	assert_int_equal(sites_ask_object(s, &pointer, &object, &a), 0);
	assert_int_equal(a.kind, SITES_MEMBER);
	assert_string_equal(a.name, "page_owner.lock");
	assert_int_equal(a.strength, SITES_BY_HINT);
	object.size = 512;
	assert_int_equal(sites_ask_object(s, &pointer, &object, &a), 0);
	assert_int_equal(a.kind, SITES_UNKNOWN);
	assert_true(kbtf_next(types, "page_owner", 1 << BTF_KIND_STRUCT, &owner));
	assert_true(kbtf_next(types, "tmigr_group", 1 << BTF_KIND_STRUCT, &group));
	assert_true(sites_may_be(s, &pointer, &object, owner));
	assert_false(sites_may_be(s, &pointer, &object, group));
	sites_free(s);
	ksyms_free(ksyms);
}

static void test_no_call(void **state)
{
	struct ksyms *ksyms = NULL;
	struct sites *s = open_sites(&find_port_by_vq, types, &ksyms);
	struct sites_answer a;

	assert_int_equal(sites_ask(s, find_port_by_vq.addr + 1, &a), -ENOENT);
	assert_int_equal(sites_ask(s, 0, &a), -ENOENT);
	assert_int_equal(sites_ask(s, 0xffffffff80000000ull, &a), -ENOENT);
	a = (struct sites_answer){.kind = SITES_GENERIC, .arg = 99};
	assert_int_equal(sites_ask_argument(s, find_port_by_vq.addr + 1, &a, &a), -ENOENT);
	sites_free(s);
	sites_free(NULL);
	ksyms_free(ksyms);
}

static void test_no_sources(void **state)
{
	struct sites_sources none = {};
	struct sites *s = NULL;

	assert_int_equal(sites_new(&none, &s), -EINVAL);
	assert_null(s);
}

static int setup(void **state)
{
	types = make_types(false);
	crowded = make_types(true);
	return fixture_setup(state);
}

static int teardown(void **state)
{
	kbtf_free(types);
	kbtf_free(crowded);
	return fixture_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prototype),   cmocka_unit_test(test_array),
		cmocka_unit_test(test_container),   cmocka_unit_test(test_two_of_a_kind),
		cmocka_unit_test(test_only_struct), cmocka_unit_test(test_list),
		cmocka_unit_test(test_argument),
		cmocka_unit_test(test_slot),
		cmocka_unit_test(test_pointed),
		cmocka_unit_test(test_two_jumps),
		cmocka_unit_test(test_object),
		cmocka_unit_test(test_no_call),	    cmocka_unit_test(test_no_sources),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
