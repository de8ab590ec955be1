// SPDX-License-Identifier: GPL-2.0-only
/* explain: why a class of a capture, or of the monitor's graph, has its name and grade. */
#include <argp.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/source.h"
#include "report/report.h"

struct explain_args {
	struct cli_source source;
	const char *class;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct explain_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args->source;
		return 0;
	case ARGP_KEY_ARG: /* the last one is the class */
		if (args->source.path)
			argp_error(state, "one class at a time; *.lock means all of that form");
		if (args->class)
			cli_source_take(state, &args->source, args->class);
		args->class = arg;
		return 0;
	case ARGP_KEY_END:
		if (!args->class)
			argp_error(state, "which class? `lockvane classes` lists them");
		cli_source_check(state, &args->source);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Those whose name fits, a blank line between. */
static int explain(const struct capture *c, const char *pattern, size_t *ret_nr)
{
	int code = 0;

	for (uint32_t i = 0; !code && i < c->nr_classes; i++) {
		if (fnmatch(pattern, c->classes[i].name, 0))
			continue;
		if ((*ret_nr)++)
			putchar('\n');
		code = report_explain(stdout, c, i);
	}
	return !code && fflush(stdout) ? -errno : code;
}

int cmd_explain(int argc, char **argv)
{
	static const struct argp_child children[] = { { &cli_source_argp, 0, NULL, 0 }, {} };
	static const struct argp argp = {
		.parser = parse,
		.args_doc = "[FILE] CLASS",
		.doc = "Say why a lock class has its name and grade: where its locks live, what the "
		       "kernel called them, which sites took them, which instances were seen, and "
		       "what kernel sources tell lockdep of it. " CLI_SOURCE_DOC
		       "CLASS is a name as `lockvane "
		       "classes` prints it, or a pattern: * and ? stand for any characters, \\ before "
		       "one takes it as it is.\v"
		       "Exit status: 0 explained, 1 failure or no such class, 2 wrong usage.",
		.children = children,
	};
	struct explain_args args = {};
	struct capture *c = NULL;
	struct error err = {};
	size_t nr = 0;
	int code;

	cli_parse(&argp, argc, argv, 0, NULL, &args);
	if (cli_source_load(&args.source, &c, &err))
		return cli_fail(&err);
	code = explain(c, args.class, &nr);
	capture_free(c);
	if (code)
		error_set_errno(&err, code, "cannot explain");
	else if (!nr)
		error_set(&err, -ENOENT, "no class is called \"%s\": `lockvane classes%s%s` lists them",
			  args.class, args.source.path ? " " : "",
			  args.source.path ? args.source.path : "");
	return code || !nr ? cli_fail(&err) : EXIT_NOTHING;
}
