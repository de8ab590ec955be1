// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a finding is called. The same defect of the same kernel must have the
 * same id in each run, so nothing enters that chance decides: no address, no
 * order of events, no confidence. An inversion is known by its unsafe class
 * alone: which safe classes reach it, hence where the chain begins and how
 * long it is, differs from run to run, and the cure is the same.
 */
#include "finding/rules.h"

#include <stdio.h>
#include <string.h>

/* FNV-1a, 64 bits; strings go in with their final zero, so that they stay apart. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	for (size_t i = 0; i <= len; i++) {
		hash ^= i < len ? (unsigned char)text[i] : 0;
		hash *= 0x100000001b3u;
	}
	return hash;
}

void finding_set_id(const struct capture *c, struct finding *f)
{
	const struct finding_chain *chain = &f->chain;
	uint32_t first = f->rule == FINDING_IRQ_INVERSION ? chain->nr_classes - 1 : 0;
	uint64_t hash = 0xcbf29ce484222325u;

	hash = hash_text(hash, finding_rule_name(f->rule));
	hash = hash_text(hash, c->kernel);
	hash = hash_text(hash, c->build);
	for (uint32_t i = first; i < chain->nr_classes; i++)
		hash = hash_text(hash, c->classes[chain->classes[i]].name);
	hash ^= hash >> 48; /* the upper bits are the better mixed ones */
	snprintf(f->id, sizeof(f->id), "%012llx", (unsigned long long)hash & 0xffffffffffff);
}
