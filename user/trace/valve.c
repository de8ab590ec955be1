// SPDX-License-Identifier: GPL-2.0-only
#include "trace/valve.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define SECOND 1e9
#define SAMPLE 0.5	/* seconds, at the least */
#define SAMPLES 2	/* in a row that are too many: one may be a burst of the load's own */
#define HALF_LIFE 60.0	/* seconds, of what was usual */
#define LEAST_PER_CPU 500.0 /* waits a second: of a few microseconds each, nothing */
#define HOLD 10.0	/* seconds */
#define HOLD_MOST 600.0

uint64_t valve_waits(const struct lv_valve *counts)
{
	uint64_t sum = 0;

	for (int cpu = 0; cpu < LV_MAX_CPUS; cpu++)
		sum += __atomic_load_n(&counts->cpu[cpu].waits, __ATOMIC_RELAXED);
	return sum;
}

void valve_begin(struct valve *v, double factor, unsigned int cpus, uint64_t now_ns,
		 uint64_t waits)
{
	*v = (struct valve){ .factor = factor,
			     .least = LEAST_PER_CPU * cpus,
			     .from_ns = now_ns,
			     .from = waits };
}

double valve_growth(const struct valve *v)
{
	double usual = v->factor > 0 ? fmax(v->calm, v->least / v->factor) : v->calm;

	return usual > 0 ? v->armed / usual : 0;
}

static void sample(struct valve *v, double rate, double seconds, bool armed)
{
	if (armed) {
		v->armed = rate;
		v->over = v->factor > 0 && valve_growth(v) > v->factor ? v->over + 1 : 0;
		return;
	}
	v->calm = fmax(v->calm * exp2(-seconds / HALF_LIFE), rate);
}

static void begin_sample(struct valve *v, uint64_t now_ns, uint64_t waits)
{
	v->waits[v->sample_armed] += waits - v->from;
	v->from_ns = now_ns;
	v->from = waits;
}

bool valve_look(struct valve *v, uint64_t now_ns, uint64_t waits, bool armed)
{
	double seconds = (now_ns - v->from_ns) / SECOND;

	/* Some of both tells nothing of either. */
	if (armed != v->sample_armed) {
		begin_sample(v, now_ns, waits);
		v->sample_armed = armed;
		v->over = 0;
		return false;
	}
	if (seconds < SAMPLE)
		return false;
	sample(v, (waits - v->from) / seconds, seconds, armed);
	begin_sample(v, now_ns, waits);
	return v->over >= SAMPLES;
}

uint64_t valve_hold_ns(struct valve *v)
{
	double seconds = fmin(HOLD * exp2(v->closed), HOLD_MOST);

	v->closed++;
	v->over = 0;
	return seconds * SECOND;
}

void valve_good(struct valve *v)
{
	v->closed = 0;
}
