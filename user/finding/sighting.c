// SPDX-License-Identifier: GPL-2.0-only
#include "finding/sighting.h"

#include <string.h>

#define BIT(n) (1u << (n))
/*
 * So many of the 64 bits of LV_INSTANCE_BIT() on both sides, and none on both: if both were drawn
 * from the same locks, that had a chance of less than one in a hundred.
 */
#define MANY 16

/* After an event of these a release may not have been seen, and what follows is not as it seems. */
static bool may_be_lost(const struct capture *c)
{
	static const char *const kinds[] = { "guard", "recursion_misses", "held_full", "tasks_full",
					     "no_cpu" };

	for (size_t i = 0; i < c->nr_losses; i++)
		for (size_t k = 0; c->losses[i].count && k < sizeof(kinds) / sizeof(*kinds); k++)
			if (!strcmp(c->losses[i].name, kinds[k]))
				return true;
	return false;
}

static bool usage_seen_once(const struct capture *c, uint32_t class, uint32_t usage)
{
	return usage != FINDING_NO_USAGE && !(c->classes[class].twice & BIT(usage));
}

static bool seen_once(const struct capture *c, const struct finding_chain *chain)
{
	for (uint32_t i = 0; i < chain->nr_edges; i++)
		if (c->edges[chain->edges[i]].count < 2)
			return true;
	return usage_seen_once(c, chain->classes[0], chain->safe) ||
	       usage_seen_once(c, chain->classes[chain->nr_classes - 1], chain->unsafe);
}

static bool are_apart(uint64_t a, uint64_t b)
{
	return __builtin_popcountll(a) >= MANY && __builtin_popcountll(b) >= MANY && !(a & b);
}

/* The instances of the chain's class i that were seen on the side it is come to by, and left by. */
static uint64_t seen_before(const struct capture *c, const struct finding_chain *chain, uint32_t i,
			    bool closes)
{
	if (i > chain->nr_edges) /* a fact has classes, and no edges */
		return 0;
	if (i || closes)
		return c->edges[chain->edges[i ? i - 1 : chain->nr_edges - 1]].seen_to;
	return chain->safe == FINDING_NO_USAGE ? 0 :
						 c->classes[chain->classes[0]].usage_seen[chain->safe];
}

static uint64_t seen_after(const struct capture *c, const struct finding_chain *chain, uint32_t i)
{
	if (i < chain->nr_edges)
		return c->edges[chain->edges[i]].seen_from;
	return chain->unsafe == FINDING_NO_USAGE ?
		       0 :
		       c->classes[chain->classes[i]].usage_seen[chain->unsafe];
}

static uint32_t class_apart(const struct capture *c, const struct finding_chain *chain, bool closes)
{
	for (uint32_t i = 0; i < chain->nr_classes; i++)
		if (are_apart(seen_before(c, chain, i, closes), seen_after(c, chain, i)))
			return chain->classes[i];
	return LV_NONE;
}

static bool has_gate(const struct capture_edge *edge, uint64_t addr)
{
	for (int i = 0; i < LV_GATES; i++)
		if (edge->gate_class[i] != LV_NONE && edge->gate_addr[i] == addr)
			return true;
	return false;
}

/* The class of a lock that was held exclusively before all holders of the cycle. */
static uint32_t common_gate(const struct capture *c, const struct finding_chain *chain)
{
	const struct capture_edge *first = &c->edges[chain->edges[0]];

	for (int i = 0; i < LV_GATES; i++) {
		uint32_t at = 1;

		if (first->gate_class[i] == LV_NONE)
			continue;
		while (at < chain->nr_edges &&
		       has_gate(&c->edges[chain->edges[at]], first->gate_addr[i]))
			at++;
		if (at >= chain->nr_edges)
			return first->gate_class[i];
	}
	return LV_NONE;
}

/* A usage is of a lock just taken where unlocks are hidden, and sure. */
bool finding_holders_unsure(const struct capture *c, const struct finding_chain *chain)
{
	for (uint32_t i = 0; c->unlocks_hidden && i < chain->nr_edges; i++)
		if (!c->edges[chain->edges[i]].sure)
			return true;
	return false;
}

static uint32_t find_told(const struct capture *c, const struct finding_chain *chain)
{
	for (uint32_t i = 0; i < chain->nr_edges; i++)
		if (capture_edge_told(c, &c->edges[chain->edges[i]]))
			return i;
	return LV_NONE;
}

enum finding_confidence finding_judge_sightings(const struct capture *c,
						struct finding_chain *chain, bool closes,
						enum finding_confidence confidence)
{
	chain->told = find_told(c, chain);
	chain->once = may_be_lost(c) && seen_once(c, chain);
	chain->apart = confidence < FINDING_CONFIRMED ? class_apart(c, chain, closes) : LV_NONE;
	if (closes)
		chain->gate = common_gate(c, chain);
	if (chain->apart != LV_NONE && confidence > FINDING_LIKELY)
		confidence--;
	if ((chain->once || chain->told != LV_NONE) && confidence > FINDING_LIKELY)
		confidence = FINDING_LIKELY;
	return confidence;
}
