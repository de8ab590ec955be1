// SPDX-License-Identifier: GPL-2.0-only
#include "naming/callsite_internal.h"

#include <string.h>

bool callsite_same(struct kbtf_type a, struct kbtf_type b)
{
	return !strcmp(kbtf_name(a), kbtf_name(b)) && kbtf_size(a) == kbtf_size(b);
}

void callsite_add(struct callsite_types *types, struct kbtf_type type)
{
	for (size_t i = 0; i < types->nr; i++)
		if (callsite_same(types->type[i], type))
			return;
	if (types->nr < CALLSITE_TYPES)
		types->type[types->nr++] = type;
}

/* The one lock of the family that a struct has, members of members and all. */
static bool only_lock(const struct callsite_query *q, struct kbtf_type type, struct lockpath *ret)
{
	uint32_t size = kbtf_size(type), end = 0;
	struct lockpath lock;
	size_t nr = 0;

	for (uint32_t off = 0; off < size && nr < 2; off += 4) {
		lockpath_at(q->btf, type, off, q->family, &lock);
		if (lock.what == LOCKPATH_NONE || (nr && off < end))
			continue;
		*ret = lock;
		end = off + lock.size;
		nr++;
	}
	return nr == 1;
}

/* Is it struct page, or a struct that overlays it? These lie in the page array, not in the page's memory. */
static bool is_page(struct kbtf_type type)
{
	static const char *const overlays[] = {"page", "folio", "ptdesc", "slab"};

	for (size_t i = 0; i < sizeof(overlays) / sizeof(overlays[0]); i++)
		if (!strcmp(kbtf_name(type), overlays[i]))
			return true;
	return false;
}

bool callsite_lock(const struct callsite_query *q, struct kbtf_type type, struct lockpath *ret)
{
	if (is_page(type))
		return false;
	if (q->off == CALLSITE_ANYWHERE)
		return only_lock(q, type, ret);
	lockpath_at(q->btf, type, q->off, q->family, ret);
	return ret->what != LOCKPATH_NONE;
}

/* Does a name begin as one of these? */
static bool is_one_of(const char *name, const char *const *beginnings, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (!strncmp(name, beginnings[i], strlen(beginnings[i])))
			return true;
	return false;
}

static bool taken_by(const struct ksyms *ksyms, const struct callsite_stack *stacks, size_t nr,
		     const char *const *beginnings, size_t nr_beginnings)
{
	for (size_t i = 0; i < nr; i++) {
		const struct ksym *sym = ksyms_find(ksyms, stacks[i].ip[0] - 1);

		if (sym && sym->text && is_one_of(sym->name, beginnings, nr_beginnings))
			return true;
	}
	return false;
}

bool callsite_is_waitq(const struct ksyms *ksyms, const struct callsite_stack *stacks, size_t nr)
{
	static const char *const functions[] = {
		/* kernel/sched/wait.c */
		"__wake_up",   "prepare_to_wait", "add_wait_queue",	   "remove_wait_queue",
		"finish_wait", "do_wait_intr",	  "__init_waitqueue_head",
	};

	return taken_by(ksyms, stacks, nr, functions, sizeof(functions) / sizeof(functions[0]));
}

/* By what waits in mutexes and rwsems: kernel/locking/mutex.c, rwsem.c. */
static bool is_wait_lock(const struct callsite_query *q)
{
	static const char *const functions[] = {
		"__mutex_", "mutex_", "rwsem_", "__rwsem_", "rt_mutex_", "__rt_mutex_", "rwbase_",
	};

	return taken_by(q->ksyms, q->stacks, q->nr_stacks, functions,
			sizeof(functions) / sizeof(functions[0]));
}

/* Is such a lock taken by such functions? A mutex' inner lock is taken by mutexes only. */
static bool is_taken_so(const struct callsite_fitting *f, const struct lockpath *lock)
{
	char last[LOCKPATH_LEN];

	if (f->waitq && lock->what != LOCKPATH_WAITQ)
		return false;
	lockpath_last(lock->path, last, sizeof(last));
	return !strcmp(last, "wait_lock") == f->wait_lock;
}

/* Has it such a lock there, and the size of what lies there? */
void callsite_add_if_it_fits(const struct callsite_fitting *f, struct kbtf_type type,
			     struct callsite_types *types)
{
	uint32_t size = kbtf_size(type);
	struct lockpath lock;

	if (size < f->q->min_size || size > f->q->max_size || !kbtf_name(type)[0])
		return;
	/* A lock alone is no struct to be called by. */
	if (callsite_lock(f->q, type, &lock) && lock.path[0] && !lock.ambiguous &&
	    is_taken_so(f, &lock))
		callsite_add(types, type);
}

static int add_fitting(struct kbtf_type type, void *arg)
{
	struct callsite_fitting *f = arg;
	struct lockpath lock;

	if (!kbtf_name(type)[0] || !callsite_lock(f->q, type, &lock) || !lock.path[0] ||
	    !is_taken_so(f, &lock))
		return 0;
	if (f->nr == CALLSITE_FITTING)
		return 1;
	f->type[f->nr++] = type;
	return 0;
}

void callsite_fit(const struct callsite_query *q, struct callsite_fitting *ret)
{
	*ret = (struct callsite_fitting){.q = q};
	ret->waitq = callsite_is_waitq(q->ksyms, q->stacks, q->nr_stacks);
	ret->wait_lock = is_wait_lock(q);
	if (q->off != CALLSITE_ANYWHERE)
		kbtf_each_struct(q->btf, q->min_size, q->max_size, add_fitting, ret);
}
