// SPDX-License-Identifier: GPL-2.0-only
/* When do waits for locks end a window? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "trace/valve.h"

#define S 1000000000ull
#define STEP (S / 5)
#define FACTOR 4

/* Waits a second come in; each fifth of one, somebody looks. */
struct load {
	struct valve valve;
	uint64_t now, waits;
};

static void begin(struct load *l, double factor, unsigned int cpus)
{
	l->now = 100 * S;
	l->waits = 12345; /* it is growth that counts */
	valve_begin(&l->valve, factor, cpus, l->now, l->waits);
}

/* Seconds until it closes, or -1. */
static double pass(struct load *l, bool armed, double rate, double seconds)
{
	for (double t = 0; t < seconds; t += (double)STEP / S) {
		l->now += STEP;
		l->waits += rate * STEP / S;
		if (valve_look(&l->valve, l->now, l->waits, armed))
			return t + (double)STEP / S;
	}
	return -1;
}

static void test_as_before(void **state)
{
	struct load l;

	begin(&l, FACTOR, 2);
	assert_true(pass(&l, false, 20000, 10) < 0);
	assert_true(pass(&l, true, 20000, 60) < 0);
	assert_true(pass(&l, true, 60000, 60) < 0);
}

static void test_grows(void **state)
{
	struct load l;
	double after;

	begin(&l, FACTOR, 2);
	assert_true(pass(&l, false, 20000, 10) < 0);
	after = pass(&l, true, 100000, 60);
	assert_true(after > 0 && after <= 2);
	assert_true(valve_growth(&l.valve) > FACTOR);
}

/* Whatever it is a multiple of: too little to matter. */
static void test_few(void **state)
{
	struct load l;

	begin(&l, FACTOR, 16);
	assert_true(pass(&l, false, 1, 10) < 0);
	assert_true(pass(&l, true, 7000, 60) < 0);
	assert_true(pass(&l, true, 10000, 5) > 0);
}

/* It was there before, if not all the time: of that, arming is not the cause. */
static void test_bursts(void **state)
{
	struct load l;

	begin(&l, FACTOR, 2);
	for (int i = 0; i < 5; i++) {
		assert_true(pass(&l, false, 50000, 2) < 0);
		assert_true(pass(&l, false, 10, 8) < 0);
	}
	assert_true(pass(&l, true, 100000, 10) < 0);
}

/* Half a second is a burst of the load's own. */
static void test_one_burst(void **state)
{
	struct load l;

	begin(&l, FACTOR, 2);
	assert_true(pass(&l, false, 100, 10) < 0);
	assert_true(pass(&l, true, 100, 1.8) < 0);
	assert_true(pass(&l, true, 100000, 0.6) < 0);
	assert_true(pass(&l, true, 100, 10) < 0);
}

/* What was waited for while arming, or disarming, counts as neither. */
static void test_change(void **state)
{
	struct load l;

	begin(&l, FACTOR, 2);
	assert_true(pass(&l, false, 100, 10) < 0);
	for (int i = 0; i < 20; i++) {
		l.waits += 1000000;
		assert_true(pass(&l, true, 100, 3) < 0);
		l.waits += 1000000;
		assert_true(pass(&l, false, 100, 3) < 0);
	}
	assert_true(l.valve.calm < 200);
}

/* The load stays after closing: it was the load, and the next window goes by that. */
static void test_learns(void **state)
{
	struct load l;

	begin(&l, FACTOR, 2);
	assert_true(pass(&l, false, 100, 10) < 0);
	assert_true(pass(&l, true, 50000, 10) > 0);
	assert_int_equal(valve_hold_ns(&l.valve), 10 * S);
	assert_true(pass(&l, false, 50000, 10) < 0);
	assert_true(pass(&l, true, 50000, 60) < 0);
}

/* It goes with the hooks: it is the hooks, and the next try comes later each time, if not never. */
static void test_hold(void **state)
{
	uint64_t before = 0;
	struct load l;

	begin(&l, FACTOR, 2);
	for (int i = 0; i < 12; i++) {
		uint64_t hold;

		assert_true(pass(&l, false, 100, 600) < 0);
		assert_true(pass(&l, true, 50000, 10) > 0);
		hold = valve_hold_ns(&l.valve);
		assert_true(hold == 600 * S || hold == 2 * before || (!before && hold == 10 * S));
		before = hold;
	}
	assert_int_equal(before, 600 * S);
	valve_good(&l.valve);
	assert_int_equal(valve_hold_ns(&l.valve), 10 * S);
}

static void test_never(void **state)
{
	struct load l;

	begin(&l, 0, 2);
	assert_true(pass(&l, false, 100, 10) < 0);
	assert_true(pass(&l, true, 1000000, 10) < 0);
}

static void test_counts(void **state)
{
	struct lv_valve *counts = calloc(1, sizeof(*counts));
	struct load l;

	counts->cpu[0].waits = 3;
	counts->cpu[LV_MAX_CPUS - 1].waits = 4;
	assert_int_equal(valve_waits(counts), 7);
	free(counts);

	begin(&l, FACTOR, 2);
	pass(&l, false, 1000, 10);
	pass(&l, true, 2000, 10);
	pass(&l, false, 1000, 1);
	assert_in_range(l.valve.waits[false], 10500, 11500);
	assert_in_range(l.valve.waits[true], 19500, 20500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_before), cmocka_unit_test(test_grows),
		cmocka_unit_test(test_few),	  cmocka_unit_test(test_bursts),
		cmocka_unit_test(test_one_burst), cmocka_unit_test(test_change),
		cmocka_unit_test(test_learns),	  cmocka_unit_test(test_hold),
		cmocka_unit_test(test_never),	  cmocka_unit_test(test_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
