/* SPDX-License-Identifier: GPL-2.0-only */
/* Code that the commands of `lockvane fleet` share. */
#ifndef LOCKVANE_FLEET_CMD_H
#define LOCKVANE_FLEET_CMD_H

#include "fleet/store.h"

int cmd_fleet_init(int argc, char **argv);
int cmd_fleet_push(int argc, char **argv);
int cmd_fleet_snapshot(int argc, char **argv);
int cmd_fleet_analyse(int argc, char **argv);
int cmd_fleet_findings(int argc, char **argv);
int cmd_fleet_show(int argc, char **argv);
int cmd_fleet_forget(int argc, char **argv);

/* A child parser: --store; input: const char *. */
struct argp;
extern const struct argp cmd_store_argp;

#define CMD_STORE_DOC                                                                     \
	"The store is a PostgreSQL database. Which one, and as whom, say --store and what libpq " \
	"reads by itself: PGHOST, PGDATABASE, PGUSER, PGSSLMODE and so on, and ~/.pgpass. "

/* Open the store, for those who read it, and look whether this lockvane can. */
int cmd_open(const char *conninfo, struct store **ret, struct error *err);

#endif
