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
#define STEPS 60 /* hooks that come or go, one by one */

struct machine {
	unsigned int cpus;
	double work;		/* CPUs it would keep busy by itself */
	double density;		/* lock events in a CPU second of that */
	double armed, disarmed; /* what an event really costs, ns */
	double attach;		/* ns, of the process' own, each way */
	double moves;		/* seconds that takes */
	double look;		/* ns, own, each time the budget is asked */
	double own;		/* CPU seconds a second, own, whatever it does */
	double (*load)(double seconds); /* factor of work, or NULL */
	double leaves;		/* share of events whose hooks stay at rest, once a window was seen; 0: none */
	double part;		/* of a whole move, what one is then */
	bool chooses;		/* these two are the budget's choice */
	/* So far. */
	double now, events, own_ns, busy_ns, cost, events_all;
	bool attached, partly;
	unsigned int attachments;
};

struct outcome {
	double used;  /* of all CPUs */
	double worst; /* most ever spent beyond what had come in, seconds of share */
	double armed; /* share of time */
	double first; /* when the first window opened, seconds */
	enum budget_mode mode;
	double seconds;
};

static double work_now(const struct machine *m)
{
	double work = m->work * (m->load ? m->load(m->now / S) : 1);

	return work < m->cpus ? work : m->cpus;
}

/* Time passes, with hooks that cost so much an event: work makes room for them. */
static void pass(struct machine *m, bool armed, double in_place, double ns)
{
	double added = m->density * (armed ? m->armed : m->disarmed * in_place) / S;
	double work = work_now(m), room = m->cpus / (1 + added);
	double events;

	work = (work < room ? work : room) * ns;
	events = work / S * m->density;
	m->now += ns;
	m->events_all += events;
	m->events += armed ? events : 0;
	m->own_ns += m->own * ns;
	m->busy_ns += work * (1 + added) + m->own * ns;
	m->cost += work * added + m->own * ns;
}

static void work_itself(struct machine *m, double ns)
{
	m->own_ns += ns;
	m->busy_ns += ns;
	m->cost += ns;
}

static struct budget_look look(const struct machine *m)
{
	/* The kernel tells busy time by the hundredth of a second. */
	return (struct budget_look){ m->now, m->events, m->own_ns,
				     floor(m->busy_ns / 1e7) * 1e7 };
}

/* The hot hooks come last and go first. */
static double in_place(double gone)
{
	return pow(1 - gone, 8);
}

static void choose_left(struct machine *m, const struct budget *b)
{
	double left[STEPS + 1];
	int n = 0;

	for (int i = 0; i <= STEPS; i++)
		left[i] = in_place(i / (double)STEPS);
	m->leaves = budget_choose_left(b, left, STEPS);
	while (left[n] > m->leaves)
		n++;
	m->part = n / (double)STEPS;
}

static void move(struct machine *m, struct budget *b, bool attach)
{
	struct budget_move took = {};
	int steps;

	if (m->chooses && !attach && b->windows)
		choose_left(m, b);
	m->partly = attach ? m->partly : m->leaves > 0 && b->windows > 0;
	steps = m->partly ? lround(STEPS * m->part) : STEPS;
	took.hooks = steps;
	for (int step = 0; step < steps; step++) {
		double share = in_place((attach ? steps - step : step + 1) / (double)steps);
		double left = m->partly ? m->leaves : 0;
		struct budget_look now;

		share = left + (1 - left) * share;
		work_itself(m, m->attach / STEPS);
		m->cost += m->attach / STEPS / 2; /* kernel threads' */
		m->busy_ns += m->attach / STEPS / 2;
		pass(m, false, share, m->moves * S / STEPS);
		now = look(m);
		budget_pass(b, &now, share, &took);
	}
	*(attach ? &b->costs.attach : &b->costs.detach) = took;
	if (!attach)
		budget_leave(b, m->partly ? m->leaves : 0);
	m->attached = attach;
	m->attachments += attach;
}

