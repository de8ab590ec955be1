// SPDX-License-Identifier: GPL-2.0-only
/* findings: what is in a capture, or what a monitor has found, a few lines each. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/when.h"
#include "cli/cli.h"
#include "cli/source.h"
#include "finding/suppress.h"
#include "report/jsonvalue.h"
#include "report/words.h"
#include "store/state.h"

#define KEY_SUPPRESSED 0x401
#define ARROW " --> "

struct findings_args {
	struct cli_source source;
	struct cli_show show;
	const char *since;
	uint64_t since_ms;
	bool new; /* not seen before since */
};

/* The findings to list: a monitor's with its totals, a capture's with the capture. */
struct content {
	struct known known;
	struct state_totals totals;
	struct capture *capture; /* NULL: of a monitor */
	size_t beyond;		 /* findings that found no room in known */
};

static const struct argp_option options[] = {
	{ "since", 's', "TIME", 0,
	  "a monitor's: seen since then: so long ago (30min, 12h, 7d), today, yesterday, or a date "
	  "(2026-01-31, with 12:30 if need be)", 0 },
	{ "new", 'n', NULL, 0, "with --since: only those that were not seen before", 0 },
	{ "suppressed", KEY_SUPPRESSED, NULL, OPTION_HIDDEN, NULL, 0 }, /* as it was called once */
	{}
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct findings_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args->show;
		state->child_inputs[1] = &args->source;
		return 0;
	case 's':
		args->since = arg;
		if (when_since(arg, time(NULL), &args->since_ms))
			argp_error(state, "--since: what time is \"%s\"? 30min, 12h, 7d, yesterday, "
				   "2026-01-31, 2026-01-31T12:30", arg);
		return 0;
	case 'n':
		args->new = true;
		return 0;
	case KEY_SUPPRESSED:
		args->show.list_suppressed = true;
		return 0;
	case ARGP_KEY_ARG:
		cli_source_take(state, &args->source, arg);
		return 0;
	case ARGP_KEY_END:
		cli_source_check(state, &args->source);
		if (args->show.format == CLI_HTML)
			argp_error(state, "--format html is for `lockvane report` and `lockvane show`");
		if (args->source.path && args->since)
			argp_error(state, "--since is for what a monitor found: a capture knows no "
					  "times");
		if (args->new && !args->since)
			argp_error(state, "--new since when? It goes with --since TIME");
		if (!args->source.path && args->show.suppressions)
			argp_error(state, "--suppress goes with FILE: the monitor has its own, see "
					  "lockvane.conf(5)");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{ &cli_show_argp, 0, NULL, 0 }, { &cli_source_argp, 0, NULL, 0 }, {}
};

static const struct argp findings_argp = {
	.options = options,
	.parser = parse,
	.children = children,
	.args_doc = "[FILE]",
	.doc = "List the findings of a capture, or what lockvane monitor has found, the latest first. "
	       CLI_SOURCE_DOC "`lockvane show [FILE] ID` prints one.\v"
	       "Exit status: 0 nothing to list, 3 findings, 1 failure, 2 wrong usage.",
};

/* --- where they come from --------------------------------------------------- */

static char *chain_text(const struct capture *c, const struct finding_chain *chain)
{
	struct strbuf sb = STRBUF_INIT;

	for (uint32_t i = 0; i < chain->nr_classes; i++)
		strbuf_addf(&sb, "%s%s", i ? ARROW : "", c->classes[chain->classes[i]].name);
	return strbuf_take(&sb);
}

/* How often the rarest part of it was seen: a dependency, or its only lock. */
static uint64_t times_seen(const struct capture *c, const struct finding_chain *chain)
{
	uint64_t least = c->classes[chain->classes[0]].acquisitions;

	for (uint32_t i = 0; i < chain->nr_edges; i++)
		if (!i || c->edges[chain->edges[i]].count < least)
			least = c->edges[chain->edges[i]].count;
	return least ? least : 1; /* it was seen to be found */
}

static int add_finding(const struct capture *c, const struct finding *f, struct content *to)
{
	struct known_finding *k;
	int code = known_add(&to->known, f->id, c->kernel, c->build, &k);

	if (code == -ENOSPC) {
		to->beyond++;
		return 0;
	}
	if (code)
		return code;
	k->rule = f->rule;
	k->confidence = f->confidence;
	k->suppressed = f->suppressed_by != LV_NONE;
	k->count = times_seen(c, &f->chain);
	k->chain = chain_text(c, &f->chain);
	return k->chain ? 0 : -ENOMEM;
}

