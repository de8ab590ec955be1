// SPDX-License-Identifier: GPL-2.0-only
/* The budget on simulated machines: what it costs there is counted, not estimated. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/budget.h"

#define S 1000000000ull

struct machine {
	unsigned int cpus;
	double rate;		/* events a second */
	double armed, disarmed; /* what an event really costs, ns */
	double attach;		/* ns, of the process' own, each way */
	double look;		/* ns, own, each time the budget is asked */
	double own;		/* CPU seconds a second, own, whatever it does */
	double (*load)(double seconds); /* factor of rate, or NULL */
	/* So far. */
	double now, events, own_ns, cost, events_all, loan;
	bool attached;
	unsigned int attachments;
};

struct outcome {
	double used;  /* of all CPUs */
	double worst; /* most ever spent beyond what had come in, seconds of share */
	double armed; /* share of time */
	enum budget_mode mode;
	double seconds;
};

static void pay(struct machine *m, double ns)
{
	m->own_ns += ns;
	m->cost += ns;
	m->now += ns / m->cpus; /* work takes its time */
}

static void switch_to(struct machine *m, enum budget_mode mode)
{
	bool attached = mode == BUDGET_ARMED || mode == BUDGET_DISARMED;

	if (attached != m->attached) {
		pay(m, m->attach);
		m->attachments++;
	}
	m->attached = attached;
}

static void pass(struct machine *m, enum budget_mode mode, double ns)
{
	double factor = m->load ? m->load(m->now / S) : 1;
	double events = m->rate * factor * ns / S;

	m->now += ns;
	m->events_all += events;
	m->own_ns += m->own * ns;
	m->cost += m->own * ns;
	if (mode == BUDGET_ARMED) {
		m->events += events;
		m->cost += events * m->armed;
	} else if (mode == BUDGET_DISARMED) {
		m->cost += events * m->disarmed;
	}
}

static struct budget run(struct machine *m, double share, double window, double seconds,
			 struct outcome *ret)
{
	struct budget_settings set = { share, m->cpus, window * S };
	struct budget_costs costs = { m->armed, m->disarmed, 2 * m->attach };
	struct budget_look look = {};
	enum budget_mode mode = BUDGET_DISARMED;
	struct budget b;

	*ret = (struct outcome){};
	m->attached = true;
	budget_begin(&b, &set, &costs, &look);
	while (m->now < seconds * S && mode != BUDGET_STOPPED) {
		double ahead;

		pay(m, m->look);
		look = (struct budget_look){ m->now, m->events, m->own_ns };
		mode = budget_next(&b, &look);
		switch_to(m, mode);
		assert_true(budget_wait(&b) >= 1000000);
		pass(m, mode, budget_wait(&b));
		ahead = m->cost / S / (share * m->cpus) - m->now / S;
		if (ahead > ret->worst)
			ret->worst = ahead;
	}
	ret->mode = mode;
	ret->seconds = m->now / S;
	ret->used = m->cost / m->now / m->cpus;
	ret->armed = b.armed_ns / (double)b.watched_ns;
	print_message("used %.4f%% of %.2f%%, armed %.2f%%, %llu windows, %u attachments, worst "
		      "%.1f s, mode %d\n", ret->used * 100, share * 100, ret->armed * 100,
		      (unsigned long long)b.windows, m->attachments, ret->worst, mode);
	return b;
}

static const struct machine usual = { .cpus = 4, .armed = 400, .disarmed = 180, .attach = 3e8,
				      .look = 2e5 };

static void check_kept(const struct outcome *o, double share)
{
	assert_int_not_equal(o->mode, BUDGET_STOPPED);
	assert_true(o->used <= share * 1.02);
	assert_true(o->worst <= 60);
}

static void test_idle(void **state)
{
	struct machine m = usual;
	struct outcome o;

	m.rate = 1000;
	run(&m, 0.005, 10, 3600, &o);
	check_kept(&o, 0.005);
	assert_true(o.armed > 0.98);
	assert_int_equal(m.attachments, 0);
}

/* More than can be seen all the time, but hooks at rest are affordable. */
static void test_attached(void **state)
{
	struct machine m = usual;
	struct outcome o;

	m.rate = 70e3;
	run(&m, 0.005, 10, 3 * 3600, &o);
	check_kept(&o, 0.005);
	assert_true(o.used >= 0.005 * 0.8);
	assert_true(o.armed > 0.2 && o.armed < 0.6);
}

/* Hooks at rest alone would cost more than there is. */
static void test_detached(void **state)
{
	struct machine m = usual;
	struct outcome o;

	m.rate = 1e6;
	run(&m, 0.005, 10, 3 * 3600, &o);
	check_kept(&o, 0.005);
	assert_true(o.used >= 0.005 * 0.8);
	assert_true(o.armed > 0.02);
	assert_true(m.attachments > 10);
}

static void test_more_budget_sees_more(void **state)
{
	struct machine few = usual, many = usual;
	struct outcome o, p;

	few.rate = many.rate = 1e6;
	run(&few, 0.005, 10, 3 * 3600, &o);
	run(&many, 0.05, 10, 3 * 3600, &p);
	check_kept(&p, 0.05);
	assert_true(p.used >= 0.05 * 0.8);
	assert_true(p.armed > 5 * o.armed);
}

