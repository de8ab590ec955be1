// SPDX-License-Identifier: GPL-2.0-only
#include "knowledge/knowledge_internal.h"

#include <string.h>

void knowledge_see_usages(const struct capture_class *from, struct capture_class *to)
{
	to->twice |= from->twice;
	for (int bit = 0; bit < LV_USAGES; bit++)
		capture_see_usage(to, bit, from->usage_low[bit], from->usage_seen[bit]);
}

void knowledge_see_edge(const struct adding *a, const struct capture_edge *from,
		      struct capture_edge *to, bool is_new)
{
	struct capture_edge seen = *from;

	for (int i = 0; i < LV_GATES; i++) {
		uint32_t class = from->gate_class[i];

		seen.gate_class[i] = class == LV_NONE ? LV_NONE : a->classes[class];
	}
	if (is_new) {
		memcpy(to->gate_class, seen.gate_class, sizeof(to->gate_class));
		memcpy(to->gate_addr, seen.gate_addr, sizeof(to->gate_addr));
	}
	capture_see_edge(to, &seen);
}
