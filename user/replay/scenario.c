// SPDX-License-Identifier: GPL-2.0-only
#include "replay/scenario.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"

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

int scenario_load(const char *path, struct scenario **ret, struct error *err)
{
	AUTO_FREE char *text = NULL;
	size_t len;
	int code = file_read(path, SCENARIO_MAX_BYTES, &text, &len);

	if (code)
		return error_set_errno(err, code, "cannot read %s", path);
	return scenario_parse(text, len, path, ret, err);
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
