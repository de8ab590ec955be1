// SPDX-License-Identifier: GPL-2.0-only
/* report, classes, edges: all read a capture and print it. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>

#include "capture/db.h"
#include "cli/cli.h"
#include "report/report.h"

struct report_args {
	const char *path;
	bool shows; /* has the options of cli_show, and those of source lines */
	const char *vmlinux;
	const char *modules;
	bool proc; /* as /proc/lockdep */
	struct cli_show show;
};

#define KEY_VMLINUX 0x200
#define KEY_PROC 0x201
#define KEY_MODULES 0x202

static const struct argp_option report_options[] = {
	{ "vmlinux", KEY_VMLINUX, "FILE", 0,
	  "the traced kernel's vmlinux with debug information: show file, line and inlined "
	  "functions", 0 },
	{ "modules", KEY_MODULES, "FOLDER", 0,
	  "where the traced kernel's modules are, with debug information, for their lines, too "
	  "(default: the usual places of that kernel's release)", 0 },
	{}
};

static const struct argp_option classes_options[] = {
	{ "proc", KEY_PROC, NULL, 0,
	  "classes and dependencies in the format of /proc/lockdep, for what reads that", 0 },
	{}
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct report_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		if (args->shows)
			state->child_inputs[0] = &args->show;
		return 0;
	case KEY_PROC:
		args->proc = true;
		return 0;
	case KEY_VMLINUX:
		args->vmlinux = arg;
		return 0;
	case KEY_MODULES:
		args->modules = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (args->path)
			argp_error(state, "one capture at a time");
		args->path = arg;
		return 0;
	case ARGP_KEY_END:
		if (args->modules && !args->vmlinux)
			argp_error(state, "--modules goes with --vmlinux");
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which capture? Name the file that `lockvane trace -o` wrote");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static struct report_args parse_args(const char *doc, const struct argp_option *options,
				     const struct argp_child *children, int argc, char **argv)
{
	struct report_args args = { .shows = children, .show.least = FINDING_LIKELY };
	struct argp argp = { .options = options, .parser = parse, .args_doc = "FILE",
			     .doc = doc, .children = children };

	cli_parse(&argp, argc, argv, 0, NULL, &args);
	return args;
}

/* Without build ids nothing says that modules found here are those that ran. */
static int add_sources(struct capture *c, const struct report_args *args, struct error *err)
{
	const struct debugfiles_where modules = {
		args->modules,
		capture_build_id(c, NULL) ? c->kernel : NULL,
	};

	return args->vmlinux ? cli_add_sources(c, args->vmlinux, &modules, err) : 0;
}

int cmd_report(int argc, char **argv)
{
	static const struct argp_child children[] = { { &cli_show_argp, 0, NULL, 0 }, {} };
	struct report_args args =
		parse_args("Analyse a capture and report, as trace does.\v"
			   "Exit status: 0 nothing found, 3 findings, 1 failure, 2 wrong usage.",
			   report_options, children, argc, argv);
	struct capture *c = NULL;
	struct error err = {};
	int status;

	if (capture_db_load(args.path, &c, &err))
		return cli_fail(&err);
	status = add_sources(c, &args, &err) ? cli_fail(&err) : cli_show_capture(c, &args.show);
	capture_free(c);
	return status;
}

static int list(const char *path, int (*print)(FILE *out, const struct capture *c))
{
	struct capture *c = NULL;
	struct error err = {};
	int code;

	if (capture_db_load(path, &c, &err))
		return cli_fail(&err);
	code = print(stdout, c);
	if (!code && fflush(stdout))
		code = -errno;
	capture_free(c);
	if (!code)
		return EXIT_NOTHING;
	error_set_errno(&err, code, "cannot write the list");
	return cli_fail(&err);
}

int cmd_classes(int argc, char **argv)
{
	struct report_args args = parse_args("List a capture's lock classes, one a line.",
					     classes_options, NULL, argc, argv);

	return list(args.path, args.proc ? report_proc : report_classes);
}

int cmd_edges(int argc, char **argv)
{
	return list(parse_args("List a capture's dependencies, one a line: the second lock was "
			       "taken while the first was held.", NULL, NULL, argc, argv).path,
		    report_edges);
}
