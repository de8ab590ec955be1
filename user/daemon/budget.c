// SPDX-License-Identifier: GPL-2.0-only
#include "daemon/budget.h"

#include <string.h>

#define SECOND 1e9
#define PERIOD 600.0	 /* seconds: the account holds so much of the share, no more */
#define LOAN 10.0	 /* seconds of the share, to begin with */
#define RATE_MEMORY 10.0 /* armed seconds that the rate is taken from */
#define LEAST_WINDOW 0.1 /* seconds: shorter ones see little, and are hard to end in time */
#define LOOK 0.25	 /* seconds between two looks while armed */
#define LOOK_SOON 0.02
#define REST_LOOK 1.0
#define PATIENCE 3600.0 /* seconds of rest that do not pay for a window: it never will */

static double income(const struct budget *b)
{
	return b->set.share * b->set.cpus; /* CPU seconds a second */
}

static double most(const struct budget *b)
{
	return income(b) * PERIOD * SECOND;
}

/* CPU seconds a second, of the hooks. */
static double armed_rate(const struct budget *b)
{
	return b->rate < 0 ? 0 : b->rate * b->costs.armed / SECOND;
}

static double disarmed_rate(const struct budget *b)
{
	return b->rate < 0 ? 0 : b->rate * b->costs.disarmed / SECOND;
}

void budget_set(struct budget *b, const struct budget_settings *set)
{
	b->set = *set;
	if (b->credit > most(b))
		b->credit = most(b);
}

void budget_begin(struct budget *b, const struct budget_settings *set,
		  const struct budget_costs *costs, const struct budget_look *look)
{
	*b = (struct budget){
		.set = *set,
		.costs = *costs,
		.last = *look,
		.mode = BUDGET_DISARMED,
		.rate = -1,
		.rest_from = look->now_ns,
	};
	b->credit = income(b) * LOAN * SECOND;
}

static void learn_rate(struct budget *b, double events, double seconds)
{
	if (seconds <= 0)
		return;
	if (b->rate < 0)
		b->rate = 0;
	b->rate = (b->rate * b->rate_seconds + events) / (b->rate_seconds + seconds);
	b->rate_seconds += seconds;
	if (b->rate_seconds > RATE_MEMORY)
		b->rate_seconds = RATE_MEMORY;
}

/* in_place: which share of the hooks, while it does not record. */
static void book(struct budget *b, const struct budget_look *look, double in_place)
{
	double ns = look->now_ns - b->last.now_ns, seconds = ns / SECOND;
	double events = look->events - b->last.events;
	double hooks = 0, own = look->own_ns - b->last.own_ns;
	double fade = seconds < PERIOD ? 1 - seconds / PERIOD : 0;

	if (b->mode == BUDGET_ARMED) {
		hooks = events * b->costs.armed;
		learn_rate(b, events, seconds);
		b->armed_ns += ns;
	} else if (b->rate > 0) {
		b->unseen += b->rate * seconds;
		hooks = in_place * disarmed_rate(b) * ns;
	}
	b->watched_ns += ns;
	b->spent += hooks + own;
	b->spent_hooks += hooks;
	b->credit += income(b) * ns - hooks - own;
	if (b->credit > most(b))
		b->credit = most(b);
	b->recent_spent = b->recent_spent * fade + hooks + own;
	b->recent_seconds = b->recent_seconds * fade + seconds;
	b->last = *look;
}

/* Seconds of recording that a full account pays for, within the setting. */
static double window_seconds(const struct budget *b, double before)
{
	double seconds = b->set.window_ns / SECOND, rate = armed_rate(b);
	double payable = rate > 0 ? (most(b) - before) / SECOND / rate : seconds;

	return payable < seconds ? payable : seconds;
}

/* Share of time armed that resting attached leads to. */
static double share_attached(const struct budget *b)
{
	double armed = armed_rate(b), rest = disarmed_rate(b);

	if (window_seconds(b, 0) < LEAST_WINDOW || income(b) <= rest)
		return 0;
	return armed <= income(b) ? 1 : (income(b) - rest) / (armed - rest);
}

