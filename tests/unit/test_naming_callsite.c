// SPDX-License-Identifier: GPL-2.0-only
/* What the functions that took a lock tell of it, and which places are one array. */
#include "test_kernel_btf.h"

#include "naming/callsite.h"
#include "kernel/ksyms.h"
#include "naming/names_fold.h"

#define LOCK_OFF 24
#define NR(array) (sizeof(array) / sizeof(*(array)))

static const char kallsyms[] = "ffffffff81000000 T widget_put\n"
			       "ffffffff81000100 T owner_close.constprop.0\n"
			       "ffffffff81000200 T gadget_get\n"
			       "ffffffff81000300 T nobody\n"
			       "ffffffff81000400 T pair_move\n"
			       "ffffffff81000500 T wrapper\n"
			       "ffffffff81000600 T guest_store\n"
			       "ffffffff81000700 T __shelf_count\n"
			       "ffffffff81000800 T drawer_open\n"
			       "ffffffff81000900 T gear_turn\n"
			       "ffffffff81000a00 T bolt_turn\n"
			       "ffffffff81000b00 T both_close\n"
			       "ffffffff81000c00 T left_close\n"
			       "ffffffff81000d00 T __mutex_lock\n"
			       "ffffffff81000e00 T __wake_up\n"
			       "ffffffff81000f00 T zone_get\n"
			       "ffffffff81001000 T engine_stop\n"
			       "ffffffff81001100 T end\n";

enum {
	WIDGET_PUT = 0x81000010,
	OWNER_CLOSE = 0x81000110,
	GADGET_GET = 0x81000210,
	NOBODY = 0x81000310,
	PAIR_MOVE = 0x81000410,
	WRAPPER = 0x81000510,
	GUEST_STORE = 0x81000610,
	SHELF_COUNT = 0x81000710,
	DRAWER_OPEN = 0x81000810,
	GEAR_TURN = 0x81000910,
	BOLT_TURN = 0x81000a10,
	BOTH_CLOSE = 0x81000b10,
	LEFT_CLOSE = 0x81000c10,
	MUTEX_LOCK = 0x81000d10,
	WAKE_UP = 0x81000e10,
	ZONE_GET = 0x81000f10,
	ENGINE_STOP = 0x81001010,
};

#define AT(function) (0xffffffff00000000ull | (uint32_t)(function))

static struct ksyms *symbols;
static struct kbtf *types;

static int lock_struct(struct btf *b, int lock, const char *name, uint32_t size, uint32_t off)
{
	int id = btf__add_struct(b, name, size);

	assert_int_equal(btf__add_field(b, "lock", lock, off * 8, 0), 0);
	return id;
}

/* void function(struct a *, const struct b *) */
static void function(struct btf *b, const char *name, int first, int second)
{
	int proto;

	if (first)
		first = btf__add_ptr(b, first);
	if (second)
		second = btf__add_ptr(b, btf__add_const(b, second));
	proto = btf__add_func_proto(b, 0);
	if (first)
		assert_int_equal(btf__add_func_param(b, "a", first), 0);
	if (second)
		assert_int_equal(btf__add_func_param(b, "b", second), 0);
	assert_true(btf__add_func(b, name, BTF_FUNC_STATIC, proto) > 0);
}

static void add_member(struct btf *b, const char *name, int type, uint32_t off)
{
	assert_int_equal(btf__add_field(b, name, type, off * 8, 0), 0);
}

