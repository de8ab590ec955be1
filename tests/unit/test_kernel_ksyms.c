// SPDX-License-Identifier: GPL-2.0-only
/* Symbols: both ways, duplicates, modules, and lines that nobody should write. */
#include "test_kernel_util.h"

#include <errno.h>
#include <time.h>

#include "kernel/ksyms.h"

static const char kallsyms[] =
	"0000000000000000 A __per_cpu_start\n"
	"0000000000035e80 A runqueues\n"
	"0000000000040000 A __per_cpu_end\n"
	"ffffffff81000000 T _stext\n"
	"ffffffff81000000 T _text\n"
	"ffffffff81000400 t do_one\n"
	"ffffffff81000a20 T do_two\n"
	"ffffffff82000000 D _sdata\n"
	"ffffffff82000100 d lock\n"
	"ffffffff82000140 D tasklist_lock\n"
	"ffffffff82000180 b lock\n"
	"ffffffff82000200 B table\n"
	"ffffffff82000300 B _end\n"
	"ffffffffc0001000 t lv_read\t[lv_uffd]\n"
	"ffffffffc0001080 t lv_poll\t[lv_uffd]\n"
	"ffffffffc0003000 d lock\t[lv_uffd]\n"
	"0000000000041000 d lv_counter\t[lv_uffd]\n"
	"ffffffffc0100000 t bpf_prog_6deef7357e7b4530_x\t[bpf]\n"
	"ffffffffc0201000 t ftrace_trampoline\t[__builtin__ftrace]\n";

static struct ksyms *load(const char *text)
{
	struct ksyms *k = NULL;

	fixture_write("kallsyms", text);
	assert_int_equal(ksyms_load(fixture_path("kallsyms"), &k), 0);
	return k;
}

static const char *format(const struct ksyms *k, uint64_t addr)
{
	static char buf[128];

	ksyms_format(k, addr, buf, sizeof(buf));
	return buf;
}

static void test_format(void **state)
{
	struct ksyms *k = load(kallsyms);
	char small[8];

	(void)state;
	assert_string_equal(format(k, 0xffffffff810008dc), "do_one+0x4dc/0x620");
	/* the call was the last thing in its function: it never comes back */
	assert_string_equal(format(k, 0xffffffff81000400), "_stext+0x400/0x400");
	assert_string_equal(format(k, 0xffffffffc0001010), "lv_read+0x10/0x80 [lv_uffd]");
	assert_string_equal(format(k, 0xffffffffc0100004),
			    "bpf_prog_6deef7357e7b4530_x+0x4 [bpf]");
	/* of the names at one address the kernel's first */
	assert_string_equal(format(k, 0xffffffff81000001), "_stext+0x1/0x400");
	/* between the kernel and its modules lies nothing */
	assert_string_equal(format(k, 0xffffffffb0000000), "0xffffffffb0000000");
	assert_string_equal(format(k, 0xffff888000000000), "0xffff888000000000");
	assert_string_equal(format(NULL, 0x10), "0x0000000000000010");
	ksyms_format(k, 0xffffffff810008dc, small, sizeof(small));
	assert_string_equal(small, "do_one+");
	ksyms_free(k);
}

static void test_by_name(void **state)
{
	struct ksyms *k = load(kallsyms);
	const struct ksym *sym;

	(void)state;
	sym = ksyms_by_name(k, "lock", NULL);
	assert_non_null(sym);
	assert_true(sym->addr == 0xffffffff82000100 && !sym->module && !sym->text);
	sym = ksyms_by_name(k, "lock", sym);
	assert_true(sym && sym->addr == 0xffffffff82000180);
	sym = ksyms_by_name(k, "lock", sym);
	assert_true(sym && sym->addr == 0xffffffffc0003000);
	assert_string_equal(sym->module, "lv_uffd");
	assert_null(ksyms_by_name(k, "lock", sym));
	assert_null(ksyms_by_name(k, "", NULL));
	assert_true(ksyms_address(k, "tasklist_lock") == 0xffffffff82000140);
	assert_true(ksyms_address(k, "lv_poll") == 0); /* not the kernel's own */
	ksyms_free(k);
}

