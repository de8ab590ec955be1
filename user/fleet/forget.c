// SPDX-License-Identifier: GPL-2.0-only
#include "fleet/forget.h"

#include <stdio.h>
#include <stdlib.h>

/* Pushes begin with a row of issue, and so wait until this is over. */
static const char begin[] = "BEGIN; LOCK TABLE lockvane.issue IN SHARE ROW EXCLUSIVE MODE";

static const char *const hosts_of[FORGET_WAYS] = {
	[FORGET_HOST] = "SELECT id FROM lockvane.host WHERE name = $1",
	[FORGET_KERNEL] = NULL,
	[FORGET_IDLE] = "SELECT id FROM lockvane.host WHERE last_push < to_timestamp($1::bigint / 1000.0)",
};

/* Run a statement; how many rows it took goes to ret. */
static int delete_rows(struct store *s, const char *sql, const char *value, int64_t *ret, struct error *err)
{
	CLEANUP(cleanup_result) PGresult *r = store_run(s, sql, value ? 1 : 0, &value, err);

	if (!r)
		return err->code;
	*ret += strtoll(PQcmdTuples(r), NULL, 10);
	return 0;
}

/* A finding of several hosts does not stand without one of them; the rest goes with the host's row. */
static int delete_hosts(struct store *s, const char *hosts, const char *value, struct forgotten *ret,
			struct error *err)
{
	char sql[512];
	int code;

	snprintf(sql, sizeof(sql), "DELETE FROM lockvane.together WHERE hosts && ARRAY(%s)", hosts);
	code = delete_rows(s, sql, value, &ret->together, err);
	snprintf(sql, sizeof(sql), "DELETE FROM lockvane.host WHERE id IN (%s)", hosts);
	return code ? code : delete_rows(s, sql, value, &ret->hosts, err);
}

static int delete_kernel(struct store *s, const char *value, struct forgotten *ret, struct error *err)
{
	int code = delete_rows(s, "DELETE FROM lockvane.together WHERE build IN "
				  "(SELECT id FROM lockvane.build WHERE kernel = $1)", value, &ret->together, err);

	code = code ? code : delete_rows(s, "DELETE FROM lockvane.build WHERE kernel = $1", value, &ret->builds, err);
	return code ? code : delete_rows(s, "DELETE FROM lockvane.issue WHERE kernel = $1", value, &ret->findings, err);
}

static int delete_all(struct store *s, enum forget_by by, const char *value, struct forgotten *ret,
		      struct error *err)
{
	int code = hosts_of[by] ? delete_hosts(s, hosts_of[by], value, ret, err) : delete_kernel(s, value, ret, err);

	return code ? code : delete_rows(s, "DELETE FROM lockvane.issue i WHERE NOT EXISTS "
					    "(SELECT FROM lockvane.sighting s WHERE s.issue = i.id)", NULL,
					 &ret->findings, err);
}

int forget(struct store *s, enum forget_by by, const char *value, bool dry, struct forgotten *ret,
	   struct error *err)
{
	int code = store_script(s, begin, err);

	*ret = (struct forgotten){};
	code = code ? code : delete_all(s, by, value, ret, err);
	if (code || dry) {
		store_script(s, "ROLLBACK", NULL);
		return code;
	}
	return store_script(s, "COMMIT", err);
}
