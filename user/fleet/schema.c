// SPDX-License-Identifier: GPL-2.0-only
/* The SQL stands in the object as it is in the tree. Make runs compilers in the tree's root. */
#include "fleet/schema.h"

#include <errno.h>
#include <stdio.h>

__asm__(".pushsection .rodata\n"
	"schema_1:\n"
	".incbin \"user/fleet/schema_1.sql\"\n"
	".byte 0\n"
	".popsection\n");

extern const char schema_1[];

static const char *const migrations[] = { schema_1 };

#define VERSION ((int)(sizeof(migrations) / sizeof(migrations[0])))

/* Two that migrate at a time wait for each other. Roles are the server's, and may be another store's, too. */
static const char begin[] =
	"BEGIN;"
	"SELECT pg_advisory_xact_lock(7094401);"
	"DO $$ BEGIN"
	" IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'lockvane_pusher') THEN"
	"  CREATE ROLE lockvane_pusher NOLOGIN; END IF;"
	" IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'lockvane_analyst') THEN"
	"  CREATE ROLE lockvane_analyst NOLOGIN; END IF; "
	"END $$;"
	"CREATE SCHEMA IF NOT EXISTS lockvane;"
	"SET LOCAL search_path = lockvane, pg_catalog, pg_temp;"
	"CREATE TABLE IF NOT EXISTS migration (version int PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now());";

static int read_version(struct store *s, int *ret, struct error *err)
{
	CLEANUP(cleanup_result) PGresult *r =
		store_run(s, "SELECT coalesce(max(version), 0) FROM lockvane.migration", 0, NULL, err);

	if (!r)
		return err->code;
	*ret = store_number(r, 0, 0);
	if (*ret > VERSION)
		return error_set(err, -ENOTSUP, "the store has version %d, this lockvane knows %d: use a newer one",
				 *ret, VERSION);
	return 0;
}

static int apply(struct store *s, int version, struct error *err)
{
	char number[16];
	const char *values[] = { number };
	CLEANUP(cleanup_result) PGresult *r = NULL;
	int code = store_script(s, migrations[version - 1], err);

	if (code)
		return code;
	snprintf(number, sizeof(number), "%d", version);
	r = store_run(s, "INSERT INTO lockvane.migration (version) VALUES ($1)", 1, values, err);
	return r ? 0 : err->code;
}

int schema_migrate(struct store *s, int *ret_had, int *ret_now, struct error *err)
{
	int code = store_script(s, begin, err);

	code = code ? code : read_version(s, ret_had, err);
	for (int version = *ret_had + 1; !code && version <= VERSION; version++)
		code = apply(s, version, err);
	if (code)
		store_script(s, "ROLLBACK", NULL);
	*ret_now = VERSION;
	return code ? code : store_script(s, "COMMIT", err);
}

int schema_check(struct store *s, struct error *err)
{
	int version = 0;
	int code = read_version(s, &version, err);

	if (!code && version < VERSION)
		return error_set(err, -ENOENT, "the store has version %d, this lockvane needs %d: lockvane fleet init "
				 "brings it up", version, VERSION);
	return code;
}
