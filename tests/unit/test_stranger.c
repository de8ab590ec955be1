// SPDX-License-Identifier: GPL-2.0-only
/*
 * Captures that somebody made to hurt: small, valid, and without a bound on what the rules or a
 * report could make of them. Each must cost seconds and megabytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <time.h>

#include "finding/finding.h"
#include "report/report.h"
#include "test_finding_cases.h"

/* Under the sanitizers, on a machine that does other things as well. */
#define MOST_SECONDS 60
#define MOST_OUTPUT (256ull << 20)
#define MOST_ELEMENTS 16000000ull

static ssize_t count(void *sum, const char *bytes, size_t len)
{
	(void)bytes;
	*(uint64_t *)sum += len;
	return (ssize_t)len;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint64_t elements(const struct findings *f)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < f->nr; i++) {
		sum += f->items[i].chain.nr_classes;
		for (uint32_t j = 0; j < f->items[i].nr_also; j++)
			sum += f->items[i].also[j].nr_classes;
	}
	return sum;
}

typedef int (*reporter)(FILE *out, const struct capture *c, const struct findings *f,
			const struct report_opts *opts);

static uint64_t length_of(reporter report, const struct capture *c, const struct findings *f)
{
	const struct report_opts opts = {.least = FINDING_WEAK};
	uint64_t sum = 0;
	FILE *out = fopencookie(&sum, "w", (cookie_io_functions_t){.write = count});

	assert_non_null(out);
	assert_int_equal(report(out, c, f, &opts), 0);
	assert_int_equal(fclose(out), 0);
	return sum;
}

static void is_bounded(struct capture *c, bool findings)
{
	double begin = seconds();
	struct findings *f;

	assert_int_equal(finding_analyse(c, &f), 0);
	assert_true(!findings || f->nr > 0);
	assert_in_range(elements(f), 0, MOST_ELEMENTS);
	assert_in_range(length_of(report_text, c, f), 1, MOST_OUTPUT);
	assert_in_range(length_of(report_json, c, f), 1, MOST_OUTPUT);
	findings_free(f);
	capture_free(c);
	assert_true(seconds() - begin < MOST_SECONDS);
}

static uint32_t numbered(struct capture *c, const char *format, uint32_t n)
{
	char name[64];

	snprintf(name, sizeof(name), format, n);
	return case_class(c, name, LV_SPIN);
}

static uint32_t deep_stack(struct capture *c)
{
	return case_stack(c, "task", 1,
			  "_raw_spin_lock+0x30/0x3a|some_function_of_a_kernel+0x60/0xa9|"
			  "another_function_of_a_kernel+0x60/0xa9|a_third_one+0x1/0x2|"
			  "do_syscall_64+0x6e/0xc5|entry_SYSCALL_64_after_hwframe+0x4b/0x53");
}

/* A row of classes behind a safe one, and as many unsafe ones behind the row. */
static struct capture *row(uint32_t length, uint32_t ends)
{
	struct capture *c = case_new();
	uint32_t stack = deep_stack(c), last = 0;

	for (uint32_t i = 0; i < length; i++) {
		uint32_t class = numbered(c, "row_%05u", i);

		case_use(c, class, LV_USED, 0x1000 + i, stack);
		if (i)
			case_edge(c, last, class, LV_DEP_EN, stack);
		last = class;
	}
	case_use(c, 0, LV_USED_IN_HARDIRQ, 0x1000, stack);
	for (uint32_t i = 0; i < ends; i++) {
		uint32_t class = numbered(c, "unsafe_%05u", i);

		case_use(c, class, LV_ENABLED_HARDIRQ, 0x900000 + i, stack);
		case_edge(c, last, class, LV_DEP_EN, stack);
	}
	return c;
}

static void test_row(void **state)
{
	is_bounded(row(1000, 1000), true);
	is_bounded(row(5000, 20000), true);
	is_bounded(row(60000, 20), true);
}

static void test_ring(void **state)
{
	struct capture *c = case_new();
	uint32_t nr = 80000;

	for (uint32_t i = 0; i < nr; i++)
		numbered(c, "ring_%05u", i);
	for (uint32_t i = 0; i < nr; i++)
		case_edge(c, (i + 77) % nr, (i + 78) % nr, LV_DEP_EN, LV_NONE);
	is_bounded(c, true);
}

