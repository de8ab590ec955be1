// SPDX-License-Identifier: GPL-2.0-only
/* merge: captures of one kernel build put together, and what is wrong only together. */
#include <argp.h>
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/db.h"
#include "capture/merge.h"
#include "cli/cli.h"
#include "finding/orders.h"
#include "report/report.h"

struct merge_args {
	const char *output; /* a file, or NULL */
	struct cli_show show;
	int first; /* capture in argv */
};

static const struct argp_option options[] = {
	{ "output", 'o', "FILE", 0, "keep what they are together, as a capture", 0 },
	{}
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct merge_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args->show;
		return 0;
	case 'o':
		args->output = arg;
		return 0;
	case ARGP_KEY_ARGS:
		args->first = state->next;
		if (state->argc - state->next < 2)
			argp_error(state, "two captures or more, please");
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which captures? Name files that `lockvane trace -o` wrote");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Ids of the findings that one capture shows by itself. */
static int compare_ids(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int add_ids(void **ids, const struct findings *found, enum finding_confidence least)
{
	for (uint32_t i = 0; i < found->nr; i++) {
		char *id, **there;

		if (found->items[i].confidence < least)
			continue;
		id = strdup(found->items[i].id);
		there = id ? tsearch(id, ids, compare_ids) : NULL;
		if (!there || *there != id)
			free(id);
		if (!there)
			return -ENOMEM;
	}
	return 0;
}

static bool is_new(const struct finding *f, void *ids)
{
	return !tfind(f->id, ids, compare_ids);
}

static int add(struct capture_merge *m, const char *path, enum finding_confidence least, void **ids,
	       struct error *err)
{
	struct findings *found = NULL;
	struct capture *c = NULL;
	int code = capture_db_load(path, &c, err);

	if (code)
		return code;
	code = finding_analyse(c, &found);
	code = code ? code : add_ids(ids, found, least);
	if (code)
		error_set_errno(err, code, "cannot analyse %s", path);
	else if (capture_merge_add(m, c, path, err))
		code = error_prefix(err, "%s", path);
	findings_free(found);
	capture_free(c);
	return code;
}

/* All captures, and the ids of what each of them shows. */
static int join(char *const *paths, enum finding_confidence least, struct capture **ret, void **ids,
		struct error *err)
{
	struct capture_merge *m = capture_merge_new();
	struct capture *c;
	int code = m ? 0 : error_set(err, -ENOMEM, "out of memory");

	for (; !code && *paths; paths++)
		code = add(m, *paths, least, ids, err);
	c = code ? NULL : capture_merge_take(m);
	/* A dependency that lockdep is told may have its two classes on two hosts. */
	if (c && orders_add(c, c->kernel))
		code = error_set(err, -ENOMEM, "out of memory");
	capture_merge_free(m);
	if (code)
		capture_free(c);
	else
		*ret = c;
	return code;
}

static int show(const struct capture *c, const struct merge_args *args, void **ids,
		struct error *err)
{
	struct report_opts opts = {
		.least = args->show.least,
		.list_suppressed = args->show.list_suppressed,
		.brief = args->show.brief,
	};
	struct suppressions *suppressions;
	struct findings *found;
	int code = cli_find(c, &args->show, &found, &suppressions, err);

	if (code)
		return code;
	opts.suppressions = suppressions;
	opts.in_one = findings_keep(found, is_new, ids);
	code = cli_report(args->show.format)(stdout, c, found, &opts);
	if (!code && fflush(stdout))
		code = -errno;
	if (code)
		error_set_errno(err, code, "cannot report");
	else
		code = findings_shown(found, args->show.least) ? EXIT_FINDINGS : EXIT_NOTHING;
	findings_free(found);
	suppressions_free(suppressions);
	return code;
}

int cmd_merge(int argc, char **argv)
{
	static const struct argp_child children[] = { { &cli_show_argp, 0, NULL, 0 }, {} };
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "FILE FILE...",
		.doc = "Put captures of one kernel build together, of several hosts or of several times, and "
		       "report what is wrong only together: a lock order of which each has seen a part. "
		       "The report says which capture saw which part.\v"
		       "Exit status: 0 nothing that is wrong only together, 3 findings, 1 failure, 2 wrong "
		       "usage.",
		.children = children,
	};
	struct merge_args args = { .show = CLI_SHOW_DEFAULT };
	struct capture *c = NULL;
	struct error err = {};
	void *ids = NULL;
	int code;

	cli_parse(&argp, argc, argv, 0, NULL, &args);
	code = join(argv + args.first, args.show.least, &c, &ids, &err);
	if (!code && args.output)
		code = capture_db_save(c, args.output, &err);
	if (!code)
		code = show(c, &args, &ids, &err);
	capture_free(c);
	tdestroy(ids, free);
	return code < 0 ? cli_fail(&err) : code;
}
