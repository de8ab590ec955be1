// SPDX-License-Identifier: GPL-2.0-only
/*
 * copyout MAPPED ASKED [version|fiemap|blktrace]: an ioctl on ASKED that copies to or from a mapped
 * page of MAPPED that is not cached, so that the file system reads it while the ioctl holds what it
 * holds. Then MAPPED is read by itself. Both are made, but for blktrace, where ASKED is a disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/blktrace_api.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE (1 << 20)
#define SMALL 512 /* a file that NTFS keeps in its record */
#define PAGE 4096
#define FAR (64 << 10) /* out of the reach of a read-ahead from the file's begin */

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int make(const char *path, size_t size)
{
	static const char zeros[SIZE];
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, zeros, size) != (ssize_t)size || fsync(fd))
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

/* A mapping of the file, after a page of plain memory. */
static char *map(int fd)
{
	char *memory =
		mmap(NULL, PAGE + SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED || mmap(memory + PAGE, SIZE, PROT_READ | PROT_WRITE,
					 MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
		fail("mmap");
	return memory + PAGE;
}

/* The request's head is in the page before the mapping: the extents go to the page at AT. */
static int ask_fiemap(int asked, char *at)
{
	struct fiemap *head = (struct fiemap *)(at - sizeof(*head));

	head->fm_length = SIZE;
	head->fm_extent_count = 8;
	return ioctl(asked, FS_IOC_FIEMAP, head);
}

/* The page is of zeros, a request that is refused once it has been read. */
static int ask_blktrace(int asked, char *at)
{
	return ioctl(asked, BLKTRACESETUP, at) && errno == EINVAL ? 0 : -1;
}

static int ask(const char *what, int asked, char *at)
{
	if (!strcmp(what, "fiemap"))
		return ask_fiemap(asked, at);
	if (!strcmp(what, "blktrace"))
		return ask_blktrace(asked, at);
	return ioctl(asked, FS_IOC_GETVERSION, at);
}

int main(int argc, char **argv)
{
	const char *what = argc == 4 ? argv[3] : "version";
	bool fiemap = !strcmp(what, "fiemap");
	size_t size = fiemap ? SMALL : SIZE;
	static char buffer[FAR];
	int mapped, asked;
	char *pages;

	if (argc != 3 && argc != 4) {
		fprintf(stderr, "usage: copyout MAPPED ASKED [version|fiemap|blktrace]\n");
		return 2;
	}
	mapped = make(argv[1], size);
	asked = strcmp(what, "blktrace") ? make(argv[2], size) : open(argv[2], O_RDONLY);
	if (asked < 0)
		fail(argv[2]);
	pages = map(mapped);
	drop_cache(mapped);
	/* FS_IOC_FIEMAP of some file systems is 1 where it has told the last extent. */
	if (ask(what, asked, fiemap ? pages : pages + FAR) < 0)
		fail("ioctl");
	munmap(pages, SIZE);
	drop_cache(mapped);
	lseek(mapped, 0, SEEK_SET);
	while (read(mapped, buffer, sizeof(buffer)) > 0)
		;
	return 0;
}
