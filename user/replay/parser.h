/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The scenario language's parser: a line is words between blanks, the first
 * of which picks the statement. Errors say the line and what would do.
 * parser.c has what all statements use, scenario_parse.c the lines, scenario_declare.c what is declared and
 * expected, scenario_steps.c what happens.
 */
#ifndef LOCKVANE_REPLAY_PARSER_H
#define LOCKVANE_REPLAY_PARSER_H

#include <errno.h>

#include "replay/scenario.h"

#define PARSER_MAX_LINE 1024
#define PARSER_MAX_WORDS (PARSER_MAX_LINE / 2 + 1)

struct parser {
	const char *name;
	uint32_t line;
	struct scenario *s;
	struct error *err;
	bool begun;   /* a step was seen: no more declarations */
	uint32_t cpu; /* that steps happen on */
	uint32_t open[SCENARIO_MAX_CPUS]; /* interrupts not ended yet */
	char text[PARSER_MAX_LINE];       /* the line, words cut out of it */
	char *words[PARSER_MAX_WORDS];
	uint32_t nr_words;
	const char *reason; /* text after ';', or NULL */
};

#define PARSER_FAIL(p, fmt, ...) \
	error_set((p)->err, -EINVAL, "%s:%u: " fmt, (p)->name, (p)->line, ##__VA_ARGS__)

int parser_no_memory(struct parser *p);

/* One more item at the end of a scenario's array, zeroed; NULL: no memory. */
void *parser_append(void **items, uint32_t *nr, size_t size);
#define PARSER_APPEND(s, field) \
	parser_append((void **)&(s)->field, &(s)->nr_##field, sizeof(*(s)->field))

int parser_copy_name(struct parser *p, char *dst, const char *word);
int parser_find_lock(struct parser *p, const char *name, uint32_t *ret);
int parser_number(struct parser *p, const char *word, unsigned long max, uint32_t *ret);

/* One a statement; words[0] is the statement's own. */
int parser_declaration(struct parser *p, uint32_t family);
int parser_pseudo(struct parser *p);
int parser_expect(struct parser *p, bool production);
int parser_lock(struct parser *p, uint32_t mode, bool try);
int parser_unlock(struct parser *p);
int parser_hold(struct parser *p, enum scenario_verb verb);
int parser_enter(struct parser *p, uint32_t level);
int parser_end(struct parser *p);
int parser_task(struct parser *p);
int parser_cpu(struct parser *p);
int parser_free_memory(struct parser *p, enum scenario_verb verb);
int parser_switch(struct parser *p, enum scenario_verb off, enum scenario_verb on);
int parser_hand_over(struct parser *p);
int parser_user(struct parser *p);

#endif