static double bursts(double seconds)
{
	return fmod(seconds, 300) < 30 ? 50 : 1;
}

static void test_bursts(void **state)
{
	struct machine m = usual;
	struct outcome o;

	m.rate = 40e3;
	m.load = bursts;
	run(&m, 0.005, 10, 6 * 3600, &o);
	/*
	 * Rest is booked at the rate last seen. A machine that is busier while
	 * nobody looks costs what an attached hook costs: some, not many times.
	 */
	assert_int_not_equal(o.mode, BUDGET_STOPPED);
	assert_true(o.used <= 0.005 * 2);
	assert_true(o.used >= 0.005 * 0.5);
}

static double surge(double seconds)
{
	return seconds > 1800 ? 100 : 1;
}

static void test_surge(void **state)
{
	struct machine m = usual;
	struct outcome o;

	m.rate = 20e3;
	m.load = surge;
	run(&m, 0.005, 10, 4 * 3600, &o);
	check_kept(&o, 0.005);
}

/* Even a tenth of a second is too dear, and what is dear is known at the first look. */
static void test_cannot(void **state)
{
	struct machine m = usual;
	struct outcome o;
	struct budget b;

	m.rate = 50e6;
	b = run(&m, 0.0001, 10, 3600, &o);
	assert_int_equal(o.mode, BUDGET_STOPPED);
	assert_non_null(b.why);
	assert_true(o.seconds < 60);
}

/* Attaching costs more than ten minutes' share, and hooks at rest more than all of it. */
static void test_cannot_detach(void **state)
{
	struct machine m = usual;
	struct outcome o;

	m.rate = 1e6;
	m.attach = 20e9;
	run(&m, 0.005, 10, 3600, &o);
	assert_int_equal(o.mode, BUDGET_STOPPED);
}

static void test_own_work_too_dear(void **state)
{
	struct machine m = usual;
	struct outcome o;

	m.rate = 1000;
	m.own = 0.03; /* the share is 0.02 CPUs */
	run(&m, 0.005, 10, 5 * 3600, &o);
	assert_int_equal(o.mode, BUDGET_STOPPED);
	assert_true(o.seconds < 2 * 3600);
}

/* It must say what it really used, and what it did not see. */
static void test_says_what_is(void **state)
{
	struct machine m = usual;
	struct outcome o;
	struct budget b;

	m.rate = 200e3;
	b = run(&m, 0.01, 10, 2 * 3600, &o);
	assert_true(fabs(b.spent - m.cost) < 0.02 * m.cost);
	assert_true(fabs(budget_used(&b) - o.used) < 0.2 * o.used);
	assert_true(fabs(budget_seen(&b) - m.events / m.events_all) <
		    0.05 * m.events / m.events_all);
}

static void test_many_cpus(void **state)
{
	struct machine m = usual;
	struct outcome o;

	m.cpus = 256;
	m.rate = 80e6;
	m.attach = 2e9;
	m.look = 5e6;
	run(&m, 0.005, 10, 3 * 3600, &o);
	check_kept(&o, 0.005);
	assert_true(o.used >= 0.005 * 0.7);
}

static void test_new_settings(void **state)
{
	struct budget_settings set = { 0.5, 2, S };
	struct budget_costs costs = { 400, 180, 0 };
	struct budget_look look = {};
	struct budget b;

	budget_begin(&b, &set, &costs, &look);
	look.now_ns = 3600 * S;
	budget_next(&b, &look);
	assert_true(b.credit > 1e11);
	set.share = 0.001;
	budget_set(&b, &set);
	assert_true(b.credit <= 0.001 * 2 * 600e9 * 1.001);
}

/* Hooks that come or go, one by one for seconds, cost half of what they cost in place. */
static void test_coming_and_going(void **state)
{
	const struct budget_settings set = { 0.005, 1, 1000000000 };
	const struct budget_costs costs = { 400, 180, 3e8 };
	struct budget_look look = {};
	struct budget b;
	double before;

	(void)state;
	budget_begin(&b, &set, &costs, &look);
	assert_int_equal(budget_next(&b, &look), BUDGET_ARMED);
	budget_settle(&b, &look);
	look.now_ns = 100000000;
	look.events = 10000;
	budget_next(&b, &look);
	before = b.spent_hooks;
	look.now_ns += 10000000000;
	budget_settle(&b, &look);
	assert_true(b.spent_hooks - before > 0.99 * 1e5 * 180 * 10 / 2);
	assert_true(b.spent_hooks - before < 1.01 * 1e5 * 180 * 10 / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_attached),
		cmocka_unit_test(test_detached),
		cmocka_unit_test(test_more_budget_sees_more),
		cmocka_unit_test(test_bursts),
		cmocka_unit_test(test_surge),
		cmocka_unit_test(test_cannot),
		cmocka_unit_test(test_cannot_detach),
		cmocka_unit_test(test_own_work_too_dear),
		cmocka_unit_test(test_says_what_is),
		cmocka_unit_test(test_many_cpus),
		cmocka_unit_test(test_coming_and_going),
		cmocka_unit_test(test_new_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
