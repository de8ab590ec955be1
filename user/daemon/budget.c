// SPDX-License-Identifier: GPL-2.0-only
#include "daemon/budget.h"

#include <string.h>

#define SECOND 1e9
#define PERIOD 600.0	 /* seconds: the account holds so much of the share, no more */
#define MEMORY 10.0	 /* seconds that the load is known from */
#define ENOUGH 0.1	 /* CPU seconds of work: less does not tell what is in them */
#define LEAST_WINDOW 0.1 /* seconds: shorter ones see little, and are hard to end in time */
#define LOOK 0.25	 /* seconds between two looks while armed */
#define LOOK_SOON 0.02
#define REST_LOOK 1.0
/*
 * CPU time that kernel threads and interrupts spend for each second of ours in moving hooks:
 * waiting for all tasks, freeing. As measured on an idle machine (make budget).
 */
#define BESIDES 0.5
#define LEFT_MOST 0.5 /* hooks left in place at rest take so much of the share at most, on a busy machine */
#define PATIENCE 3600.0 /* seconds of rest that do not pay for a window: it never will */

static double income(const struct budget *b)
{
	return b->set.share * b->set.cpus; /* CPU seconds a second */
}

static double credit_max(const struct budget *b)
{
	return income(b) * PERIOD * SECOND;
}

static double smaller_of(double x, double y)
{
	return x < y ? x : y;
}

static double clamp(double x, double min, double max)
{
	return x < min ? min : smaller_of(x, max);
}

/* --- the load -------------------------------------------------------------- */

/*
 * Lock events in a CPU second of work. Until enough was seen: so many that recording
 * them takes as long as the work itself, as in make bench. An idle machine does not
 * tell what a load will be like: it is work that counts, not time.
 */
static double density(const struct budget *b)
{
	double guess = SECOND / b->costs.armed;
	double work = b->seen_work > 0 ? b->seen_work : 0;

	if (work >= ENOUGH)
		return b->seen_events / work;
	return (b->seen_events + guess * (ENOUGH - work)) / ENOUGH;
}

/* The work that hooks add which cost so much an event. */
static double hooks_per_work(const struct budget *b, double event_ns)
{
	return density(b) * event_ns / SECOND;
}

/* CPU seconds a second, of hooks on a machine that is busy on all CPUs: work makes room for them.
 */
static double busy_rate(const struct budget *b, double event_ns)
{
	return b->set.cpus * hooks_per_work(b, event_ns) / (1 + hooks_per_work(b, event_ns));
}

/* CPUs at work. */
static double load(const struct budget *b)
{
	return b->work_seconds > 0 ? clamp(b->work / b->work_seconds, 0, b->set.cpus) : b->set.cpus;
}

/* As busy_rate(), on this machine as it is now. */
static double hooks_rate(const struct budget *b, double event_ns)
{
	return smaller_of(load(b) * hooks_per_work(b, event_ns), busy_rate(b, event_ns));
}

static double armed_rate(const struct budget *b)
{
	return hooks_rate(b, b->costs.armed);
}

static double disarmed_rate(const struct budget *b)
{
	return hooks_rate(b, b->costs.disarmed);
}

static double fade(double seconds, double memory)
{
	return seconds < memory ? 1 - seconds / memory : 0;
}

static void learn_load(struct budget *b, double work, double seconds)
{
	b->work = b->work * fade(seconds, MEMORY) + work;
	b->work_seconds = b->work_seconds * fade(seconds, MEMORY) + seconds;
}

static void learn_density(struct budget *b, double events, double work, double seconds)
{
	b->seen_events = b->seen_events * fade(seconds, MEMORY) + events;
	b->seen_work = b->seen_work * fade(seconds, MEMORY) + work;
}

/* --- the account ----------------------------------------------------------- */

/* CPU time that others had. Clocks of different grain: it may be told late. */
static double take_busy(struct budget *b, const struct budget_look *look)
{
	double busy = (double)look->busy_ns - (double)look->own_ns, more = busy - b->busy_ns;

	if (more <= 0)
		return 0;
	b->busy_ns = busy;
	return more;
}

static void pay_for(struct budget *b, double hooks, double own, double ns)
{
	b->spent += hooks + own;
	b->spent_hooks += hooks;
	b->credit = smaller_of(b->credit + income(b) * ns - hooks - own, credit_max(b));
	b->recent_spent = b->recent_spent * fade(ns / SECOND, PERIOD) + hooks + own;
	b->recent_seconds = b->recent_seconds * fade(ns / SECOND, PERIOD) + ns / SECOND;
}

