// SPDX-License-Identifier: GPL-2.0-only
/* Compares findings with those that a scenario expects. */
#include "replay/replay.h"

#include <errno.h>
#include <string.h>

#include "base/strbuf.h"

static bool same_from(const struct capture *c, const struct finding_chain *chain,
		      const struct scenario_expect *expect, uint32_t first)
{
	for (uint32_t i = 0; i < expect->nr_chain; i++) {
		uint32_t class = chain->classes[(first + i) % chain->nr_classes];

		if (strcmp(c->classes[class].name, expect->chain[i]))
			return false;
	}
	return true;
}

/* A circle has no first lock. */
static bool same_chain(const struct capture *c, const struct finding *f,
		       const struct finding_chain *chain, const struct scenario_expect *expect)
{
	uint32_t starts = f->rule == FINDING_CIRCULAR ? chain->nr_classes : 1;

	if (chain->nr_classes != expect->nr_chain)
		return false;
	for (uint32_t i = 0; i < starts; i++)
		if (same_from(c, chain, expect, i))
			return true;
	return false;
}

static bool meets(const struct capture *c, const struct finding *f,
		  const struct scenario_expect *expect)
{
	if (expect->what == SCENARIO_SOMETHING)
		return true;
	if (expect->what != SCENARIO_RULE || f->rule != expect->rule)
		return false;
	if (!expect->nr_chain || same_chain(c, f, &f->chain, expect))
		return true;
	for (uint32_t i = 0; i < f->nr_also; i++)
		if (same_chain(c, f, &f->also[i], expect))
			return true;
	return false;
}

static void say_chain(struct strbuf *sb, const struct capture *c, const struct finding *f)
{
	strbuf_addf(sb, "%s", finding_rule_name(f->rule));
	for (uint32_t i = 0; i < f->chain.nr_classes; i++)
		strbuf_addf(sb, "%s %s", i ? " -->" : "", c->classes[f->chain.classes[i]].name);
}

static void say_expected(struct strbuf *sb, const struct scenario_expect *expect)
{
	strbuf_addf(sb, "line %u expects %s", expect->line,
		    expect->what == SCENARIO_RULE ? finding_rule_name(expect->rule) : "something");
	for (uint32_t i = 0; i < expect->nr_chain; i++)
		strbuf_addf(sb, "%s %s", i ? " -->" : "", expect->chain[i]);
	strbuf_add(sb, ", which was not found");
}

static bool is_expected(const struct scenario *s, bool production, const struct capture *c,
			const struct finding *f)
{
	const struct scenario_expect *expect;
	uint32_t at = 0;

	while ((expect = scenario_next_expect(s, production, &at)))
		if (meets(c, f, expect))
			return true;
	return false;
}

static bool is_met(const struct capture *c, const struct findings *found,
		   const struct scenario_expect *expect, enum finding_confidence least)
{
	if (expect->what == SCENARIO_NOTHING)
		return true; /* then whatever is found is unexpected */
	for (uint32_t i = 0; i < found->nr; i++)
		if (finding_shown(&found->items[i], least) && meets(c, &found->items[i], expect))
			return true;
	return false;
}

int replay_judge(const struct scenario *s, const struct capture *c, const struct findings *found,
		 bool production, enum finding_confidence least, bool *ret_as_expected,
		 char **ret_why)
{
	const struct scenario_expect *expect;
	struct strbuf why = STRBUF_INIT;
	uint32_t at = 0;

	while (!why.len && !why.failed && (expect = scenario_next_expect(s, production, &at)))
		if (!is_met(c, found, expect, least))
			say_expected(&why, expect);
	for (uint32_t i = 0; !why.len && i < found->nr && scenario_expects(s, production); i++) {
		const struct finding *f = &found->items[i];

		if (!finding_shown(f, least) || is_expected(s, production, c, f))
			continue;
		say_chain(&why, c, f);
		strbuf_add(&why, " was found and is not expected");
	}
	*ret_as_expected = !why.len && !why.failed;
	*ret_why = strbuf_take(&why);
	return *ret_why ? 0 : -ENOMEM;
}
