// SPDX-License-Identifier: GPL-2.0-only
/*
 * A monitor's folder made of a capture, without a monitor: `state FOLDER CAPTURE`. Its findings are
 * there with their reports, one of another kernel build beside them, and a status of now.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "capture/db.h"
#include "knowledge/excerpt.h"
#include "store/state.h"
#include "publish/status.h"
#include "report/report.h"

#define FIRST_MS 1769862600000ull /* 2026-01-31 12:30:00 UTC */

static void must(int code, const char *what, const struct error *err)
{
	if (!code)
		return;
	fprintf(stderr, "state: %s: %s\n", what, err ? err->text : strerror(-code));
	exit(1);
}

static char *print(const struct capture *c, const struct finding *f, bool json)
{
	struct report_opts opts = { .least = FINDING_WEAK };
	struct findings one = { .items = (struct finding *)f, .nr = 1 };
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	must((json ? report_json : report_text)(out, c, &one, &opts), "report", NULL);
	fclose(out);
	return text;
}

static char *print_json(const struct capture *c, const struct finding *f)
{
	struct excerpt e;
	char *text;

	must(excerpt_make(c, f, &e), "excerpt", NULL);
	text = print(&e.c, &e.f, true);
	excerpt_done(&e);
	return text;
}

static char *chain_text(const struct capture *c, const struct finding *f)
{
	struct strbuf sb = STRBUF_INIT;

	for (uint32_t i = 0; i < f->chain.nr_classes; i++)
		strbuf_addf(&sb, "%s%s", i ? " --> " : "", c->classes[f->chain.classes[i]].name);
	return strbuf_take(&sb);
}

static void know(struct known *known, const struct capture *c, const struct finding *f)
{
	struct known_finding *k;

	must(known_add(known, f->id, c->kernel, c->build, &k), "known", NULL);
	k->rule = f->rule;
	k->confidence = f->confidence;
	k->first_ms = FIRST_MS;
	k->last_ms = FIRST_MS + 3600000;
	k->count = 7;
	k->chain = chain_text(c, f);
	k->text = print(c, f, false);
	k->json = print_json(c, f);
	k->dirty = true;
}

/* A finding of an older kernel, whose report has made room for others. */
static void know_old(struct known *known)
{
	struct known_finding *k;

	must(known_add(known, "0123456789ab", "6.1.0-old", "#1", &k), "known", NULL);
	k->rule = FINDING_CIRCULAR;
	k->confidence = FINDING_LIKELY;
	k->first_ms = k->last_ms = FIRST_MS - 86400000ull;
	k->count = 1;
	k->chain = strdup("old_a --> old_b");
	k->suppressed = true;
	k->dirty = true;
}

static void write_status(const char *folder, const struct capture *c)
{
	struct metrics m;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	metrics_init(&m);
	m.version = LOCKVANE_VERSION;
	m.kernel_release = c->kernel;
	m.kernel_version = c->build;
	m.started_ms = FIRST_MS;
	m.mode = METRICS_MODE_DISARMED;
	m.budget = 0.005;
	m.budget_used = 0.0041;
	m.coverage_time = 0.02;
	m.findings[FINDING_IRQ_INVERSION][FINDING_CONFIRMED] = 1;
	m.classes = c->nr_classes;
	m.edges = c->nr_edges;
	m.lost[LV_LOSS_GUARD] = 47;
	m.table_used[METRICS_TABLE_STACKS] = LV_MAX_STACKS;
	m.state_limit_bytes = 256 << 20;
	must(status_write(folder, &m, now.tv_sec * 1000ull), "status", NULL);
}

int main(int argc, char **argv)
{
	struct state_totals totals = { 7200000000000ull, 1000, 99000, FIRST_MS };
	struct state_content there;
	struct findings *found;
	struct known known = {};
	struct capture *c = NULL;
	struct error err = {};
	struct state *state;
	char aside[PATH_MAX];

	if (argc != 3)
		return 2;
	must(capture_db_load(argv[2], &c, &err), argv[2], &err);
	must(finding_analyse(c, &found), "analyse", NULL);
	must(state_open(argv[1], &state, &there, &err), argv[1], &err);
	for (uint32_t i = 0; i < found->nr; i++)
		know(&known, c, &found->items[i]);
	know_old(&known);
	must(state_save(state, c, &known, &totals, true, aside, &err), "save", &err);
	write_status(argv[1], c);
	known_done(&known);
	state_content_done(&there);
	state_close(state);
	findings_free(found);
	capture_free(c);
	return 0;
}