/* in_place: of the hooks, by the share of events they see, while it does not record. */
static void book_time(struct budget *b, const struct budget_look *look, bool armed, double in_place,
		      double besides)
{
	double ns = look->now_ns - b->last.now_ns, seconds = ns / SECOND;
	double events = look->events - b->last.events, busy = take_busy(b, look);
	double hooks = events * b->costs.armed, work;

	busy = busy > besides ? busy - besides : 0; /* that is no load */
	work = busy - hooks;

	if (armed) {
		learn_density(b, events, work / SECOND, seconds);
		b->armed_ns += ns;
	} else {
		work = busy / (1 + in_place * hooks_per_work(b, b->costs.disarmed));
		hooks += busy - work;
		b->unseen += density(b) * work / SECOND;
	}
	learn_load(b, work / SECOND, seconds);
	b->watched_ns += ns;
	pay_for(b, hooks + besides, look->own_ns - b->last.own_ns, ns);
	b->last = *look;
}

static double move_cost(const struct budget_move *move, double rate)
{
	return move->own_ns * (1 + BESIDES) + move->in_place_ns * rate;
}

/* On a busy machine. */
static double attach_cost(const struct budget *b)
{
	return move_cost(&b->costs.attach, busy_rate(b, b->costs.disarmed));
}

/*
 * The account's minimum while hooks are in place: letting go of them, on a busy machine, as any may
 * become. Nothing, where they could stay even then.
 */
static double detach_reserve(const struct budget *b)
{
	double rate = busy_rate(b, b->costs.disarmed);

	return b->stay || income(b) >= rate
		       ? 0
		       : smaller_of(move_cost(&b->costs.detach, rate), credit_max(b) / 2);
}

/* --- the next step --------------------------------------------------------- */

void budget_set(struct budget *b, const struct budget_settings *set)
{
	b->set = *set;
	b->credit = smaller_of(b->credit, credit_max(b));
}

void budget_begin(struct budget *b, const struct budget_settings *set,
		  const struct budget_costs *costs, const struct budget_look *look)
{
	*b = (struct budget){
		.set = *set,
		.costs = *costs,
		.last = *look,
		.rest_from = look->now_ns,
		.busy_ns = (double)look->busy_ns - (double)look->own_ns,
	};
	b->mode = detach_reserve(b) > 0 ? BUDGET_DETACHED : BUDGET_DISARMED;
}

/* Seconds of recording that a full account pays for, within the setting. */
static double window_seconds(const struct budget *b, double before)
{
	double seconds = b->set.window_ns / SECOND, rate = armed_rate(b);

	return rate > 0 ? smaller_of((credit_max(b) - before - detach_reserve(b)) / SECOND / rate,
				     seconds)
			: seconds;
}

/* Share of time armed that resting attached leads to. */
static double share_attached(const struct budget *b)
{
	double armed = armed_rate(b), rest = disarmed_rate(b);

	if (window_seconds(b, 0) < LEAST_WINDOW || income(b) <= rest)
		return 0;
	return armed <= income(b) ? 1 : (income(b) - rest) / (armed - rest);
}

/* The same without the hooks, but for those that see such a share of events, and with such moves (ns) there and back. */
static double share_moving(const struct budget *b, double left, double moves)
{
	double window = window_seconds(b, attach_cost(b)), rest = left * disarmed_rate(b);
	double cost = window * armed_rate(b) + moves / SECOND;

	if (window < LEAST_WINDOW || b->stay || income(b) <= rest)
		return 0;
	return cost > window * income(b) ? window * (income(b) - rest) / (cost - window * rest) : 1;
}

static double share_detached(const struct budget *b)
{
	double rate = disarmed_rate(b);

	return share_moving(b, b->left,
			    move_cost(&b->costs.attach, rate) + move_cost(&b->costs.detach, rate));
}

/* A move there and back, of one hook: the last ones tell. */
static double hook_cost(const struct budget *b)
{
	const struct budget_move *attach = &b->costs.attach, *detach = &b->costs.detach;

	if (!attach->hooks || !detach->hooks)
		return 0;
	return (attach->own_ns / attach->hooks + detach->own_ns / detach->hooks) * (1 + BESIDES);
}

/* All of them go where nothing is known, and where even that is no rest the budget pays for. */
double budget_choose_left(const struct budget *b, const double *left, unsigned int nr)
{
	double hook = hook_cost(b), most = LEFT_MOST * income(b), best = 0, choice = 0;

	for (unsigned int n = 1; hook > 0 && n <= nr; n++) {
		double share = share_moving(b, left[n], n * hook);

		if (left[n] * busy_rate(b, b->costs.disarmed) > most || share <= best)
			continue;
		best = share;
		choice = left[n];
	}
	return choice;
}

/* The larger share; 0: not even a short window is to be had. */
static double share_of_time(const struct budget *b)
{
	double attached = share_attached(b), detached = share_detached(b);

	return attached > detached ? attached : detached;
}

static void stop(struct budget *b, const char *why)
{
	b->mode = BUDGET_STOPPED;
	b->why = why;
}

static void begin_rest(struct budget *b)
{
	if (share_of_time(b) <= 0)
		stop(b, "this machine takes locks so often that the budget does not pay for a "
			"tenth of a second of watching in ten minutes");
	else
		b->mode =
			share_attached(b) >= share_detached(b) ? BUDGET_DISARMED : BUDGET_DETACHED;
}

