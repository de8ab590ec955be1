// SPDX-License-Identifier: GPL-2.0-only
#include "daemon/board.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* A snapshot, and the memory it points to. Never changed once it is posted. */
struct copy {
	struct metrics metrics;
	char *texts; /* all strings, one after another */
	struct metrics_program *programs;
};

struct board {
	pthread_mutex_t lock;
	struct copy *newest; /* NULL: nothing was posted */
};

static void copy_free(struct copy *c)
{
	if (!c)
		return;
	free(c->texts);
	free(c->programs);
	free(c);
}
CLEANUP_DEFINE(copy, struct copy *, copy_free)

/* Take in one string: its length with the NUL, and if there is room, the copy instead of it. */
static size_t take_text(const char **text, char *room, size_t at)
{
	size_t len = *text ? strlen(*text) + 1 : 0;

	if (len && room)
		*text = memcpy(room + at, *text, len);
	return len;
}

/* All strings; without room only measured. */
static size_t take_texts(struct copy *c, char *room)
{
	size_t n = 0;

	n += take_text(&c->metrics.version, room, n);
	n += take_text(&c->metrics.kernel_release, room, n);
	n += take_text(&c->metrics.kernel_version, room, n);
	n += take_text(&c->metrics.machine, room, n);
	for (size_t i = 0; i < c->metrics.nr_programs; i++)
		n += take_text(&c->programs[i].name, room, n);
	return n;
}

static struct copy *copy_new(const struct metrics *m)
{
	CLEANUP(cleanup_copy) struct copy *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->metrics = *m;
	c->programs = calloc(m->nr_programs + 1, sizeof(*c->programs));
	if (!c->programs)
		return NULL;
	if (m->nr_programs)
		memcpy(c->programs, m->programs, m->nr_programs * sizeof(*c->programs));
	c->metrics.programs = c->programs;
	c->texts = malloc(take_texts(c, NULL) + 1);
	if (!c->texts)
		return NULL;
	take_texts(c, c->texts);
	return TAKE_PTR(c);
}

struct board *board_new(void)
{
	struct board *b = calloc(1, sizeof(*b));

	if (b)
		pthread_mutex_init(&b->lock, NULL);
	return b;
}

void board_free(struct board *b)
{
	if (!b)
		return;
	copy_free(b->newest);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

int board_post(struct board *b, const struct metrics *m)
{
	struct copy *c = copy_new(m), *old;

	if (!c)
		return -ENOMEM;
	pthread_mutex_lock(&b->lock);
	old = b->newest;
	b->newest = c;
	pthread_mutex_unlock(&b->lock);
	copy_free(old);
	return 0;
}

int board_text(void *arg, enum metrics_format format, struct strbuf *ret)
{
	struct board *b = arg;
	struct copy *c;

	/* Taken off the board for printing, so that nobody waits for that. */
	pthread_mutex_lock(&b->lock);
	c = TAKE_PTR(b->newest);
	pthread_mutex_unlock(&b->lock);
	if (!c)
		return -EAGAIN;
	metrics_print(&c->metrics, format, ret);
	pthread_mutex_lock(&b->lock);
	if (!b->newest)
		b->newest = TAKE_PTR(c);
	pthread_mutex_unlock(&b->lock);
	copy_free(c);
	return 0;
}
