// SPDX-License-Identifier: GPL-2.0-only
/*
 * The independent judge. Random little programs are searched, over all
 * interleavings, for a real deadlock; the rules see each part run once, alone.
 * A deadlock that they do not flag is missed: there must be none. What they
 * flag and what cannot deadlock is counted by kind.
 */
#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "judge.h"
#include "search.h"

#define FIRES 2
#define ALL_FIRES 3
#define STATES 60000
#define STATES_VARIANT 60000
#define STATES_ALARM 1000000
#define PER_SECOND 1000000000ull

/*
 * Why a program that is flagged cannot deadlock: the least change that lets it.
 * Variants are tried in this order, then together.
 */
enum false_alarm {
	ALARM_TWICE,
	ALARM_WRITER,
	ALARM_GATED,
	ALARM_TRY,
	ALARM_SEVERAL,
	ALARM_TOO_BIG,
	ALARM_OTHER,
	ALARMS,
};

static const char *const alarm_texts[ALARMS] = {
	[ALARM_TWICE] = "a task's part would have to run on two CPUs at a time",
	[ALARM_WRITER] = "a lock that is only read here would have to be written by somebody",
	[ALARM_GATED] = "another lock keeps the sides from meeting",
	[ALARM_TRY] = "a trylock's failure leads around it",
	[ALARM_SEVERAL] = "more than one of these",
	[ALARM_TOO_BIG] = "not searched to the end",
	[ALARM_OTHER] = "none of these changes is enough",
};

struct counts {
	uint64_t programs, skipped, deadlocks, flagged, missed, hung, states;
	uint64_t by_rule[FINDING_RULES];
	uint64_t alarms[ALARMS];
};

struct explore {
	uint64_t seed, first, programs;
	bool production, verbose;
	long show; /* print this kind of false alarm, or -1 */
	bool too_big; /* some variant of the alarm at hand */
	uint32_t budget;
	struct search *search;
	struct judge *judge;
	struct counts n;
};

/* Can a variant deadlock? Each alarm has a budget of states. */
static bool can_deadlock(struct explore *e, const struct program *p)
{
	const struct search_options options = { .fires = FIRES,
						.all_fires = ALL_FIRES,
						.max_states = STATES_VARIANT };
	enum search_result result = SEARCH_TOO_BIG;

	if (e->budget) {
		result = search_run(e->search, p, &options);
		e->budget -= search_states(e->search) < e->budget ? search_states(e->search) :
								     e->budget;
	}
	e->too_big |= result == SEARCH_TOO_BIG;
	return result == SEARCH_DEADLOCK;
}

static bool once_run_twice(struct explore *e, const struct program *p)
{
	for (uint32_t task = 0; task < p->nr_tasks; task++) {
		struct program variant = *p;

		if (program_run_twice(&variant, task) && can_deadlock(e, &variant))
			return true;
	}
	return false;
}

static bool once_written(struct explore *e, const struct program *p, uint8_t chain)
{
	for (uint32_t lock = 0; lock < p->nr_locks; lock++) {
		struct program variant = *p;

		if (p->family[lock] == LV_RWLOCK && chain & 1u << lock &&
		    program_add_writer(&variant, lock) && can_deadlock(e, &variant))
			return true;
	}
	return false;
}

/* The two changes above, some at a time. */
static bool once_changed(struct explore *e, const struct program *p, uint8_t chain,
			 uint32_t changes)
{
	if (!changes)
		return can_deadlock(e, p);
	for (uint32_t task = 0; task < p->nr_tasks; task++) {
		struct program variant = *p;

		if (program_run_twice(&variant, task) &&
		    once_changed(e, &variant, chain, changes - 1))
			return true;
	}
	for (uint32_t lock = 0; lock < p->nr_locks; lock++) {
		struct program variant = *p;

		if (p->family[lock] == LV_RWLOCK && chain & 1u << lock &&
		    program_add_writer(&variant, lock) &&
		    once_changed(e, &variant, chain, changes - 1))
			return true;
	}
	return false;
}