static int read_capture(const struct findings_args *args, struct content *ret, struct error *err)
{
	struct suppressions *suppressions;
	struct findings *found;
	int code = cli_source_load(&args->source, &ret->capture, err);

	code = code ? code : cli_find(ret->capture, &args->show, &found, &suppressions, err);
	if (code)
		return code;
	for (uint32_t i = 0; !code && i < found->nr; i++)
		code = add_finding(ret->capture, &found->items[i], ret);
	if (code)
		error_set(err, code, "out of memory");
	findings_free(found);
	suppressions_free(suppressions);
	return code;
}

static int latest_first(const void *va, const void *vb)
{
	const struct known_finding *a = va, *b = vb;

	if (a->last_ms != b->last_ms)
		return a->last_ms < b->last_ms ? 1 : -1;
	return strcmp(a->id, b->id);
}

/* Drop those that are not asked for. */
static void keep(struct known *known, const struct findings_args *args, const bool *with)
{
	size_t kept = 0;

	for (size_t i = 0; i < known->nr; i++) {
		struct known_finding *f = &known->items[i];
		char fingerprint[FINDING_ID_LEN];

		finding_fingerprint_of(f->rule, f->chain, fingerprint);
		if ((!with || with[i]) &&
		    finding_select_fits_text(&args->show.select, f->id, fingerprint, f->rule,
					     f->chain)) {
			struct known_finding moved = known->items[kept];

			known->items[kept++] = *f;
			*f = moved;
		}
	}
	while (known->nr > kept)
		known_drop_last(known);
}

static int read_state(const struct findings_args *args, struct content *ret, struct error *err)
{
	const char *folder = cli_source_folder(&args->source);
	const char *module = args->show.select.module;
	AUTO_FREE bool *with = NULL;
	struct state_content there;
	char text[80];
	int code = state_read(folder, &there, err);

	if (code)
		return code;
	ret->known = there.known;
	ret->totals = there.totals;
	if (module) {
		with = calloc(ret->known.nr + 1, sizeof(*with));
		snprintf(text, sizeof(text), " [%.64s]", module);
		code = with ? state_reports_with(folder, text, &ret->known, with, err) :
			      error_set(err, -ENOMEM, "out of memory");
	}
	if (code)
		return code;
	keep(&ret->known, args, with);
	if (ret->known.nr)
		qsort(ret->known.items, ret->known.nr, sizeof(*ret->known.items), latest_first);
	return 0;
}

/* --- how they are listed ---------------------------------------------------- */

static bool is_listed(const struct known_finding *f, const struct findings_args *args)
{
	return (args->new ? f->first_ms : f->last_ms) >= args->since_ms && f->confidence >= args->show.least &&
	       (args->show.list_suppressed || !f->suppressed);
}

static void put_coverage(const struct content *there)
{
	const struct state_totals *t = &there->totals;
	const struct capture *c = there->capture;
	double events = t->seen + t->unseen ? 100.0 * t->seen / (t->seen + t->unseen) : 0;

	if (c) {
		printf("coverage: %" PRIu64 " lock events", c->events);
		if (c->duration)
			printf(" in %.1f s", c->duration / 1e9);
		printf(", %" PRIu64 " lost\n", capture_lost(c));
		return;
	}
	printf("coverage: %.3g%% of lock events in ", events);
	words_put_duration(stdout, t->watched_ns);
	fputs(" of watching this kernel; as of ", stdout);
	words_put_time(stdout, t->saved_ms);
	putchar('\n');
}

static void put_brief(const struct known_finding *f)
{
	printf("%s  %-9s  %-18s  ", f->id, finding_confidence_name(f->confidence),
	       finding_rule_name(f->rule));
	words_put(stdout, f->chain);
	puts(f->suppressed ? "  (suppressed)" : "");
}

static void put_finding(const struct known_finding *f, const struct content *there,
			const struct utsname *here)
{
	char fingerprint[FINDING_ID_LEN];

	finding_fingerprint_of(f->rule, f->chain, fingerprint);
	printf("%s  %s, %s%s\n    ", f->id, finding_rule_name(f->rule),
	       finding_confidence_name(f->confidence), f->suppressed ? ", suppressed" : "");
	words_put(stdout, f->chain);
	fputs("\n    ", stdout);
	if (!there->capture) {
		fputs("first ", stdout);
		words_put_time(stdout, f->first_ms);
		fputs(", last ", stdout);
		words_put_time(stdout, f->last_ms);
		fputs(", ", stdout);
	}
	printf("seen %" PRIu64 " time%s, fingerprint %s", f->count, f->count == 1 ? "" : "s",
	       fingerprint);
	if (!there->capture && (strcmp(f->kernel, here->release) || strcmp(f->build, here->version))) {
		fputs(", kernel ", stdout);
		words_put(stdout, f->kernel);
	}
	putchar('\n');
}

