// SPDX-License-Identifier: GPL-2.0-only
/* Locks that a function takes by another: by what that returns, or by a jump that leaves no frame. */
#include "test_sites_util.h"

#include <errno.h>

#include "abi.h"

#define BASE 0xffffffff81000000ull

static struct kbtf *types;

/*
 *   pick(t, i)       spin_lock(&t->slots[i + 2].lock)
 *   last(t, nr)      spin_lock(&t->slots[nr - 1].lock)
 *   found(i)         a head is found, and is a table's: spin_lock(&table->slots[i].lock)
 *   wake(e)          spin_lock(unhash(e)), which returns e->wait
 *   holder_get(h)    returns what holder_get.part.0(h->data) does, that is, h->data
 *   holder_write(h)  spin_lock(&h->data->lock)
 *   owner_lock(o)    jumps to spin_lock(&o->lock); both(o) calls it
 *   any_lock(l)      jumps to spin_lock(l) from two places; of_owner(o) calls it with &o->lock
 *   either(o, t)     jumps to one of two locks; calls_either() calls it
 *   done(c)          takes a completion's lock; owner_done(o) jumps there from two places, and end(o) calls that
 *   nth(b, i)        spin_lock(&b->owners[i]->lock)
 *   keep(l, i)       spin_lock(l), whose place on the stack touch() was given on one way
 *   wait()           takes a lock on its own stack
 */
static const struct excerpt calls = {
	.name = "calls",
	.symbols = "ffffffff81000000 T pick\n"
		   "ffffffff81000020 T last\n"
		   "ffffffff81000040 T found\n"
		   "ffffffff81000060 T find_head\n"
		   "ffffffff81000080 T wake\n"
		   "ffffffff810000a0 t unhash\n"
		   "ffffffff810000c0 T holder_get\n"
		   "ffffffff810000e0 t holder_get.part.0\n"
		   "ffffffff81000100 T holder_write\n"
		   "ffffffff81000120 T owner_lock\n"
		   "ffffffff81000140 T both\n"
		   "ffffffff81000160 T any_lock\n"
		   "ffffffff81000180 T of_owner\n"
		   "ffffffff810001a0 T either\n"
		   "ffffffff810001c0 T calls_either\n"
		   "ffffffff810001e0 T done\n"
		   "ffffffff81000200 t owner_done\n"
		   "ffffffff81000220 T end\n"
		   "ffffffff81000240 T nth\n"
		   "ffffffff81000260 T keep\n"
		   "ffffffff810002a0 T touch\n"
		   "ffffffff810002c0 T wait\n"
		   "ffffffff810002e0 T after_wait\n"
		   "ffffffff81000300 T _raw_spin_lock\n",
	.addr = BASE,
	.size = 0x2e0,
	.code = "8d4602489848c1e004488d7c0728e8ed020000c3cccccccccccccccccccccccc"
		"8d46ff489848c1e004488d7c0728e8cd020000c3cccccccccccccccccccccccc"
		"534863dfe81700000048c1e30483781800488d7c1828e8a50200005bc3cccccc"
		"31c0c3cccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
		"e81b0000004889c7e873020000c3cccccccccccccccccccccccccccccccccccc"
		"488b471848c7471800000000c3cccccccccccccccccccccccccccccccccccccc"
		"48837f0800740848c7c0eaffffffc3488b7f10eb0bcccccccccccccccccccccc"
		"ff074889f8c3cccccccccccccccccccccccccccccccccccccccccccccccccccc"
		"488b7f104883c708e8f3010000c3cccccccccccccccccccccccccccccccccccc"
		"4883c720e9d7010000cccccccccccccccccccccccccccccccccccccccccccccc"
		"e8dbffffffc3cccccccccccccccccccccccccccccccccccccccccccccccccccc"
		"85f67405e99701000090e991010000cccccccccccccccccccccccccccccccccc"
		"4883c720e8d7ffffffc3cccccccccccccccccccccccccccccccccccccccccccc"
		"85d274094883c720e953010000488d7e28e94a010000cccccccccccccccccccc"
		"e8dbffffffc3cccccccccccccccccccccccccccccccccccccccccccccccccccc"
		"4883c708e817010000c3cccccccccccccccccccccccccccccccccccccccccccc"
		"4883c72885f67402ebd690ebd3cccccccccccccccccccccccccccccccccccccc"
		"e8dbffffffc3cccccccccccccccccccccccccccccccccccccccccccccccccccc"
		"488b47104863f6488b3cf04883c720e8ac000000c3cccccccccccccccccccccc"
		"4883ec1048893c2485f6740c4889e7e82c000000488b3c24e8830000004883c4"
		"10c3cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
		"c3cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
		"4883ec18488d7c2408e8320000004883c418c3cccccccccccccccccccccccccc",
};

