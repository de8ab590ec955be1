/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The store: a PostgreSQL, by libpq. Values always travel as parameters; what comes back is whoever's who
 * can write to the store.
 */
#ifndef LOCKVANE_FLEET_STORE_H
#define LOCKVANE_FLEET_STORE_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

struct store;

/*
 * conninfo: as libpq takes it, a string of settings or an address; NULL: the environment (PGHOST, ...)
 * and the service file. -EAGAIN: it is not to be reached now.
 */
int store_open(const char *conninfo, struct store **ret, struct error *err);
void store_close(struct store *s); /* takes NULL */

/*
 * One statement with its values as text, NULL is SQL's. A result to be freed with PQclear(). NULL: err has
 * what went wrong: -EAGAIN: try the whole again later, as nothing that was begun is half done; -EPERM;
 * -ENOENT: the store is not prepared; -EPROTO: it answers otherwise than it should; -EIO.
 */
PGresult *store_run(struct store *s, const char *sql, int nr, const char *const *values, struct error *err);
/* Several statements, without values. */
int store_script(struct store *s, const char *sql, struct error *err);

/* Called for each row, with values in binary. A failure ends it. */
typedef int (*store_row_fn)(void *arg, const PGresult *row, struct error *err);
int store_each(struct store *s, const char *sql, int nr, const char *const *values, store_row_fn fn, void *arg,
	       struct error *err);

/* Values of a row. Text is never NULL: SQL's NULL is "". */
const char *store_text(const PGresult *r, int row, int column);
int64_t store_number(const PGresult *r, int row, int column);
bool store_is_true(const PGresult *r, int row, int column);
/* Clean new memory; NULL: no memory. */
char *store_copy(const PGresult *r, int row, int column);

/* The numbers of "{1,NULL,3}", -1 for NULL; just nr of them. -EPROTO. */
int store_numbers(const char *text, int32_t *ret, size_t nr);

CLEANUP_DEFINE(result, PGresult *, PQclear)
CLEANUP_DEFINE(store, struct store *, store_close)

#endif
