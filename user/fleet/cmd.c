// SPDX-License-Identifier: GPL-2.0-only
#include "fleet/cmd.h"

#include <argp.h>

#include "fleet/schema.h"

#define KEY_STORE 0x700

static const struct argp_option options[] = {
	{ "store", KEY_STORE, "CONNINFO", 0,
	  "the database, as libpq takes it: \"host=... dbname=...\" or postgresql://...; without it the "
	  "environment says (PGHOST, PGDATABASE, ...)", 3 },
	{}
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	if (key != KEY_STORE)
		return ARGP_ERR_UNKNOWN;
	*(const char **)state->input = arg;
	return 0;
}

const struct argp cmd_store_argp = { .options = options, .parser = parse };

int cmd_open(const char *conninfo, struct store **ret, struct error *err)
{
	CLEANUP(cleanup_store) struct store *s = NULL;
	int code = store_open(conninfo, &s, err);

	code = code ? code : schema_check(s, err);
	if (!code)
		*ret = TAKE_PTR(s);
	return code;
}
