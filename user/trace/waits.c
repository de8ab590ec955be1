// SPDX-License-Identifier: GPL-2.0-only
#include "trace/waits.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "trace/rings.h"

#define EVERY_NS 500000000ull /* between looks */
#define TOP_FRAMES 12	       /* the scheduler's, the lock's, and who asked for it */

struct waits {
	struct programs *programs;
	struct words *words;
	struct rings *rings;
	uint64_t looked_ns;
	bool goes_on[LV_MAX_WAITS]; /* in this look: rings.h */
};

int waits_new(struct programs *programs, struct words *words, struct waits **ret)
{
	struct waits *w = calloc(1, sizeof(*w));
	int code = w ? rings_new(&w->rings) : -ENOMEM;

	if (code) {
		free(w);
		return code;
	}
	w->programs = programs;
	w->words = words;
	*ret = w;
	return 0;
}

void waits_free(struct waits *w)
{
	if (!w)
		return;
	rings_free(w->rings);
	free(w);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/*
 * An end of a wait may have been missed. It goes on if the task sleeps where it asked for the lock: by what
 * is above the lock's own functions, which the kernel leaves out of a sleeper's stack.
 */
static bool is_where_it_began(const struct waits *w, const struct lv_wait *wait)
{
	uint32_t nr = wait->nr < TOP_FRAMES ? wait->nr : TOP_FRAMES;
	uint64_t began = words_taker(w->words, wait->begin, LV_ABOVE_FRAMES);

	return began && began == words_taker(w->words, wait->ip, nr);
}

static void find_those_that_go_on(struct waits *w, const struct lv_waits *waits)
{
	for (uint32_t i = 0; i < LV_MAX_WAITS; i++) {
		const struct lv_wait *wait = &waits->wait[i];

		w->goes_on[i] = wait->round == waits->round && wait->looked_ns &&
				wait->looked_ns == wait->since_ns && is_where_it_began(w, wait);
	}
}

/* Did the task die in its wait, or was the end of it missed? */
static bool has_ended(const struct rings_look *look, uint32_t slot, uint64_t since_ns)
{
	const struct lv_wait *wait = &look->waits->wait[slot];

	if (!since_ns || since_ns >= look->now_ns)
		return false;
	return wait->round != look->waits->round ||
	       (wait->looked_ns == since_ns && !look->goes_on[slot]);
}

static void free_slots(struct lv_waits *waits, const struct rings_look *look)
{
	for (uint32_t i = 0; i < LV_MAX_WAITS; i++) {
		__u64 task = __atomic_load_n(&waits->key[i], __ATOMIC_RELAXED);
		__u64 since = __atomic_load_n(&waits->wait[i].since_ns, __ATOMIC_RELAXED);

		if (task && has_ended(look, i, since))
			__atomic_compare_exchange_n(&waits->key[i], &task, 0, false, __ATOMIC_SEQ_CST,
						    __ATOMIC_RELAXED);
	}
}

int waits_look(struct waits *w)
{
	struct rings_look look = {.goes_on = w->goes_on, .now_ns = now_ns()};
	struct tables tables;
	struct lv_waits *waits = programs_wait_table(w->programs);
	int code;

	if (look.now_ns - w->looked_ns < EVERY_NS)
		return 0;
	w->looked_ns = look.now_ns;
	if (!rings_may_stand(waits, look.now_ns))
		return 0;
	code = programs_look_at_waits(w->programs);
	if (code)
		return code;
	programs_tables(w->programs, &tables);
	look.waits = waits;
	look.tables = &tables;
	words_follow(w->words);
	find_those_that_go_on(w, waits);
	code = rings_add_look(w->rings, &look);
	free_slots(waits, &look);
	return code;
}

void waits_tables(const struct waits *w, struct tables *ret)
{
	ret->waits = rings_told(w->rings, &ret->nr_waits);
}