/* Structs that functions know by their names, by their members, or by who holds them. */
static void add_relations(struct btf *b, int u64, int lock)
{
	int drawer, gear, bolt, holder, left, right, mutex, head, to_left, to_right, zone;

	lock_struct(b, lock, "shelf_info", 112, 40);
	function(b, "__shelf_count", 0, 0);
	drawer = lock_struct(b, lock, "drawer", 16, 8);
	btf__add_struct(b, "cabinet", 104);
	add_member(b, "drawer", drawer, 48);
	function(b, "drawer_open", drawer, 0);
	gear = btf__add_struct(b, "gear", 64);
	add_member(b, "teeth", u64, 0);
	bolt = btf__add_struct(b, "bolt", 16);
	add_member(b, "turns", u64, 0);
	btf__add_struct(b, "engine", 120);
	add_member(b, "gear", gear, 0);
	add_member(b, "bolt", bolt, 64);
	add_member(b, "lock", lock, 84);
	function(b, "gear_turn", gear, 0);
	function(b, "bolt_turn", bolt, 0);
	left = lock_struct(b, lock, "left", 120, 100);
	mutex = btf__add_struct(b, "mutex", 8);
	add_member(b, "wait_lock", lock, 4);
	head = lock_struct(b, lock, "wait_queue_head", 16, 0);
	right = btf__add_struct(b, "right", 120);
	add_member(b, "mutex", mutex, 88);
	add_member(b, "wait", head, 100);
	to_left = btf__add_ptr(b, left);
	to_right = btf__add_ptr(b, right);
	holder = btf__add_struct(b, "holder", 16);
	add_member(b, "left", to_left, 0);
	add_member(b, "right", to_right, 8);
	function(b, "both_close", holder, 0);
	holder = btf__add_struct(b, "left_holder", 8);
	add_member(b, "left", to_left, 0);
	function(b, "left_close", holder, 0);
	holder = btf__add_struct(b, "zone", 16);
	add_member(b, "per_cpu_set", to_left, 0);
	add_member(b, "other", to_right, 8);
	zone = btf__add_ptr(b, holder);
	holder = btf__add_struct(b, "zone_ref", 8);
	add_member(b, "zone", zone, 0);
	function(b, "zone_get", holder, lock_struct(b, lock, "page", 120, 100));
}

static int setup(void **state)
{
	struct btf *b = btf__new_empty();
	int guest, u32, u64, lock, widget, gadget, owner, inner, wrapped, to_widget, to_gadget;

	if (!b || fixture_setup(state))
		return -1;
	u32 = btf__add_int(b, "unsigned int", 4, 0);
	u64 = btf__add_int(b, "unsigned long", 8, 0);
	lock = btf__add_struct(b, "spinlock", 4);
	btf__add_field(b, "word", u32, 0, 0);
	widget = lock_struct(b, lock, "widget", 120, LOCK_OFF);
	gadget = lock_struct(b, lock, "gadget", 104, LOCK_OFF);
	lock_struct(b, lock, "elsewhere", 120, LOCK_OFF + 8);
	to_widget = btf__add_ptr(b, widget);
	to_gadget = btf__add_ptr(b, gadget);
	owner = btf__add_struct(b, "owner", 16);
	assert_int_equal(btf__add_field(b, "id", u64, 0, 0), 0);
	assert_int_equal(btf__add_field(b, "widget", to_widget, 64, 0), 0);
	inner = btf__add_struct(b, NULL, 8);
	assert_int_equal(btf__add_field(b, "gadget", to_gadget, 0, 0), 0);
	wrapped = btf__add_struct(b, "wrapped", 8);
	assert_int_equal(btf__add_field(b, "in", inner, 0, 0), 0);
	function(b, "widget_put", widget, 0);
	function(b, "owner_close", 0, owner);
	function(b, "gadget_get", gadget, 0);
	guest = lock_struct(b, lock, "guest", 16, 0);
	function(b, "nobody", u64, 0);
	function(b, "guest_store", guest, 0);
	function(b, "pair_move", widget, gadget);
	function(b, "wrapper", wrapped, 0);
	add_relations(b, u64, lock);
	fixture_write("kallsyms", kallsyms);
	return kbtf_from(b, NULL, &types) || ksyms_load(fixture_path("kallsyms"), &symbols);
}

static int teardown(void **state)
{
	kbtf_free(types);
	ksyms_free(symbols);
	return fixture_teardown(state);
}

struct question {
	struct callsite_stack list[8];
	__u64 ips[8][2];
	struct callsite_query q;
};