/* What ThinLTO adds to names of static symbols is not a part of them; other suffixes are. */
static void test_lto(void **state)
{
	struct ksyms *k = load("ffffffff81000000 T _stext\n"
			       "ffffffff81000400 t do_one.llvm.1234567\n"
			       "ffffffff81000500 t do_two.isra.0\n"
			       "ffffffff81001000 T _etext\n"
			       "ffffffff82000000 D _sdata\n"
			       "ffffffff82000100 d table_lock.llvm.42\n"
			       "ffffffff82000180 d odd.llvm.x1\n"
			       "ffffffff82000200 D _edata\n"
			       "ffffffffc0003000 d lock.llvm.7\t[lv_uffd]\n");

	(void)state;
	assert_string_equal(format(k, 0xffffffff81000410), "do_one+0x10/0x100");
	assert_string_equal(format(k, 0xffffffff81000510), "do_two.isra.0+0x10/0xb00");
	assert_int_equal(ksyms_address(k, "table_lock"), 0xffffffff82000100);
	assert_int_equal(ksyms_address(k, "odd.llvm.x1"), 0xffffffff82000180);
	assert_string_equal(ksyms_find(k, 0xffffffffc0003000)->module, "lv_uffd");
	assert_string_equal(ksyms_find(k, 0xffffffffc0003000)->name, "lock");
	ksyms_free(k);
}

static void test_bounds(void **state)
{
	struct ksyms *k = load(kallsyms);
	struct ksyms_bounds b;

	(void)state;
	ksyms_get_bounds(k, &b);
	assert_true(b.start == 0xffffffff81000000 && b.end == 0xffffffff82000300);
	assert_true(b.percpu_start == 0 && b.percpu_end == 0x40000);
	/* neither the per-CPU offset nor what is generated counts as a module's image */
	assert_true(b.module_start == 0xffffffffc0001000);
	assert_true(b.module_end == 0xffffffffc0003001);
	ksyms_free(k);
}

static void test_generated(void **state)
{
	struct ksyms *k = load(kallsyms);

	(void)state;
	assert_true(ksym_is_generated(ksyms_find(k, 0xffffffffc0100001)));
	assert_true(ksym_is_generated(ksyms_find(k, 0xffffffffc0201001)));
	assert_false(ksym_is_generated(ksyms_find(k, 0xffffffffc0001001)));
	assert_false(ksym_is_generated(ksyms_find(k, 0xffffffff81000401)));
	ksyms_free(k);
}

static bool is_text(const struct ksyms *k, uint64_t addr)
{
	return ksyms_find(k, addr)->text;
}

/* On 7.2 data has code's letter; and a table without data must not name any. */
static void test_text(void **state)
{
	struct ksyms *k = load("0000000000000000 A __per_cpu_start\n"
			       "ffffffff81000000 T _stext\n"
			       "ffffffff81001000 T _etext\n"
			       "ffffffff82000000 T _sdata\n"
			       "ffffffff82000040 T tasklist_lock\n"
			       "ffffffff83000000 T _sinittext\n"
			       "ffffffff83001000 T _einittext\n"
			       "ffffffff83002000 B after\n"
			       "ffffffffc0001000 t code\t[mod]\n"
			       "ffffffffc0002000 d data\t[mod]\n");

	(void)state;
	assert_true(is_text(k, 0xffffffff81000010));
	assert_false(is_text(k, 0xffffffff82000040));
	assert_true(is_text(k, 0xffffffff83000010));
	assert_false(is_text(k, 0xffffffff83002000));
	assert_true(is_text(k, 0xffffffffc0001000));
	assert_false(is_text(k, 0xffffffffc0002000));
	assert_false(is_text(k, 0));
	ksyms_free(k);
	k = load("ffffffff81000000 T _stext\n"
		 "ffffffff81001000 T _etext\n"
		 "ffffffff83b266f0 R __stop_something\n");
	assert_true(is_text(k, 0xffffffff83b266f0));
	ksyms_free(k);
}

static void test_no_addresses(void **state)
{
	struct ksyms *k = NULL;

	(void)state;
	fixture_write("zero", "0000000000000000 T a\n0000000000000000 T b\n");
	assert_int_equal(ksyms_load(fixture_path("zero"), &k), -EPERM);
	fixture_write("empty", "");
	assert_int_equal(ksyms_load(fixture_path("empty"), &k), -EINVAL);
	fixture_write("foreign", "root:x:0:0:root:/root:/bin/bash\n");
	assert_int_equal(ksyms_load(fixture_path("foreign"), &k), -EINVAL);
	assert_int_equal(ksyms_load(fixture_path("absent"), &k), -ENOENT);
	assert_null(k);
}

