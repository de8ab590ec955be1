// SPDX-License-Identifier: GPL-2.0-only
#include "replay/parser.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"

static int parse_kernel(struct parser *p)
{
	if (p->begun || p->nr_words != 2 || strcmp(p->words[1], "rt"))
		return PARSER_FAIL(p, "\"kernel rt\", before the first step, is all there is");
	p->s->rt = true;
	return 0;
}

static int parse_title(struct parser *p)
{
	const char *text = p->nr_words > 1 ? p->words[1] : "";

	if (p->s->title || !*text)
		return PARSER_FAIL(p, "one title, in one line");
	/* The words again as they stood: each but the last was ended by a zero. */
	for (uint32_t i = 1; i + 1 < p->nr_words; i++)
		p->words[i][strlen(p->words[i])] = ' ';
	p->s->title = strdup(text);
	return p->s->title ? 0 : parser_no_memory(p);
}

/* A '#' that begins a word begins what is for people: where, or len. */
static size_t find_comment(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (line[i] == '#' && (!i || line[i - 1] == ' ' || line[i - 1] == '\t'))
			return i;
	return len;
}

static void cut_words(struct parser *p)
{
	char *at = p->text;

	p->nr_words = 0;
	for (;;) {
		while (*at == ' ' || *at == '\t' || *at == '\r')
			at++;
		if (!*at)
			return;
		p->words[p->nr_words++] = at;
		while (*at && *at != ' ' && *at != '\t' && *at != '\r')
			at++;
		if (!*at)
			return;
		*at++ = '\0';
	}
}

static bool starts_with(const char *text, const char *word)
{
	size_t len = strlen(word);

	text += strspn(text, " \t");
	return !strncmp(text, word, len) && strchr(" \t", text[len]);
}

/* An expectation's reason, cut off before the words are. */
static void cut_reason(struct parser *p)
{
	char *semicolon = strchr(p->text, ';');

	p->reason = NULL;
	if (!semicolon || !(starts_with(p->text, "expect") || starts_with(p->text, "production")))
		return;
	*semicolon = '\0';
	p->reason = semicolon + 1 + strspn(semicolon + 1, " \t");
	if (!*p->reason)
		p->reason = NULL;
}

static int parse_declared(struct parser *p, int *ret)
{
	static const struct {
		const char *word;
		uint32_t family;
	} families[] = { { "spin", LV_SPIN },	{ "raw", LV_RAWSPIN },	{ "rwlock", LV_RWLOCK },
			 { "mutex", LV_MUTEX }, { "rwsem", LV_RWSEM },
			 { "percpu-rwsem", LV_PERCPU_RWSEM } };

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		if (strcmp(p->words[0], families[i].word))
			continue;
		*ret = parser_declaration(p, families[i].family);
		return 1;
	}
	return 0;
}

static int parse_lock_step(struct parser *p, int *ret)
{
	static const struct {
		const char *word;
		uint32_t mode;
		bool try;
	} ways[] = { { "lock", LV_WRITE, false },
		     { "trylock", LV_WRITE, true },
		     { "read", LV_READ, false },
		     { "tryread", LV_READ, true } };

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (strcmp(p->words[0], ways[i].word))
			continue;
		*ret = parser_lock(p, ways[i].mode, ways[i].try);
		return 1;
	}
	return 0;
}

static int parse_statement(struct parser *p)
{
	const char *word = p->words[0];
	int err;

	if (parse_declared(p, &err) || parse_lock_step(p, &err))
		return err;
	if (!strcmp(word, "unlock"))
		return parser_unlock(p);
	if (!strcmp(word, "pseudo"))
		return parser_pseudo(p);
	if (!strcmp(word, "hold"))
		return parser_hold(p, SCENARIO_HOLD);
	if (!strcmp(word, "drop"))
		return parser_hold(p, SCENARIO_DROP);
	if (!strcmp(word, "attempt"))
		return parser_hold(p, SCENARIO_ATTEMPT);
	if (!strcmp(word, "irq"))
		return parser_switch(p, SCENARIO_IRQ_OFF, SCENARIO_IRQ_ON);
	if (!strcmp(word, "bh"))
		return parser_switch(p, SCENARIO_BH_OFF, SCENARIO_BH_ON);
	if (!strcmp(word, "hardirq"))
		return parser_enter(p, LV_LEVEL_HARDIRQ);
	if (!strcmp(word, "softirq"))
		return parser_enter(p, LV_LEVEL_SOFTIRQ);
	if (!strcmp(word, "end"))
		return parser_end(p);
	if (!strcmp(word, "task"))
		return parser_task(p);
	if (!strcmp(word, "cpu"))
		return parser_cpu(p);
	if (!strcmp(word, "free"))
		return parser_free_memory(p, SCENARIO_FREE);
	if (!strcmp(word, "init"))
		return parser_free_memory(p, SCENARIO_INIT);
	if (!strcmp(word, "handover"))
		return parser_hand_over(p);
	if (!strcmp(word, "user"))
		return parser_user(p);
	if (!strcmp(word, "expect") || !strcmp(word, "production"))
		return parser_expect(p, word[0] == 'p');
	if (!strcmp(word, "kernel"))
		return parse_kernel(p);
	if (!strcmp(word, "title"))
		return parse_title(p);
	return PARSER_FAIL(p, "no statement \"%.40s\"", word);
}

static int parse_line(struct parser *p, const char *line, size_t len)
{
	p->line++;
	len = find_comment(line, len);
	if (len >= sizeof(p->text))
		return PARSER_FAIL(p, "a line of more than %d characters", PARSER_MAX_LINE - 1);
	for (size_t i = 0; i < len; i++)
		if (!isprint((unsigned char)line[i]) && !strchr("\t\r", line[i] ? line[i] : 'x'))
			return PARSER_FAIL(p, "character %zu is neither ASCII nor a blank", i + 1);
	memcpy(p->text, line, len);
	p->text[len] = '\0';
	cut_reason(p);
	cut_words(p);
	if (!p->nr_words)
		return 0;
	if (p->s->nr_steps >= SCENARIO_MAX_STEPS)
		return PARSER_FAIL(p, "more than %d steps", SCENARIO_MAX_STEPS);
	return parse_statement(p);
}

static int parse_all(struct parser *p, const char *text, size_t len)
{
	int err = 0;

	if (len > SCENARIO_MAX_BYTES)
		return error_set(p->err, -EFBIG, "%s: more than %u bytes: no scenario", p->name,
				 SCENARIO_MAX_BYTES);
	while (!err && len) {
		const char *newline = memchr(text, '\n', len);
		size_t this = newline ? (size_t)(newline - text) : len;

		err = parse_line(p, text, this);
		this += newline != NULL;
		text += this;
		len -= this;
	}
	for (uint32_t i = 0; !err && i < SCENARIO_MAX_CPUS; i++)
		if (p->open[i])
			err = PARSER_FAIL(p, "an interrupt on CPU %u has no \"end\"", i);
	if (!err && !p->s->nr_steps)
		err = PARSER_FAIL(p, "nothing happens in it");
	return err;
}

int scenario_parse(const char *text, size_t len, const char *name, struct scenario **ret,
		   struct error *err)
{
	struct parser *p = calloc(1, sizeof(*p));
	struct scenario *s = calloc(1, sizeof(*s));
	int code;

	if (!p || !s) {
		code = error_set(err, -ENOMEM, "%s: no memory", name);
	} else {
		p->name = name;
		p->s = s;
		p->err = err;
		code = parse_all(p, text, len);
	}
	free(p);
	if (code)
		scenario_free(s);
	else
		*ret = s;
	return code;
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
