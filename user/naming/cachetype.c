// SPDX-License-Identifier: GPL-2.0-only
#include "naming/cachetype.h"

#include <linux/btf.h>
#include <stdio.h>
#include <string.h>

#include "abi.h"

/* Objects are rounded up to a cache line, and a merged cache to its largest. */
#define CACHETYPE_SLACK 64

/* How a cache's name was turned into a struct's: how far the sizes are trusted. */
enum guess {
	GUESS_SAME,    /* the very name, or our table: the size may vary (task_struct, mm_struct) */
	GUESS_DERIVED, /* by endings: the size has to confirm it */
};

static const struct {
	const char *cache, *type;
} cache_types[] = {
#define CACHE_TYPE(cache, type) { cache, type },
#include "naming/caches.def"
#undef CACHE_TYPE
};

static const char *const cache_endings[] = { "", "_cachep", "_cache", "_slab", "_jar" };
static const char *const type_endings[] = { "", "_struct", "_info", "_ctx", "_data" };

#define NR(array) (sizeof(array) / sizeof(*(array)))

typedef bool (*guess_fn)(const char *type, enum guess how, void *arg);

static bool guess_endings(const char *cache, size_t len, guess_fn fn, void *arg)
{
	char name[2 * LV_NAME_LEN];
	size_t i;

	for (i = 0; i < NR(type_endings); i++) {
		int n = snprintf(name, sizeof(name), "%.*s%s", (int)len, cache, type_endings[i]);

		if (n < 0 || (size_t)n >= sizeof(name))
			continue;
		if (fn(name, strcmp(name, cache) ? GUESS_DERIVED : GUESS_SAME, arg))
			return true;
	}
	return false;
}

/* Call fn for each struct name the cache's name suggests, best first, until it says true. */
static bool guess_types(const char *cache, guess_fn fn, void *arg)
{
	size_t i, len = strlen(cache);

	for (i = 0; i < NR(cache_types); i++)
		if (!strcmp(cache_types[i].cache, cache) &&
		    fn(cache_types[i].type, GUESS_SAME, arg))
			return true;
	for (i = 0; i < NR(cache_endings); i++) {
		size_t end = strlen(cache_endings[i]);

		if (len <= end || strcmp(cache + len - end, cache_endings[i]))
			continue;
		if (guess_endings(cache, len - end, fn, arg))
			return true;
	}
	return false;
}

struct lock_query {
	const struct kbtf *k;
	uint32_t size, off, family;
	bool strict; /* no guess is taken without its size */
	struct cachetype *ret;
};

static bool size_fits(const struct lock_query *q, uint32_t size, enum guess how)
{
	if (!q->strict && (!q->size || how == GUESS_SAME))
		return true;
	return size <= q->size && q->size - size < CACHETYPE_SLACK;
}

static bool try_type(const char *type, enum guess how, void *arg)
{
	struct lock_query *q = arg;
	struct kbtf_type t = { NULL, 0 };
	struct lockpath lock;

	while (kbtf_next(q->k, type, 1 << BTF_KIND_STRUCT, &t)) {
		if (!size_fits(q, kbtf_size(t), how))
			continue;
		lockpath_at(q->k, t, q->off, q->family, &lock);
		if (lock.what == LOCKPATH_NONE || (q->size && q->off + lock.size > q->size)) {
			q->ret->state = q->off < kbtf_size(t) ? CACHETYPE_NO_LOCK : CACHETYPE_TAIL;
			continue;
		}
		q->ret->state = CACHETYPE_LOCK;
		q->ret->type = t;
		q->ret->lock = lock;
		return true;
	}
	return false;
}

void cachetype_lock(const struct kbtf *k, const char *cache, uint32_t size, uint32_t off,
		    uint32_t family, struct cachetype *ret)
{
	struct lock_query q = { k, size, off, family, false, ret };

	memset(ret, 0, sizeof(*ret));
	guess_types(cache, try_type, &q);
}

bool cachetype_variable(const struct kbtf *k, const char *name, uint32_t size, uint32_t off,
			uint32_t family, struct lockpath *ret)
{
	struct cachetype t = { .state = CACHETYPE_UNKNOWN };
	struct lock_query q = { k, size, off, family, true, &t };

	for (; name; name = strchr(name, '_')) {
		name += *name == '_';
		if (!guess_types(name, try_type, &q))
			continue;
		*ret = t.lock;
		return true;
	}
	return false;
}

static bool same_name(const char *type, enum guess how, void *arg)
{
	(void)how;
	return !strcmp(type, arg);
}

bool cachetype_names_struct(const char *cache, const char *type)
{
	return guess_types(cache, same_name, (void *)type);
}