static double share_detached(const struct budget *b)
{
	double window = window_seconds(b, b->costs.cycle);
	double cost = window * armed_rate(b) + b->costs.cycle / SECOND;

	return window < LEAST_WINDOW || cost <= 0 ? 0 : window * income(b) / cost;
}

static void stop(struct budget *b, const char *why)
{
	b->mode = BUDGET_STOPPED;
	b->why = why;
}

static void rest(struct budget *b)
{
	double attached = share_attached(b), detached = share_detached(b);

	b->rest_from = b->last.now_ns;
	if (attached <= 0 && detached <= 0)
		stop(b, "this machine takes locks so often that the budget does not pay for a "
			"tenth of a second of watching in ten minutes");
	else
		b->mode = attached >= detached ? BUDGET_DISARMED : BUDGET_DETACHED;
}

/* What must be in the account before a window opens. */
static double price(const struct budget *b)
{
	double before = b->mode == BUDGET_DETACHED ? b->costs.cycle : 0;
	double price = window_seconds(b, before) * armed_rate(b) * SECOND + before;

	/* Of an idle machine, too, a moment is paid in advance. */
	if (price < income(b) * SECOND)
		price = income(b) * SECOND;
	return price < most(b) ? price : most(b) * 0.999;
}

static void open_window(struct budget *b)
{
	b->mode = BUDGET_ARMED;
	b->window_from = b->last.now_ns;
	b->windows++;
}

static double window_left(const struct budget *b)
{
	return (double)b->set.window_ns - (double)(b->last.now_ns - b->window_from);
}

static void next_armed(struct budget *b)
{
	if (b->credit <= 0) {
		b->cut_short += window_left(b) > 0;
		rest(b);
	} else if (window_left(b) <= 0) {
		/* Nothing is gained by a pause that need not be. */
		if (b->credit >= price(b))
			open_window(b);
		else
			rest(b);
	}
}

static void next_resting(struct budget *b)
{
	if (b->credit >= price(b))
		open_window(b);
	else if ((b->last.now_ns - b->rest_from) / SECOND > PATIENCE)
		stop(b,
		     "after an hour of rest the budget still does not pay for a window: lockvane's "
		     "own work uses it up");
}

enum budget_mode budget_next(struct budget *b, const struct budget_look *look)
{
	book(b, look, b->mode == BUDGET_DISARMED);
	if (b->mode == BUDGET_ARMED)
		next_armed(b);
	else if (b->mode != BUDGET_STOPPED)
		next_resting(b);
	return b->mode;
}

void budget_settle(struct budget *b, const struct budget_look *look)
{
	enum budget_mode mode = b->mode;

	/* Hooks came or went one by one, which takes seconds: half of them, on the average. */
	b->mode = BUDGET_DETACHED;
	book(b, look, 0.5);
	b->mode = mode;
	b->window_from = b->rest_from = look->now_ns;
}

static double within(double seconds, double least, double most)
{
	return seconds < least ? least : seconds > most ? most : seconds;
}

uint64_t budget_wait(const struct budget *b)
{
	double seconds = REST_LOOK;

	if (b->mode == BUDGET_ARMED) {
		double rate = armed_rate(b) - income(b);

		seconds = rate > 0 ? b->credit / SECOND / rate : LOOK;
		if (window_left(b) / SECOND < seconds)
			seconds = window_left(b) / SECOND;
		/* Before anything is known of the rate, look soon. */
		seconds = within(seconds, LOOK_SOON, b->rate_seconds < LOOK ? LOOK_SOON : LOOK);
	} else if (b->mode != BUDGET_STOPPED && income(b) > 0) {
		seconds = within((price(b) - b->credit) / SECOND / income(b), LOOK, REST_LOOK);
	}
	return seconds * SECOND;
}

double budget_used(const struct budget *b)
{
	return b->recent_seconds > 0 ? b->recent_spent / SECOND / b->recent_seconds / b->set.cpus
				     : 0;
}

double budget_seen(const struct budget *b)
{
	double seen = b->last.events;

	if (b->rate < 0)
		return -1;
	return seen + b->unseen > 0 ? seen / (seen + b->unseen) : 1;
}
