// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/state_internal.h"

#define ASIDE_MAX 4 /* damaged databases that are kept */

/* An open folder is a lock that works where nothing can be written, too. */
int state_open_folder(struct state *s, struct error *err)
{
	int code;

	if (s->dir >= 0)
		return 0;
	if (mkdir(s->folder, 0700) && errno != EEXIST)
		return error_set_errno(err, -errno, "cannot make %s", s->folder);
	s->dir = open(s->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir < 0)
		return error_set_errno(err, -errno, "cannot open %s", s->folder);
	if (!flock(s->dir, LOCK_EX | LOCK_NB))
		return 0;
	code = errno == EWOULDBLOCK ? -EBUSY : -errno;
	close(s->dir);
	s->dir = -1;
	if (code == -EBUSY)
		return error_set(err, code, "another lockvane monitor is at work in %s", s->folder);
	return error_set_errno(err, code, "cannot lock %s", s->folder);
}

/* Of damaged ones the newest are enough, however often it happens. */
static void forget_old_aside(const struct state *s)
{
	char pattern[PATH_MAX];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%.4000s.corrupt-*[0-9]", s->path);
	if (glob(pattern, 0, NULL, &found))
		return;
	for (size_t i = 0; i + ASIDE_MAX <= found.gl_pathc; i++)
		unlink(found.gl_pathv[i]);
	globfree(&found);
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
