// SPDX-License-Identifier: GPL-2.0-only
#include "naming/slabname.h"

#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "naming/cachetype.h"
#include "kernel/lockpath.h"

#define MAX_CANDIDATES 16
#define MAX_KEY_NAMES 4 /* caches of a merge that the key lists */

struct candidate {
	char type[LV_NAME_LEN];
	struct kbtf_type btf;
	struct lockpath lock;
};

struct slabname {
	const struct names_sources *from;
	const struct evidence *ev;
	const struct lv_class *class;
	struct names_result *ret;
	char cache[LV_NAME_LEN];
	const struct slab *slab; /* NULL: unknown */
	uint32_t size;
	bool kmalloc;
	bool merged;

	struct candidate found[MAX_CANDIDATES]; /* distinct */
	size_t nr_found;
	size_t nr_unknown;   /* caches without a struct in BTF */
	const char *unknown; /* the last of those */
};

static void set_name(struct slabname *s, const char *owner, const char *path,
		     enum names_certainty certainty)
{
	struct names_result *r = s->ret;

	snprintf(r->full, sizeof(r->full), "%s%s%s", owner, lockpath_joint(path), path);
	memcpy(r->name, r->full, sizeof(r->name));
	r->collapsed = lockpath_collapse(r->name);
	r->certainty = certainty;
}

/* A merged cache is called like whichever of its caches came first: its id is steadier. */
static const char *cache_owner(const struct slabname *s)
{
	size_t i;

	if (!s->merged)
		return s->cache;
	if (s->kmalloc && slab_name_is_kmalloc(s->cache))
		return s->cache;
	for (i = 0; s->kmalloc && i < s->slab->nr_names; i++)
		if (slab_name_is_kmalloc(s->slab->names[i]))
			return s->slab->names[i];
	return s->slab->id;
}

static void set_offset(struct slabname *s, enum names_certainty certainty)
{
	snprintf(s->ret->name, sizeof(s->ret->name), "%s+0x%x", cache_owner(s),
		 s->class->place.off);
	memcpy(s->ret->full, s->ret->name, sizeof(s->ret->full));
	s->ret->certainty = certainty;
}

static void set_key(struct slabname *s)
{
	struct names_result *r = s->ret;
	size_t i, len, nr = s->slab && s->merged ? s->slab->nr_names : 0;

	len = snprintf(r->key, sizeof(r->key), "%s+0x%x", s->cache, s->class->place.off);
	for (i = 0; i < nr && i < MAX_KEY_NAMES && len < sizeof(r->key); i++)
		len += snprintf(r->key + len, sizeof(r->key) - len, "%s%s", i ? ", " : " (",
				s->slab->names[i]);
	if (i && len < sizeof(r->key))
		snprintf(r->key + len, sizeof(r->key) - len, i < nr ? ", ...)" : ")");
}

static void add_candidate(struct slabname *s, struct kbtf_type type, const struct lockpath *lock)
{
	const char *name = kbtf_name(type);
	struct candidate *c;
	size_t i;

	for (i = 0; i < s->nr_found; i++)
		if (!strcmp(s->found[i].type, name) && !strcmp(s->found[i].lock.path, lock->path))
			return;
	if (s->nr_found == MAX_CANDIDATES)
		return;
	c = &s->found[s->nr_found++];
	strbuf_copy_clean(c->type, sizeof(c->type), name, sizeof(c->type));
	c->btf = type;
	c->lock = *lock;
}

/* One of the caches whose objects these may be. */
static enum cachetype_state try_cache(struct slabname *s, const char *cache)
{
	struct cachetype t = {.state = CACHETYPE_UNKNOWN};

	if (s->from->btf)
		cachetype_lock(s->from->btf, cache, s->size, s->class->place.off, s->class->family,
			       &t);
	if (t.state == CACHETYPE_LOCK)
		add_candidate(s, t.type, &t.lock);
	if (t.state == CACHETYPE_UNKNOWN) {
		s->nr_unknown++;
		s->unknown = cache;
	}
	return t.state;
}

/* A struct with a cache of its own, not this one, is not to be found here. */
static bool lives_elsewhere(const struct slabname *s, const char *type)
{
	static const char *const endings[] = {"", "_cache", "_cachep"};
	const struct slab *other;
	char name[2 * LV_NAME_LEN];
	size_t i;

	if (!s->from->slabs)
		return false;
	for (i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
		snprintf(name, sizeof(name), "%s%s", type, endings[i]);
		other = slabs_find(s->from->slabs, name);
		if (other && other != s->slab)
			return true;
	}
	return false;
}

/* The name that was told of a lock here; not if it can only be another family's. */
static const struct evidence_item *told_here(const struct slabname *s)
{
	const struct evidence_item *item = evidence_at(s->ev, &s->class->place);

	if (item && s->from->btf && !evidence_is_of(s->from->btf, item, s->class->family))
		return NULL;
	return item;
}

