// SPDX-License-Identifier: GPL-2.0-only
#include "fleet/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"

struct store {
	PGconn *conn;
};

/* The server's notices are for nobody. */
static void ignore_notice(void *arg, const PGresult *result)
{
}

static int line_len(const char *text)
{
	return strcspn(text, "\n");
}

int store_open(const char *conninfo, struct store **ret, struct error *err)
{
	/* The user's own string comes later, and counts. */
	static const char *const names[] = { "connect_timeout",	    "tcp_user_timeout",
					     "keepalives_idle",	    "keepalives_interval",
					     "fallback_application_name", "client_encoding",
					     "dbname",		    NULL };
	const char *const values[] = { "10", "30000", "15", "5", "lockvane-fleet", "UTF8", conninfo, NULL };
	struct store *s = calloc(1, sizeof(*s));

	if (s)
		s->conn = PQconnectdbParams(names, values, 1);
	if (!s || !s->conn) {
		free(s);
		return error_set(err, -ENOMEM, "out of memory");
	}
	if (PQstatus(s->conn) != CONNECTION_OK) {
		const char *text = PQerrorMessage(s->conn);

		error_set(err, -EAGAIN, "cannot reach the store: %.*s", line_len(text), text);
		store_close(s);
		return -EAGAIN;
	}
	PQsetNoticeReceiver(s->conn, ignore_notice, NULL);
	*ret = s;
	return 0;
}

void store_close(struct store *s)
{
	if (s)
		PQfinish(s->conn);
	free(s);
}

/* Does it begin with one of them? Classes of SQLSTATE have two characters. */
static bool is_state(const char *state, const char *const *known)
{
	for (; *known; known++)
		if (!strncmp(state, *known, strlen(*known)))
			return true;
	return false;
}

static int code_of(const struct store *s, const char *state)
{
	static const char *const later[] = { "08", "40", "53", "55P03", "57", "58", "25006", NULL };
	static const char *const denied[] = { "42501", "28", NULL };
	static const char *const missing[] = { "3F000", "42883", "42P01", NULL };

	if (PQstatus(s->conn) != CONNECTION_OK || is_state(state, later))
		return -EAGAIN;
	return is_state(state, denied) ? -EPERM : is_state(state, missing) ? -ENOENT : -EIO;
}

static int fail(const struct store *s, const PGresult *r, struct error *err)
{
	const char *state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
	const char *text = r ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	int code = code_of(s, state ? state : "");

	text = text ? text : PQerrorMessage(s->conn);
	if (code == -ENOENT)
		return error_set(err, code, "the store is not prepared (%.*s): lockvane fleet init does that",
				 line_len(text), text);
	return error_set(err, code, "%s: %.*s",
			 PQstatus(s->conn) == CONNECTION_OK ? "the store says" : "the connection to the store broke",
			 line_len(text), text);
}

static bool is_good(const PGresult *r)
{
	ExecStatusType status = PQresultStatus(r);

	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

PGresult *store_run(struct store *s, const char *sql, int nr, const char *const *values, struct error *err)
{
	PGresult *r = PQexecParams(s->conn, sql, nr, NULL, values, NULL, NULL, 0);

	if (is_good(r))
		return r;
	fail(s, r, err);
	PQclear(r);
	return NULL;
}

int store_script(struct store *s, const char *sql, struct error *err)
{
	CLEANUP(cleanup_result) PGresult *r = PQexec(s->conn, sql);

	return is_good(r) ? 0 : fail(s, r, err);
}

int store_each(struct store *s, const char *sql, int nr, const char *const *values, store_row_fn fn, void *arg,
	       struct error *err)
{
	PGresult *r;
	int code = 0;

	if (!PQsendQueryParams(s->conn, sql, nr, NULL, values, NULL, NULL, 1) ||
	    !PQsetSingleRowMode(s->conn))
		return fail(s, NULL, err);
	while ((r = PQgetResult(s->conn))) {
		if (!code && PQresultStatus(r) == PGRES_SINGLE_TUPLE)
			code = fn(arg, r, err);
		else if (!code && !is_good(r))
			code = fail(s, r, err);
		PQclear(r);
	}
	return code;
}

const char *store_text(const PGresult *r, int row, int column)
{
	return PQgetvalue(r, row, column) ?: "";
}

int64_t store_number(const PGresult *r, int row, int column)
{
	return strtoll(store_text(r, row, column), NULL, 10);
}

bool store_is_true(const PGresult *r, int row, int column)
{
	return store_text(r, row, column)[0] == 't';
}

char *store_copy(const PGresult *r, int row, int column)
{
	const char *text = store_text(r, row, column);
	size_t len = strlen(text);
	char *copy = malloc(len + 1);

	if (copy)
		strbuf_copy_clean(copy, len + 1, text, len);
	return copy;
}

int store_numbers(const char *text, int32_t *ret, size_t nr)
{
	if (*text++ != '{')
		return nr || text[-1] ? -EPROTO : 0;
	for (size_t i = 0; i < nr; i++) {
		char *end;
		long n = strtol(text, &end, 10);

		if (!strncmp(text, "NULL", 4)) {
			n = -1;
			end = (char *)text + 4;
		} else if (end == text || n < 0 || n > INT32_MAX) {
			return -EPROTO;
		}
		ret[i] = n;
		text = end + (*end == ',');
	}
	return strcmp(text, "}") ? -EPROTO : 0;
}
