// SPDX-License-Identifier: GPL-2.0-only
#include "daemon/monitor_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "daemon/tell.h"
#include "finding/orders.h"
#include "knowledge/excerpt.h"
#include "report/report.h"
#include "report/words.h"

#define LOOK_ANYWAY                                                                                \
	16 /* looks after which the tables are read whether or not stacks were taken               \
	    */

void monitor_coverage(uint64_t armed_ns, uint64_t watched_ns, uint64_t seen, uint64_t unseen,
		      char *ret, size_t room)
{
	double time = watched_ns ? 100.0 * armed_ns / watched_ns : 0;
	double events = seen + unseen ? 100.0 * seen / (seen + unseen) : 0;

	snprintf(ret, room, "watched %.3g%% of the time, %.3g%% of lock events", time, events);
}

void monitor_say_coverage(const struct monitor *m, char *ret, size_t room)
{
	struct state_totals t;

	monitor_totals(m, &t);
	monitor_coverage(monitor_armed_ns(m), t.watched_ns, t.seen, t.unseen, ret, room);
}

/* --- findings -------------------------------------------------------------- */

static char *print(const struct capture *c, struct finding *f, bool json)
{
	struct report_opts opts = {.least = FINDING_WEAK};
	struct findings one = {.items = f, .nr = 1};
	uint32_t suppressed = f->suppressed_by;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int code;

	if (!out)
		return NULL;
	/* A finding that is asked for is printed, suppressed or not. */
	f->suppressed_by = LV_NONE;
	code = (json ? report_json : report_text)(out, c, &one, &opts);
	f->suppressed_by = suppressed;
	if (!fclose(out) && !code)
		return text;
	free(text);
	return NULL;
}

/* The JSON report lists all classes and edges there are: here, those of the finding. */
static char *print_json(const struct capture *c, const struct finding *f)
{
	struct excerpt e;
	char *text;

	if (excerpt_make(c, f, &e))
		return NULL;
	text = print(&e.c, &e.f, true);
	excerpt_done(&e);
	return text;
}

static char *chain_text(const struct capture *c, const struct finding_chain *chain)
{
	struct strbuf sb = STRBUF_INIT;

	for (uint32_t i = 0; i < chain->nr_classes; i++) {
		char *name = words_clean(c->classes[chain->classes[i]].name);

		strbuf_addf(&sb, "%s%s", i ? " --> " : "", name ? name : "?");
		free(name);
	}
	return strbuf_take(&sb);
}

/* With its evidence, as it is now. */
static int describe(struct monitor *m, struct finding *f, struct known_finding *k)
{
	const struct capture *c = knowledge_capture(m->knowledge);
	char *chain = chain_text(c, &f->chain);
	char *text = print(c, f, false), *json = print_json(c, f);

	if (!chain || !text || !json) {
		free(chain);
		free(text);
		free(json);
		return -ENOMEM;
	}
	free(k->chain);
	free(k->text);
	free(k->json);
	k->chain = chain;
	k->text = text;
	k->json = json;
	k->rule = f->rule;
	k->confidence = f->confidence;
	k->dirty = true;
	m->urgent = true;
	return 0;
}

static struct known_finding *new_finding(struct monitor *m, struct finding *f)
{
	const struct capture *c = knowledge_capture(m->knowledge);
	struct known_finding *k;
	int code = known_add(&m->known, f->id, c->kernel, c->build, &k);

	if (!code) {
		k->first_ms = k->last_ms = monitor_time_ms();
		k->count = knowledge_sightings(m->knowledge, f);
		code = describe(m, f, k);
		if (code)
			known_drop_last(&m->known);
	}
	if (!code)
		return k;
	/* It is tried again at each review: the first is told, and whoever looks closer sees the rest. */
	tell(m->told_unkept ? CONFIG_DEBUG : CONFIG_ERROR, TELL_GENERAL,
	     "finding %s, %s, cannot be kept: %s", f->id, finding_rule_name(f->rule),
	     strerror(-code));
	m->told_unkept = true;
	return NULL;
}

/*
 * Seen again? The count rises by what this process sees more: after a process was killed the
 * finding's count is newer than its dependencies'. Clocks may have been set back in the meantime:
 * what was last stays last. Returns whether there is more.
 */
static bool count(struct monitor *m, const struct finding *f, struct known_finding *k)
{
	uint64_t sightings = knowledge_sightings(m->knowledge, f), now = monitor_time_ms();
	uint64_t before = k->counting ? k->sightings : sightings;

	k->counting = true;
	k->sightings = sightings;
	if (sightings <= before)
		return false;
	k->count += sightings - before;
	if (now > k->last_ms)
		k->last_ms = now;
	k->dirty = true;
	m->changed = true;
	return true;
}

