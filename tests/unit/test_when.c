// SPDX-License-Identifier: GPL-2.0-only
/* How durations and times are written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "base/glob.h"
#include "base/when.h"

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {
		{ "30", 30000000000ull },	{ "30s", 30000000000ull },
		{ "0.5", 500000000 },		{ "500ms", 500000000 },
		{ "1.5h", 5400000000000ull },	{ "1h30min", 5400000000000ull },
		{ "1h 30m", 5400000000000ull }, { " 2 d ", 172800000000000ull },
		{ "1w", 604800000000000ull },	{ "0", 0 },
		{ "2 days 4 hours", 187200000000000ull },
	};
	static const char *const bad[] = {
		"", " ", "s", "-1", "+1", "0x10", "1e3", "nan", "inf", "1.2.3", "1h30", "30 40", "1y",
		"1h-2min", "5%", "1hh", "min30", "1,5h", ".",
	};
	uint64_t ns;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(when_duration(good[i].text, &ns), 0);
		assert_int_equal(ns, good[i].ns);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (when_duration(bad[i], &ns) != -EINVAL)
			fail_msg("\"%s\" is taken as a duration", bad[i]);
	assert_int_equal(when_duration("99999999w", &ns), -ERANGE);
	assert_int_equal(when_duration("999999999999999999999999999999", &ns), -ERANGE);
}

#define NOW 1769862600 /* 2026-01-31 12:30:00 UTC */
#define DAY 86400ull

static void test_since(void **state)
{
	static const struct {
		const char *text;
		uint64_t seconds;
	} good[] = {
		{ "now", NOW },
		{ "30min", NOW - 1800 },
		{ "90m", NOW - 5400 },
		{ "1 hour ago", NOW - 3600 },
		{ "7d", NOW - 7 * DAY },
		{ "today", NOW - 45000 },
		{ "yesterday", NOW - 45000 - DAY },
		{ "2026-01-31", NOW - 45000 },
		{ "2026-01-31 12:30", NOW },
		{ "2026-01-31T12:30", NOW },
		{ "2026-01-31T12:30:15", NOW + 15 },
		{ "90 weeks ago", NOW - 630 * DAY },
	};
	static const char *const bad[] = {
		"", "tomorrow", "2026-02-30", "2026-13-01", "2026-1", "31.1.2026", "ago", "2026-01-31T",
		"2026-01-31 12:30 x", "12:30", "1y",
	};
	uint64_t ms;

	setenv("TZ", "UTC", 1);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (when_since(good[i].text, NOW, &ms))
			fail_msg("\"%s\" is no time", good[i].text);
		assert_int_equal(ms, good[i].seconds * 1000);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (when_since(bad[i], NOW, &ms) != -EINVAL)
			fail_msg("\"%s\" is taken as a time", bad[i]);
	/* Before the epoch is the epoch: everything. */
	assert_int_equal(when_since("5000w", NOW, &ms), 0);
	assert_int_equal(ms, 0);
}

static void test_globs(void **state)
{
	assert_true(glob_fits("*", ""));
	assert_true(glob_fits("*.lock", "inode.lock"));
	assert_true(glob_fits("a?c*", "abcdef"));
	assert_false(glob_fits("a?c", "ac"));
	assert_false(glob_fits("", "a"));
	assert_true(glob_fits("[x]", "[x]"));
	assert_false(glob_fits("[x]", "x"));
	assert_true(glob_fits_part("ab*", "abc --> d", 3));
	assert_false(glob_fits_part("*d", "abc --> d", 3));
	/* Costs the lengths' product, not more. */
	assert_false(glob_fits("*a*a*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_since),
		cmocka_unit_test(test_globs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