/* A head is a part of a table, and of something shorter. */
static void make_table(struct mini *m)
{
	int head, slot, table;

	slot = mini_struct(m, "slot", 16);
	mini_field(m, "value", m->u64, 0);
	mini_field(m, "lock", m->spinlock_t, 8);
	slot = mini_array(m, slot, 0);
	head = mini_struct(m, "head", 24);
	mini_field(m, "id", m->u64, 0);
	mini_field(m, "flags", m->u64, 8);
	mini_field(m, "mode", m->u64, 16);
	mini_struct(m, "short_table", 32);
	mini_field(m, "head", head, 0);
	mini_field(m, "lock", m->spinlock_t, 24);
	table = mini_struct(m, "table", 32);
	mini_field(m, "head", head, 0);
	mini_field(m, "nr", m->u32, 24);
	mini_field(m, "slots", slot, 32);
	table = pointer(m, table);
	function(m, "pick", table, m->u32, 0);
	function(m, "last", table, m->u32, 0);
	function(m, "found", m->u32, 0, 0);
	function_returning(m, pointer(m, head), "find_head", 0, 0, 0);
	function(m, "either", pointer(m, 0), table, m->u32);
}

/* A wait queue's pointer shares its place with a link. */
static void make_entry(struct mini *m)
{
	int lock = pointer(m, m->spinlock_t), link = pointer(m, btf__type_cnt(m->btf) + 1), list, either, entry;

	list = mini_struct(m, "list_head", 16);
	mini_field(m, "next", link, 0);
	mini_field(m, "prev", link, 8);
	either = btf__add_union(m->btf, NULL, 16);
	assert_true(either > 0);
	mini_field(m, "lru", list, 0);
	mini_field(m, "wait", lock, 0);
	entry = mini_struct(m, "entry", 64);
	mini_field(m, "flags", m->u64, 0);
	mini_field(m, NULL, either, 24);
	entry = pointer(m, entry);
	function(m, "wake", entry, 0, 0);
	function_returning(m, lock, "unhash", entry, 0, 0);
}

/* To BTF the pointer to a holder is void. */
static void make_holder(struct mini *m)
{
	int anything = pointer(m, 0), handle, holder;

	handle = mini_struct(m, "handle", 32);
	mini_field(m, "ops", m->u64, 8);
	mini_field(m, "data", anything, 16);
	handle = pointer(m, handle);
	holder = mini_struct(m, "holder", 16);
	mini_field(m, "refs", m->u32, 0);
	mini_field(m, "lock", m->spinlock_t, 8);
	function_returning(m, pointer(m, holder), "holder_get", handle, 0, 0);
	function(m, "holder_write", handle, 0, 0);
}

static void make_owner(struct mini *m)
{
	int queue, completion, owner, board;

	queue = mini_struct(m, "swait_queue_head", 24);
	mini_field(m, "lock", m->raw_spinlock_t, 0);
	completion = mini_struct(m, "completion", 32);
	mini_field(m, "done", m->u32, 0);
	mini_field(m, "wait", queue, 8);
	owner = mini_struct(m, "owner", 96);
	mini_field(m, "lock", m->spinlock_t, 32);
	mini_field(m, "done", completion, 40);
	owner = pointer(m, owner);
	function(m, "owner_lock", owner, 0, 0);
	function(m, "both", owner, 0, 0);
	function(m, "any_lock", pointer(m, m->spinlock_t), m->u32, 0);
	function(m, "keep", pointer(m, m->spinlock_t), m->u32, 0);
	function(m, "of_owner", owner, m->u32, 0);
	function(m, "done", pointer(m, completion), 0, 0);
	function(m, "owner_done", owner, m->u32, 0);
	function(m, "end", owner, m->u32, 0);
	owner = pointer(m, owner);
	board = mini_struct(m, "board", 32);
	mini_field(m, "owners", owner, 16);
	function(m, "nth", pointer(m, board), m->u32, 0);
}