/* The locks of a finding's chain. */
static uint8_t chain_locks(const struct capture *c, const struct finding *f)
{
	uint8_t locks = 0;

	for (uint32_t i = 0; i < f->chain.nr_classes; i++)
		locks |= 1u << (c->classes[f->chain.classes[i]].name[0] - 'A');
	return locks;
}

static enum false_alarm kind_of(struct explore *e, const struct program *p, uint8_t chain)
{
	struct program alone = *p, waiting = *p;
	bool gated, tried;

	e->too_big = false;
	e->budget = STATES_ALARM;
	if (once_run_twice(e, p))
		return ALARM_TWICE;
	if (once_written(e, p, chain))
		return ALARM_WRITER;
	gated = program_keep_locks(&alone, chain);
	if (gated && can_deadlock(e, &alone))
		return ALARM_GATED;
	tried = program_never_try(&waiting);
	if (tried && can_deadlock(e, &waiting))
		return ALARM_TRY;
	if (tried)
		program_never_try(&alone);
	for (uint32_t changes = 1; changes <= 3; changes++)
		if (once_changed(e, &alone, chain, changes))
			return ALARM_SEVERAL;
	return e->too_big ? ALARM_TOO_BIG : ALARM_OTHER;
}

/* Each program's dice are its own: the n-th of a seed is the same in every run. */
static uint64_t number(const struct explore *e)
{
	return e->first + e->n.programs + e->n.skipped;
}

static void print_program(struct explore *e, const struct program *p, const char *title)
{
	printf("title %s, program %llu of seed %llu\n", title,
	       (unsigned long long)number(e), (unsigned long long)e->seed);
	program_print(p, stdout);
}

static void print_findings(const struct capture *c, const struct findings *found)
{
	for (uint32_t i = 0; i < found->nr; i++) {
		const struct finding_chain *chain = &found->items[i].chain;

		printf("# %s", finding_rule_name(found->items[i].rule));
		for (uint32_t l = 0; l < chain->nr_classes; l++)
			printf("%s %s", l ? " -->" : "", c->classes[chain->classes[l]].name);
		putchar('\n');
	}
}

static void count_alarm(struct explore *e, const struct program *p, const struct capture *c,
			const struct findings *found)
{
	enum false_alarm kind = kind_of(e, p, chain_locks(c, &found->items[0]));

	e->n.alarms[kind]++;
	if (e->show != (long)kind)
		return;
	print_program(e, p, alarm_texts[kind]);
	print_findings(c, found);
}

static int compare(struct explore *e, const struct program *p, enum search_result result)
{
	struct findings *found = NULL;
	struct capture *c = NULL;
	int code = judge_run(e->judge, p, &c, &found);

	if (code)
		return code;
	e->n.deadlocks += result == SEARCH_DEADLOCK;
	if (found->nr) {
		e->n.flagged++;
		e->n.by_rule[found->items[0].rule]++;
	}
	if (result == SEARCH_DEADLOCK && !found->nr) {
		e->n.missed++;
		e->n.hung += judge_hung(e->judge);
		if (!e->production || (e->verbose && !judge_hung(e->judge))) {
			print_program(e, p, "MISSED");
			search_print(e->search, stdout);
		}
	}
	if (result == SEARCH_SAFE && found->nr)
		count_alarm(e, p, c, found);
	findings_free(found);
	capture_free(c);
	return 0;
}

static int explore_one(struct explore *e)
{
	const struct search_options options = { .fires = FIRES,
						.all_fires = ALL_FIRES,
						.max_states = STATES };
	struct dice dice = { .state = e->seed * 0x100000001b3ull +
				      number(e) * 0x632be59bd9b4e019ull };
	enum search_result result;
	struct program p;
	int code;

	program_make(&p, &dice);
	result = search_run(e->search, &p, &options);
	e->n.states += search_states(e->search);
	if (result == SEARCH_TOO_BIG) {
		e->n.skipped++;
		return 0;
	}
	code = compare(e, &p, result);
	e->n.programs++;
	return code;
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * PER_SECOND + ts.tv_nsec;
}

