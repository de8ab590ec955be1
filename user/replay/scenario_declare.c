// SPDX-License-Identifier: GPL-2.0-only
/* A scenario's declarations, and its expectations. */
#include "replay/parser.h"

#include <stdlib.h>
#include <string.h>

/* "spin A B", "mutex M1 M2 : M", "rwlock R at cache+0x40" */

static int find_class(struct parser *p, const char *name, const struct scenario_class *like,
		      uint32_t *ret)
{
	struct scenario_class *class;

	for (*ret = 0; *ret < p->s->nr_classes; ++*ret) {
		class = &p->s->classes[*ret];
		if (strcmp(class->name, name))
			continue;
		return class->family == like->family && class->pseudo == like->pseudo ?
			       0 :
			       PARSER_FAIL(p, "class \"%s\" has locks of another kind", name);
	}
	class = PARSER_APPEND(p->s, classes);
	if (!class)
		return parser_no_memory(p);
	*class = *like;
	return parser_copy_name(p, class->name, name);
}

static int parse_place(struct parser *p, const char *word, struct scenario_lock *ret)
{
	const char *plus = strrchr(word, '+');
	size_t len = plus ? plus - word : 0;

	if (!strcmp(word, "static")) {
		ret->place = SCENARIO_STATIC;
		return 0;
	}
	if (!len || len >= SCENARIO_NAME_LEN)
		return PARSER_FAIL(p,
				   "\"%.40s\" is no place: write \"static\" or CACHE+0xOFFSET",
				   word);
	ret->place = SCENARIO_SLAB;
	memcpy(ret->cache, word, len);
	ret->cache[len] = '\0';
	return parser_number(p, plus + 1, 1u << 20, &ret->off);
}

/* `sort` has family and kind, `like` the place. */
static int declare_lock(struct parser *p, const char *name, const struct scenario_class *sort,
			const char *class, const struct scenario_lock *like)
{
	struct scenario_lock *lock;
	uint32_t id;
	int err;

	for (uint32_t i = 0; i < p->s->nr_locks; i++)
		if (!strcmp(p->s->locks[i].name, name))
			return PARSER_FAIL(p, "lock \"%s\" is there already", name);
	if (p->s->nr_locks >= SCENARIO_MAX_LOCKS)
		return PARSER_FAIL(p, "more than %d locks", SCENARIO_MAX_LOCKS);
	err = find_class(p, class ? class : name, sort, &id);
	if (err)
		return err;
	lock = PARSER_APPEND(p->s, locks);
	if (!lock)
		return parser_no_memory(p);
	*lock = *like;
	lock->class = id;
	return parser_copy_name(p, lock->name, name);
}

static int declare(struct parser *p, const struct scenario_class *sort)
{
	struct scenario_lock like = {};
	uint32_t nr = p->nr_words;
	const char *class = NULL;
	int err = 0;

	if (p->begun)
		return PARSER_FAIL(p, "locks are declared before the first step");
	if (nr > 3 && !strcmp(p->words[nr - 2], "at")) {
		err = parse_place(p, p->words[nr - 1], &like);
		nr -= 2;
	}
	if (!err && nr > 3 && !strcmp(p->words[nr - 2], ":")) {
		class = p->words[nr - 1];
		nr -= 2;
	}
	if (!err && nr < 2)
		err = PARSER_FAIL(p, "which locks? As in \"spin A B\" or \"spin A1 A2 : A\"");
	for (uint32_t i = 1; !err && i < nr; i++)
		err = declare_lock(p, p->words[i], sort, class, &like);
	return err;
}

int parser_declaration(struct parser *p, uint32_t family)
{
	const struct scenario_class sort = { .family = family };

	return declare(p, &sort);
}

/* "pseudo work flush_fn", "pseudo queue-io q1 q2 : loop" */
int parser_pseudo(struct parser *p)
{
	static const char *const kinds[LV_PSEUDO_KINDS] = {
#define LV_PSEUDO_KIND(id, word, text, traits) [LV_PSEUDO_##id] = #word,
#include "pseudo.def"
	};
	const char *word = p->nr_words > 1 ? p->words[1] : "";
	struct scenario_class sort = { .family = LV_PSEUDO, .pseudo = 1 };

	while (sort.pseudo < LV_PSEUDO_KINDS && strcmp(kinds[sort.pseudo], word))
		sort.pseudo++;
	if (sort.pseudo == LV_PSEUDO_KINDS)
		return PARSER_FAIL(p, "\"%.40s\" is no kind of pseudo-lock", word);
	for (uint32_t i = 1; i + 1 < p->nr_words; i++)
		p->words[i] = p->words[i + 1];
	p->nr_words--;
	if (p->nr_words > 2 && !strcmp(p->words[p->nr_words - 2], "at"))
		return PARSER_FAIL(p, "a pseudo-lock lies nowhere: leave the \"at\" out");
	return declare(p, &sort);
}

/* "A --> B --> C", from words[at] on. */
static int parse_chain(struct parser *p, uint32_t at, struct scenario_expect *expect)
{
	for (uint32_t i = at; i < p->nr_words; i++) {
		bool arrow = (i - at) & 1;
		int err;

		if (arrow && (strcmp(p->words[i], "-->") || i + 1 == p->nr_words))
			return PARSER_FAIL(p, "a chain is written A --> B --> C");
		if (arrow)
			continue;
		if (expect->nr_chain >= SCENARIO_MAX_CHAIN)
			return PARSER_FAIL(p, "a chain of more than %d locks", SCENARIO_MAX_CHAIN);
		err = parser_copy_name(p, expect->chain[expect->nr_chain++], p->words[i]);
		if (err)
			return err;
	}
	return 0;
}

int parser_expect(struct parser *p, bool production)
{
	const char *what = p->nr_words > 1 ? p->words[1] : "";
	struct scenario_expect *expect;

	if (p->s->nr_expects >= SCENARIO_MAX_EXPECTS)
		return PARSER_FAIL(p, "more than %d expectations", SCENARIO_MAX_EXPECTS);
	expect = PARSER_APPEND(p->s, expects);
	if (!expect)
		return parser_no_memory(p);
	expect->line = p->line;
	expect->production = production;
	if (p->reason) {
		expect->reason = strdup(p->reason);
		if (!expect->reason)
			return parser_no_memory(p);
	}
	if (production && !p->reason)
		return PARSER_FAIL(p, "why does production differ? Say so after a ';'");
	expect->what = !strcmp(what, "nothing")	  ? SCENARIO_NOTHING :
		       !strcmp(what, "something") ? SCENARIO_SOMETHING :
						    SCENARIO_RULE;
	expect->rule = finding_rule_of(what, strlen(what));
	if (expect->what == SCENARIO_RULE && expect->rule == FINDING_RULES)
		return PARSER_FAIL(p, "\"%.40s\" is neither a rule nor \"nothing\" nor \"something\"",
			    what);
	if (expect->what != SCENARIO_RULE && p->nr_words > 2)
		return PARSER_FAIL(p, "nothing follows \"%s\" but \"; reason\"", what);
	return parse_chain(p, 2, expect);
}

