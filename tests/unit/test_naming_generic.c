// SPDX-License-Identifier: GPL-2.0-only
/* The functions that take any lock. */
#include "test_kernel_btf.h"

#include "naming/generic.h"

static bool is_generic(const struct lv_generic *g, uint64_t ip)
{
	uint64_t step = (ip - g->start) >> LV_GENERIC_SHIFT;

	return g->bits[step / 64] >> (step & 63) & 1;
}

static void add_function(struct mini *m, const char *name, int parameter)
{
	int pointer = btf__add_ptr(m->btf, parameter);
	int proto = btf__add_func_proto(m->btf, 0);

	assert_int_equal(btf__add_func_param(m->btf, "p", pointer), 0);
	assert_true(btf__add_func(m->btf, name, BTF_FUNC_GLOBAL, proto) > 0);
}

static void test_generic(void **state)
{
	struct lv_generic *g = calloc(1, sizeof(*g));
	struct mini m;
	struct ksyms *ksyms;
	struct kbtf *btf;
	int owner;

	(void)state;
	fixture_write("kallsyms", "ffffffff81000000 T _text\n"
				  "ffffffff81000040 T wake\n"
				  "ffffffff81000060 t take.part.0\n"
				  "ffffffff81000100 T typed\n"
				  "ffffffff81000140 t __try_to_take_slowpath.isra.0\n"
				  "ffffffff81000180 t __typed_by_name.isra.0\n"
				  "ffffffff810001c0 t __try_to_take\n"
				  "ffffffff81000200 T _etext\n"
				  "ffffffff82000000 D _sdata\n"
				  "ffffffff82001000 B _end\n");
	mini_begin(&m);
	mini_spinlocks(&m, false);
	mini_locks(&m);
	owner = mini_struct(&m, "owner", 64);
	mini_field(&m, "lock", m.spinlock_t, 0);
	add_function(&m, "wake", m.wait_queue_head_t);
	add_function(&m, "take", m.spinlock_t);
	add_function(&m, "typed", owner);
	add_function(&m, "typed_by_name", owner);
	add_function(&m, "try_to_take", m.spinlock_t);
	btf = mini_end(&m, NULL);
	assert_int_equal(ksyms_load(fixture_path("kallsyms"), &ksyms), 0);
	assert_int_equal(generic_find(ksyms, btf, g), 3);
	assert_true(is_generic(g, 0xffffffff81000040));
	assert_true(is_generic(g, 0xffffffff8100005f));
	assert_true(is_generic(g, 0xffffffff81000060)); /* a part of it, under a name of its own */
	assert_false(is_generic(g, 0xffffffff81000100));
	assert_true(is_generic(g, 0xffffffff81000140)); /* no prototype: by what it is a part of */
	assert_false(is_generic(g, 0xffffffff81000180));
	assert_false(is_generic(g, 0xffffffff810001c0)); /* as the compiler found it: not in BTF */
	assert_false(is_generic(g, 0xffffffff81000000));
	ksyms_free(ksyms);
	kbtf_free(btf);
	free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_generic, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
