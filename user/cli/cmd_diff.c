// SPDX-License-Identifier: GPL-2.0-only
/* diff: what a capture has that another has not. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>

#include "capture/db.h"
#include "cli/cli.h"
#include "finding/suppress.h"
#include "report/diff.h"

#define KEY_FINDINGS 0x600

struct diff_args {
	const char *old, *new;
	enum finding_confidence least;
	const char *suppressions;
	enum cli_format format;
	bool findings; /* they alone decide the status */
};

static const struct argp_option options[] = {
	{ "format", CLI_KEY_FORMAT, "FORMAT", 0, "text (default) or json", 0 },
	{ "confidence", CLI_KEY_CONFIDENCE, "LEVEL", 0,
	  "compare findings of this confidence or better: observed, confirmed, certain, likely "
	  "(default) or weak", 0 },
	{ "suppress", CLI_KEY_SUPPRESS, "FILE", 0, "leave out the findings this file lists", 0 },
	{ "findings", KEY_FINDINGS, NULL, 0, "the exit status tells of new findings only", 0 },
	{}
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct diff_args *args = state->input;

	switch (key) {
	case CLI_KEY_FORMAT:
		args->format = cli_parse_format(state, arg, 1u << CLI_TEXT | 1u << CLI_JSON);
		return 0;
	case CLI_KEY_CONFIDENCE:
		cli_parse_confidence(state, arg, &args->least);
		return 0;
	case CLI_KEY_SUPPRESS:
		args->suppressions = arg;
		return 0;
	case KEY_FINDINGS:
		args->findings = true;
		return 0;
	case ARGP_KEY_ARG:
		if (args->new)
			argp_error(state, "two captures, please: OLD and NEW");
		*(args->old ? &args->new : &args->old) = arg;
		return 0;
	case ARGP_KEY_END:
		if (!args->new)
			argp_error(state, "which captures? OLD and NEW, as `lockvane trace -o` wrote them");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* A side's own. */
struct loaded {
	struct capture *c;
	struct findings *found;
};

static int load(const char *path, const char *suppressions, struct loaded *ret, struct error *err)
{
	struct suppressions *s = NULL;
	int code = capture_db_load(path, &ret->c, err);

	code = code ? code : suppress_read(suppressions, &s, err);
	if (code)
		return code;
	code = finding_analyse(ret->c, &ret->found);
	if (!code && s)
		suppress_apply(s, ret->c, ret->found);
	suppressions_free(s);
	return code ? error_set_errno(err, code, "cannot analyse %s", path) : 0;
}

static int compare(const struct diff_args *args, const struct loaded *old, const struct loaded *new,
		   struct error *err)
{
	const struct diff_side sides[2] = { { args->old, old->c, old->found },
					    { args->new, new->c, new->found } };
	struct diff *d = NULL;
	int code = diff_new(&sides[0], &sides[1], args->least, &d);

	code = code ? code : (args->format == CLI_JSON ? diff_json : diff_text)(stdout, d);
	if (!code && fflush(stdout))
		code = -errno;
	if (code)
		error_set_errno(err, code, "cannot compare");
	else if (args->findings ? diff_has_new_findings(d) : diff_has_new(d))
		code = EXIT_FINDINGS;
	diff_free(d);
	return code;
}

int cmd_diff(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "OLD NEW",
		.doc = "Say which findings, lock classes and dependencies came and which went between two "
		       "captures, of one kernel build or of two.\v"
		       "Exit status: 0 nothing new, 3 something is new, 1 failure, 2 wrong usage.",
	};
	struct diff_args args = { .least = FINDING_LIKELY };
	struct loaded old = {}, new = {};
	struct error err = {};
	int code;

	cli_parse(&argp, argc, argv, 0, NULL, &args);
	code = load(args.old, args.suppressions, &old, &err);
	code = code ? code : load(args.new, args.suppressions, &new, &err);
	code = code ? code : compare(&args, &old, &new, &err);
	findings_free(old.found);
	findings_free(new.found);
	capture_free(old.c);
	capture_free(new.c);
	return code < 0 ? cli_fail(&err) : code;
}