/* Many dependencies of the same two classes, and findings that all look through them. */
static void test_parallel(void **state)
{
	struct capture *c = case_new();
	uint32_t a = numbered(c, "a%u", 0), b = numbered(c, "b%u", 0);

	for (uint32_t i = 0; i < 300000; i++)
		case_instances(c, case_edge(c, i % 2 ? a : b, i % 2 ? b : a, 1u << i / 2 % 4, LV_NONE),
			       0x1000 + i, 0x2000 + i);
	is_bounded(c, true);
}

/* Every class taken under every other. */
static void test_mesh(void **state)
{
	struct capture *c = case_new();
	uint32_t nr = 550, stack = deep_stack(c);

	for (uint32_t i = 0; i < nr; i++)
		case_use(c, numbered(c, "mesh_%03u", i), i % 2 ? LV_USED_IN_SOFTIRQ : LV_ENABLED_SOFTIRQ,
			 0x1000 + i, stack);
	for (uint32_t i = 0; i < nr * nr; i++)
		if (i / nr != i % nr)
			case_instances(c, case_edge(c, i / nr, i % nr, LV_DEP_EN, stack), 0x1000 + i / nr,
				       0x1000 + i % nr);
	is_bounded(c, true);
}

/* A finding a dependency, none of which says where its holder was taken. */
static void test_wait_contexts(void **state)
{
	struct capture *c = case_new();
	uint32_t nr = 550;

	for (uint32_t i = 0; i < nr; i++)
		numbered(c, "spin_%03u", i);
	for (uint32_t i = 0; i < nr; i++) {
		char name[32];

		snprintf(name, sizeof(name), "mutex_%03u", i);
		case_class(c, name, LV_MUTEX);
	}
	for (uint32_t i = 0; i < nr * nr; i++)
		case_edge(c, i / nr, nr + i % nr, LV_DEP_EN, LV_NONE);
	is_bounded(c, true);
}

/* Names and stacks as long as a file may have them, of classes that the annotations know. */
static void test_long_texts(void **state)
{
	struct capture *c = case_new();
	char *text = calloc(1, 4096);
	uint32_t stack, nr = 500;

	assert_non_null(text);
	memset(text, 'x', 4095);
	stack = case_stack(c, "task", 1, text);
	for (uint32_t f = 1; f < LV_STACK_DEPTH; f++) {
		c->stacks[stack].frames[f].text = case_copy(text);
		c->stacks[stack].nr_frames++;
	}
	for (uint32_t i = 0; i < nr; i++) {
		uint32_t class;

		snprintf(text, 4096, "s%u.%0*u.i_mutex_dir_key", i, 900, i);
		class = case_class(c, text, LV_SPIN);
		for (int bit = 0; bit < LV_USAGES; bit++)
			case_use(c, class, bit, 0x1000 + i, stack);
	}
	for (uint32_t i = 0; i < 20 * nr; i++)
		case_edge(c, i % nr, i * 7 % nr, LV_DEP_EN, stack);
	free(text);
	is_bounded(c, true);
}

/* A capture's own words are keys of the JSON, and columns of the list. */
static void test_hostile_words(void **state)
{
	struct capture *c = case_founding(&(struct case_founding){0});
	char *list = NULL;
	size_t len;
	FILE *out;

	case_loss(c, "\xff\x1b[31m", "x", 1);
	c->losses[c->nr_losses - 1].programs = case_copy("\xfe\x1b[0m 12");
	free(c->classes[0].kind);
	c->classes[0].kind = case_copy("\x1b[31mred");
	out = open_memstream(&list, &len);
	assert_non_null(out);
	assert_int_equal(report_classes(out, c, NULL), 0);
	assert_int_equal(fclose(out), 0);
	assert_null(strchr(list, '\x1b'));
	assert_non_null(strstr(list, " \\x1b[31mred "));
	free(list);
	is_bounded(c, true);
}

/* lockdep's list counts for each class what it leads to: where that is too much, it says so. */
static void test_proc(void **state)
{
	struct capture *c = row(80000, 1);
	double begin = seconds();
	uint64_t sum = 0;
	FILE *out = fopencookie(&sum, "w", (cookie_io_functions_t){.write = count});
	int code;

	assert_non_null(out);
	code = report_proc(out, c);
	assert_true(!code || code == -EFBIG);
	assert_int_equal(fclose(out), 0);
	assert_in_range(sum, 1, MOST_OUTPUT);
	capture_free(c);
	assert_true(seconds() - begin < MOST_SECONDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_row),	      cmocka_unit_test(test_ring),
		cmocka_unit_test(test_parallel),      cmocka_unit_test(test_mesh),
		cmocka_unit_test(test_wait_contexts), cmocka_unit_test(test_long_texts),
		cmocka_unit_test(test_hostile_words), cmocka_unit_test(test_proc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