static void review(struct monitor *m, struct finding *f)
{
	struct known_finding *k = known_find(&m->known, f->id);
	bool suppressed = f->suppressed_by != LV_NONE;
	char coverage[96];

	if (!k)
		k = new_finding(m, f);
	else if (f->confidence > k->confidence && describe(m, f, k))
		return; /* next time */
	if (!k)
		return;
	/* Another deadlock of the same locks hangs now: it is told, whatever was told before. */
	if (count(m, f, k) && f->rule == FINDING_DEADLOCK && !describe(m, f, k))
		k->told = false;
	if (k->suppressed != suppressed) {
		k->suppressed = suppressed;
		k->dirty = m->changed = true;
	}
	if (k->told || !finding_shown(f, m->setup->config.confidence))
		return;
	monitor_say_coverage(m, coverage, sizeof(coverage));
	if (!tell_finding(k, coverage)) /* not at this log level: another may come */
		return;
	k->told = k->dirty = true;
	m->urgent = true;
}

static void forget_marks(struct findings *all, struct suppressions *s)
{
	for (uint32_t i = 0; i < all->nr; i++) {
		all->items[i].suppressed_by = LV_NONE;
		all->items[i].chain.suppressed_by = LV_NONE;
		for (uint32_t j = 0; j < all->items[i].nr_also; j++)
			all->items[i].also[j].suppressed_by = LV_NONE;
	}
	for (uint32_t i = 0; s && i < s->nr; i++)
		s->items[i].hits = 0;
}

void monitor_review(struct monitor *m)
{
	struct findings *all = knowledge_findings(m->knowledge);

	forget_marks(all, m->suppressions);
	if (m->suppressions)
		suppress_apply(m->suppressions, knowledge_capture(m->knowledge), all);
	for (uint32_t i = 0; i < all->nr; i++)
		review(m, &all->items[i]);
}

/* --- the recorder's tables ------------------------------------------------- */

static uint64_t signature(const struct tables *t)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < LV_MAX_CLASSES; i++)
		if (tables_is_ready(&t->classes[i].state))
			sum += 1 + (uint64_t)t->classes[i].usage * 31 +
			       (uint64_t)t->classes[i].flags * 1000003;
	for (uint32_t i = 0; i < LV_MAX_EDGES; i++)
		sum += (uint64_t)tables_is_ready(&t->edges[i].state) << 40;
	for (uint32_t i = 0; t->facts && i < LV_MAX_FACTS; i++)
		sum += (uint64_t)tables_is_ready(&t->facts[i].state) << 56;
	return sum;
}

/*
 * News take a stack, so one number tells, while there are stacks left. The look after one that
 * found something is for slots that were not filled yet.
 */
static bool has_grown(struct monitor *m)
{
	struct monitor_sight *s = &m->sight;
	uint32_t next = __atomic_load_n(&m->tables.control->next_stack, __ATOMIC_ACQUIRE);
	bool moved = next != s->next_stack;
	uint64_t now;

	if (!moved && !s->moved && ++s->looks < LOOK_ANYWAY)
		return false;
	s->next_stack = next;
	s->moved = moved;
	s->looks = 0;
	now = signature(&m->tables);
	if (now == s->signature)
		return false;
	s->signature = now;
	return true;
}

static int take_in(struct monitor *m, struct error *err)
{
	struct capture *seen = capture_new();
	uint32_t *classes = calloc(LV_MAX_CLASSES, sizeof(*classes));
	uint64_t misses[LV_HOOKS + 1];
	struct tables tables = m->tables;
	int code = seen && classes ? 0 : error_set(err, -ENOMEM, "out of memory");

	programs_recursion_misses(m->programs, misses);
	tables.recursion_misses = misses;
	waits_tables(m->waits, &tables);
	code = code ? code : words_capture(m->words, &tables, seen, classes, err);
	if (!code) {
		code = orders_add(seen, knowledge_capture(m->knowledge)->kernel);
		code = code ? code : knowledge_add(m->knowledge, seen, classes);
		if (code)
			error_set_errno(err, code, "cannot take in what was recorded");
	}
	capture_free(seen);
	free(classes);
	return code;
}

void monitor_learn(struct monitor *m, bool whole)
{
	struct error err = {};

	if (!has_grown(m) && !whole)
		return;
	if (take_in(m, &err)) {
		tell(CONFIG_ERROR, TELL_GENERAL, "%s", err.text);
		m->sight.signature = 0; /* again, at the next look */
		m->sight.moved = true;
	}
	m->grown = true;
	monitor_review(m);
	if (!knowledge_is_full(m->knowledge) || m->told_full)
		return;
	m->told_full = true;
	tell(CONFIG_WARNING, TELL_GENERAL,
	     "the graph of this kernel is full: new classes and dependencies are left out");
}

void monitor_look_at_waits(struct monitor *m)
{
	int found = waits_look(m->waits);

	if (found > 0)
		monitor_learn(m, true);
	else if (found < 0 && !m->blind)
		tell(CONFIG_WARNING, TELL_GENERAL, "cannot look at who waits: %s", strerror(-found));
	m->blind = found < 0;
}

int monitor_begin_knowledge(struct monitor *m, struct capture *graph, struct error *err)
{
	int code = knowledge_new(graph, &m->knowledge);

	if (code)
		return error_set_errno(err, code, "cannot take up what was known");
	code = words_new(m->setup->btf, &m->words);
	return code ? error_set(err, code, "out of memory") : 0;
}