/* The account's minimum before a window opens. */
static double price_of_window(const struct budget *b)
{
	double before = b->mode == BUDGET_DETACHED ? attach_cost(b) : 0;
	/* The machine may get busy just then, which is seen at the next look. */
	double price = LOOK * busy_rate(b, b->costs.armed) * SECOND;
	double whole = window_seconds(b, before) * armed_rate(b) * SECOND;

	/* The first one comes early: the operator sees that it works, and the density of events is learnt. */
	if (b->windows && whole > price)
		price = whole;
	return smaller_of(before + detach_reserve(b) + price, credit_max(b) * 0.999);
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
	if (b->credit <= detach_reserve(b)) {
		b->cut_short += window_left(b) > 0;
		begin_rest(b);
	} else if (window_left(b) <= 0) {
		/* Nothing is gained by a pause that need not be. */
		if (b->credit >= price_of_window(b))
			open_window(b);
		else
			begin_rest(b);
	}
}

/* While the account grows, a little less than the reserve is enough: letting go of the hooks costs, too. */
static bool must_let_go(const struct budget *b)
{
	double need = detach_reserve(b);

	return b->mode == BUDGET_DISARMED && need > 0 && b->credit < need &&
	       (b->credit < need / 2 || disarmed_rate(b) > income(b));
}

static void next_resting(struct budget *b)
{
	if (b->costs.attach.own_ns + b->costs.detach.own_ns >= credit_max(b) &&
	    detach_reserve(b) > 0)
		stop(b,
		     "attaching hooks and letting go of them costs more than the budget gives in "
		     "ten minutes");
	else if (must_let_go(b))
		b->mode = BUDGET_DETACHED;
	else if (b->last.now_ns < b->held_until)
		b->rest_from = b->last.now_ns; /* it is not for want of credit */
	else if (b->credit >= price_of_window(b) && (!b->windows || share_of_time(b) > 0))
		open_window(b);
	else if ((b->last.now_ns - b->rest_from) / SECOND > PATIENCE)
		stop(b,
		     "after an hour of rest the budget still does not pay for a window: lockvane's "
		     "own work uses it up");
}

enum budget_mode budget_next(struct budget *b, const struct budget_look *look)
{
	book_time(b, look, b->mode == BUDGET_ARMED, b->mode == BUDGET_DISARMED ? 1 : b->left, 0);
	if (b->mode == BUDGET_ARMED)
		next_armed(b);
	else if (b->mode != BUDGET_STOPPED)
		next_resting(b);
	return b->mode;
}

void budget_stay(struct budget *b)
{
	b->stay = true;
	if (b->mode == BUDGET_DETACHED)
		b->mode = BUDGET_DISARMED;
}

enum budget_mode budget_hold(struct budget *b, uint64_t until_ns)
{
	if (until_ns > b->held_until)
		b->held_until = until_ns;
	if (b->mode == BUDGET_ARMED)
		begin_rest(b);
	return b->mode;
}

void budget_pass(struct budget *b, const struct budget_look *look, double in_place,
		 struct budget_move *move)
{
	double own = look->own_ns - b->last.own_ns;

	if (move) {
		move->own_ns += own;
		move->in_place_ns += in_place * (look->now_ns - b->last.now_ns);
	}
	book_time(b, look, false, in_place, move ? own * BESIDES : 0);
}

void budget_leave(struct budget *b, double share)
{
	b->left = share;
}

void budget_settle(struct budget *b)
{
	b->window_from = b->rest_from = b->last.now_ns;
}

/* Seconds until the reserve is touched if all CPUs get busy now. */
static double seconds_left(const struct budget *b, double event_ns)
{
	double rate = busy_rate(b, event_ns) - income(b);

	return rate > 0 ? (b->credit - detach_reserve(b)) / SECOND / rate : REST_LOOK;
}

double budget_pause(const struct budget *b)
{
	double missing = price_of_window(b) - b->credit;

	return missing > 0 && income(b) > 0 ? missing / SECOND / income(b) : 0;
}

uint64_t budget_wait(const struct budget *b)
{
	double seconds = REST_LOOK;

	if (b->mode == BUDGET_ARMED) {
		seconds = smaller_of(seconds_left(b, b->costs.armed), window_left(b) / SECOND);
		seconds = clamp(seconds, LOOK_SOON, LOOK);
	} else if (b->mode != BUDGET_STOPPED) {
		if (b->mode == BUDGET_DISARMED)
			seconds = clamp(seconds_left(b, b->costs.disarmed), LOOK, REST_LOOK);
		seconds = smaller_of(budget_pause(b), seconds);
		seconds = clamp(seconds, LOOK, REST_LOOK);
	}
	return seconds * SECOND;
}

double budget_used(const struct budget *b)
{
	return b->recent_seconds > 0 ? b->recent_spent / SECOND / b->recent_seconds / b->set.cpus
				     : 0;
}

double budget_rate(const struct budget *b)
{
	return density(b) * load(b);
}