static void print_counts(const struct explore *e, uint64_t took)
{
	const struct counts *n = &e->n;
	uint64_t alarms = 0;

	printf("explore: seed %llu, %s: %llu programs (%llu too big, left out), %llu million "
	       "states, %.1f s\n",
	       (unsigned long long)e->seed, e->production ? "production" : "annotated",
	       (unsigned long long)n->programs, (unsigned long long)n->skipped,
	       (unsigned long long)(n->states / 1000000), (double)took / PER_SECOND);
	printf("can deadlock %llu, flagged %llu, missed %llu\n", (unsigned long long)n->deadlocks,
	       (unsigned long long)n->flagged, (unsigned long long)n->missed);
	if (n->hung)
		printf("  %llu of these hang by themselves, before a hook on return sees why\n",
		       (unsigned long long)n->hung);
	for (int i = 0; i < FINDING_RULES; i++)
		if (n->by_rule[i])
			printf("  flagged first as %-20s %8llu\n", finding_rule_name(i),
			       (unsigned long long)n->by_rule[i]);
	for (int i = 0; i < ALARMS; i++)
		alarms += n->alarms[i];
	printf("false alarms %llu, %.1f %% of what is flagged:\n", (unsigned long long)alarms,
	       n->flagged ? 100.0 * alarms / n->flagged : 0.0);
	for (int i = 0; i < ALARMS; i++)
		if (n->alarms[i])
			printf("  %8llu  %s\n", (unsigned long long)n->alarms[i], alarm_texts[i]);
	if (!e->production)
		printf("explore: %llu passed, %llu failed\n",
		       (unsigned long long)(n->programs - n->missed),
		       (unsigned long long)n->missed);
}

static const struct argp_option options[] = {
	{ "seed", 's', "N", 0, "the programs to make (default 1)", 0 },
	{ "first", 'f', "N", 0, "begin with this one of the seed's (default 0)", 0 },
	{ "programs", 'n', "N", 0, "how many (default 20000)", 0 },
	{ "production", 'p', NULL, 0, "without annotations; misses are counted, not failures", 0 },
	{ "show", 'k', "KIND", 0, "print the programs of this kind of false alarm (0, 1, ...)", 0 },
	{ "verbose", 'v', NULL, 0, "print what production misses", 0 },
	{}
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct explore *e = state->input;

	switch (key) {
	case 's':
		e->seed = strtoull(arg, NULL, 0);
		return 0;
	case 'f':
		e->first = strtoull(arg, NULL, 0);
		return 0;
	case 'n':
		e->programs = strtoull(arg, NULL, 0);
		return 0;
	case 'p':
		e->production = true;
		return 0;
	case 'k':
		e->show = atoi(arg);
		return 0;
	case 'v':
		e->verbose = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp argp = { .options = options,
					  .parser = parse,
					  .doc = "Random programs: do the rules see what can "
						 "deadlock?" };
	struct explore e = { .seed = 1, .programs = 20000, .show = -1 };
	uint64_t begun = now();
	int code = 0;

	argp_parse(&argp, argc, argv, 0, NULL, &e);
	e.search = search_new();
	e.judge = judge_new(e.production);
	while (e.search && e.judge && !code && e.n.programs < e.programs)
		code = explore_one(&e);
	if (!e.search || !e.judge || code) {
		fprintf(stderr, "explore: %s\n", strerror(code ? -code : ENOMEM));
		return 1;
	}
	print_counts(&e, now() - begun);
	search_free(e.search);
	judge_free(e.judge);
	return e.n.missed && !e.production;
}
