// SPDX-License-Identifier: GPL-2.0-only
/*
 * The graph as /proc/lockdep shows it (kernel/locking/lockdep_proc.c, l_show(), as of
 * 6.12 with PROVE_LOCKING and DEBUG_LOCKDEP), for what reads that:
 *
 *	all lock classes:
 *	KEY OPS:%8ld FD:%5ld BD:%5ld USAGE: NAME
 *	 -> [KEY] NAME
 *
 * A key is a number that stands for the class: there a hashed pointer, here one made
 * of the name, so it is the same in each run and gives no address away. FD and BD
 * count the classes that can be reached forwards and backwards, the class itself
 * with them. lockdep has no class under itself; neither has this.
 */
#include "report/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "report/words.h"

/*
 * Steps to count with: seconds. Full tables of the recorder's (8,192 classes, 32,768 edges, both ways)
 * take 700 million at most.
 */
#define MOST_STEPS 4000000000ull

/* For each class, those next to it: ends[i - 1] to ends[i] in all. */
struct neighbours {
	uint32_t *all;
	size_t *ends;
};

/* Room to walk: what is to be visited, and which walk a class was met in last. */
struct walk {
	uint32_t *queue, *met;
	uint32_t nr;
	uint64_t steps; /* steps of all walks */
};

static int by_pair(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void neighbours_free(struct neighbours *n)
{
	free(n->all);
	free(n->ends);
}

/* The direct dependencies, of whatever kind, each once; or the other way round. */
static int neighbours_make(const struct capture *c, bool backwards, struct neighbours *ret)
{
	AUTO_FREE uint64_t *pairs = calloc(c->nr_edges + 1, sizeof(*pairs));
	size_t nr = 0, kept = 0;

	ret->all = calloc(c->nr_edges + 1, sizeof(*ret->all));
	ret->ends = calloc(c->nr_classes + 1, sizeof(*ret->ends));
	if (!pairs || !ret->all || !ret->ends)
		return -ENOMEM;
	for (size_t i = 0; i < c->nr_edges; i++) {
		uint64_t from = c->edges[i].from, to = c->edges[i].to;

		if (from != to)
			pairs[nr++] = backwards ? to << 32 | from : from << 32 | to;
	}
	qsort(pairs, nr, sizeof(*pairs), by_pair);
	for (size_t i = 0; i < nr; i++) {
		if (i && pairs[i] == pairs[i - 1])
			continue;
		ret->all[kept++] = (uint32_t)pairs[i];
		ret->ends[pairs[i] >> 32] = kept;
	}
	for (size_t i = 1; i < c->nr_classes; i++)
		if (ret->ends[i] < ret->ends[i - 1])
			ret->ends[i] = ret->ends[i - 1];
	return 0;
}

static size_t first_of(const struct neighbours *n, uint32_t class)
{
	return class ? n->ends[class - 1] : 0;
}

/* How many classes can be reached, this one with them. */
static size_t count_reached(const struct neighbours *n, uint32_t class, struct walk *w)
{
	size_t nr = 1;

	w->nr++;
	w->queue[0] = class;
	w->met[class] = w->nr;
	for (size_t at = 0; at < nr; at++) {
		w->steps += 1 + n->ends[w->queue[at]] - first_of(n, w->queue[at]);
		for (size_t i = first_of(n, w->queue[at]); i < n->ends[w->queue[at]]; i++) {
			uint32_t next = n->all[i];

			if (w->met[next] == w->nr)
				continue;
			w->met[next] = w->nr;
			w->queue[nr++] = next;
		}
	}
	return nr;
}

/* FNV-1a of name and subclass. */
static uint64_t key_of(const struct capture_class *class)
{
	uint64_t hash = 0xcbf29ce484222325ull;

	for (const char *at = class->name; *at; at++)
		hash = (hash ^ (unsigned char)*at) * 0x100000001b3ull;
	return (hash ^ class->subclass) * 0x100000001b3ull;
}

static void put_name(FILE *out, const struct capture_class *class)
{
	words_put(out, class->name);
	putc('\n', out);
}

static void put_class(FILE *out, const struct capture *c, uint32_t id,
		      const struct neighbours *after, const struct neighbours *before,
		      struct walk *w)
{
	const struct capture_class *class = &c->classes[id];
	char usage[CAPTURE_USAGE_LEN];
	size_t forwards = count_reached(after, id, w), backwards = count_reached(before, id, w);

	/* lockdep leaves the braces to its reports. */
	capture_usage_text(class->usage, usage);
	fprintf(out, "%016" PRIx64 " OPS:%8" PRIu64 " FD:%5zu BD:%5zu %.4s: ", key_of(class),
		class->acquisitions, forwards, backwards, usage + 1);
	put_name(out, class);
	for (size_t i = first_of(after, id); i < after->ends[id]; i++) {
		const struct capture_class *next = &c->classes[after->all[i]];

		fprintf(out, " -> [%016" PRIx64 "] ", key_of(next));
		put_name(out, next);
	}
	putc('\n', out);
}

int report_proc(FILE *out, const struct capture *c)
{
	AUTO_FREE uint32_t *queue = calloc(c->nr_classes + 1, sizeof(*queue));
	AUTO_FREE uint32_t *met = calloc(c->nr_classes + 1, sizeof(*met));
	struct walk walk = { .queue = queue, .met = met };
	struct neighbours after = {}, before = {};
	int err = queue && met ? 0 : -ENOMEM;

	err = err ? err : neighbours_make(c, false, &after);
	err = err ? err : neighbours_make(c, true, &before);
	if (!err) {
		fputs("all lock classes:\n", out);
		for (uint32_t i = 0; i < c->nr_classes && !ferror(out); i++) {
			if (walk.steps > MOST_STEPS)
				break;
			put_class(out, c, i, &after, &before, &walk);
		}
		err = ferror(out) ? -EIO : walk.steps > MOST_STEPS ? -EFBIG : 0;
	}
	neighbours_free(&after);
	neighbours_free(&before);
	return err;
}
