// SPDX-License-Identifier: GPL-2.0-only
/* explain: why a class of a capture has its name and grade. */
#include <argp.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>

#include "capture/db.h"
#include "cli/cli.h"
#include "report/report.h"

struct explain_args {
	const char *path, *class;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct explain_args *args = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (!args->path)
			args->path = arg;
		else if (!args->class)
			args->class = arg;
		else
			argp_error(state, "one class at a time; *.lock means all of that form");
		return 0;
	case ARGP_KEY_END:
		if (!args->class)
			argp_error(state, "which class of which capture? `lockvane classes FILE` lists "
					  "them");
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
	const struct argp argp = {
		.parser = parse,
		.args_doc = "FILE CLASS",
		.doc = "Say why a capture's lock class has its name and grade: where its locks live, "
		       "what the kernel called them, which sites took them, which instances were seen, "
		       "and what kernel sources tell lockdep of it. CLASS is a name as `lockvane "
		       "classes` prints it, or a pattern: * and ? stand for any characters, \\ before "
		       "one takes it as it is.\v"
		       "Exit status: 0 explained, 1 failure or no such class, 2 wrong usage.",
	};
	struct explain_args args = {};
	struct capture *c = NULL;
	struct error err = {};
	size_t nr = 0;
	int code;

	cli_parse(&argp, argc, argv, 0, NULL, &args);
	if (capture_db_load(args.path, &c, &err))
		return cli_fail(&err);
	code = explain(c, args.class, &nr);
	capture_free(c);
	if (code)
		error_set_errno(&err, code, "cannot explain");
	else if (!nr)
		error_set(&err, -ENOENT, "no class is called \"%s\": `lockvane classes %s` lists them",
			  args.class, args.path);
	return code || !nr ? cli_fail(&err) : EXIT_NOTHING;
}
