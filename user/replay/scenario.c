// SPDX-License-Identifier: GPL-2.0-only
#include "replay/scenario.h"

#include <stdlib.h>

void scenario_free(struct scenario *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->nr_expects; i++)
		free(s->expects[i].reason);
	free(s->title);
	free(s->classes);
	free(s->locks);
	free(s->contexts);
	free(s->steps);
	free(s->expects);
	free(s);
}

static bool production_has_own(const struct scenario *s)
{
	for (uint32_t i = 0; i < s->nr_expects; i++)
		if (s->expects[i].production)
			return true;
	return false;
}

const struct scenario_expect *scenario_next_expect(const struct scenario *s, bool production,
						   uint32_t *at)
{
	bool own = production && production_has_own(s);

	while (*at < s->nr_expects) {
		const struct scenario_expect *expect = &s->expects[(*at)++];

		if (expect->production == own)
			return expect;
	}
	return NULL;
}

bool scenario_expects(const struct scenario *s, bool production)
{
	uint32_t at = 0;

	return scenario_next_expect(s, production, &at);
}
