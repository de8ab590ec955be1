// SPDX-License-Identifier: GPL-2.0-only
/* Types by name, and which lock lies where in them. */
#include "test_kernel_btf.h"

#include <errno.h>

#include <bpf/libbpf.h>

#include "abi.h"
#include "kernel/lockpath.h"

static struct kbtf_type type(const struct kbtf *k, const char *name)
{
	struct kbtf_type t = { NULL, 0 };

	assert_true(kbtf_next(k, name, 1 << BTF_KIND_STRUCT, &t));
	return t;
}

static struct lockpath at(const struct kbtf *k, const char *name, uint32_t off, uint32_t family)
{
	struct lockpath path;

	lockpath_at(k, type(k, name), off, family, &path);
	return path;
}

#define PATH(k, name, off, family, expected)                                 \
	do {                                                                 \
		struct lockpath p_ = at(k, name, off, family);               \
									     \
		assert_string_equal(p_.what ? p_.path : "none", expected);   \
	} while (0)

static void test_members(void **state)
{
	struct kbtf *k = mini_kernel();

	(void)state;
	PATH(k, "kioctx", 0x100, LV_SPIN, "ctx_lock");
	PATH(k, "kioctx", 0x160, LV_SPIN, "wait");
	PATH(k, "kioctx", 0x140, LV_MUTEX, "ring_lock");
	PATH(k, "kioctx", 0x148, LV_SPIN, "ring_lock.wait_lock");
	PATH(k, "ext4_inode_info", 0x180, LV_SPIN, "vfs_inode.i_lock");
	PATH(k, "completion", 8, LV_SPIN, "wait");
	assert_int_equal(at(k, "kioctx", 0x100, LV_SPIN).what, LOCKPATH_LOCK);
	assert_int_equal(at(k, "kioctx", 0x160, LV_SPIN).what, LOCKPATH_WAITQ);
	assert_int_equal(at(k, "kioctx", 0x160, LOCKPATH_ANY).what, LOCKPATH_WAITQ);
	assert_int_equal(at(k, "kioctx", 0x160, LV_SPIN).size, 24);
	kbtf_free(k);
}

static void test_no_lock(void **state)
{
	struct kbtf *k = mini_kernel();

	(void)state;
	PATH(k, "kioctx", 0x101, LV_SPIN, "none");
	PATH(k, "kioctx", 0x108, LV_SPIN, "none");
	PATH(k, "kioctx", 0x140, LV_SPIN, "none"); /* a mutex is not a spinlock */
	PATH(k, "kioctx", 0x100, LV_RWLOCK, "none");
	PATH(k, "kioctx", 0x100, LV_MUTEX, "none");
	PATH(k, "kioctx", 576, LV_SPIN, "none");
	PATH(k, "kioctx", 0xfffffff0, LV_SPIN, "none");
	PATH(k, "kioctx", 0x168, LV_SPIN, "none"); /* the list of the wait queue */
	PATH(k, "ext4_inode", 0, LV_SPIN, "none");
	kbtf_free(k);
}

static void test_shapes(void **state)
{
	struct kbtf *k = mini_kernel();

	(void)state;
	PATH(k, "shapes", 8, LV_SPIN, "table[0].lock");
	PATH(k, "shapes", 56, LV_SPIN, "table[3].lock");
	PATH(k, "shapes", 16, LV_SPIN, "none");
	PATH(k, "shapes", 64, LV_SPIN, "one");
	assert_true(at(k, "shapes", 64, LV_SPIN).ambiguous);
	PATH(k, "shapes", 80, LV_SPIN, "alone");
	assert_false(at(k, "shapes", 80, LV_SPIN).ambiguous);
	PATH(k, "shapes", 88 + 4 * 5, LV_SPIN, "grid[2][1]");
	PATH(k, "shapes", 128 + 16 * 7 + 8, LV_SPIN, "tail[7].lock");
	kbtf_free(k);
}

