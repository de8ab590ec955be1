// SPDX-License-Identifier: GPL-2.0-only
/* freeze FOLDER: freeze and thaw its file system three times, taking mmap_lock in between. */
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096

static int touch_new_page(void)
{
	volatile char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return -1;
	page[0] = 1;
	return munmap((void *)page, PAGE);
}

int main(int argc, char **argv)
{
	int fd = argc == 2 ? open(argv[1], O_RDONLY | O_DIRECTORY) : -1;

	if (fd < 0) {
		fprintf(stderr, "usage: freeze FOLDER\n");
		return 2;
	}
	for (int i = 0; i < 3; i++) {
		if (ioctl(fd, FIFREEZE, 0)) {
			perror("freeze");
			return 1;
		}
		if (touch_new_page())
			perror("mmap");
		if (ioctl(fd, FITHAW, 0)) {
			perror("thaw");
			return 1;
		}
	}
	return 0;
}