/* Structs with a lock here that a wait-queue name (at `item`) betrays. */
static void add_betrayed(struct slabname *s, const struct evidence_item *item)
{
	struct lockpath lock;
	size_t i;

	if (item->nr_types == EVIDENCE_TYPES)
		return;
	for (i = 0; i < item->nr_types; i++) {
		lockpath_at(s->from->btf, item->types[i], s->class->place.off, s->class->family,
			    &lock);
		if (lock.what != LOCKPATH_NONE && !lives_elsewhere(s, kbtf_name(item->types[i])))
			add_candidate(s, item->types[i], &lock);
	}
}

static int count_rival(struct kbtf_type t, void *arg)
{
	struct slabname *s = arg;
	struct lockpath lock;

	lockpath_at(s->from->btf, t, s->class->place.off, s->class->family, &lock);
	if (lock.what != LOCKPATH_NONE && strcmp(kbtf_name(t), s->found[0].type))
		return 1;
	return 0;
}

/* No other struct that could lie in such a cache has a lock at the offset. */
static bool without_rivals(struct slabname *s)
{
	uint32_t min, max;

	evidence_range(s->size, s->kmalloc, &min, &max);
	return !kbtf_each_struct(s->from->btf, min, max, count_rival, s);
}

/* Only wait-queue names can tell what this is: kmalloc, or a merge of unknown structs. */
static void name_untyped(struct slabname *s)
{
	const struct evidence_item *here = told_here(s), *item = NULL;
	enum names_certainty sure = NAMES_AMBIGUOUS;

	s->nr_found = 0;
	if (here)
		add_betrayed(s, here);
	else if (s->from->btf)
		while ((item = evidence_next(s->ev, &s->class->place, item)))
			add_betrayed(s, item);
	if (s->nr_found == 1 && !s->found[0].lock.ambiguous) {
		/* a name at another offset does not say that all locks here are that struct's */
		if (here ? !here->clashes : without_rivals(s))
			sure = NAMES_INFERRED;
		set_name(s, s->found[0].type, s->found[0].lock.path, sure);
	} else if (here && here->last[0] && !here->clashes) {
		if (!s->kmalloc && s->nr_unknown == 1)
			set_name(s, s->unknown, here->last, NAMES_INFERRED);
		else
			set_name(s, cache_owner(s), here->last, NAMES_AMBIGUOUS);
	} else {
		set_offset(s, NAMES_AMBIGUOUS);
	}
}

/*
 * Is the cache nobody else's? /sys/kernel/slab tells (SLUB_TINY has none), and so did the cache's count of
 * users, by which the kernel half keeps sites apart or does not.
 */
static bool is_unshared(const struct slabname *s)
{
	return s->slab || !s->class->place.site;
}

/* A cache of one type. */
static void name_typed(struct slabname *s)
{
	const struct evidence_item *here = told_here(s);
	enum cachetype_state state = try_cache(s, s->cache);
	enum names_certainty sure = is_unshared(s) ? NAMES_EXACT : NAMES_INFERRED;

	if (state == CACHETYPE_LOCK)
		set_name(s, s->found[0].type, s->found[0].lock.path,
			 s->found[0].lock.ambiguous ? NAMES_AMBIGUOUS : sure);
	else if (here && here->last[0])
		set_name(s, s->cache, here->last, here->clashes ? NAMES_AMBIGUOUS : sure);
	else /* a lock where the struct has none: not the struct, or room it lends to others */
		set_offset(s, state == CACHETYPE_NO_LOCK ? NAMES_AMBIGUOUS : sure);
}

/* Picks the one of several candidates that has the wait queue a name tells of. */
static const struct candidate *pick_by_evidence(const struct slabname *s)
{
	const struct candidate *picked = NULL;
	const struct evidence_item *item = NULL;
	size_t i;

	while ((item = evidence_next(s->ev, &s->class->place, item)))
		for (i = 0; i < s->nr_found; i++) {
			if (!evidence_fits(s->from->btf, item, s->found[i].btf))
				continue;
			if (picked && picked != &s->found[i])
				return NULL;
			picked = &s->found[i];
		}
	return picked;
}

/*
 * The struct that all of them begin with has the lock: "sock", for locks of sockets of two
 * families.
 */
static const char *common_part(const struct slabname *s, const char **ret_path)
{
	struct kbtf_type part, other;
	size_t i;

	if (!lockpath_first(s->found[0].btf, s->found[0].lock.path, &part))
		return NULL;
	for (i = 1; i < s->nr_found; i++)
		if (strcmp(s->found[i].lock.path, s->found[0].lock.path) ||
		    !lockpath_first(s->found[i].btf, s->found[i].lock.path, &other) ||
		    strcmp(kbtf_name(part), kbtf_name(other)))
			return NULL;
	*ret_path = strchr(s->found[0].lock.path, '.') + 1;
	return kbtf_name(part);
}

