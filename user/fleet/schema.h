/* SPDX-License-Identifier: GPL-2.0-only */
/* The store's tables and functions, by versions: schema_1.sql and those that will follow it. */
#ifndef LOCKVANE_FLEET_SCHEMA_H
#define LOCKVANE_FLEET_SCHEMA_H

#include "fleet/store.h"

/*
 * Make the schema, and the roles where they are missing, or bring an older one to today's version; in one
 * transaction. ret_had: the version that was there, 0: none. -ENOTSUP: it is of a newer lockvane.
 */
int schema_migrate(struct store *s, int *ret_had, int *ret_now, struct error *err);

/* Can this lockvane read the store? -ENOENT, -ENOTSUP with words. */
int schema_check(struct store *s, struct error *err);

#endif
