// SPDX-License-Identifier: GPL-2.0-only
/*
 * copyout MAPPED ASKED: an ioctl on ASKED that copies its answer to a mapped page of MAPPED that is
 * not cached, so that the file system reads it while the ioctl holds what it holds. Then MAPPED is
 * read by itself. Both are made.
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE (1 << 20)
#define FAR (64 << 10) /* out of the reach of a read-ahead from the file's begin */

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int make(const char *path)
{
	static const char zeros[SIZE];
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, zeros, SIZE) != SIZE || fsync(fd))
		fail(path);
	return fd;
}

static void drop_cache(int fd)
{
	int drop = open("/proc/sys/vm/drop_caches", O_WRONLY);

	if (drop < 0 || write(drop, "1", 1) != 1)
		perror("drop_caches");
	close(drop);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

int main(int argc, char **argv)
{
	static char buffer[FAR];
	int mapped, asked;
	char *pages;

	if (argc != 3) {
		fprintf(stderr, "usage: copyout MAPPED ASKED\n");
		return 2;
	}
	mapped = make(argv[1]);
	asked = make(argv[2]);
	pages = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, mapped, 0);
	if (pages == MAP_FAILED)
		fail("mmap");
	drop_cache(mapped);
	if (ioctl(asked, FS_IOC_GETVERSION, pages + FAR))
		fail("ioctl");
	munmap(pages, SIZE);
	drop_cache(mapped);
	lseek(mapped, 0, SEEK_SET);
	while (read(mapped, buffer, sizeof(buffer)) > 0)
		;
	return 0;
}
