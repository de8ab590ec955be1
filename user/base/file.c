// SPDX-License-Identifier: GPL-2.0-only
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Read until the end of file or until room is used up. */
static ssize_t file_fill(int fd, char *buf, size_t room)
{
	size_t len = 0;

	while (len < room) {
		ssize_t n = read(fd, buf + len, room - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		len += n;
	}
	return len;
}

int file_read(const char *path, size_t max, char **ret, size_t *ret_len)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	AUTO_FREE char *buf = NULL;
	size_t room = 4096, len = 0;
	char *more;

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t n;

		more = realloc(buf, room + 1);
		if (!more)
			return -ENOMEM;
		buf = more;
		n = file_fill(fd, buf + len, room - len);
		if (n < 0)
			return n;
		len += n;
		if (len > max)
			return -EFBIG;
		if (len < room)
			break;
		room *= 2;
	}
	buf[len] = '\0';
	*ret = TAKE_PTR(buf);
	if (ret_len)
		*ret_len = len;
	return 0;
}

int file_path(const char *root, const char *path, char *buf, size_t room)
{
	int len = snprintf(buf, room, "%s%s", root ? root : "", path);

	return len < 0 || (size_t)len >= room ? -ENAMETOOLONG : 0;
}

int file_line(const char *root, const char *path, char *buf, size_t room)
{
	AUTO_FREE char *text = NULL;
	char full[4096];
	size_t len;
	int err;

	err = file_path(root, path, full, sizeof(full));
	if (!err)
		err = file_read(full, 1 << 20, &text, NULL);
	if (err)
		return err;
	len = strcspn(text, "\n");
	if (!room)
		return -EINVAL;
	if (len >= room)
		len = room - 1;
	memcpy(buf, text, len);
	buf[len] = '\0';
	return 0;
}

int file_number(const char *root, const char *path, int64_t *ret)
{
	char line[64], *end;
	int64_t value;
	int err;

	err = file_line(root, path, line, sizeof(line));
	if (err)
		return err;
	errno = 0;
	value = strtoll(line, &end, 10);
	if (errno || end == line)
		return -EINVAL;
	*ret = value;
	return 0;
}

int file_check_owner(const char *path, struct error *err)
{
	struct stat st;

	if (stat(path, &st))
		return 0;
	if (st.st_uid && st.st_uid != geteuid())
		return error_set(err, -EKEYREJECTED,
				 "%.180s belongs to another user: it must be root's (chown root)", path);
	if (st.st_mode & 022)
		return error_set(err, -EKEYREJECTED,
				 "%.180s may be written by others: chmod go-w it", path);
	return 0;
}
