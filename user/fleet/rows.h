/* SPDX-License-Identifier: GPL-2.0-only */
/* Rows that are pushed, as JSON for the functions of schema_1.sql. NULL: no memory. */
#ifndef LOCKVANE_FLEET_ROWS_H
#define LOCKVANE_FLEET_ROWS_H

#include "fleet/parts.h"
#include "fleet/push.h"

/* For push_add(): the wanted ones of the parts, and the classes and stacks they are about. */
char *rows_of_parts(const struct capture *c, const struct fleet_part *parts, const uint32_t *wanted, size_t nr);
/* For push_findings(). */
char *rows_of_findings(const struct push_load *load);
/* For push_close(). */
char *rows_of_run(const struct capture *c);

#endif