static void follow(struct machine *m, struct budget *b, enum budget_mode before)
{
	bool attached = b->mode == BUDGET_ARMED || b->mode == BUDGET_DISARMED;

	if (b->mode == before)
		return;
	if (attached != m->attached)
		move(m, b, attached);
	budget_settle(b);
}

static void begin(struct machine *m, struct budget *b, double share, double window)
{
	struct budget_settings set = { share, m->cpus, window * S };
	struct budget_costs costs = { m->armed, m->disarmed, { m->attach, m->moves * S / 2, 0 },
				      { m->attach, m->moves * S / 2, 0 } };
	struct budget_look now = look(m);

	m->attached = true;
	budget_begin(b, &set, &costs, &now);
	if (b->mode != BUDGET_DETACHED)
		return;
	/* That is not counted, as loading is not. */
	move(m, b, false);
	costs.attach = costs.detach = b->costs.detach;
	m->cost = m->now = m->events_all = 0;
	now = look(m);
	budget_begin(b, &set, &costs, &now);
}

static struct budget run(struct machine *m, double share, double window, double seconds,
			 struct outcome *ret)
{
	enum budget_mode before;
	struct budget b;

	*ret = (struct outcome){ .worst = -1e9, .first = -1 };
	begin(m, &b, share, window);
	while (m->now < seconds * S && b.mode != BUDGET_STOPPED) {
		struct budget_look now;
		double ahead;

		before = b.mode;
		work_itself(m, m->look);
		now = look(m);
		budget_next(&b, &now);
		if (b.mode == BUDGET_ARMED && ret->first < 0)
			ret->first = m->now / S;
		follow(m, &b, before);
		assert_true(budget_wait(&b) >= 1000000);
		pass(m, b.mode == BUDGET_ARMED, b.mode == BUDGET_DISARMED ? 1 : b.left, budget_wait(&b));
		ahead = m->cost / S / (share * m->cpus) - m->now / S;
		if (ahead > ret->worst)
			ret->worst = ahead;
	}
	ret->mode = b.mode;
	ret->seconds = m->now / S;
	ret->used = m->cost / m->now / m->cpus;
	ret->armed = b.armed_ns / (double)b.watched_ns;
	print_message("used %.4f%% of %.2f%%, says %.4f%%, armed %.2f%%, %llu windows from %.0f s on, "
		      "%u attachments, worst %.1f s, mode %d\n", ret->used * 100, share * 100,
		      b.spent / b.watched_ns / m->cpus * 100, ret->armed * 100,
		      (unsigned long long)b.windows, ret->first, m->attachments, ret->worst, ret->mode);
	return b;
}

/* A tenth of a busy CPU's time is hooks' at rest, if they are there. */
static const struct machine usual = { .cpus = 4, .work = 2, .density = 500e3, .armed = 400,
				      .disarmed = 180, .attach = 3e8, .moves = 6, .look = 2e5 };

/* Kept, at any time, but for some seconds' share: it does not look all the time, and estimates. */
static void check_kept(const struct outcome *o, double share)
{
	assert_int_not_equal(o->mode, BUDGET_STOPPED);
	assert_true(o->used <= share * 1.02);
	assert_true(o->worst <= 15);
}

/* What it says it has cost. */
static void check_says(const struct budget *b, const struct machine *m, double off)
{
	assert_true(fabs(b->spent - m->cost) < off * m->cost);
}

static void test_idle(void **state)
{
	struct machine m = usual;
	struct outcome o;

	m.work = 0.01;
	m.density = 100e3;
	run(&m, 0.005, 10, 3600, &o);
	check_kept(&o, 0.005);
	assert_true(o.armed > 0.95);
	assert_true(o.first < 150);
	assert_int_equal(m.attachments, 1);
}

/* More than can be seen all the time, but hooks at rest are affordable. */
static void test_attached(void **state)
{
	struct machine m = usual;
	struct outcome o;

	m.work = 0.7;
	m.density = 100e3;
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
	struct budget b = run(&m, 0.005, 10, 3 * 3600, &o);

	check_kept(&o, 0.005);
	check_says(&b, &m, 0.05);
	assert_true(o.used >= 0.005 * 0.8);
	assert_true(o.armed > 0.02);
	assert_true(m.attachments > 10);
}

