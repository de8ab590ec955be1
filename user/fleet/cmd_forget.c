// SPDX-License-Identifier: GPL-2.0-only
/* fleet forget: hosts that are gone, and kernels that nothing runs any more. */
#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/when.h"
#include "cli/cli.h"
#include "fleet/cmd.h"
#include "fleet/forget.h"

#define KEY_HOST 0x710
#define KEY_KERNEL 0x711
#define KEY_IDLE 0x712

struct forget_args {
	const char *store, *value;
	enum forget_by by;
	char since[24];
	bool dry;
};

static const struct argp_option options[] = {
	{ "host", KEY_HOST, "NAME", 0, "hosts of that name, and what they say they saw", 0 },
	{ "kernel", KEY_KERNEL, "RELEASE", 0, "kernel builds of that release, and all that was seen on them", 0 },
	{ "idle-since", KEY_IDLE, "TIME", 0,
	  "hosts that have not pushed since then: so long ago (90d), yesterday, or a date (2026-01-31)", 0 },
	{ "dry-run", 'n', NULL, 0, "change nothing, say what would go", 0 },
	{}
};

static void choose(struct argp_state *state, struct forget_args *args, enum forget_by by, const char *value)
{
	if (args->value)
		argp_error(state, "--host, --kernel and --idle-since: one of them");
	args->by = by;
	args->value = value;
}

static void choose_idle(struct argp_state *state, struct forget_args *args, const char *arg)
{
	uint64_t since_ms;

	if (when_since(arg, time(NULL), &since_ms))
		argp_error(state, "--idle-since: what time is \"%s\"? 90d, yesterday, 2026-01-31", arg);
	snprintf(args->since, sizeof(args->since), "%" PRIu64, since_ms);
	choose(state, args, FORGET_IDLE, args->since);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct forget_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args->store;
		return 0;
	case KEY_HOST:
		choose(state, args, FORGET_HOST, arg);
		return 0;
	case KEY_KERNEL:
		choose(state, args, FORGET_KERNEL, arg);
		return 0;
	case KEY_IDLE:
		choose_idle(state, args, arg);
		return 0;
	case 'n':
		args->dry = true;
		return 0;
	case ARGP_KEY_END:
		if (!args->value)
			argp_error(state, "which? --host NAME, --kernel RELEASE or --idle-since TIME");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const char *plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

static void print(const struct forgotten *f, bool dry)
{
	printf("%s %" PRId64 " host%s, %" PRId64 " kernel build%s, %" PRId64 " finding%s that no other host has, "
	       "%" PRId64 " only together\n", dry ? "would forget" : "forgot", f->hosts, plural(f->hosts), f->builds,
	       plural(f->builds), f->findings, plural(f->findings), f->together);
	if (f->together && !dry)
		puts("the other hosts may show them still: lockvane fleet analyse");
}

int cmd_fleet_forget(int argc, char **argv)
{
	static const struct argp_child children[] = { { &cmd_store_argp, 0, NULL, 0 }, {} };
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.children = children,
		.doc = "Take hosts or kernel builds out of the store, with all that no other host showed. A host that "
		       "pushes again is a new one. Only the store's owner may. " CMD_STORE_DOC "\v"
		       "Exit status: 0 done, or nothing to forget, 1 failure, 2 wrong usage.",
	};
	CLEANUP(cleanup_store) struct store *s = NULL;
	struct forget_args args = {};
	struct forgotten forgotten;
	struct error err = {};
	int code;

	cli_parse(&argp, argc, argv, 0, NULL, &args);
	code = cmd_open(args.store, &s, &err);
	code = code ? code : forget(s, args.by, args.value, args.dry, &forgotten, &err);
	if (code)
		return cli_fail(&err);
	print(&forgotten, args.dry);
	return EXIT_NOTHING;
}
