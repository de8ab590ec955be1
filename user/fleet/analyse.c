// SPDX-License-Identifier: GPL-2.0-only
#include "fleet/analyse.h"

#include <errno.h>
#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/strbuf.h"
#include "finding/orders.h"
#include "fleet/part_capture.h"
#include "fleet/witness.h"
#include "report/report.h"

#define MAX_ALSO 32 /* chains of one finding that are asked about */

struct analysis {
	struct store *s;
	const struct fleet_build *build;
	enum finding_confidence least;
	struct fleet_graph g;
	struct findings *found;
	void *ids; /* tsearch(): findings that some host has by itself */
	struct witness *witnesses;
	size_t nr_witnesses;
	struct fleet_together_all *ret;
	struct error *err;
};

static int no_memory(const struct analysis *a)
{
	return error_set(a->err, -ENOMEM, "out of memory");
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int keep_id(struct analysis *a, const PGresult *r, int row)
{
	char *id = strdup(store_text(r, row, 0)), **there;

	there = id ? tsearch(id, &a->ids, compare_ids) : NULL;
	if (!there || *there != id)
		free(id);
	return there ? 0 : no_memory(a);
}

/* A finding of one host alone is no news here. */
static int read_ids(struct analysis *a)
{
	char least[16];
	const char *values[] = { a->build->kernel, a->build->build, least };
	CLEANUP(cleanup_result) PGresult *r = NULL;
	int code = 0;

	snprintf(least, sizeof(least), "%d", a->least);
	r = store_run(a->s, "SELECT DISTINCT i.finding FROM lockvane.issue i JOIN lockvane.sighting s "
			    "ON s.issue = i.id WHERE i.kernel = $1 AND i.build = $2 AND s.confidence >= $3",
		      3, values, a->err);
	if (!r)
		return a->err->code;
	for (int row = 0; !code && row < PQntuples(r); row++)
		code = keep_id(a, r, row);
	return code;
}

static int read_graph(struct analysis *a)
{
	int code = fleet_graph_get(a->s, a->build, &a->g, a->err);

	if (code)
		return code;
	a->ret->parts = a->g.nr_units;
	if (orders_add(a->g.c, a->g.c->kernel))
		return no_memory(a);
	code = finding_analyse(a->g.c, &a->found);
	return code ? error_set_errno(a->err, code, "cannot analyse the graph of kernel %.64s",
				      a->build->kernel) :
		      0;
}

static void ask_about(struct analysis *a, const struct finding *f, const struct finding_chain *chain)
{
	if (witness_set(&a->witnesses[a->nr_witnesses], &a->g, f, chain))
		a->nr_witnesses++;
}

/* Whether a host has all of a chain: asked for every finding that no host has. */
static int ask(struct analysis *a)
{
	a->witnesses = calloc((size_t)a->found->nr * (1 + MAX_ALSO) + 1, sizeof(*a->witnesses));
	if (!a->witnesses)
		return no_memory(a);
	for (uint32_t i = 0; i < a->found->nr; i++) {
		const struct finding *f = &a->found->items[i];

		if (f->confidence < a->least || tfind(f->id, &a->ids, compare_ids))
			continue;
		ask_about(a, f, &f->chain);
		for (uint32_t k = 0; k < f->nr_also && k < MAX_ALSO; k++)
			ask_about(a, f, &f->also[k]);
	}
	return witness_ask(a->s, a->build, &a->g, a->witnesses, a->nr_witnesses, a->err);
}

static bool is_wanted(const struct finding *f, void *arg)
{
	return f->chain.joined && !strcmp(f->id, arg);
}

static char *chain_text(const struct capture *c, const struct finding_chain *chain)
{
	struct strbuf sb = STRBUF_INIT;

	for (uint32_t i = 0; i < chain->nr_classes; i++)
		strbuf_addf(&sb, "%s%s", i ? " --> " : "", c->classes[chain->classes[i]].name);
	return strbuf_take(&sb);
}

typedef int (*report_fn)(FILE *out, const struct capture *c, const struct findings *f,
			 const struct report_opts *opts);

static char *report(const struct fleet_together *t, report_fn fn)
{
	const struct report_opts opts = { .least = FINDING_WEAK };
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int code = out ? fn(out, t->c, t->found, &opts) : -ENOMEM;

	if (out && fclose(out))
		code = -ENOMEM;
	if (code) {
		free(text);
		return NULL;
	}
	return text;
}

static int describe(struct analysis *a, struct fleet_together *t)
{
	t->chain = chain_text(t->c, &t->found->items[0].chain);
	t->text = report(t, report_text);
	t->json = report(t, report_json);
	return t->chain && t->text && t->json ? 0 : no_memory(a);
}

static void forget(struct fleet_together *t)
{
	findings_free(t->found);
	capture_free(t->c);
	free(t->chain);
	free(t->text);
	free(t->json);
	*t = (struct fleet_together){};
}

/* The finding as the chosen hosts' captures show it; the judgement is theirs. */
static int add_together(struct analysis *a, const struct witness *w, const struct witness_best *chosen, size_t nr)
{
	struct fleet_together t = {};
	int code = fleet_put_together(a->s, a->build, &a->g, w, chosen, nr, &t.c, t.hosts, a->err);

	if (!code && finding_analyse(t.c, &t.found))
		code = no_memory(a);
	if (!code)
		findings_keep(t.found, is_wanted, (void *)w->finding->id);
	if (code || !t.found->nr || t.found->items[0].confidence < a->least) {
		forget(&t);
		return code;
	}
	code = describe(a, &t);
	if (code)
		forget(&t);
	else
		a->ret->items[a->ret->nr++] = t;
	return code;
}

/* For each finding, choose the first chain that no host has, and some together. */
static int choose(struct analysis *a)
{
	const struct finding *last = NULL;
	int code = 0;

	a->ret->items = calloc(a->found->nr + 1, sizeof(*a->ret->items));
	if (!a->ret->items)
		return no_memory(a);
	for (size_t i = 0; !code && i < a->nr_witnesses; i++) {
		const struct witness *w = &a->witnesses[i];
		struct witness_best chosen[WITNESS_LINKS];
		size_t had = a->ret->nr, nr = w->finding == last ? 0 : witness_choose(w, chosen);

		if (nr < 2)
			continue;
		code = add_together(a, w, chosen, nr);
		if (a->ret->nr > had)
			last = w->finding;
	}
	return code;
}

/* --- the store's copy ------------------------------------------------------ */

static char *numbers_text(const int32_t *numbers, size_t nr)
{
	struct strbuf sb = STRBUF_INIT;

	strbuf_add(&sb, "{");
	for (size_t i = 0; i < nr; i++)
		strbuf_addf(&sb, "%s%" PRId32, i ? "," : "", numbers[i]);
	strbuf_add(&sb, "}");
	return strbuf_take(&sb);
}

static int write_one(struct analysis *a, const struct fleet_together *t, const char *build, const char *now)
{
	const struct finding *f = &t->found->items[0];
	AUTO_FREE char *hosts = numbers_text(t->hosts, t->c->nr_sources);
	char confidence[16];
	const char *values[] = { build, f->id, f->fingerprint, finding_rule_name(f->rule), confidence, t->chain,
				 hosts, now, t->text, t->json };
	CLEANUP(cleanup_result) PGresult *r = NULL;

	if (!hosts)
		return no_memory(a);
	snprintf(confidence, sizeof(confidence), "%d", f->confidence);
	r = store_run(a->s, "INSERT INTO lockvane.together (build, finding, fingerprint, rule, confidence, chain, hosts, "
			    "first_ms, last_ms, text, json) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10) "
			    "ON CONFLICT (build, finding) DO UPDATE SET confidence = excluded.confidence, "
			    "chain = excluded.chain, hosts = excluded.hosts, last_ms = excluded.last_ms, "
			    "text = excluded.text, json = excluded.json", 10, values, a->err);
	return r ? 0 : a->err->code;
}

/* Findings that do not hold any more go. */
static int drop_others(struct analysis *a, const char *build)
{
	AUTO_STRBUF ids = STRBUF_INIT;
	const char *values[] = { build, NULL };
	CLEANUP(cleanup_result) PGresult *r = NULL;

	strbuf_add(&ids, "{");
	for (size_t i = 0; i < a->ret->nr; i++)
		strbuf_addf(&ids, "%s%s", i ? "," : "", a->ret->items[i].found->items[0].id);
	strbuf_add(&ids, "}");
	if (ids.failed)
		return no_memory(a);
	values[1] = ids.text;
	r = store_run(a->s, "DELETE FROM lockvane.together WHERE build = $1 AND finding::text <> ALL ($2::text[])", 2,
		      values, a->err);
	return r ? 0 : a->err->code;
}

static int write_all(struct analysis *a)
{
	char build[16], now[24];
	struct timespec at;
	int code;

	clock_gettime(CLOCK_REALTIME, &at);
	snprintf(now, sizeof(now), "%lld", at.tv_sec * 1000ll + at.tv_nsec / 1000000);
	snprintf(build, sizeof(build), "%" PRId32, a->build->id);
	code = store_script(a->s, "BEGIN", a->err);
	for (size_t i = 0; !code && i < a->ret->nr; i++)
		code = write_one(a, &a->ret->items[i], build, now);
	code = code ? code : drop_others(a, build);
	if (code)
		store_script(a->s, "ROLLBACK", NULL);
	return code ? code : store_script(a->s, "COMMIT", a->err);
}

int fleet_analyse(struct store *s, const struct fleet_build *build, enum finding_confidence least,
		  struct fleet_together_all *ret, struct error *err)
{
	struct analysis a = { .s = s, .build = build, .least = least, .ret = ret, .err = err };
	int code;

	*ret = (struct fleet_together_all){};
	code = read_ids(&a);
	code = code ? code : read_graph(&a);
	code = code ? code : ask(&a);
	code = code ? code : choose(&a);
	code = code ? code : write_all(&a);
	free(a.witnesses);
	tdestroy(a.ids, free);
	findings_free(a.found);
	fleet_graph_free(&a.g);
	if (code)
		fleet_together_free(ret);
	return code;
}

void fleet_together_free(struct fleet_together_all *all)
{
	for (size_t i = 0; i < all->nr; i++)
		forget(&all->items[i]);
	free(all->items);
	*all = (struct fleet_together_all){};
}
