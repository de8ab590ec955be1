// SPDX-License-Identifier: GPL-2.0-only
/* report, classes, edges: all read a capture, or a monitor's graph, and print it. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/source.h"
#include "report/report.h"

struct report_args {
	struct cli_source source;
	struct cli_show show;
	const char *vmlinux;
	const char *modules;
};

#define KEY_VMLINUX 0x200
#define KEY_PROC 0x201
#define KEY_MODULES 0x202
#define KEY_DOT 0x203

static const struct argp_option report_options[] = {
	{ "vmlinux", KEY_VMLINUX, "FILE", 0,
	  "the traced kernel's vmlinux with debug information: show file, line and inlined "
	  "functions", 0 },
	{ "modules", KEY_MODULES, "FOLDER", 0,
	  "where the traced kernel's modules are, with debug information, for their lines, too "
	  "(default: the usual places of that kernel's release)", 0 },
	{}
};

static error_t parse_report(int key, char *arg, struct argp_state *state)
{
	struct report_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args->show;
		state->child_inputs[1] = &args->source;
		return 0;
	case KEY_VMLINUX:
		args->vmlinux = arg;
		return 0;
	case KEY_MODULES:
		args->modules = arg;
		return 0;
	case ARGP_KEY_ARG:
		cli_source_take(state, &args->source, arg);
		return 0;
	case ARGP_KEY_END:
		cli_source_check(state, &args->source);
		if (args->modules && !args->vmlinux)
			argp_error(state, "--modules goes with --vmlinux");
		if (args->show.list_suppressed && !args->show.suppressions)
			argp_error(state, "--list-suppressed goes with --suppress");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
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
	static const struct argp_child children[] = {
		{ &cli_show_argp, 0, NULL, 0 }, { &cli_source_argp, 0, NULL, 0 }, {}
	};
	static const struct argp argp = {
		.options = report_options,
		.parser = parse_report,
		.args_doc = "[FILE]",
		.doc = "Analyse a capture and report, as trace does. " CLI_SOURCE_DOC
		       "\vExit status: 0 nothing found, 3 findings, 1 failure, 2 wrong usage.",
		.children = children,
	};
	struct report_args args = { .show = CLI_SHOW_DEFAULT };
	struct capture *c = NULL;
	struct error err = {};
	int status;

	cli_parse(&argp, argc, argv, 0, NULL, &args);
	if (cli_source_load(&args.source, &c, &err))
		return cli_fail(&err);
	status = add_sources(c, &args, &err) ? cli_fail(&err) : cli_show_capture(c, &args.show);
	capture_free(c);
	return status;
}

/* --- lists ------------------------------------------------------------------ */

struct list_args {
	struct cli_source source;
	unsigned int formats; /* that the list has: bits 1 << enum cli_format */
	enum cli_format format;
	bool proc; /* as /proc/lockdep */
	const char *lock;
};

#define LIST_OPTIONS(of)                                                                           \
	{ "lock", CLI_KEY_LOCK, "PATTERN", 0,                                                      \
	  "only " of " that fit; * stands for any characters, ? for one", 0 }

static const struct argp_option classes_options[] = {
	{ "format", CLI_KEY_FORMAT, "FORMAT", 0, "text (default) or json", 0 },
	LIST_OPTIONS("classes whose names"),
	{ "proc", KEY_PROC, NULL, 0,
	  "classes and dependencies in the format of /proc/lockdep, for what reads that", 0 },
	{}
};

static const struct argp_option edges_options[] = {
	{ "format", CLI_KEY_FORMAT, "FORMAT", 0, "text (default), json or dot", 0 },
	{ "dot", KEY_DOT, NULL, 0, "the same as --format dot: for Graphviz", 0 },
	LIST_OPTIONS("dependencies with a class whose name"),
	{}
};

static error_t parse_list(int key, char *arg, struct argp_state *state)
{
	struct list_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args->source;
		return 0;
	case CLI_KEY_FORMAT:
		args->format = cli_parse_format(state, arg, args->formats);
		return 0;
	case CLI_KEY_LOCK:
		args->lock = arg;
		return 0;
	case KEY_DOT:
		args->format = CLI_DOT;
		return 0;
	case KEY_PROC:
		args->proc = true;
		return 0;
	case ARGP_KEY_ARG:
		cli_source_take(state, &args->source, arg);
		return 0;
	case ARGP_KEY_END:
		cli_source_check(state, &args->source);
		if (args->proc && (args->lock || args->format != CLI_TEXT))
			argp_error(state, "--proc is a format of its own, and of all classes");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child list_children[] = { { &cli_source_argp, 0, NULL, 0 }, {} };

static int list(const struct list_args *args,
		int (*print)(FILE *out, const struct capture *c, const char *lock))
{
	struct capture *c = NULL;
	struct error err = {};
	int code;

	if (cli_source_load(&args->source, &c, &err))
		return cli_fail(&err);
	code = print(stdout, c, args->lock);
	if (!code && fflush(stdout))
		code = -errno;
	capture_free(c);
	if (!code)
		return EXIT_NOTHING;
	error_set_errno(&err, code, "cannot write the list");
	return cli_fail(&err);
}

static int print_proc(FILE *out, const struct capture *c, const char *lock)
{
	return report_proc(out, c);
}

int cmd_classes(int argc, char **argv)
{
	static const struct argp argp = {
		.options = classes_options,
		.parser = parse_list,
		.args_doc = "[FILE]",
		.doc = "List a capture's lock classes, one a line. " CLI_SOURCE_DOC
		       "\vExit status: 0, 1 failure, 2 wrong usage.",
		.children = list_children,
	};
	struct list_args args = { .formats = 1u << CLI_TEXT | 1u << CLI_JSON };

	cli_parse(&argp, argc, argv, 0, NULL, &args);
	if (args.proc)
		return list(&args, print_proc);
	return list(&args, args.format == CLI_JSON ? report_classes_json : report_classes);
}

int cmd_edges(int argc, char **argv)
{
	static const struct argp argp = {
		.options = edges_options,
		.parser = parse_list,
		.args_doc = "[FILE]",
		.doc = "List a capture's dependencies, one a line: the second lock was taken while the "
		       "first was held. " CLI_SOURCE_DOC
		       "\vExit status: 0, 1 failure, 2 wrong usage.",
		.children = list_children,
	};
	struct list_args args = { .formats = 1u << CLI_TEXT | 1u << CLI_JSON | 1u << CLI_DOT };

	cli_parse(&argp, argc, argv, 0, NULL, &args);
	return list(&args, args.format == CLI_JSON ? report_edges_json :
			   args.format == CLI_DOT  ? report_edges_dot :
						     report_edges);
}
