// SPDX-License-Identifier: GPL-2.0-only
#include "trace/presence.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const names[PRESENCE_ROLES] = {
	[PRESENCE_TRACE] = "trace.lock",
	[PRESENCE_MONITOR] = "monitor.lock",
};

static int open_folder(const char *folder)
{
	folder = folder ? folder : "/run/lockvane";
	if (mkdir(folder, 0750) && errno != EEXIST)
		return -1;
	return open(folder, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int open_file(int folder, enum presence_role role)
{
	return openat(folder, names[role], O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
}

bool presence_begin(struct presence *ret, const char *folder, enum presence_role role)
{
	int fd = open_folder(folder);
	bool other;

	ret->own = fd < 0 ? -1 : open_file(fd, role);
	for (int i = 0; i < PRESENCE_ROLES; i++)
		ret->ask[i] = fd < 0 ? -1 : open_file(fd, i);
	if (fd >= 0)
		close(fd);
	other = presence_of(ret, role);
	/* A process that asks holds it for a moment, exclusively. */
	if (ret->own >= 0)
		flock(ret->own, LOCK_SH);
	return other;
}

void presence_end(struct presence *p)
{
	if (p->own >= 0)
		close(p->own);
	for (int i = 0; i < PRESENCE_ROLES; i++)
		if (p->ask[i] >= 0)
			close(p->ask[i]);
}

bool presence_of(const struct presence *p, enum presence_role role)
{
	int fd = p->ask[role];

	if (fd < 0)
		return false;
	if (flock(fd, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK;
	flock(fd, LOCK_UN);
	return false;
}