/* Hooks that see little stay where they are: a move is a fifth of one, and more is recorded. */
static void test_partly_detached(void **state)
{
	struct machine whole = usual, part;
	struct outcome o, p;
	struct budget b;

	whole.attach = 2e9;
	part = whole;
	part.leaves = 0.002;
	part.part = 0.2;
	run(&whole, 0.005, 10, 3 * 3600, &o);
	b = run(&part, 0.005, 10, 3 * 3600, &p);
	check_kept(&p, 0.005);
	check_says(&b, &part, 0.05);
	assert_true(p.armed > 1.3 * o.armed);
}

/* Left in place is as much as leaves most time to record: more than next to nothing, where moves are dear. */
static void test_choice_of_left(void **state)
{
	struct machine fixed = usual, chosen;
	struct outcome o, p;
	struct budget b;

	fixed.attach = 4e9;
	chosen = fixed;
	fixed.leaves = 0.002;
	fixed.part = 0.55; /* as the machine's hooks are: see in_place() */
	run(&fixed, 0.025, 10, 3 * 3600, &o);
	chosen.chooses = true;
	b = run(&chosen, 0.025, 10, 3 * 3600, &p);
	check_kept(&p, 0.025);
	check_says(&b, &chosen, 0.05);
	assert_true(chosen.leaves > 0.002 && chosen.part < 0.5);
	assert_true(p.armed > 1.2 * o.armed);
}

/* Before anything was moved, all go; and where a hook that stays would see too much. */
static void test_no_choice(void **state)
{
	static const double left[] = {1, 0.3, 0.1, 0};
	struct machine m = usual;
	struct budget b;

	begin(&m, &b, 0.005, 10);
	b.costs.attach.hooks = b.costs.detach.hooks = 0;
	assert_true(budget_choose_left(&b, left, 3) == 0);
	b.costs.attach.hooks = b.costs.detach.hooks = 3;
	assert_true(budget_choose_left(&b, left, 3) == 0);
}

/* What is left in place is paid for, much as it may be. */
static void test_left_is_paid_for(void **state)
{
	struct machine m = usual;
	struct outcome o;

	m.leaves = 0.1;
	m.part = 0.2;
	run(&m, 0.005, 10, 3 * 3600, &o);
	check_kept(&o, 0.005);
}

static void test_more_budget_sees_more(void **state)
{
	struct machine few = usual, many = usual;
	struct outcome o, p;

	run(&few, 0.005, 10, 3 * 3600, &o);
	run(&many, 0.05, 10, 3 * 3600, &p);
	check_kept(&p, 0.05);
	assert_true(p.used >= 0.05 * 0.8);
	assert_true(p.armed > 5 * o.armed);
}

/* Nothing but locks, on one CPU, as in make bench: dear whatever it does, and kept. */
static void test_dense(void **state)
{
	for (double seconds = 60; seconds < 2000; seconds *= 1.5) {
		struct machine m = usual;
		struct outcome o;
		struct budget b;

		m.cpus = 1;
		m.work = 1;
		m.density = 2.5e6;
		m.moves = 15;
		b = run(&m, 0.005, 10, seconds, &o);
		check_kept(&o, 0.005);
		check_says(&b, &m, 0.1);
	}
}

static double wakes(double seconds)
{
	return seconds < 500 ? 0.01 : 1;
}

/* Busy now and idle before: what was left in place then never takes more than comes in. */
static void test_left_when_busy(void **state)
{
	struct machine m = usual;
	struct outcome o;

	m.chooses = true;
	m.attach = 2e9;
	m.load = wakes;
	run(&m, 0.005, 10, 3 * 3600, &o);
	check_kept(&o, 0.005);
}

