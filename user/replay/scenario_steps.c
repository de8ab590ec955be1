// SPDX-License-Identifier: GPL-2.0-only
/* A scenario's steps, as text. */
#include "replay/parser.h"

#include <string.h>

static struct scenario_step *add_step(struct parser *p, enum scenario_verb verb)
{
	struct scenario_step *step = PARSER_APPEND(p->s, steps);

	if (!step)
		return NULL;
	p->begun = true;
	step->verb = verb;
	step->line = p->line;
	step->lock = SCENARIO_NONE;
	step->context = SCENARIO_NONE;
	step->nest = SCENARIO_NONE;
	step->cpu = p->cpu;
	return step;
}

struct irq_word {
	const char *word;
	enum lv_irq_effect irq;
};

static const struct irq_word lock_irqs[] = {
	{ "irq", LV_IRQ_OFF }, { "irqsave", LV_IRQ_OFF }, { "bh", LV_IRQ_BH_OFF }, { NULL, 0 },
};
static const struct irq_word unlock_irqs[] = {
	{ "irq", LV_IRQ_ON },
	{ "irqrestore", LV_IRQ_RESTORE },
	{ "bh", LV_IRQ_BH_ON },
	{ NULL, 0 },
};

static bool parse_irq(const struct irq_word *words, const char *word, uint32_t *ret)
{
	for (; words->word; words++) {
		if (strcmp(words->word, word))
			continue;
		*ret = words->irq;
		return true;
	}
	return false;
}

static bool spins(uint32_t family)
{
	return family != LV_MUTEX && family != LV_RWSEM && family != LV_PERCPU_RWSEM;
}

/* Parses the one word or two that may follow the lock's name; *at moves on. */
static int parse_how(struct parser *p, struct scenario_step *step, uint32_t family, uint32_t *at)
{
	const char *word = p->words[*at];
	const char *next = *at + 1 < p->nr_words ? p->words[*at + 1] : NULL;

	++*at;
	if (spins(family) && parse_irq(lock_irqs, word, &step->irq))
		return 0;
	if (!strcmp(word, "recursive") && step->mode != LV_WRITE && family == LV_RWLOCK) {
		step->mode = LV_RECURSIVE;
		return 0;
	}
	if (!strcmp(word, "ww") && family == LV_MUTEX) {
		step->ww = true;
		return 0;
	}
	++*at;
	if (!strcmp(word, "subclass") && next)
		return parser_number(p, next, 7, &step->subclass); /* MAX_LOCKDEP_SUBCLASSES */
	if (!strcmp(word, "nest") && next)
		return parser_find_lock(p, next, &step->nest);
	return PARSER_FAIL(p, "\"%.40s\" is no way to take this lock", word);
}

int parser_lock(struct parser *p, uint32_t mode, bool try)
{
	struct scenario_step *step;
	uint32_t at = 2, family, lock;
	int err;

	if (p->nr_words < 2)
		return PARSER_FAIL(p, "%s what?", p->words[0]);
	err = parser_find_lock(p, p->words[1], &lock);
	if (err)
		return err;
	family = p->s->classes[p->s->locks[lock].class].family;
	if (family == LV_PSEUDO)
		return PARSER_FAIL(p, "\"%s\" is no lock: \"hold\", \"drop\" or \"attempt\" it",
				   p->words[1]);
	if (mode != LV_WRITE && family != LV_RWLOCK && family != LV_RWSEM &&
	    family != LV_PERCPU_RWSEM)
		return PARSER_FAIL(p, "\"%s\" has no readers", p->words[1]);
	step = add_step(p, SCENARIO_LOCK);
	if (!step)
		return parser_no_memory(p);
	step->lock = lock;
	step->mode = mode;
	step->try = try;
	while (!err && at < p->nr_words)
		err = parse_how(p, step, family, &at);
	return err;
}

int parser_unlock(struct parser *p)
{
	struct scenario_step *step;
	uint32_t lock, irq = LV_IRQ_KEEP;
	int err;

	if (p->nr_words < 2)
		return PARSER_FAIL(p, "unlock what?");
	err = parser_find_lock(p, p->words[1], &lock);
	if (err)
		return err;
	if (p->s->classes[p->s->locks[lock].class].family == LV_PSEUDO)
		return PARSER_FAIL(p, "\"%s\" is no lock: \"drop\" it", p->words[1]);
	if (p->nr_words > 3 ||
	    (p->nr_words == 3 && (!spins(p->s->classes[p->s->locks[lock].class].family) ||
				  !parse_irq(unlock_irqs, p->words[2], &irq))))
		return PARSER_FAIL(p, "\"%.40s\" is no way to give this lock back", p->words[2]);
	step = add_step(p, SCENARIO_UNLOCK);
	if (!step)
		return parser_no_memory(p);
	step->lock = lock;
	step->irq = irq;
	return 0;
}

