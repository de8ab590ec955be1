// SPDX-License-Identifier: GPL-2.0-only
/* fleet init: the store's tables and roles. */
#include <argp.h>
#include <stdio.h>

#include "cli/cli.h"
#include "fleet/cmd.h"
#include "fleet/schema.h"

static error_t parse(int key, char *arg, struct argp_state *state)
{
	if (key != ARGP_KEY_INIT)
		return ARGP_ERR_UNKNOWN;
	state->child_inputs[0] = state->input;
	return 0;
}

int cmd_fleet_init(int argc, char **argv)
{
	static const struct argp_child children[] = { { &cmd_store_argp, 0, NULL, 0 }, {} };
	static const struct argp argp = {
		.parser = parse,
		.children = children,
		.doc = "Make the store's tables in a database, or bring those of an older lockvane up to date. "
		       CMD_STORE_DOC "It must be one who may create schemas there, and will own this one; who may "
		       "create roles, where lockvane_pusher and lockvane_analyst are not there yet. Logins become "
		       "members of these.\v"
		       "Exit status: 0 the store is ready, 1 failure, 2 wrong usage.",
	};
	CLEANUP(cleanup_store) struct store *s = NULL;
	const char *conninfo = NULL;
	struct error err = {};
	int code, had = 0, now = 0;

	cli_parse(&argp, argc, argv, 0, NULL, &conninfo);
	code = store_open(conninfo, &s, &err);
	code = code ? code : schema_migrate(s, &had, &now, &err);
	if (code)
		return cli_fail(&err);
	if (had == now)
		printf("the store has version %d already\n", now);
	else
		printf("the store has version %d now%s\n", now, had ? "" : ": grant lockvane_pusher to who shall "
		       "push, lockvane_analyst to who shall read");
	return EXIT_NOTHING;
}