/* An idle machine, of which nothing is learned, gets busy. */
static void check_wakes(unsigned int cpus, double density, double share)
{
	struct machine m = usual;
	struct outcome o;
	struct budget b;

	m.cpus = m.work = cpus;
	m.density = density;
	m.load = wakes;
	b = run(&m, share, 10, 3600, &o);
	check_kept(&o, share);
	check_says(&b, &m, 0.1);
	assert_true(o.first < 500);
}

static void test_wakes(void **state)
{
	check_wakes(1, 200e3, 0.005);
	check_wakes(1, 2e6, 0.005);
	check_wakes(64, 200e3, 0.005);
	check_wakes(64, 2e6, 0.005);
	check_wakes(64, 2e6, 0.05);
	check_wakes(4, 200e3, 0.02);
}

static double bursts(double seconds)
{
	return fmod(seconds, 300) < 30 ? 50 : 1;
}

static void test_bursts(void **state)
{
	struct machine m = usual;
	struct outcome o;
	struct budget b;

	m.work = 0.08;
	m.load = bursts;
	b = run(&m, 0.005, 10, 6 * 3600, &o);
	check_kept(&o, 0.005);
	check_says(&b, &m, 0.1);
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

	m.work = 0.04;
	m.load = surge;
	run(&m, 0.005, 10, 4 * 3600, &o);
	check_kept(&o, 0.005);
}

/* Another load: what was learned of the density does not hold for it. */
static double other(double seconds)
{
	return fmod(seconds, 1200) < 600 ? 1 : 0.1;
}

static void test_other_load(void **state)
{
	struct machine m = usual;
	struct outcome o;

	m.work = 4;
	m.load = other;
	run(&m, 0.005, 10, 4 * 3600, &o);
	check_kept(&o, 0.005);
}

/* Even a tenth of a second is too dear; ten minutes' share are there to find out. */
static void test_cannot(void **state)
{
	struct machine m = usual;
	struct outcome o;
	struct budget b;

	m.density = 5e6;
	m.attach = 1e7;
	b = run(&m, 0.0003, 10, 3600, &o);
	assert_int_equal(o.mode, BUDGET_STOPPED);
	assert_non_null(b.why);
	assert_true(o.seconds < 1200);
}

/* Attaching costs more than ten minutes' share, and hooks at rest would more than all of it. */
static void test_cannot_detach(void **state)
{
	struct machine m = usual;
	struct outcome o;

	m.attach = 20e9;
	run(&m, 0.005, 10, 3 * 3600, &o);
	assert_int_equal(o.mode, BUDGET_STOPPED);
	assert_true(o.seconds < 60); /* without having tried */
}

static void test_own_work_too_dear(void **state)
{
	struct machine m = usual;
	struct outcome o;

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

	m.work = 0.4;
	b = run(&m, 0.01, 10, 2 * 3600, &o);
	check_says(&b, &m, 0.02);
	assert_true(fabs(budget_used(&b) - o.used) < 0.2 * o.used);
	assert_true(fabs(m.events + b.unseen - m.events_all) < 0.05 * m.events_all);
}

static void test_many_cpus(void **state)
{
	struct machine m = usual;
	struct outcome o;

	m.cpus = 256;
	m.work = 160;
	m.attach = 2e9;
	m.look = 5e6;
	run(&m, 0.005, 10, 3 * 3600, &o);
	check_kept(&o, 0.005);
	assert_true(o.used >= 0.005 * 0.7);
}

/* Where hooks may rest whatever comes, they stay, and watching begins at once. */
static void test_all_of_it(void **state)
{
	struct machine m = usual;
	struct outcome o;

	run(&m, 1, 10, 600, &o);
	check_kept(&o, 1);
	assert_true(o.armed > 0.99);
	assert_int_equal(m.attachments, 0);
	assert_true(o.first < 2);
}

