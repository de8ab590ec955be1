// SPDX-License-Identifier: GPL-2.0-only
#include "sites/text.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define MAX_RANGES 4096

struct range {
	uint64_t addr, size, file; /* bytes; where in the file */
};

struct text {
	int fd;
	struct range *range;
	size_t nr;
};

static int read_at(int fd, void *buf, size_t len, uint64_t off)
{
	while (len) {
		ssize_t got = pread(fd, buf, len, off);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -ENOENT;
		buf = (char *)buf + got;
		len -= got;
		off += got;
	}
	return 0;
}

static int check_header(const Elf64_Ehdr *h)
{
	if (memcmp(h->e_ident, ELFMAG, SELFMAG) || h->e_ident[EI_CLASS] != ELFCLASS64 ||
	    h->e_ident[EI_DATA] != ELFDATA2LSB || h->e_machine != EM_X86_64)
		return -EINVAL;
	return 0;
}

static int add_segments(struct text *t, const Elf64_Ehdr *h)
{
	size_t nr = h->e_phnum;
	AUTO_FREE Elf64_Phdr *ph = calloc(nr + 1, sizeof(*ph));
	int err;

	if (!ph || nr > MAX_RANGES || h->e_phentsize != sizeof(*ph))
		return ph ? -EINVAL : -ENOMEM;
	err = read_at(t->fd, ph, nr * sizeof(*ph), h->e_phoff);
	t->range = err ? NULL : calloc(nr + 1, sizeof(*t->range));
	if (!t->range)
		return err ? err : -ENOMEM;
	for (size_t i = 0; i < nr; i++)
		if (ph[i].p_type == PT_LOAD && ph[i].p_filesz)
			t->range[t->nr++] =
				(struct range){ph[i].p_vaddr, ph[i].p_filesz, ph[i].p_offset};
	return t->nr ? 0 : -EINVAL;
}

CLEANUP_DEFINE(text, struct text *, text_close)

int text_open(const char *path, struct text **ret)
{
	CLEANUP(cleanup_text) struct text *t = calloc(1, sizeof(*t));
	Elf64_Ehdr header;
	int err;

	if (!t)
		return -ENOMEM;
	t->fd = open(path ? path : "/proc/kcore", O_RDONLY | O_CLOEXEC);
	if (t->fd < 0)
		return -errno;
	err = read_at(t->fd, &header, sizeof(header), 0);
	if (!err)
		err = check_header(&header);
	if (!err)
		err = add_segments(t, &header);
	if (err)
		return err;
	*ret = TAKE_PTR(t);
	return 0;
}

void text_close(struct text *t)
{
	if (!t)
		return;
	if (t->fd >= 0)
		close(t->fd);
	free(t->range);
	free(t);
}

int text_read(void *arg, uint64_t addr, void *buf, size_t len)
{
	const struct text *t = arg;

	for (size_t i = 0; i < t->nr; i++) {
		const struct range *r = &t->range[i];

		if (addr < r->addr || addr - r->addr >= r->size || len > r->size - (addr - r->addr))
			continue;
		return read_at(t->fd, buf, len, r->file + (addr - r->addr));
	}
	return -ENOENT;
}
