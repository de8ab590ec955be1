// SPDX-License-Identifier: GPL-2.0-only
/* fleet findings: what the hosts found, by fingerprint. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/when.h"
#include "cli/cli.h"
#include "fleet/cmd.h"
#include "fleet/list.h"
#include "report/jsonvalue.h"

struct findings_args {
	const char *store;
	struct list_filter filter;
	enum cli_format format;
	bool brief;
};

static const struct argp_option options[] = {
	{ "format", CLI_KEY_FORMAT, "FORMAT", 0, "text (default) or json", 0 },
	{ "brief", CLI_KEY_BRIEF, NULL, 0, "one line a finding", 0 },
	{ "since", 's', "TIME", 0,
	  "seen since then: so long ago (30min, 12h, 7d), today, yesterday, or a date (2026-01-31, with 12:30 if "
	  "need be)", 0 },
	{ "confidence", CLI_KEY_CONFIDENCE, "LEVEL", 0,
	  "with this confidence or better on some host: observed, confirmed, certain, likely (default) "
	  "or weak", 0 },
	{ "id", CLI_KEY_ID, "ID", 0, "only findings whose fingerprint, or an id of it, begins so", 0 },
	{ "rule", CLI_KEY_RULE, "RULE", 0, "only findings of this rule: circular, irq-inversion, ...", 0 },
	{ "list-suppressed", CLI_KEY_LIST_SUPPRESSED, NULL, 0,
	  "those that are suppressed on all their hosts, too", 0 },
	{}
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct findings_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args->store;
		return 0;
	case CLI_KEY_FORMAT:
		args->format = cli_parse_format(state, arg, 1u << CLI_TEXT | 1u << CLI_JSON);
		return 0;
	case CLI_KEY_BRIEF:
		args->brief = true;
		return 0;
	case 's':
		if (when_since(arg, time(NULL), &args->filter.since_ms))
			argp_error(state, "--since: what time is \"%s\"? 30min, 12h, 7d, yesterday, 2026-01-31, "
				   "2026-01-31T12:30", arg);
		return 0;
	case CLI_KEY_CONFIDENCE:
		cli_parse_confidence(state, arg, &args->filter.least);
		return 0;
	case CLI_KEY_ID:
		args->filter.id = arg;
		return 0;
	case CLI_KEY_RULE:
		if (finding_rule_of(arg, strlen(arg)) == FINDING_RULES)
			argp_error(state, "--rule: no rule is called \"%s\"", arg);
		args->filter.rule = arg;
		return 0;
	case CLI_KEY_LIST_SUPPRESSED:
		args->filter.suppressed = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int print_json(const struct list *list)
{
	json_t *root = json_object(), *array = json_array();
	int err = root && array ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < list->nr; i++)
		err = jsonvalue_push(array, list_json(&list->items[i]));
	err = err ?: jsonvalue_set(root, "schema", jsonvalue_number(JSONVALUE_SCHEMA));
	err = err ?: jsonvalue_set(root, "findings", json_incref(array));
	json_decref(array);
	return jsonvalue_print(stdout, jsonvalue_checked(root, err));
}

static int print(const struct list *list, const struct findings_args *args)
{
	int code = 0;

	if (args->format == CLI_JSON) {
		code = print_json(list);
	} else {
		for (size_t i = 0; i < list->nr; i++)
			list_put(&list->items[i], args->brief);
		printf("%zu finding%s\n", list->nr, list->nr == 1 ? "" : "s");
	}
	return !code && (fflush(stdout) || ferror(stdout)) ? -EIO : code;
}

int cmd_fleet_findings(int argc, char **argv)
{
	static const struct argp_child children[] = { { &cmd_store_argp, 0, NULL, 0 }, {} };
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.children = children,
		.doc = "List what the hosts found, and what `lockvane fleet analyse` found of them together, the latest "
		       "first: one entry for a defect, on how many hosts and kernel builds ever. `lockvane fleet show "
		       "ID` prints one. " CMD_STORE_DOC "\v"
		       "Exit status: 0 nothing to list, 3 findings, 1 failure, 2 wrong usage.",
	};
	struct findings_args args = { .filter.least = FINDING_LIKELY };
	CLEANUP(cleanup_store) struct store *s = NULL;
	struct list list = {};
	struct error err = {};
	int code;

	cli_parse(&argp, argc, argv, 0, NULL, &args);
	code = cmd_open(args.store, &s, &err);
	code = code ? code : list_get(s, &args.filter, &list, &err);
	if (!code) {
		code = print(&list, &args);
		if (code)
			error_set_errno(&err, code, "cannot list");
		else
			code = list.nr ? EXIT_FINDINGS : EXIT_NOTHING;
	}
	list_free(&list);
	return code < 0 ? cli_fail(&err) : code;
}