/* Hooks that are slow to move stay: it is armed or at rest with them, or has stopped. */
static void test_stays(void **state)
{
	struct budget_settings set = { 0.005, 2, 60 * S };
	struct budget_costs costs = { 300, 50, { 0.2 * S, 1 * S, 0 }, { 0.2 * S, 1 * S, 0 } };
	struct budget_look look = {};
	struct budget b;

	/* A load that would have it detach. */
	budget_begin(&b, &set, &costs, &look);
	assert_int_equal(b.mode, BUDGET_DETACHED);
	budget_stay(&b);
	assert_int_equal(b.mode, BUDGET_DISARMED);
	for (int i = 0; i < 7200 && b.mode != BUDGET_STOPPED; i++) {
		enum budget_mode before = b.mode;

		look.now_ns += S;
		look.busy_ns += 2 * S;
		look.events += before == BUDGET_ARMED ? 1000000 : 0;
		budget_next(&b, &look);
		assert_int_not_equal(b.mode, BUDGET_DETACHED);
		if (b.mode != before)
			budget_settle(&b);
	}
	assert_int_equal(b.mode, BUDGET_STOPPED); /* at rest they cost more than all of the budget */

	/* One that they can rest under. */
	budget_begin(&b, &set, &costs, &look);
	budget_stay(&b);
	for (int i = 0; i < 7200; i++) {
		enum budget_mode before = b.mode;

		look.now_ns += S;
		look.busy_ns += S / 50;
		look.events += before == BUDGET_ARMED ? 200 : 0;
		budget_next(&b, &look);
		assert_true(b.mode == BUDGET_ARMED || b.mode == BUDGET_DISARMED);
		if (b.mode != before)
			budget_settle(&b);
	}
	assert_true(b.windows > 0);
}

/* Somebody else ends the window: it rests until then, and that is no reason to give up. */
static void test_held(void **state)
{
	struct budget_settings set = { 0.05, 2, 60 * S };
	struct budget_costs costs = { 300, 50, { 0.2 * S, 1 * S, 0 }, { 0.2 * S, 1 * S, 0 } };
	struct budget_look look = {};
	struct budget b;
	uint64_t windows;

	budget_begin(&b, &set, &costs, &look);
	for (look.now_ns = S; b.mode != BUDGET_ARMED; look.now_ns += S) {
		assert_true(look.now_ns < 1000 * S);
		look.busy_ns += S;
		budget_next(&b, &look);
		if (b.mode == BUDGET_ARMED)
			break;
		budget_settle(&b);
	}
	windows = b.windows;
	assert_int_not_equal(budget_hold(&b, look.now_ns + 5000 * S), BUDGET_ARMED);
	budget_settle(&b);
	for (int i = 0; i < 4999; i++) {
		look.now_ns += S;
		look.busy_ns += S;
		assert_int_not_equal(budget_next(&b, &look), BUDGET_ARMED);
		assert_int_not_equal(b.mode, BUDGET_STOPPED);
	}
	assert_int_equal(b.windows, windows);
	for (int i = 0; i < 3 && b.mode != BUDGET_ARMED; i++) {
		look.now_ns += S;
		look.busy_ns += S;
		budget_next(&b, &look);
	}
	assert_int_equal(b.windows, windows + 1);
	assert_int_equal(b.cut_short, 0);
}

static void test_new_settings(void **state)
{
	struct budget_settings set = { 0.5, 2, S };
	struct budget_costs costs = { .armed = 400, .disarmed = 180 };
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_attached),
		cmocka_unit_test(test_detached),
		cmocka_unit_test(test_partly_detached),
		cmocka_unit_test(test_choice_of_left),
		cmocka_unit_test(test_left_when_busy),
		cmocka_unit_test(test_no_choice),
		cmocka_unit_test(test_left_is_paid_for),
		cmocka_unit_test(test_more_budget_sees_more),
		cmocka_unit_test(test_dense),
		cmocka_unit_test(test_wakes),
		cmocka_unit_test(test_bursts),
		cmocka_unit_test(test_surge),
		cmocka_unit_test(test_other_load),
		cmocka_unit_test(test_cannot),
		cmocka_unit_test(test_cannot_detach),
		cmocka_unit_test(test_own_work_too_dear),
		cmocka_unit_test(test_says_what_is),
		cmocka_unit_test(test_many_cpus),
		cmocka_unit_test(test_all_of_it),
		cmocka_unit_test(test_stays),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_new_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
