// SPDX-License-Identifier: GPL-2.0-only
/* fleet snapshot: root reads the state, so that who talks to the network need not be root. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/source.h"
#include "fleet/cmd.h"
#include "store/state.h"

#define TEMP ".snapshot"

struct snapshot_args {
	struct cli_source source;
	const char *folder;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct snapshot_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args->source;
		return 0;
	case ARGP_KEY_ARG:
		if (args->folder)
			argp_error(state, "one folder, please");
		args->folder = arg;
		return 0;
	case ARGP_KEY_END:
		if (!args->folder)
			argp_error(state, "which folder shall the copy go to?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int write_whole(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		bytes += n;
		len -= n;
	}
	return 0;
}

/* The folder's owner may do in it as he likes meanwhile: only a new file is written, and by its descriptor. */
static int write_file(int dir, const void *image, size_t len)
{
	struct stat owner;
	AUTO_CLOSE int fd = -1;
	int code;

	if (fstat(dir, &owner) || (unlinkat(dir, TEMP, 0) && errno != ENOENT))
		return -errno;
	fd = openat(dir, TEMP, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	code = write_whole(fd, image, len);
	if (!code && owner.st_uid != geteuid() && fchown(fd, owner.st_uid, owner.st_gid))
		code = -errno;
	if (!code && renameat(dir, TEMP, dir, STATE_FILE))
		code = -errno;
	if (code)
		unlinkat(dir, TEMP, 0);
	return code;
}

static int put_copy(const char *folder, const void *image, size_t len, struct error *err)
{
	AUTO_CLOSE int dir = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int code = dir < 0 ? -errno : write_file(dir, image, len);

	return code ? error_set_errno(err, code, "cannot write to %s", folder) : 0;
}

int cmd_fleet_snapshot(int argc, char **argv)
{
	static const struct argp_child children[] = { { &cli_source_argp, 0, NULL, 0 }, {} };
	static const struct argp argp = {
		.parser = parse,
		.children = children,
		.args_doc = "FOLDER",
		.doc = "Copy the monitor's state, which only root can read, into FOLDER for the owner of that, as "
		       "lockvane.db: `lockvane fleet push --state FOLDER` takes it. The monitor may be at work.\v"
		       "Exit status: 0 done, 1 failure, 2 wrong usage.",
	};
	struct snapshot_args args = {};
	AUTO_FREE void *image = NULL;
	struct error err = {};
	size_t len;
	int code;

	cli_parse(&argp, argc, argv, 0, NULL, &args);
	code = state_snapshot(cli_source_folder(&args.source), &image, &len, &err);
	code = code ? code : put_copy(args.folder, image, len, &err);
	return code ? cli_fail(&err) : EXIT_NOTHING;
}
