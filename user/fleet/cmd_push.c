// SPDX-License-Identifier: GPL-2.0-only
/* fleet push: what this host saw, to the store. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/when.h"
#include "cli/cli.h"
#include "cli/source.h"
#include "fleet/cmd.h"
#include "fleet/load.h"

#define KEY_HOST 0x710
#define KEY_RETRY 0x711
#define RETRY_NS (60 * WHEN_SECOND_NS)
#define LONGEST_PAUSE 30 /* seconds */

struct push_args {
	const char *store;
	struct cli_source source;
	const char *host;
	uint64_t retry_ns;
};

static const struct argp_option options[] = {
	{ "host", KEY_HOST, "NAME", 0,
	  "host that it is from; without it, this host's, by its machine id (hashed) and name", 0 },
	{ "retry", KEY_RETRY, "DURATION", 0,
	  "try again for so long (1min) while the store is not to be reached; 0: never", 0 },
	{}
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct push_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args->store;
		state->child_inputs[1] = &args->source;
		return 0;
	case KEY_HOST:
		args->host = arg;
		return 0;
	case KEY_RETRY:
		if (when_duration(arg, &args->retry_ns))
			argp_error(state, "--retry: how long is \"%s\"? " WHEN_DURATION_HELP, arg);
		return 0;
	case ARGP_KEY_ARG:
		cli_source_take(state, &args->source, arg);
		return 0;
	case ARGP_KEY_END:
		cli_source_check(state, &args->source);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * WHEN_SECOND_NS + t.tv_nsec;
}

static int push_once(const char *conninfo, const struct push_load *load, struct push_done *ret, struct error *err)
{
	CLEANUP(cleanup_store) struct store *s = NULL;
	int code = store_open(conninfo, &s, err);

	return code ? code : fleet_push(s, load, ret, err);
}

/* A push that broke off is begun again: the store keeps what it had, and is asked what that is. */
static int push(const struct push_args *args, const struct push_load *load, struct push_done *ret,
		struct error *err)
{
	uint64_t end = now_ns() + args->retry_ns;
	unsigned int pause = 1;
	int code;

	for (;;) {
		code = push_once(args->store, load, ret, err);
		if (code != -EAGAIN || now_ns() + pause * WHEN_SECOND_NS > end)
			return code;
		fprintf(stderr, "lockvane: %s; again in %u s\n", err->text, pause);
		sleep(pause);
		pause = 2 * pause > LONGEST_PAUSE ? LONGEST_PAUSE : 2 * pause;
	}
}

/* A file may come from anywhere; the monitor's state is this host's, whatever it was called then. */
static int check_host(const char *host, const char *here, struct error *err)
{
	if (!host || !strcmp(host, here))
		return 0;
	return error_set(err, -EINVAL, "the capture is of %.64s, and this is %.64s: say whose it is by --host NAME",
			 host, here);
}

static void say(const struct fleet_host *host, const struct push_done *done)
{
	printf("%s: %zu parts, %zu of them looked at as something changed, %zu new to the store; ", host->name,
	       done->parts, done->asked, done->added);
	printf("%zu finding%s, %zu new report%s\n", done->findings, done->findings == 1 ? "" : "s", done->reports,
	       done->reports == 1 ? "" : "s");
	if (done->left_out)
		printf("%u classes left out, as nothing is known of their places\n", done->left_out);
}

int cmd_fleet_push(int argc, char **argv)
{
	static const struct argp_child children[] = { { &cmd_store_argp, 0, NULL, 0 },
						      { &cli_source_argp, 0, NULL, 0 },
						      {} };
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.children = children,
		.args_doc = "[FILE]",
		.doc = "Bring what a host saw to the store: only what the store does not have. " CLI_SOURCE_DOC
		       "It may break off anywhere, and be done twice. " CMD_STORE_DOC "\v"
		       "Exit status: 0 all of it is in the store, 1 failure, 2 wrong usage.",
	};
	struct push_args args = { .retry_ns = RETRY_NS };
	struct load *l = NULL;
	struct fleet_host host;
	struct push_load load;
	struct push_done done;
	struct error err = {};
	int code;

	cli_parse(&argp, argc, argv, 0, NULL, &args);
	code = fleet_host_get(args.host, &host, &err);
	code = code ? code : load_new(&args.source, &l, &err);
	if (!code && !args.host && args.source.path)
		code = check_host(load_as_push(l).capture->host, host.name, &err);
	if (!code) {
		load = load_as_push(l);
		load.host = &host;
		code = push(&args, &load, &done, &err);
	}
	if (!code)
		say(&host, &done);
	load_free(l);
	return code ? cli_fail(&err) : EXIT_NOTHING;
}
