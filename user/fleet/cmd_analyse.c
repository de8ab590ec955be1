// SPDX-License-Identifier: GPL-2.0-only
/* fleet analyse: what only several hosts together show. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"
#include "fleet/analyse.h"
#include "fleet/cmd.h"
#include "report/jsonvalue.h"
#include "report/words.h"

struct analyse_args {
	const char *store;
	enum cli_format format;
	enum finding_confidence least;
	bool brief;
};

static const struct argp_option options[] = {
	{ "format", CLI_KEY_FORMAT, "FORMAT", 0, "text (default) or json", 0 },
	{ "confidence", CLI_KEY_CONFIDENCE, "LEVEL", 0,
	  "look for findings of this confidence or better: observed, confirmed, certain, likely (default) or "
	  "weak", 0 },
	{ "brief", CLI_KEY_BRIEF, NULL, 0, "one line a finding, no reports", 0 },
	{}
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct analyse_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args->store;
		return 0;
	case CLI_KEY_FORMAT:
		args->format = cli_parse_format(state, arg, 1u << CLI_TEXT | 1u << CLI_JSON);
		return 0;
	case CLI_KEY_CONFIDENCE:
		cli_parse_confidence(state, arg, &args->least);
		return 0;
	case CLI_KEY_BRIEF:
		args->brief = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* --- text ----------------------------------------------------------------------- */

static void put_build(const struct fleet_build *build, const struct fleet_together_all *all)
{
	fputs("kernel ", stdout);
	words_put(stdout, build->kernel);
	putchar(' ');
	words_put(stdout, build->build);
	printf(": %" PRIu32 " host%s, %zu usages and dependencies, %zu finding%s only together\n", build->hosts,
	       build->hosts == 1 ? "" : "s", all->parts, all->nr, all->nr == 1 ? "" : "s");
}

static void put_together(const struct fleet_together *t, bool brief)
{
	const struct finding *f = &t->found->items[0];

	printf("%s  %-9s  %-18s  ", f->fingerprint, finding_confidence_name(f->confidence),
	       finding_rule_name(f->rule));
	words_put(stdout, t->chain);
	fputs("  (", stdout);
	for (size_t i = 0; i < t->c->nr_sources; i++) {
		fputs(i ? ", " : "", stdout);
		words_put(stdout, t->c->sources[i].name);
	}
	puts(")");
	if (!brief) {
		putchar('\n');
		words_put_lines(stdout, t->text);
		putchar('\n');
	}
}

/* --- JSON ----------------------------------------------------------------------- */

static json_t *together_json(const struct fleet_together *t)
{
	const struct finding *f = &t->found->items[0];
	json_t *object = json_object(), *hosts = json_array();
	int err = object && hosts ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < t->c->nr_sources; i++)
		err = jsonvalue_push(hosts, jsonvalue_text(t->c->sources[i].name));
	err = err ?: jsonvalue_set(object, "id", json_string(f->id));
	err = err ?: jsonvalue_set(object, "fingerprint", json_string(f->fingerprint));
	err = err ?: jsonvalue_set(object, "rule", json_string(finding_rule_name(f->rule)));
	err = err ?: jsonvalue_set(object, "confidence", json_string(finding_confidence_name(f->confidence)));
	err = err ?: jsonvalue_set(object, "chain", jsonvalue_chain(t->chain));
	err = err ?: jsonvalue_set(object, "hosts", json_incref(hosts));
	err = err ?: jsonvalue_set(object, "report", json_loads(t->json, 0, NULL));
	json_decref(hosts);
	return jsonvalue_checked(object, err);
}

static json_t *build_json(const struct fleet_build *build, const struct fleet_together_all *all)
{
	json_t *object = json_object(), *list = json_array();
	int err = object && list ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < all->nr; i++)
		err = jsonvalue_push(list, together_json(&all->items[i]));
	err = err ?: jsonvalue_set(object, "kernel", jsonvalue_text(build->kernel));
	err = err ?: jsonvalue_set(object, "build", jsonvalue_text(build->build));
	err = err ?: jsonvalue_set(object, "hosts", jsonvalue_number(build->hosts));
	err = err ?: jsonvalue_set(object, "parts", jsonvalue_number(all->parts));
	err = err ?: jsonvalue_set(object, "findings", json_incref(list));
	json_decref(list);
	return jsonvalue_checked(object, err);
}

/* --- both ----------------------------------------------------------------------- */

/* One build: printed, or put into the list. How many findings go to ret. */
static int analyse(struct store *s, const struct fleet_build *build, const struct analyse_args *args, json_t *list,
		   size_t *ret, struct error *err)
{
	struct fleet_together_all all;
	int code = fleet_analyse(s, build, args->least, &all, err);

	if (code)
		return error_prefix(err, "kernel %.64s", build->kernel);
	*ret += all.nr;
	if (list && jsonvalue_push(list, build_json(build, &all)))
		code = error_set(err, -ENOMEM, "out of memory");
	if (!list)
		put_build(build, &all);
	for (size_t i = 0; !list && i < all.nr; i++)
		put_together(&all.items[i], args->brief);
	fleet_together_free(&all);
	return code;
}

static int print(json_t *list)
{
	json_t *root = json_object();
	int err = root ? 0 : -ENOMEM;

	err = err ?: jsonvalue_set(root, "schema", jsonvalue_number(JSONVALUE_SCHEMA));
	err = err ?: jsonvalue_set(root, "builds", json_incref(list));
	return jsonvalue_print(stdout, jsonvalue_checked(root, err));
}

static int analyse_all(struct store *s, const struct fleet_builds *builds, const struct analyse_args *args,
		       size_t *ret, struct error *err)
{
	json_t *list = args->format == CLI_JSON ? json_array() : NULL;
	int code = 0;

	if (args->format == CLI_JSON && !list)
		return error_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; !code && i < builds->nr; i++)
		code = analyse(s, &builds->items[i], args, list, ret, err);
	if (!code && list && print(list))
		code = error_set(err, -EIO, "cannot write");
	json_decref(list);
	if (!code && (fflush(stdout) || ferror(stdout)))
		code = error_set(err, -EIO, "cannot write");
	return code;
}

int cmd_fleet_analyse(int argc, char **argv)
{
	static const struct argp_child children[] = { { &cmd_store_argp, 0, NULL, 0 }, {} };
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.children = children,
		.doc = "Join what the hosts of each kernel build saw, and report what is wrong only together: a lock "
		       "order of which no host has all, and which hosts have which part of it. `lockvane fleet "
		       "findings` lists it from then on. " CMD_STORE_DOC "\v"
		       "Exit status: 0 nothing that is wrong only together, 3 findings, 1 failure, 2 wrong usage.",
	};
	struct analyse_args args = { .least = FINDING_LIKELY };
	CLEANUP(cleanup_store) struct store *s = NULL;
	struct fleet_builds builds = {};
	struct error err = {};
	size_t found = 0;
	int code;

	cli_parse(&argp, argc, argv, 0, NULL, &args);
	code = cmd_open(args.store, &s, &err);
	code = code ? code : fleet_builds_get(s, &builds, &err);
	code = code ? code : analyse_all(s, &builds, &args, &found, &err);
	fleet_builds_free(&builds);
	return code ? cli_fail(&err) : found ? EXIT_FINDINGS : EXIT_NOTHING;
}
