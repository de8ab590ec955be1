// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "store/state_internal.h"

#define ASIDE_MAX 4 /* damaged databases that are kept */

/* Removed, or another of that name: a lock on it keeps nobody out, and what is written is lost. */
static bool folder_is_ours(const struct state *s)
{
	struct stat there, ours;

	return !stat(s->folder, &there) && !fstat(s->dir, &ours) && there.st_dev == ours.st_dev &&
	       there.st_ino == ours.st_ino;
}

/*
 * SQLite is told to follow no symbolic link, and since 3.39 that is one anywhere in the path. Links on the
 * way to the folder are the administrator's: the path is taken without them.
 */
int state_path(const char *folder, char ret[static PATH_MAX], struct error *err)
{
	char *real = realpath(folder, NULL);

	if (!real)
		return error_set_errno(err, -errno, "cannot open %s", folder);
	snprintf(ret, PATH_MAX, "%.4000s/" STATE_FILE, real);
	free(real);
	return 0;
}

static int lock_folder(struct state *s, struct error *err)
{
	int code = file_check_owner(s->folder, err);

	if (code)
		return code;
	s->dir = open(s->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir < 0)
		return error_set_errno(err, -errno, "cannot open %s", s->folder);
	if (!flock(s->dir, LOCK_EX | LOCK_NB))
		return 0;
	if (errno == EWOULDBLOCK)
		return error_set(err, -EBUSY, "another lockvane monitor is at work in %s", s->folder);
	return error_set_errno(err, -errno, "cannot lock %s", s->folder);
}

/* An open folder is a lock that works where nothing can be written, too. */
int state_open_folder(struct state *s, struct error *err)
{
	int code;

	if (s->dir >= 0 && folder_is_ours(s))
		return 0;
	if (s->dir >= 0)
		close(s->dir);
	s->dir = -1;
	if (mkdir(s->folder, 0700) && errno != EEXIST)
		return error_set_errno(err, -errno, "cannot make %s", s->folder);
	code = lock_folder(s, err);
	code = code ? code : state_path(s->folder, s->path, err);
	if (code && s->dir >= 0) {
		close(s->dir);
		s->dir = -1;
	}
	return code;
}

static int is_aside(const struct dirent *entry)
{
	static const char begin[] = STATE_FILE ".corrupt-";
	size_t len = strlen(entry->d_name);

	return !strncmp(entry->d_name, begin, sizeof(begin) - 1) && entry->d_name[len - 1] >= '0' &&
	       entry->d_name[len - 1] <= '9';
}

static void unlink_aside(const struct state *s, const char *name)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		snprintf(path, sizeof(path), "%.200s%s", name, suffixes[i]);
		unlinkat(s->dir, path, 0);
	}
}

/*
 * The newest damaged ones are enough, however often it happens. Their names are in order of time.
 */
static void forget_old_aside(const struct state *s)
{
	struct dirent **found;
	int nr = scandirat(s->dir, ".", &found, is_aside, alphasort);

	for (int i = 0; i < nr; i++) {
		if (i + ASIDE_MAX <= nr)
			unlink_aside(s, found[i]->d_name);
		free(found[i]);
	}
	if (nr >= 0)
		free(found);
}

static void rename_beside(const struct state *s, const char *suffix, const char *aside)
{
	char from[PATH_MAX + 8], to[PATH_MAX + 8];

	snprintf(from, sizeof(from), "%s%s", s->path, suffix);
	snprintf(to, sizeof(to), "%s%s", aside, suffix);
	if (rename(from, to) && errno != ENOENT)
		unlink(from); /* its log must not meet the new database */
}

int state_set_aside(struct state *s, char ret_aside[static PATH_MAX], struct error *err)
{
	struct timespec now;
	char aside[PATH_MAX], when[32];
	struct tm tm;

	forget_old_aside(s);
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(when, sizeof(when), "%Y%m%dT%H%M%S", &tm);
	snprintf(aside, sizeof(aside), "%.4000s.corrupt-%s-%09ld", s->path, when, now.tv_nsec);
	if (rename(s->path, aside))
		return error_set_errno(err, -errno, "cannot set the damaged %s aside", s->path);
	rename_beside(s, "-wal", aside);
	rename_beside(s, "-shm", aside);
	memcpy(ret_aside, aside, sizeof(aside));
	return 0;
}