static void test_hostile(void **state)
{
	static const char lines[] = "ffffffff81000000 T good\n"
				    "ffffffff81000010 T \x1b[31mred\n"
				    "ffffffff81000020 T\n"
				    "ffffffff81000030\n"
				    "ffffffff8100004000 T too_many_digits\n"
				    " T no_address\n"
				    "ffffffff81000050 T bad_module\t[]\n"
				    "ffffffff81000060 T bad_module\t[open\n"
				    "ffffffff81000070 T words after it\n"
				    "ffffffff81000080 T umlaut_\xc3\xa4\n"
				    "\n"
				    "ffffffff81000090 T n\0ul\n"
				    "ffffffff810000a0 T last_without_newline";
	char name[2048];
	struct ksyms *k = NULL;

	(void)state;
	fixture_write_bytes("kallsyms", lines, sizeof(lines) - 1);
	assert_int_equal(ksyms_load(fixture_path("kallsyms"), &k), 0);
	assert_int_equal(ksyms_count(k), 2);
	assert_int_equal(ksyms_skipped(k), 11);
	assert_string_equal(format(k, 0xffffffff81000012), "good+0x12/0xa0");
	assert_string_equal(format(k, 0xffffffff810000a1), "last_without_newline+0x1");
	ksyms_free(k);

	memset(name, 'a', sizeof(name));
	memcpy(name, "ffffffff81000000 T ", 19);
	name[sizeof(name) - 1] = '\0';
	fixture_write("kallsyms", name);
	assert_int_equal(ksyms_load(fixture_path("kallsyms"), &k), -EINVAL);
}

/* Modules come in any order, and a symbol's size ends where its image ends. */
static void test_unsorted(void **state)
{
	struct ksyms *k = load("ffffffffc0002000 t b_one\t[b]\n"
			       "ffffffffc0001000 t a_one\t[a]\n"
			       "ffffffff81000000 T one\n"
			       /* arm64's, and one that looks like them */
			       "ffffffffc0001000 t $x\t[a]\n"
			       "ffffffffc0001040 t $x.7\t[a]\n"
			       "ffffffffc0003000 t $xyz\t[b]\n"
			       "ffffffffc0001040 t a_two\t[a]\n");

	(void)state;
	assert_string_equal(format(k, 0xffffffffc0001001), "a_one+0x1/0x40 [a]");
	assert_string_equal(format(k, 0xffffffffc0001041), "a_two+0x1 [a]");
	assert_string_equal(format(k, 0xffffffffc0002001), "b_one+0x1/0x1000 [b]");
	assert_string_equal(format(k, 0xffffffffc0003001), "$xyz+0x1 [b]");
	ksyms_free(k);
}

static void test_many(void **state)
{
	struct timespec start, end;
	struct ksyms *k = NULL;
	size_t i, len = 0;
	char *text = malloc(200000 * 48);
	double seconds;

	(void)state;
	assert_non_null(text);
	for (i = 0; i < 200000; i++)
		len += sprintf(text + len, "%016zx t some_function_name_%zu\n",
			       0xffffffff81000000 + i * 32, i * 7919 % 200000);
	fixture_write("kallsyms", text);
	free(text);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	assert_int_equal(ksyms_load(fixture_path("kallsyms"), &k), 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	assert_int_equal(ksyms_count(k), 200000);
	assert_true(ksyms_address(k, "some_function_name_7919") == 0xffffffff81000020);
	ksyms_free(k);
	seconds = end.tv_sec - start.tv_sec + (end.tv_nsec - start.tv_nsec) / 1e9;
	assert_true(seconds < 1.0); /* 0.04 without sanitizers; a quadratic step shows */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),	     cmocka_unit_test(test_by_name),
		cmocka_unit_test(test_lto),
		cmocka_unit_test(test_bounds),	     cmocka_unit_test(test_generated),
		cmocka_unit_test(test_text),	     cmocka_unit_test(test_no_addresses),
		cmocka_unit_test(test_hostile),	     cmocka_unit_test(test_unsorted),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