/* On PREEMPT_RT a spinlock and the raw lock inside it start at the same byte. */
static void test_rt(void **state)
{
	struct kbtf_type var = { NULL, 0 };
	struct lockpath path;
	struct mini m;
	struct kbtf *k;
	int list;

	(void)state;
	mini_begin(&m);
	mini_spinlocks(&m, true);
	mini_struct(&m, "box", 64);
	mini_field(&m, "lock", m.spinlock_t, 0);
	mini_field(&m, "raw", m.raw_spinlock_t, 32);
	list = mini_array(&m, m.raw_spinlock_t, 4);
	assert_true(btf__add_var(m.btf, "raw_list", BTF_VAR_STATIC, list) > 0);
	k = mini_end(&m, NULL);
	assert_true(kbtf_is_rt(k));
	PATH(k, "box", 0, LV_SPIN, "lock");
	PATH(k, "box", 0, LV_RAWSPIN, "lock.lock.wait_lock");
	PATH(k, "box", 32, LV_RAWSPIN, "raw");
	PATH(k, "box", 32, LV_SPIN, "raw"); /* it can be no other */
	PATH(k, "box", 32, LV_MUTEX, "none");
	assert_true(kbtf_next(k, "raw_list", 1 << BTF_KIND_VAR, &var));
	lockpath_at(k, var, 12, LV_SPIN, &path);
	assert_string_equal(path.path, "[3]");
	kbtf_free(k);
	k = mini_kernel();
	assert_false(kbtf_is_rt(k));
	PATH(k, "sighand_struct", 0, LV_RAWSPIN, "siglock");
	kbtf_free(k);
}

static void test_collapse(void **state)
{
	char one[] = "a.bucket[3].lock", two[] = "grid[10][2]", none[] = "a.b", odd[] = "a[i].b";

	(void)state;
	assert_true(lockpath_collapse(one));
	assert_string_equal(one, "a.bucket[].lock");
	assert_true(lockpath_collapse(two));
	assert_string_equal(two, "grid[][]");
	assert_false(lockpath_collapse(none));
	assert_string_equal(none, "a.b");
	assert_false(lockpath_collapse(odd));
	assert_string_equal(odd, "a[i].b");
}

static const char *last(const char *text)
{
	static char buf[48];

	lockpath_last(text, buf, sizeof(buf));
	return buf;
}

static void test_last(void **state)
{
	char small[4];

	(void)state;
	assert_string_equal(last("&ctx->fd_wqh"), "fd_wqh");
	assert_string_equal(last("&ei->socket.wq.wait"), "wait");
	assert_string_equal(last("(&x->wait)"), "wait");
	assert_string_equal(last("&(&x->lock)->wait_lock"), "wait_lock");
	assert_string_equal(last("&q->waits[i]"), "waits");
	assert_string_equal(last("&q->waits[f(i)][2]"), "waits");
	assert_string_equal(last("&per_cpu(x, cpu).wq"), "wq");
	assert_string_equal(last("name"), "name");
	assert_string_equal(last("[]]]"), "");
	assert_string_equal(last("]"), "");
	assert_string_equal(last(")))"), "");
	assert_string_equal(last(""), "");
	assert_int_equal(lockpath_last("&a->waits", small, sizeof(small)), 3);
	assert_string_equal(small, "wai");
}

/* A function with one argument, of that type and by that name. */
static void func_of(struct mini *m, const char *name, int type)
{
	int proto = btf__add_func_proto(m->btf, 0);

	assert_int_equal(btf__add_func_param(m->btf, "argument", type), 0);
	assert_true(btf__add_func(m->btf, name, BTF_FUNC_GLOBAL, proto) > 0);
}

static void test_hookable(void **state)
{
	struct kbtf *k;
	struct mini m;
	int large, small;

	(void)state;
	mini_begin(&m);
	large = mini_struct(&m, "__va_list", 32);
	small = mini_struct(&m, "pair", 16);
	func_of(&m, "takes_large", large);
	func_of(&m, "takes_named", btf__add_typedef(m.btf, "va_list", btf__add_const(m.btf, large)));
	func_of(&m, "takes_pointer", btf__add_ptr(m.btf, large));
	func_of(&m, "takes_small", small);
	func_of(&m, "takes_number", m.u64);
	mini_func(&m, "takes_none");
	k = mini_end(&m, NULL);
	assert_false(kbtf_func_is_hookable(k, "takes_large"));
	assert_false(kbtf_func_is_hookable(k, "takes_named"));
	assert_true(kbtf_func_is_hookable(k, "takes_pointer"));
	assert_true(kbtf_func_is_hookable(k, "takes_small"));
	assert_true(kbtf_func_is_hookable(k, "takes_number"));
	assert_true(kbtf_func_is_hookable(k, "takes_none"));
	assert_false(kbtf_func_is_hookable(k, "absent"));
	kbtf_free(k);
}

