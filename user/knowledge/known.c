// SPDX-License-Identifier: GPL-2.0-only
#include "knowledge/known.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct known_finding *known_find(const struct known *k, const char *id)
{
	for (size_t i = 0; i < k->nr; i++)
		if (!strcmp(k->items[i].id, id))
			return &k->items[i];
	return NULL;
}

static void free_finding(struct known_finding *f)
{
	free(f->kernel);
	free(f->build);
	free(f->chain);
	free(f->text);
	free(f->json);
}

/* The one of another build that was not seen for the longest time; it stays in the database. */
static bool make_room(struct known *k, const char *kernel, const char *build)
{
	size_t oldest = k->nr;

	for (size_t i = 0; i < k->nr; i++) {
		const struct known_finding *f = &k->items[i];

		if (f->dirty || (!strcmp(f->kernel, kernel) && !strcmp(f->build, build)))
			continue;
		if (oldest == k->nr || f->last_ms < k->items[oldest].last_ms)
			oldest = i;
	}
	if (oldest == k->nr)
		return false;
	free_finding(&k->items[oldest]);
	k->items[oldest] = k->items[--k->nr];
	return true;
}

static int grow(struct known *k)
{
	size_t room = k->room ? 2 * k->room : 16;
	struct known_finding *grown;

	if (k->nr < k->room)
		return 0;
	grown = reallocarray(k->items, room, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	k->items = grown;
	k->room = room;
	return 0;
}

int known_add(struct known *k, const char *id, const char *kernel, const char *build,
	      struct known_finding **ret)
{
	struct known_finding f = {.kernel = strdup(kernel), .build = strdup(build)};
	int code = f.kernel && f.build ? 0 : -ENOMEM;

	if (!code && k->nr >= KNOWN_MAX && !make_room(k, kernel, build))
		code = -ENOSPC;
	code = code ? code : grow(k);
	if (code) {
		free_finding(&f);
		return code;
	}
	memcpy(f.id, id, strnlen(id, sizeof(f.id) - 1));
	k->items[k->nr] = f;
	*ret = &k->items[k->nr++];
	return 0;
}

void known_drop_last(struct known *k)
{
	if (k->nr)
		free_finding(&k->items[--k->nr]);
}

void known_done(struct known *k)
{
	for (size_t i = 0; i < k->nr; i++)
		free_finding(&k->items[i]);
	free(k->items);
	*k = (struct known){};
}
