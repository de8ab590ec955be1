// SPDX-License-Identifier: GPL-2.0-only
#include "finding/finding.h"

#include <errno.h>
#include <string.h>

static const char *const rule_names[] = {
#define X(id, name) [FINDING_##id] = name,
	FINDING_RULES_X(X)
#undef X
};

static const char *const confidence_names[] = {
	[FINDING_WEAK] = "weak",
	[FINDING_LIKELY] = "likely",
	[FINDING_CERTAIN] = "certain",
	[FINDING_CONFIRMED] = "confirmed",
	[FINDING_OBSERVED] = "observed",
};

const char *finding_rule_name(enum finding_rule rule)
{
	return rule_names[rule];
}

enum finding_rule finding_rule_of(const char *name, size_t len)
{
	enum finding_rule rule = 0;

	while (rule < FINDING_RULES &&
	       (strlen(rule_names[rule]) != len || memcmp(rule_names[rule], name, len)))
		rule++;
	return rule;
}

const char *finding_confidence_name(enum finding_confidence confidence)
{
	return confidence_names[confidence];
}

int finding_confidence_parse(const char *name, enum finding_confidence *ret)
{
	for (int i = 0; i < FINDING_CONFIDENCES; i++) {
		if (strcmp(name, confidence_names[i]))
			continue;
		*ret = i;
		return 0;
	}
	return -EINVAL;
}