/* Each stack: two callers, the nearer first; 0: none. */
static const struct callsite_query *question(struct question *ret, const uint64_t stacks[][2],
					     size_t nr, uint32_t off)
{
	struct callsite_stack *list = ret->list;

	ret->q = (struct callsite_query){.ksyms = symbols,
					 .btf = types,
					 .off = off,
					 .family = LV_SPIN,
					 .min_size = 97,
					 .max_size = 128,
					 .stacks = list,
					 .nr_stacks = nr};

	for (size_t i = 0; i < nr; i++) {
		memcpy(ret->ips[i], stacks[i], sizeof(ret->ips[i]));
		list[i].ip = ret->ips[i];
		list[i].nr = stacks[i][1] ? 2 : 1;
	}
	return &ret->q;
}

static enum callsite_verdict ask(const uint64_t stacks[][2], size_t nr, uint32_t off,
				 struct kbtf_type *type)
{
	struct question q;
	struct lockpath lock;

	return callsite_find(question(&q, stacks, nr, off), type, &lock);
}

static bool contradicts(const uint64_t stacks[][2], size_t nr, struct kbtf_type type)
{
	struct question q;

	return callsite_contradicts(question(&q, stacks, nr, LOCK_OFF), type);
}

#define ASK(type, ...)                                                                             \
	({                                                                                         \
		const uint64_t stacks_[][2] = __VA_ARGS__;                                         \
		ask(stacks_, NR(stacks_), LOCK_OFF, type);                                         \
	})

static void test_given(void **state)
{
	struct kbtf_type type;

	(void)state;
	assert_int_equal(ASK(&type, {{AT(WIDGET_PUT), 0}}), CALLSITE_SURE);
	assert_string_equal(kbtf_name(type), "widget");
	/* the nearest that has something to say */
	assert_int_equal(ASK(&type, {{AT(NOBODY), AT(GADGET_GET)}}), CALLSITE_SURE);
	assert_string_equal(kbtf_name(type), "gadget");
}

static void test_not_there(void **state)
{
	const uint64_t put[][2] = {{AT(WIDGET_PUT), 0}};
	struct kbtf_type type;

	(void)state;
	assert_int_equal(ask(put, 1, LOCK_OFF + 4, &type), CALLSITE_NOTHING); /* no lock there */
	assert_int_equal(ASK(&type, {{AT(NOBODY), 0}}), CALLSITE_NOTHING);
	assert_int_equal(ASK(&type, {{0xffffffff90000000ull, 0}}), CALLSITE_NOTHING);
}

/* By what is pointed to: that is never sure. */
static void test_roundabout(void **state)
{
	struct kbtf_type type;

	(void)state;
	assert_int_equal(ASK(&type, {{AT(OWNER_CLOSE), 0}}), CALLSITE_LIKELY);
	assert_string_equal(kbtf_name(type), "widget");
	assert_int_equal(ASK(&type, {{AT(OWNER_CLOSE), 0}, {AT(OWNER_CLOSE), 0}}), CALLSITE_LIKELY);
	assert_int_equal(ASK(&type, {{AT(WRAPPER), 0}}), CALLSITE_LIKELY);
	assert_string_equal(kbtf_name(type), "gadget");
}

static void test_strangers(void **state)
{
	struct kbtf_type type;

	(void)state;
	assert_int_equal(ASK(&type, {{AT(WIDGET_PUT), 0}, {AT(GADGET_GET), 0}}), CALLSITE_NOTHING);
	assert_int_equal(ASK(&type, {{AT(PAIR_MOVE), 0}}), CALLSITE_NOTHING);
	assert_int_equal(ASK(&type, {{AT(PAIR_MOVE), 0}, {AT(WIDGET_PUT), 0}}), CALLSITE_SURE);
	assert_string_equal(kbtf_name(type), "widget");
}