/* Several caches share the slabs: what do all of them say about this offset? */
static void name_merged(struct slabname *s)
{
	const struct candidate *picked;
	const char *owner, *path;
	size_t i, agree = 0;

	for (i = 0; i < s->slab->nr_names; i++)
		agree += try_cache(s, s->slab->names[i]) == CACHETYPE_LOCK;
	if (!s->nr_found) {
		name_untyped(s);
		return;
	}
	if (s->nr_found == 1) {
		enum names_certainty sure =
			agree == s->slab->nr_names ? NAMES_EXACT : NAMES_INFERRED;

		set_name(s, s->found[0].type, s->found[0].lock.path,
			 s->found[0].lock.ambiguous ? NAMES_AMBIGUOUS : sure);
		return;
	}
	owner = common_part(s, &path);
	if (owner) {
		set_name(s, owner, path, NAMES_INFERRED);
		return;
	}
	/* even if a name tells of one, locks of the others may be in this class too */
	picked = pick_by_evidence(s);
	if (picked)
		set_name(s, picked->type, picked->lock.path, NAMES_AMBIGUOUS);
	else
		set_offset(s, NAMES_AMBIGUOUS);
}

static void set_query(const struct slabname *s, const struct callsite_stack *stacks,
		      size_t nr_stacks, struct callsite_query *ret)
{
	*ret = (struct callsite_query){
		.ksyms = s->from->ksyms,
		.btf = s->from->btf,
		.off = s->class->place.off,
		.family = s->class->family,
		.stacks = stacks,
		.nr_stacks = nr_stacks,
	};
	evidence_range(s->size, s->kmalloc, &ret->min_size, &ret->max_size);
}

/*
 * Where memory does not tell, the functions that took the locks may. A name that was told
 * does not give way to them; where both fit one struct, that is it.
 */
static void name_by_callsite(struct slabname *s, const struct callsite_query *q)
{
	const struct evidence_item *told = told_here(s);
	enum callsite_verdict verdict;
	struct kbtf_type type;
	struct lockpath lock;

	verdict = callsite_find(q, &type, &lock);
	if (verdict == CALLSITE_NOTHING)
		return;
	/* Two that know nothing of each other, and agree: a name told at another offset, and this.
	 */
	if (s->nr_found == 1 && !strcmp(s->found[0].type, kbtf_name(type)))
		verdict = CALLSITE_SURE;
	for (size_t i = 0; i < s->nr_found; i++)
		if (!strcmp(s->found[i].type, kbtf_name(type)))
			s->nr_found = 0;
	if (s->nr_found || (told && (told->clashes || !evidence_fits(s->from->btf, told, type))))
		return;
	if (told)
		verdict = CALLSITE_SURE;
	set_name(s, kbtf_name(type), lock.path,
		 verdict == CALLSITE_SURE ? NAMES_INFERRED : NAMES_AMBIGUOUS);
	s->ret->by_callsite = !told;
}

static bool any_kmalloc(const struct slabname *s)
{
	size_t i;

	for (i = 0; s->slab && i < s->slab->nr_names; i++)
		if (slab_name_is_kmalloc(s->slab->names[i]))
			return true;
	return slab_name_is_kmalloc(s->cache);
}

void slabname_class(const struct names_sources *from, const struct evidence *ev,
		    const struct lv_class *class, const struct callsite_stack *stacks,
		    size_t nr_stacks, struct names_result *ret)
{
	struct slabname s = {.from = from, .ev = ev, .class = class, .ret = ret};
	struct callsite_query q;

	strbuf_copy_clean(s.cache, sizeof(s.cache), class->cache, sizeof(class->cache));
	s.slab = from->slabs && s.cache[0] ? slabs_find(from->slabs, s.cache) : NULL;
	slab_name_drop_draw(s.cache);
	memcpy(ret->cache, s.cache, sizeof(ret->cache));
	if (!s.cache[0])
		snprintf(s.cache, sizeof(s.cache), "slab");
	s.merged = s.slab && s.slab->merged;
	s.size = class->cache_size ? class->cache_size : s.slab ? s.slab->object_size : 0;
	s.kmalloc = any_kmalloc(&s);
	ret->kind = s.kmalloc ? "kmalloc" : "slab";
	set_key(&s);
	if (!ret->cache[0])
		set_offset(&s, NAMES_AMBIGUOUS);
	else if (s.kmalloc)
		name_untyped(&s);
	else if (s.merged)
		name_merged(&s);
	else
		name_typed(&s);
	set_query(&s, stacks, nr_stacks, &q);
	if (ret->certainty == NAMES_AMBIGUOUS)
		name_by_callsite(&s, &q);
	else if (s.kmalloc && s.nr_found == 1 && callsite_contradicts(&q, s.found[0].btf))
		ret->certainty = NAMES_AMBIGUOUS;
}