static json_t *finding_json(const struct known_finding *f, bool timed)
{
	json_t *object = json_object();
	char fingerprint[FINDING_ID_LEN];
	int err = object ? 0 : -ENOMEM;

	finding_fingerprint_of(f->rule, f->chain, fingerprint);
	err = err ?: jsonvalue_set(object, "id", json_string(f->id));
	err = err ?: jsonvalue_set(object, "fingerprint", json_string(fingerprint));
	err = err ?: jsonvalue_set(object, "rule", json_string(finding_rule_name(f->rule)));
	err = err ?: jsonvalue_set(object, "confidence",
				   json_string(finding_confidence_name(f->confidence)));
	err = err ?: jsonvalue_set(object, "chain", jsonvalue_chain(f->chain));
	err = err ?: jsonvalue_set(object, "kernel", jsonvalue_text(f->kernel));
	err = err ?: jsonvalue_set(object, "build", jsonvalue_text(f->build));
	if (timed) {
		err = err ?: jsonvalue_set(object, "first_seen_ms", jsonvalue_number(f->first_ms));
		err = err ?: jsonvalue_set(object, "last_seen_ms", jsonvalue_number(f->last_ms));
	}
	err = err ?: jsonvalue_set(object, "count", jsonvalue_number(f->count));
	err = err ?: jsonvalue_set(object, "suppressed", json_boolean(f->suppressed));
	return jsonvalue_checked(object, err);
}

static json_t *coverage_json(const struct content *there)
{
	const struct state_totals *t = &there->totals;
	const struct capture *c = there->capture;

	if (c)
		return json_pack("{sI sI sI}", "armed_ns", (json_int_t)c->duration, "events_seen",
				 (json_int_t)c->events, "lost", (json_int_t)capture_lost(c));
	return json_pack("{sI sI sI sI}", "watched_ns", (json_int_t)t->watched_ns, "events_seen",
			 (json_int_t)t->seen, "events_unseen", (json_int_t)t->unseen, "saved_ms",
			 (json_int_t)t->saved_ms);
}

static int list_json(const struct content *there, const struct findings_args *args)
{
	json_t *root = json_object(), *list = json_array();
	int err = root && list ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < there->known.nr; i++)
		if (is_listed(&there->known.items[i], args))
			err = jsonvalue_push(list, finding_json(&there->known.items[i],
								!there->capture));
	err = err ?: jsonvalue_set(root, "schema", jsonvalue_number(JSONVALUE_SCHEMA));
	err = err ?: jsonvalue_set(root, "coverage", coverage_json(there));
	err = err ?: jsonvalue_set(root, "findings", json_incref(list));
	json_decref(list);
	return jsonvalue_print(stdout, jsonvalue_checked(root, err));
}

static void list_text(const struct content *there, const struct findings_args *args, size_t listed)
{
	size_t all = there->known.nr + there->beyond;
	struct utsname here = {};

	uname(&here);
	for (size_t i = 0; i < there->known.nr; i++) {
		if (!is_listed(&there->known.items[i], args))
			continue;
		if (args->show.brief)
			put_brief(&there->known.items[i]);
		else
			put_finding(&there->known.items[i], there, &here);
	}
	printf("%zu finding%s", listed, listed == 1 ? "" : "s");
	if (listed < all)
		printf(", and %zu not listed: %sless sure (--confidence weak), or suppressed "
		       "(--list-suppressed)", all - listed, args->since ? "older, " : "");
	putchar('\n');
	put_coverage(there);
}

static int list(const struct content *there, const struct findings_args *args)
{
	size_t listed = 0;
	int code = 0;

	for (size_t i = 0; i < there->known.nr; i++)
		listed += is_listed(&there->known.items[i], args);
	if (args->show.format == CLI_JSON)
		code = list_json(there, args);
	else
		list_text(there, args, listed);
	if (!code && (fflush(stdout) || ferror(stdout)))
		code = -EIO;
	return code ? code : listed ? EXIT_FINDINGS : EXIT_NOTHING;
}

int cmd_findings(int argc, char **argv)
{
	struct findings_args args = { .show = CLI_SHOW_DEFAULT };
	struct content there = {};
	struct error err = {};
	int code;

	cli_parse(&findings_argp, argc, argv, 0, NULL, &args);
	code = (args.source.path ? read_capture : read_state)(&args, &there, &err);
	if (!code) {
		code = list(&there, &args);
		if (code < 0)
			error_set_errno(&err, code, "cannot list");
	}
	known_done(&there.known);
	capture_free(there.capture);
	return code < 0 ? cli_fail(&err) : code;
}