/* A struct that others embed is not told by its offset in them: somebody else's may be here. */
static void test_guest(void **state)
{
	struct kbtf_type type;

	(void)state;
	assert_int_equal(ASK(&type, {{AT(GUEST_STORE), 0}}), CALLSITE_NOTHING);
	assert_int_equal(ASK(&type, {{AT(WIDGET_PUT), 0}, {AT(GUEST_STORE), 0}}), CALLSITE_LIKELY);
	assert_string_equal(kbtf_name(type), "widget");
}

#define ASK_AT(off, type, ...)                                                                     \
	({                                                                                         \
		const uint64_t stacks_[][2] = __VA_ARGS__;                                         \
		ask(stacks_, NR(stacks_), off, type);                                              \
	})

/* shelf_count() was given nothing: its name tells. */
static void test_namesake(void **state)
{
	struct kbtf_type type;

	(void)state;
	assert_int_equal(ASK_AT(40, &type, {{AT(SHELF_COUNT), 0}}), CALLSITE_LIKELY);
	assert_string_equal(kbtf_name(type), "shelf_info");
	assert_int_equal(ASK_AT(40, &type, {{AT(SHELF_COUNT), 0}, {AT(NOBODY), AT(SHELF_COUNT)}}),
			 CALLSITE_SURE);
	assert_int_equal(ASK_AT(44, &type, {{AT(SHELF_COUNT), 0}}), CALLSITE_NOTHING);
}

/* What a function was given lies in the struct: with the lock, or, if it is large, beside it. */
static void test_embedded(void **state)
{
	struct kbtf_type type;

	(void)state;
	assert_int_equal(ASK_AT(56, &type, {{AT(DRAWER_OPEN), 0}, {AT(DRAWER_OPEN), 0}}),
			 CALLSITE_SURE);
	assert_string_equal(kbtf_name(type), "cabinet");
	assert_int_equal(ASK_AT(84, &type, {{AT(GEAR_TURN), 0}}), CALLSITE_LIKELY);
	assert_string_equal(kbtf_name(type), "engine");
	assert_int_equal(ASK_AT(84, &type, {{AT(BOLT_TURN), 0}}), CALLSITE_NOTHING);
}

/* Of two that the nearer speaks of, the one that the next speaks of, too. */
static void test_narrowed(void **state)
{
	struct kbtf_type type;

	(void)state;
	assert_int_equal(ASK_AT(100, &type, {{AT(BOTH_CLOSE), 0}}), CALLSITE_NOTHING);
	assert_int_equal(ASK_AT(100, &type, {{AT(BOTH_CLOSE), AT(LEFT_CLOSE)}}), CALLSITE_LIKELY);
	assert_string_equal(kbtf_name(type), "left");
}

/* What was given outvotes what is pointed to, and one that was given another is a stranger. */
static void test_contradiction(void **state)
{
	const uint64_t stacks[][2] = {{AT(WIDGET_PUT), 0}, {AT(WRAPPER), 0}, {AT(GADGET_GET), 0}};
	struct kbtf_type type, widget;

	(void)state;
	assert_int_equal(ask(stacks, 2, LOCK_OFF, &widget), CALLSITE_SURE);
	assert_string_equal(kbtf_name(widget), "widget");
	assert_false(contradicts(stacks, 2, widget));
	assert_true(contradicts(stacks, 3, widget));
	/* two that only seem to know, and differ */
	assert_int_equal(ASK_AT(84, &type, {{AT(GEAR_TURN), 0}, {AT(ENGINE_STOP), 0}}),
			 CALLSITE_LIKELY);
	assert_string_equal(kbtf_name(type), "engine");
}

/* Wait queues' functions take wait queues' locks, and mutexes' inner locks are theirs alone. */
static void test_taker(void **state)
{
	struct kbtf_type type;

	(void)state;
	assert_int_equal(ASK_AT(100, &type, {{AT(WAKE_UP), AT(BOTH_CLOSE)}}), CALLSITE_LIKELY);
	assert_string_equal(kbtf_name(type), "right");
	assert_int_equal(ASK_AT(92, &type, {{AT(MUTEX_LOCK), AT(BOTH_CLOSE)}}), CALLSITE_LIKELY);
	assert_string_equal(kbtf_name(type), "right");
	assert_int_equal(ASK_AT(92, &type, {{AT(BOTH_CLOSE), 0}}), CALLSITE_NOTHING);
}

