/* SPDX-License-Identifier: GPL-2.0-only */
/* Where a command reads from: a capture FILE, or the state that a monitor keeps, also while it runs. */
#ifndef LOCKVANE_CLI_SOURCE_H
#define LOCKVANE_CLI_SOURCE_H

#include <stdbool.h>

#include "base/error.h"
#include "capture/capture.h"

struct cli_source {
	const char *path;  /* NULL: the monitor's state */
	const char *state; /* --state, or NULL */
};

struct argp;
extern const struct argp cli_source_argp; /* a child parser: --state; input: struct cli_source */

#define CLI_SOURCE_DOC "Without FILE it is read from what lockvane monitor keeps; that may be at work meanwhile. "

/* The argument FILE; a usage error if there is one already, or --state. */
struct argp_state;
void cli_source_take(const struct argp_state *state, struct cli_source *s, const char *path);
/* A usage error if FILE and --state are both given. For ARGP_KEY_END. */
void cli_source_check(const struct argp_state *state, const struct cli_source *s);

const char *cli_source_folder(const struct cli_source *s);
int cli_source_load(const struct cli_source *s, struct capture **ret, struct error *err);

#endif
