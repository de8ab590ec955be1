// SPDX-License-Identifier: GPL-2.0-only
/* explain: why a class of a capture, or of the monitor's graph, has its name and grade. */
#include <argp.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>

#include "capture/db.h"
#include "cli/cli.h"
#include "daemon/config.h"
#include "daemon/state.h"
#include "report/report.h"

#define KEY_STATE 0x500

struct explain_args {
	const char *state;
	const char *path; /* NULL: the monitor's graph, of the folder */
	const char *class;
};

static const struct argp_option options[] = {
	{ "state", KEY_STATE, "FOLDER", 0,
	  "without FILE: the monitor's (" CONFIG_STATE_FOLDER ")", 0 },
	{}
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct explain_args *args = state->input;

	switch (key) {
	case KEY_STATE:
		args->state = arg;
		return 0;
	case ARGP_KEY_ARG: /* the last one is the class */
		if (args->path)
			argp_error(state, "one class at a time; *.lock means all of that form");
		args->path = args->class;
		args->class = arg;
		return 0;
	case ARGP_KEY_END:
		if (!args->class)
			argp_error(state, "which class? `lockvane classes FILE` lists a capture's");
		if (args->path && args->state)
			argp_error(state, "a capture or a monitor's folder, not both");
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

static int load(const struct explain_args *args, struct capture **ret, struct error *err)
{
	if (args->path)
		return capture_db_load(args->path, ret, err);
	return state_read_graph(args->state ? args->state : CONFIG_STATE_FOLDER, ret, err);
}

int cmd_explain(int argc, char **argv)
{
	const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "[FILE] CLASS",
		.doc = "Say why a lock class has its name and grade: where its locks live, what the "
		       "kernel called them, which sites took them, which instances were seen, and "
		       "what kernel sources tell lockdep of it. The class is that of a capture, or "
		       "without FILE of the graph that lockvane monitor keeps. CLASS is a name as `lockvane "
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
	if (load(&args, &c, &err))
		return cli_fail(&err);
	code = explain(c, args.class, &nr);
	capture_free(c);
	if (code)
		error_set_errno(&err, code, "cannot explain");
	else if (!nr && args.path)
		error_set(&err, -ENOENT, "no class is called \"%s\": `lockvane classes %s` lists them",
			  args.class, args.path);
	else if (!nr)
		error_set(&err, -ENOENT, "no class is called \"%s\": '*' explains all there are",
			  args.class);
	return code || !nr ? cli_fail(&err) : EXIT_NOTHING;
}