/* The answer for the call that returns to BASE + off, and below it one that was given the lock, 0: none. */
static int ask(uint64_t below, uint64_t off, struct sites_answer *ret)
{
	struct ksyms *ksyms = NULL;
	struct sites *s = open_sites(&calls, types, &ksyms);
	struct sites_answer generic;
	int err = 0;

	if (below) {
		assert_int_equal(sites_ask(s, BASE + below, &generic), 0);
		err = sites_ask_argument(s, BASE + off, &generic, ret);
	} else {
		err = sites_ask(s, BASE + off, ret);
	}
	sites_free(s);
	ksyms_free(ksyms);
	return err;
}

static void assert_member(uint64_t below, uint64_t off, const char *name, enum sites_strength strength)
{
	struct sites_answer a;

	assert_int_equal(ask(below, off, &a), 0);
	assert_int_equal(a.kind, SITES_MEMBER);
	assert_string_equal(a.name, name);
	assert_int_equal(a.strength, strength);
}

/* The index is widened by cltq, and has a part that is constant: in the array, or before its start. */
static void test_index(void **state)
{
	assert_member(0, 0x13, "table.slots[].lock", SITES_BY_TYPE);
	assert_member(0, 0x33, "table.slots[].lock", SITES_BY_TYPE);
}

/* Behind a pointer lies an array of pointers. */
static void test_pointers(void **state)
{
	assert_member(0, 0x254, "owner.lock", SITES_BY_TYPE);
}

/* An argument that was kept on the stack is the argument. */
static void test_kept_argument(void **state)
{
	struct sites_answer a;

	assert_int_equal(ask(0, 0x27d, &a), 0);
	assert_int_equal(a.kind, SITES_GENERIC);
	assert_int_equal(a.arg, 0);
	assert_int_equal(a.arg_offset, 0);
}

static void test_own_stack(void **state)
{
	struct sites_answer a;

	assert_int_equal(ask(0, 0x2ce, &a), 0);
	assert_int_equal(a.kind, SITES_UNKNOWN);
	assert_true(a.own);
	assert_string_equal(a.name, "wait");
	assert_int_equal(ask(0, 0x27d, &a), 0);
	assert_false(a.own);
}

/* The only struct around a head with a lock so far behind it: in an array that no size of the struct's covers. */
static void test_flexible_array(void **state)
{
	assert_member(0, 0x5b, "table.slots[].lock", SITES_BY_TYPE);
}

/* A called function returns a member of what it got; that it shares a union with a link does not matter. */
static void test_returned_member(void **state)
{
	struct sites_answer a;

	assert_int_equal(ask(0, 0x8d, &a), 0);
	assert_int_equal(a.kind, SITES_MEMBER);
	assert_true(a.pointed);
	assert_string_equal(a.name, "entry.wait");
}

/* A function that returns what it got, by its part, tells the type of that by its own prototype. */
static void test_returned_argument(void **state)
{
	assert_member(0, 0x10d, "holder.lock", SITES_BY_HINT);
}

static void test_jump(void **state)
{
	struct sites_answer a;

	assert_member(0, 0x145, "owner.lock", SITES_BY_TYPE);
	assert_member(0, 0x189, "owner.lock", SITES_BY_TYPE);
	assert_int_equal(ask(0, 0x1c5, &a), -ENOENT); /* which of two locks it was is not known */
}

/* A function that jumps to another from two places has given it the same. */
static void test_jumps_to_one(void **state)
{
	assert_member(0x1e9, 0x225, "owner.done.wait", SITES_BY_TYPE);
}

static int setup(void **state)
{
	struct mini m;

	mini_begin(&m);
	mini_spinlocks(&m, false);
	make_table(&m);
	make_entry(&m);
	make_holder(&m);
	make_owner(&m);
	types = mini_end(&m, NULL);
	return fixture_setup(state);
}

static int teardown(void **state)
{
	kbtf_free(types);
	return fixture_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_index),
		cmocka_unit_test(test_pointers),
		cmocka_unit_test(test_kept_argument),
		cmocka_unit_test(test_own_stack),
		cmocka_unit_test(test_flexible_array),
		cmocka_unit_test(test_returned_member),
		cmocka_unit_test(test_returned_argument),
		cmocka_unit_test(test_jump),
		cmocka_unit_test(test_jumps_to_one),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