static void test_lookups(void **state)
{
	struct kbtf *k = mini_kernel();
	struct kbtf_type t = { NULL, 0 };
	struct kbtf_field f;

	(void)state;
	assert_true(kbtf_has_struct(k, "kioctx"));
	assert_false(kbtf_has_struct(k, "_raw_spin_lock"));
	assert_true(kbtf_has_func(k, "_raw_spin_lock"));
	assert_false(kbtf_has_func(k, "_raw_spin_unlock"));
	assert_int_equal(kbtf_size(type(k, "kioctx")), 576);
	assert_int_equal(kbtf_field(k, "shapes", "alone", &f), 0); /* two levels without name */
	assert_int_equal(f.offset, 80);
	assert_int_equal(f.size, 4);
	assert_int_equal(kbtf_field(k, "shapes", "lock", &f), -ENOENT);
	assert_int_equal(kbtf_field(k, "absent", "lock", &f), -ENOENT);
	assert_false(kbtf_next(k, "absent", ~0u, &t));
	kbtf_free(k);
}

static void test_percpu(void **state)
{
	struct kbtf *k = mini_kernel();
	struct kbtf_var var;

	(void)state;
	assert_true(kbtf_percpu_at(k, 0x120, &var));
	assert_string_equal(var.name, "runqueues");
	assert_true(var.only);
	assert_true(kbtf_percpu(k, "first_list", &var));
	assert_int_equal(var.offset, 0x600);
	assert_false(var.only);
	assert_false(kbtf_percpu_at(k, 0xff, &var));
	assert_false(kbtf_percpu_at(k, 0x200, &var));
	assert_false(kbtf_percpu(k, "absent", &var));
	kbtf_free(k);
}

static int count_struct(struct kbtf_type t, void *arg)
{
	size_t *nr = arg;

	assert_true(kbtf_size(t) >= 160 && kbtf_size(t) <= 176);
	++*nr;
	return 0;
}

/* A module's types build on vmlinux'; both are found, vmlinux' first. */
static void test_module(void **state)
{
	struct mini m, mod;
	struct kbtf_type t = { NULL, 0 };
	struct kbtf *k;
	size_t nr = 0;

	(void)state;
	mini_begin(&m);
	mini_spinlocks(&m, false);
	mini_locks(&m);
	mini_struct(&m, "ctx", 160);
	mod = m;
	mod.btf = btf__new_empty_split(m.btf);
	assert_non_null(mod.btf);
	mini_struct(&mod, "lv_ctx", 176);
	mini_field(&mod, "fd_wqh", m.wait_queue_head_t, 0x30);
	mini_struct(&mod, "ctx", 168);
	k = mini_end(&m, mod.btf);
	PATH(k, "lv_ctx", 0x30, LV_SPIN, "fd_wqh");
	assert_true(kbtf_next(k, "ctx", 1 << BTF_KIND_STRUCT, &t));
	assert_int_equal(kbtf_size(t), 160);
	assert_true(kbtf_next(k, "ctx", 1 << BTF_KIND_STRUCT, &t));
	assert_int_equal(kbtf_size(t), 168);
	assert_false(kbtf_next(k, "ctx", 1 << BTF_KIND_STRUCT, &t));
	assert_int_equal(kbtf_each_struct(k, 160, 176, count_struct, &nr), 0);
	assert_int_equal(nr, 3);
	kbtf_free(k);
}

static void test_load(void **state)
{
	struct kbtf *k = NULL;
	struct mini m;
	const void *raw;
	uint32_t size;

	(void)state;
	libbpf_set_print(NULL);
	assert_int_equal(kbtf_load(fixture_path("absent"), &k), -ENOENT);
	fixture_write("garbage", "not BTF at all");
	assert_true(kbtf_load(fixture_path("garbage"), &k) < 0);
	fixture_write("btf/module", "not BTF either");
	assert_int_equal(kbtf_load(fixture_path("btf"), &k), -ENOENT);
	mini_begin(&m);
	mini_spinlocks(&m, false);
	raw = btf__raw_data(m.btf, &size);
	assert_non_null(raw);
	fixture_write_bytes("btf/vmlinux", raw, size);
	btf__free(m.btf);
	assert_null(k);
	assert_int_equal(kbtf_load(fixture_path("btf"), &k), 0); /* the bad module is left out */
	assert_true(kbtf_has_struct(k, "spinlock"));
	kbtf_free(k);
	assert_int_equal(kbtf_load(fixture_path("btf/vmlinux"), &k), 0);
	kbtf_free(k);
	kbtf_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),	 cmocka_unit_test(test_no_lock),
		cmocka_unit_test(test_shapes),	 cmocka_unit_test(test_rt),
		cmocka_unit_test(test_collapse), cmocka_unit_test(test_last),
		cmocka_unit_test(test_lookups),	 cmocka_unit_test(test_hookable),
		cmocka_unit_test(test_percpu),
		cmocka_unit_test(test_module),	 cmocka_unit_test(test_load),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