/* By the name of a pointer, some hops away; the other pointer there is no per-CPU one, nor the page. */
static void test_percpu_pointer(void **state)
{
	struct kbtf_type type;

	(void)state;
	assert_int_equal(ASK_AT(CALLSITE_ANYWHERE, &type, {{AT(ZONE_GET), 0}}), CALLSITE_LIKELY);
	assert_string_equal(kbtf_name(type), "left");
}

/* Of a place of one type, only the name is asked: the commonest struct, by far. */
static void test_common(void **state)
{
	const uint64_t most[][2] = {
		{AT(WIDGET_PUT), 0}, {AT(WIDGET_PUT), 0}, {AT(WIDGET_PUT), 0}, {AT(GADGET_GET), 0}};
	struct kbtf_type type;

	(void)state;
	assert_int_equal(ask(most, 4, CALLSITE_ANYWHERE, &type), CALLSITE_SURE);
	assert_string_equal(kbtf_name(type), "widget");
	assert_int_equal(ask(most + 2, 2, CALLSITE_ANYWHERE, &type), CALLSITE_NOTHING);
	assert_int_equal(ask(most, 1, CALLSITE_ANYWHERE, &type), CALLSITE_LIKELY);
}

#define MAX_ITEMS 16

struct folding {
	struct lv_class classes[MAX_ITEMS];
	struct names_result results[MAX_ITEMS];
	struct names_fold_item items[MAX_ITEMS];
	size_t nr;
};

/* A lock of kmalloc-4k that this instruction took. */
static void add_untyped(struct folding *f, uint32_t off, uint64_t site)
{
	struct lv_class *class = &f->classes[f->nr];
	struct names_result *r = &f->results[f->nr];
	struct names_fold_item *item = &f->items[f->nr++];

	class->place = (struct lv_place){.kind = LV_PLACE_SLAB, .base = 1, .off = off};
	r->certainty = NAMES_AMBIGUOUS;
	r->kind = "kmalloc";
	snprintf(r->cache, sizeof(r->cache), "kmalloc-4k");
	snprintf(r->name, sizeof(r->name), "kmalloc-4k+0x%x", off);
	item->class = class;
	item->result = r;
	item->sites[0] = site;
	item->nr_sites = 1;
}

static void test_array(void **state)
{
	struct folding f = {};

	(void)state;
	for (uint32_t i = 0; i < 6; i++)
		add_untyped(&f, 64 * i + 64 * (i > 3), AT(WIDGET_PUT));
	add_untyped(&f, 100, AT(GADGET_GET));	 /* not at an element's place */
	add_untyped(&f, 64 * 4, AT(GADGET_GET)); /* an element that others took */
	f.results[7].certainty = NAMES_INFERRED; /* or so it looked, to who took it */
	f.results[7].by_callsite = true;
	add_untyped(&f, 64, AT(NOBODY)); /* somebody else's, who takes only this */
	for (size_t i = 0; i < f.nr; i++)
		f.items[i].one_with = i;
	assert_int_equal(names_fold(f.items, f.nr), 0);
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(f.items[i].one_with, 0);
	assert_int_equal(f.items[6].one_with, 6);
	assert_int_equal(f.items[8].one_with, 8);
	assert_string_equal(f.results[0].name, "kmalloc-4k+0x0[]");
	assert_int_equal(f.results[7].certainty, NAMES_AMBIGUOUS);
}

