// SPDX-License-Identifier: GPL-2.0-only
#include "cli/source.h"

#include <argp.h>
#include <errno.h>
#include <string.h>

#include "capture/db.h"
#include "cli/cli.h"
#include "daemon/config.h"
#include "store/state.h"

static const struct argp_option options[] = {
	{ "state", CLI_KEY_STATE, "FOLDER", 0,
	  "without FILE: the monitor's (" CONFIG_STATE_FOLDER ")", 3 },
	{}
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct cli_source *s = state->input;

	if (key != CLI_KEY_STATE)
		return ARGP_ERR_UNKNOWN;
	s->state = arg;
	return 0;
}

const struct argp cli_source_argp = { .options = options, .parser = parse };

void cli_source_take(const struct argp_state *state, struct cli_source *s, const char *path)
{
	if (s->path)
		argp_error(state, "one capture at a time");
	if (!strcmp(path, "-"))
		argp_error(state, "a capture is read from a file, not from standard input");
	s->path = path;
}

void cli_source_check(const struct argp_state *state, const struct cli_source *s)
{
	if (s->path && s->state)
		argp_error(state, "a capture or a monitor's folder, not both");
}

const char *cli_source_folder(const struct cli_source *s)
{
	return s->state ? s->state : CONFIG_STATE_FOLDER;
}

int cli_source_load(const struct cli_source *s, struct capture **ret, struct error *err)
{
	struct error why = {};
	int code;

	if (s->path)
		return capture_db_load(s->path, ret, err);
	code = state_read_graph(cli_source_folder(s), ret, &why);
	if (code)
		error_set(err, code, "%s%s", why.text,
			  s->state ? "" : " (or name a capture's FILE)");
	return code;
}
