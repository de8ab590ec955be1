// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/slabs.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

struct slabs_name {
	char *name;
	char *id;
};

struct slabs {
	bool known;
	struct slabs_name *names; /* by id, then name */
	size_t nr_names;
	const char **texts; /* the names alone, in the same order */
	struct slab *slabs; /* by id */
	size_t nr_slabs;
};

static int compare_names(const void *va, const void *vb)
{
	const struct slabs_name *a = va, *b = vb;
	int order = strcmp(a->id, b->id);

	return order ? order : strcmp(a->name, b->name);
}

static int add_name(struct slabs *s, const char *name, const char *id)
{
	struct slabs_name *more;

	more = realloc(s->names, (s->nr_names + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	s->names = more;
	more = &s->names[s->nr_names];
	more->name = strdup(name);
	more->id = strdup(id);
	if (more->name && more->id) {
		s->nr_names++;
		return 0;
	}
	free(more->name);
	free(more->id);
	return -ENOMEM;
}

/* A cache that was merged is a link to the one folder; others are that folder. */
static int add_entry(struct slabs *s, int dir, const char *name)
{
	char target[PATH_MAX];
	ssize_t len = readlinkat(dir, name, target, sizeof(target) - 1);
	const char *id;

	if (len < 0)
		return name[0] == ':' ? 0 : add_name(s, name, name);
	target[len] = '\0';
	id = strrchr(target, '/');
	return add_name(s, name, id ? id + 1 : target);
}

static int read_names(struct slabs *s, const char *dir)
{
	AUTO_CLOSEDIR DIR *d = opendir(dir);
	struct dirent *e;
	int err;

	if (!d)
		return errno == ENOENT ? 0 : -errno;
	s->known = true;
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		err = add_entry(s, dirfd(d), e->d_name);
		if (err)
			return err;
	}
	if (s->nr_names)
		qsort(s->names, s->nr_names, sizeof(*s->names), compare_names);
	return 0;
}

static int64_t slab_number(const char *dir, const char *id, const char *file)
{
	char path[PATH_MAX];
	int64_t value;

	if (snprintf(path, sizeof(path), "/%s/%s", id, file) >= (int)sizeof(path))
		return 0;
	return file_number(dir, path, &value) ? 0 : value;
}

static void fill_slab(struct slab *slab, const char *dir)
{
	int64_t size = slab_number(dir, slab->id, "object_size");

	slab->object_size = size > 0 && size < UINT32_MAX ? size : 0;
	/* a link may be missing, or be left over from a cache that is gone: doubt counts */
	slab->merged = slab->nr_names > 1 || slab_number(dir, slab->id, "aliases") > 0;
}

static int group_names(struct slabs *s, const char *dir)
{
	struct slab *slab = NULL;
	size_t i;

	s->texts = calloc(s->nr_names + 1, sizeof(*s->texts));
	s->slabs = calloc(s->nr_names + 1, sizeof(*s->slabs));
	if (!s->texts || !s->slabs)
		return -ENOMEM;
	for (i = 0; i < s->nr_names; i++) {
		s->texts[i] = s->names[i].name;
		if (!slab || strcmp(slab->id, s->names[i].id)) {
			slab = &s->slabs[s->nr_slabs++];
			slab->id = s->names[i].id;
			slab->names = &s->texts[i];
		}
		slab->nr_names++;
	}
	for (i = 0; i < s->nr_slabs; i++)
		fill_slab(&s->slabs[i], dir);
	return 0;
}

CLEANUP_DEFINE(slabs, struct slabs *, slabs_free)

int slabs_load(const char *dir, struct slabs **ret)
{
	CLEANUP(cleanup_slabs) struct slabs *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	if (!dir)
		dir = "/sys/kernel/slab";
	err = read_names(s, dir);
	if (!err)
		err = group_names(s, dir);
	if (err)
		return err;
	*ret = TAKE_PTR(s);
	return 0;
}

void slabs_free(struct slabs *s)
{
	size_t i;

	if (!s)
		return;
	for (i = 0; i < s->nr_names; i++) {
		free(s->names[i].name);
		free(s->names[i].id);
	}
	free(s->names);
	free(s->texts);
	free(s->slabs);
	free(s);
}

bool slabs_known(const struct slabs *s)
{
	return s->known;
}

const struct slab *slabs_find(const struct slabs *s, const char *name)
{
	size_t i, j;

	for (i = 0; i < s->nr_slabs; i++) {
		if (!strcmp(s->slabs[i].id, name))
			return &s->slabs[i];
		for (j = 0; j < s->slabs[i].nr_names; j++)
			if (!strcmp(s->slabs[i].names[j], name))
				return &s->slabs[i];
	}
	return NULL;
}

bool slab_name_is_kmalloc(const char *name)
{
	return !strncmp(name, "kmalloc-", 8) || !strncmp(name, "dma-kmalloc-", 12);
}

void slab_name_drop_draw(char *name)
{
	static const char *const drawn[] = {"kmalloc-rnd-", "kmalloc-part-"};

	for (size_t i = 0; i < sizeof(drawn) / sizeof(*drawn); i++) {
		size_t len = strlen(drawn[i]), digits;

		if (strncmp(name, drawn[i], len))
			continue;
		digits = strspn(name + len, "0123456789");
		if (digits && name[len + digits] == '-')
			memmove(name + strlen("kmalloc-"), name + len + digits + 1,
				strlen(name + len + digits + 1) + 1);
	}
}