/* A function that takes locks of many structs is no loop over an array. */
static void test_no_array(void **state)
{
	static const uint32_t offs[] = {8, 24, 512, 1080, 2000};
	struct folding f = {};

	(void)state;
	for (size_t i = 0; i < NR(offs); i++)
		add_untyped(&f, offs[i], AT(WIDGET_PUT));
	add_untyped(&f, 64, AT(GADGET_GET));
	add_untyped(&f, 128, AT(GADGET_GET)); /* two are not many */
	for (size_t i = 0; i < f.nr; i++)
		f.items[i].one_with = i;
	assert_int_equal(names_fold(f.items, f.nr), 0);
	for (size_t i = 0; i < f.nr; i++)
		assert_int_equal(f.items[i].one_with, i);
}

/* A module's cache, gone and made again: the same name, another kmem_cache. */
static void test_cache_made_again(void **state)
{
	struct folding f = {};

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		add_untyped(&f, i == 3 ? 72 : 64, AT(NOBODY));
		snprintf(f.classes[i].cache, sizeof(f.classes[i].cache), "lv_uffd_ctx_cache");
		f.classes[i].cache_size = 192;
		f.classes[i].place.base = i;
	}
	f.classes[2].family = LV_MUTEX;
	f.results[1].certainty = NAMES_EXACT;
	snprintf(f.results[1].name, sizeof(f.results[1].name), "lv_uffd_ctx.fd_wqh");
	for (size_t i = 0; i < f.nr; i++)
		f.items[i].one_with = i;
	assert_int_equal(names_fold(f.items, f.nr), 0);
	assert_int_equal(f.items[1].one_with, 0);
	assert_string_equal(f.results[0].name, "lv_uffd_ctx.fd_wqh");
	assert_int_equal(f.results[0].certainty, NAMES_EXACT);
	assert_int_equal(f.items[2].one_with, 2);
	assert_int_equal(f.items[3].one_with, 3);
}

static void add_element(struct folding *f, const char *name, uint32_t family)
{
	struct names_result *r = &f->results[f->nr];
	struct names_fold_item *item = &f->items[f->nr];

	f->classes[f->nr].place = (struct lv_place){.kind = LV_PLACE_PERCPU, .base = f->nr};
	f->classes[f->nr++].family = family;
	r->certainty = NAMES_EXACT;
	r->kind = "percpu";
	r->collapsed = true;
	snprintf(r->name, sizeof(r->name), "%s", name);
	item->class = &f->classes[f->nr - 1];
	item->result = r;
}

static void test_elements(void **state)
{
	struct folding f = {};

	(void)state;
	add_element(&f, "timer_bases[].lock", LV_SPIN);
	add_element(&f, "other[].lock", LV_SPIN);
	add_element(&f, "timer_bases[].lock", LV_SPIN);
	add_element(&f, "super_block.s_writers.rw_sem[]", LV_PERCPU_RWSEM);
	add_element(&f, "super_block.s_writers.rw_sem[]", LV_PERCPU_RWSEM);
	for (size_t i = 0; i < f.nr; i++)
		f.items[i].one_with = i;
	assert_int_equal(names_fold(f.items, f.nr), 0);
	assert_int_equal(f.items[2].one_with, 0);
	assert_int_equal(f.items[1].one_with, 1);
	assert_int_equal(f.items[4].one_with, 4); /* each has a place of its own in the order */
	assert_false(f.results[1].collapsed);	  /* called so, though it was seen alone */
	assert_true(f.results[3].collapsed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_given, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_there, setup, teardown),
		cmocka_unit_test_setup_teardown(test_roundabout, setup, teardown),
		cmocka_unit_test_setup_teardown(test_strangers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_guest, setup, teardown),
		cmocka_unit_test_setup_teardown(test_namesake, setup, teardown),
		cmocka_unit_test_setup_teardown(test_embedded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_narrowed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_contradiction, setup, teardown),
		cmocka_unit_test_setup_teardown(test_taker, setup, teardown),
		cmocka_unit_test_setup_teardown(test_percpu_pointer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_common, setup, teardown),
		cmocka_unit_test(test_array),
		cmocka_unit_test(test_no_array),
		cmocka_unit_test(test_cache_made_again),
		cmocka_unit_test(test_elements),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
