// SPDX-License-Identifier: GPL-2.0-only
/*
 * A finding's id. The same defect of the same kernel must have the same id in each run, so nothing
 * enters that chance decides: no address, no order of events, no confidence. An inversion is known
 * by its unsafe class alone: which safe classes reach it, hence where the chain begins and how long
 * it is, differs from run to run, and the cure is the same.
 *
 * The fingerprint is the same without the kernel: it is one on all hosts and after
 * an update, as far as the names are.
 */
#include "finding/rules.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Does the name end in a text that tells an instance, as in "q_usage_counter(io) loop0"? */
static bool tells_instance(const char *name, size_t len)
{
	static const struct {
		const char *text;
		uint32_t traits;
	} kinds[] = {
#define LV_PSEUDO_KIND(id, word, text, traits) {text, traits},
#include "pseudo.def"
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (kinds[i].traits & LV_PSEUDO_BY_TEXT && strlen(kinds[i].text) <= len &&
		    !strncmp(name, kinds[i].text, strlen(kinds[i].text)))
			return true;
	return false;
}

/* FNV-1a, 64 bits; strings go in with their final zero, so that they stay apart. */
static uint64_t hash_part(uint64_t hash, const char *text, size_t len)
{
	bool numbered = text && tells_instance(text, len);

	for (size_t i = 0; i <= len; i++) {
		/* Which of its kind a disk or a queue is, changes from boot to boot. */
		if (numbered && i < len && (isdigit((unsigned char)text[i]) || text[i] == '#'))
			continue;
		hash ^= i < len ? (unsigned char)text[i] : 0;
		hash *= 0x100000001b3u;
	}
	return hash;
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
	return hash_part(hash, text, text ? strlen(text) : 0);
}

static uint64_t hash_rule(enum finding_rule rule)
{
	return hash_text(0xcbf29ce484222325u, finding_rule_name(rule));
}

static void put_hash(uint64_t hash, char ret[static FINDING_ID_LEN])
{
	hash ^= hash >> 48; /* the upper bits are the better mixed ones */
	snprintf(ret, FINDING_ID_LEN, "%012llx", (unsigned long long)hash & 0xffffffffffff);
}

static uint64_t hash_names(uint64_t hash, const struct capture *c, const struct finding *f)
{
	const struct finding_chain *chain = &f->chain;
	uint32_t first = f->rule == FINDING_IRQ_INVERSION ? chain->nr_classes - 1 : 0;

	for (uint32_t i = first; i < chain->nr_classes; i++)
		hash = hash_text(hash, c->classes[chain->classes[i]].name);
	return hash;
}

void finding_set_id(const struct capture *c, struct finding *f)
{
	uint64_t hash = hash_rule(f->rule);

	put_hash(hash_names(hash, c, f), f->fingerprint);
	hash = hash_text(hash, c->kernel);
	hash = hash_text(hash, c->build);
	put_hash(hash_names(hash, c, f), f->id);
}

void finding_fingerprint_of(enum finding_rule rule, const char *chain,
			    char ret[static FINDING_ID_LEN])
{
	static const char arrow[] = " --> ";
	uint64_t hash = hash_rule(rule);
	const char *end;

	for (; chain; chain = end ? end + strlen(arrow) : NULL) {
		end = strstr(chain, arrow);
		if (!end || rule != FINDING_IRQ_INVERSION)
			hash = hash_part(hash, chain,
					 end ? (size_t)(end - chain) : strlen(chain));
	}
	put_hash(hash, ret);
}
