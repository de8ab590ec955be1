// SPDX-License-Identifier: GPL-2.0-only
#include "naming/callsite.h"

#include <stdbool.h>

#include "naming/callsite_internal.h"

/* Which structs some stacks speak of, and how many of them of each. */
struct poll {
	struct callsite_types all;
	size_t votes[CALLSITE_TYPES];
	size_t voices;
};

static void poll_add(struct poll *p, const struct callsite_types *types)
{
	p->voices++;
	for (size_t j = 0; j < types->nr; j++)
		callsite_add(&p->all, types->type[j]);
	for (size_t j = 0; j < types->nr; j++)
		for (size_t k = 0; k < p->all.nr; k++)
			p->votes[k] += callsite_same(p->all.type[k], types->type[j]);
}

/* The one that all speak of, or else most by far; false: none. */
static bool poll_winner(const struct poll *p, size_t *ret, bool *ret_all)
{
	size_t best = 0, unanimous = 0;

	for (size_t k = 0; k < p->all.nr; k++) {
		unanimous += p->votes[k] == p->voices;
		best = p->votes[k] > p->votes[best] ? k : best;
	}
	*ret = best;
	*ret_all = unanimous == 1;
	if (unanimous)
		return unanimous == 1;
	for (size_t k = 0; k < p->all.nr; k++)
		if (k != best && 2 * p->votes[k] > p->votes[best])
			return false;
	return 2 * p->votes[best] > p->voices;
}

/*
 * The voices that count: those that were given the struct; else all, and then they must be strong.
 */
struct polls {
	struct poll given, all;
	size_t weak;
};

static enum callsite_verdict judge(const struct callsite_query *q, const struct polls *polls,
				   bool guests, struct kbtf_type *ret)
{
	const struct poll *poll = polls->given.voices ? &polls->given : &polls->all;
	bool all;
	size_t winner;

	if (!poll_winner(poll, &winner, &all))
		return CALLSITE_NOTHING;
	*ret = poll->all.type[winner];
	/* A place that is one allocation's is one type's, and only its name is asked for. */
	if (q->off == CALLSITE_ANYWHERE)
		return poll->voices > 1 ? CALLSITE_SURE : CALLSITE_LIKELY;
	if (!all || guests)
		return CALLSITE_LIKELY;
	if (poll == &polls->given || (poll->voices > 1 && !polls->weak))
		return CALLSITE_SURE;
	return CALLSITE_LIKELY;
}

enum callsite_verdict callsite_find(const struct callsite_query *q, struct kbtf_type *ret_type,
				    struct lockpath *ret_lock)
{
	struct callsite_fitting fitting;
	struct polls polls = {};
	enum callsite_verdict verdict;
	bool guests = false;

	if (!q->ksyms || !q->btf)
		return CALLSITE_NOTHING;
	callsite_fit(q, &fitting);
	for (size_t i = 0; i < q->nr_stacks; i++) {
		struct callsite_types types = {};
		enum callsite_strength strength = callsite_ask(&fitting, &q->stacks[i], &types);

		if (strength == CALLSITE_SILENT)
			guests |= callsite_speaks_for_guest(q, q->stacks[i].ip[0]);
		if (strength == CALLSITE_SILENT || types.nr == CALLSITE_TYPES)
			continue;
		poll_add(&polls.all, &types);
		if (strength == CALLSITE_GIVEN)
			poll_add(&polls.given, &types);
		polls.weak += strength == CALLSITE_ROUNDABOUT;
	}
	verdict = judge(q, &polls, guests, ret_type);
	if (verdict != CALLSITE_NOTHING)
		callsite_lock(q, *ret_type, ret_lock);
	return verdict;
}

bool callsite_contradicts(const struct callsite_query *q, struct kbtf_type type)
{
	struct callsite_fitting fitting = {.q = q};

	for (size_t i = 0; q->ksyms && q->btf && i < q->nr_stacks; i++) {
		struct callsite_types given = {};
		bool same = false;

		if (callsite_ask(&fitting, &q->stacks[i], &given) != CALLSITE_GIVEN)
			continue;
		for (size_t j = 0; j < given.nr; j++)
			same |= callsite_same(given.type[j], type);
		if (!same)
			return true;
	}
	return false;
}