/* "hold q read", "attempt mm read", "drop q" */
int parser_hold(struct parser *p, enum scenario_verb verb)
{
	struct scenario_step *step;
	uint32_t lock;
	int err;

	if (p->nr_words < 2)
		return PARSER_FAIL(p, "%s what?", p->words[0]);
	err = parser_find_lock(p, p->words[1], &lock);
	if (err)
		return err;
	if (verb != SCENARIO_ATTEMPT && p->s->classes[p->s->locks[lock].class].family != LV_PSEUDO)
		return PARSER_FAIL(p, "\"%s\" is a lock: \"lock\" and \"unlock\" it", p->words[1]);
	step = add_step(p, verb);
	if (!step)
		return parser_no_memory(p);
	step->lock = lock;
	for (uint32_t i = 2; i < p->nr_words; i++) {
		if (!strcmp(p->words[i], "read") && verb != SCENARIO_DROP)
			step->mode = step->mode == LV_RECURSIVE ? LV_RECURSIVE : LV_READ;
		else if (!strcmp(p->words[i], "recursive") && verb != SCENARIO_DROP)
			step->mode = LV_RECURSIVE;
		else if (!strcmp(p->words[i], "try") && verb == SCENARIO_HOLD)
			step->try = true;
		else
			return PARSER_FAIL(p, "\"%.40s\" is no way to %s it", p->words[i],
					   p->words[0]);
	}
	return 0;
}

static int find_context(struct parser *p, const char *name, uint32_t level, uint32_t *ret)
{
	struct scenario_context *context;

	for (*ret = 0; *ret < p->s->nr_contexts; ++*ret) {
		context = &p->s->contexts[*ret];
		if (!strcmp(context->name, name))
			return context->level == level ?
				       0 :
				       PARSER_FAIL(p, "\"%s\" was something else in line %u", name,
					    context->line);
	}
	if (p->s->nr_contexts >= SCENARIO_MAX_CONTEXTS)
		return PARSER_FAIL(p, "more than %d tasks and handlers", SCENARIO_MAX_CONTEXTS);
	context = PARSER_APPEND(p->s, contexts);
	if (!context)
		return parser_no_memory(p);
	context->level = level;
	context->line = p->line;
	return parser_copy_name(p, context->name, name);
}

int parser_enter(struct parser *p, uint32_t level)
{
	const char *name = p->nr_words > 1 ? p->words[1] : p->words[0];
	struct scenario_step *step;
	uint32_t context;
	int err;

	if (p->nr_words > 2)
		return PARSER_FAIL(p, "one name for the handler, no more");
	err = find_context(p, name, level, &context);
	if (err)
		return err;
	step = add_step(p, SCENARIO_ENTER);
	if (!step)
		return parser_no_memory(p);
	step->context = context;
	p->open[p->cpu]++;
	return 0;
}

int parser_end(struct parser *p)
{
	if (p->nr_words > 1)
		return PARSER_FAIL(p, "nothing follows \"end\"");
	if (!p->open[p->cpu])
		return PARSER_FAIL(p, "\"end\" without a hardirq or softirq on CPU %u", p->cpu);
	if (!add_step(p, SCENARIO_END))
		return parser_no_memory(p);
	p->open[p->cpu]--;
	return 0;
}

int parser_task(struct parser *p)
{
	struct scenario_step *step;
	uint32_t context;
	int err;

	if (p->nr_words != 2)
		return PARSER_FAIL(p, "which task? As in \"task reader\"");
	if (p->open[p->cpu])
		return PARSER_FAIL(p, "no task runs before the interrupt's \"end\"");
	err = find_context(p, p->words[1], LV_LEVEL_TASK, &context);
	if (err)
		return err;
	step = add_step(p, SCENARIO_TASK);
	if (!step)
		return parser_no_memory(p);
	step->context = context;
	return 0;
}

int parser_cpu(struct parser *p)
{
	if (p->nr_words != 2)
		return PARSER_FAIL(p, "which CPU? As in \"cpu 1\"");
	if (parser_number(p, p->words[1], SCENARIO_MAX_CPUS - 1, &p->cpu))
		return -EINVAL;
	return add_step(p, SCENARIO_CPU) ? 0 : parser_no_memory(p);
}

/* "free A", "init A" */
int parser_free_memory(struct parser *p, enum scenario_verb verb)
{
	struct scenario_step *step;
	uint32_t lock;
	int err;

	if (p->nr_words != 2)
		return PARSER_FAIL(p, "%s what? One lock", p->words[0]);
	err = parser_find_lock(p, p->words[1], &lock);
	if (err)
		return err;
	step = add_step(p, verb);
	if (!step)
		return parser_no_memory(p);
	step->lock = lock;
	return 0;
}

/* "irq off", "bh on" */
int parser_switch(struct parser *p, enum scenario_verb off, enum scenario_verb on)
{
	bool is_on = p->nr_words == 2 && !strcmp(p->words[1], "on");

	if (!is_on && (p->nr_words != 2 || strcmp(p->words[1], "off")))
		return PARSER_FAIL(p, "\"%s\" goes \"on\" or \"off\"", p->words[0]);
	return add_step(p, is_on ? on : off) ? 0 : parser_no_memory(p);
}

int parser_hand_over(struct parser *p)
{
	if (p->nr_words != 1)
		return PARSER_FAIL(p, "nothing follows \"handover\"");
	return add_step(p, SCENARIO_HAND_OVER) ? 0 : parser_no_memory(p);
}

int parser_user(struct parser *p)
{
	if (p->nr_words != 1)
		return PARSER_FAIL(p, "nothing follows \"user\"");
	return add_step(p, SCENARIO_USER) ? 0 : parser_no_memory(p);
}

