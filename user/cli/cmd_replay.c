// SPDX-License-Identifier: GPL-2.0-only
/* replay: scenario files through the recorder and the rules. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "capture/db.h"
#include "cli/cli.h"
#include "replay/replay.h"

struct replay_args {
	bool production;
	bool quiet;
	const char *output; /* NULL: none */
	struct cli_show show;
	int first; /* file in argv */
};

static const struct argp_option options[] = {
	{ "production", 'p', NULL, 0,
	  "as a kernel without lockdep shows it: no annotations, classes by place", 0 },
	{ "output", 'o', "CAPTURE", 0, "keep the capture of the one scenario in this file", 0 },
	{ "quiet", 'q', NULL, 0, "no reports: say only whether all was as expected", 0 },
	{}
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct replay_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args->show;
		return 0;
	case 'p':
		args->production = true;
		return 0;
	case 'o':
		args->output = arg;
		return 0;
	case 'q':
		args->quiet = true;
		return 0;
	case ARGP_KEY_ARGS:
		args->first = state->next;
		if (args->output && state->argc - state->next != 1)
			argp_error(state, "--output goes with one scenario");
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which scenario? docs/scenarios.md tells how to write one");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Say how it went on stderr: stdout is for reports. */
static int judge(const struct scenario *s, const struct capture *c, const char *path,
		 const struct replay_args *args, int status, struct error *err)
{
	AUTO_FREE char *why = NULL;
	struct findings *found = NULL;
	bool as_expected = false;
	int code;

	if (!scenario_expects(s, args->production))
		return status;
	code = finding_analyse(c, &found);
	if (!code)
		code = replay_judge(s, c, found, args->production, args->show.least, &as_expected,
				    &why);
	findings_free(found);
	if (code) {
		error_set_errno(err, code, "cannot judge %s", path);
		return cli_fail(err);
	}
	if (as_expected)
		fprintf(stderr, "lockvane: %s: as expected\n", path);
	else
		fprintf(stderr, "lockvane: %s: NOT as expected: %s\n", path, why);
	return as_expected ? EXIT_NOTHING : EXIT_FAILED;
}

/* Without a report: is anything to be shown? */
static int count(const struct capture *c, enum finding_confidence least)
{
	struct findings *found = NULL;
	struct error err = {};
	int status;

	if (finding_analyse(c, &found)) {
		error_set(&err, -1, "no memory");
		return cli_fail(&err);
	}
	status = findings_shown(found, least) ? EXIT_FINDINGS : EXIT_NOTHING;
	findings_free(found);
	return status;
}

static int replay_file(struct replay *r, const char *path, const struct replay_args *args)
{
	struct scenario *s = NULL;
	struct capture *c = NULL;
	struct error err = {};
	int status;

	if (scenario_load(path, &s, &err))
		return cli_fail(&err);
	if (replay_run(r, s, path, args->production, &c, &err)) {
		scenario_free(s);
		return cli_fail(&err);
	}
	/* Kept first, as trace does: whoever reads the report may go away. */
	if (args->output && capture_db_save(c, args->output, &err)) {
		capture_free(c);
		scenario_free(s);
		return cli_fail(&err);
	}
	status = args->quiet ? count(c, args->show.least) : cli_show_capture(c, &args->show);
	if (status != EXIT_FAILED)
		status = judge(s, c, path, args, status, &err);
	capture_free(c);
	scenario_free(s);
	return status;
}

int cmd_replay(int argc, char **argv)
{
	static const struct argp_child children[] = { { &cli_show_argp, 0, NULL, 0 }, {} };
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "FILE...",
		.doc = "Run scenario files through the recorder and the rules, as a debug kernel "
		       "would see them.\v"
		       "Exit status: 0 all as expected, or nothing found where nothing is said of "
		       "it; 3 findings where nothing is said; 1 not as expected, or failure; 2 "
		       "wrong usage. With several files, the worst: 1, then 3, then 0.",
		.children = children,
	};
	struct replay_args args = { .show = CLI_SHOW_DEFAULT };
	struct error err = {};
	struct replay *r;
	int worst = EXIT_NOTHING;

	cli_parse(&argp, argc, argv, 0, NULL, &args);
	r = replay_new();
	if (!r) {
		error_set(&err, -1, "no memory");
		return cli_fail(&err);
	}
	for (int i = args.first; i < argc; i++) {
		int status = replay_file(r, argv[i], &args);

		if (status == EXIT_FAILED || worst == EXIT_NOTHING)
			worst = status;
	}
	replay_free(r);
	return worst;
}
