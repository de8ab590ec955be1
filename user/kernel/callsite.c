// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/callsite.h"

#include <bpf/btf.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define FRAMES 5     /* callers that are asked; who is further away knows other things */
#define NAMESAKES 3  /* callers whose names are looked at */
#define LEAST_WORD 3 /* letters of a name's first word that mean something */
#define EMBEDDED 2   /* structs in structs that are looked into */
#define HOPS 3	     /* pointers that are followed to a per-CPU one */
#define MAX_TYPES 8
#define MAX_FITTING 128
#define LARGEST_GUEST 512 /* bytes of a struct that others embed */
#define TELLING_GUEST 64  /* bytes; smaller ones (list_head, work_struct) are everybody's */
#define FUNCTION_LEN 128

/* Structs that fit, of one stack or of all. */
struct types {
	struct kbtf_type type[MAX_TYPES];
	size_t nr; /* MAX_TYPES: too many to mean anything */
};

static const struct btf_type *skip_mods(const struct btf *btf, uint32_t *id)
{
	const struct btf_type *t = btf__type_by_id(btf, *id);

	while (t && (btf_is_mod(t) || btf_is_typedef(t))) {
		*id = t->type;
		t = btf__type_by_id(btf, *id);
	}
	return t;
}

/* The struct that a type points to; false: none, or none that is known here. */
static bool pointed_struct(const struct kbtf_type pointer, struct kbtf_type *ret)
{
	uint32_t id = pointer.id;
	const struct btf_type *t = skip_mods(pointer.btf, &id);

	if (!t || !btf_is_ptr(t))
		return false;
	id = t->type;
	t = skip_mods(pointer.btf, &id);
	if (!t || !btf_is_struct(t))
		return false;
	ret->btf = pointer.btf;
	ret->id = id;
	return true;
}

static bool is_same(struct kbtf_type a, struct kbtf_type b)
{
	return !strcmp(kbtf_name(a), kbtf_name(b)) && kbtf_size(a) == kbtf_size(b);
}

static void add(struct types *types, struct kbtf_type type)
{
	for (size_t i = 0; i < types->nr; i++)
		if (is_same(types->type[i], type))
			return;
	if (types->nr < MAX_TYPES)
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

static bool find_lock(const struct callsite_query *q, struct kbtf_type type, struct lockpath *ret)
{
	if (q->off == CALLSITE_ANYWHERE)
		return only_lock(q, type, ret);
	lockpath_at(q->btf, type, q->off, q->family, ret);
	return ret->what != LOCKPATH_NONE;
}

/* Of whose locks the functions' callers are others' code. */
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

/* All structs that may be it: those of its size with a lock at the offset. */
struct fitting {
	const struct callsite_query *q;
	bool waitq, wait_lock;
	struct kbtf_type type[MAX_FITTING];
	size_t nr;
};

/* Is such a lock taken by such functions? A mutex' inner lock is taken by mutexes only. */
static bool is_taken_so(const struct fitting *f, const struct lockpath *lock)
{
	char last[LOCKPATH_LEN];

	if (f->waitq && lock->what != LOCKPATH_WAITQ)
		return false;
	lockpath_last(lock->path, last, sizeof(last));
	return !strcmp(last, "wait_lock") == f->wait_lock;
}

/* Has it such a lock there, and the size of what lies there? */
static void add_if_it_fits(const struct fitting *f, struct kbtf_type type, struct types *types)
{
	uint32_t size = kbtf_size(type);
	struct lockpath lock;

	if (size < f->q->min_size || size > f->q->max_size || !kbtf_name(type)[0])
		return;
	/* A lock alone is no struct to be called by. */
	if (find_lock(f->q, type, &lock) && lock.path[0] && !lock.ambiguous &&
	    is_taken_so(f, &lock))
		add(types, type);
}

static int add_fitting(struct kbtf_type type, void *arg)
{
	struct fitting *f = arg;
	struct lockpath lock;

	if (!kbtf_name(type)[0] || !find_lock(f->q, type, &lock) || !lock.path[0] ||
	    !is_taken_so(f, &lock))
		return 0;
	if (f->nr == MAX_FITTING)
		return 1;
	f->type[f->nr++] = type;
	return 0;
}

/* Structs that the members of this one point to, and of those embedded in it. */
static void add_pointed(const struct fitting *f, struct kbtf_type type, int depth,
			struct types *types)
{
	const struct btf_type *t = btf__type_by_id(type.btf, type.id);

	for (uint32_t i = 0; t && i < btf_vlen(t); i++) {
		struct kbtf_type member = {type.btf, btf_members(t)[i].type}, to;
		const struct btf_type *inner;

		if (pointed_struct(member, &to)) {
			add_if_it_fits(f, to, types);
			continue;
		}
		inner = skip_mods(member.btf, &member.id);
		if (depth && inner && btf_is_composite(inner))
			add_pointed(f, member, depth - 1, types);
	}
}

/* The function at that address, as BTF knows it: without what a compiler adds. */
static bool find_prototype(const struct callsite_query *q, uint64_t ip, struct kbtf_type *ret)
{
	const struct ksym *sym = ksyms_find(q->ksyms, ip - 1); /* it returns to behind the call */
	struct kbtf_type func = {NULL, 0};
	char name[FUNCTION_LEN];
	const struct btf_type *t;

	if (!sym || !sym->text || ksym_is_generated(sym))
		return false;
	snprintf(name, sizeof(name), "%s", sym->name);
	name[strcspn(name, ".")] = '\0';
	if (!kbtf_next(q->btf, name, 1 << BTF_KIND_FUNC, &func))
		return false;
	t = btf__type_by_id(func.btf, func.id);
	ret->btf = func.btf;
	ret->id = t->type;
	return true;
}

/* Any lock of the family, anywhere in a struct that is not too large for such a search. */
static bool has_lock(const struct callsite_query *q, struct kbtf_type type)
{
	uint32_t size = kbtf_size(type);
	struct lockpath lock;

	for (uint32_t off = 0; size <= LARGEST_GUEST && off < size; off += 4) {
		lockpath_at(q->btf, type, off, q->family, &lock);
		if (lock.what != LOCKPATH_NONE)
			return true;
	}
	return false;
}

/* A member of the guest's type; *own: it has the lock that is asked for in it. */
static bool embeds(const struct callsite_query *q, struct kbtf_type type, struct kbtf_type guest,
		   uint32_t base, int depth, bool *own)
{
	const struct btf_type *t = btf__type_by_id(type.btf, type.id);

	for (uint32_t i = 0; t && i < btf_vlen(t); i++) {
		struct kbtf_type member = {type.btf, btf_members(t)[i].type};
		uint32_t at = base + btf_member_bit_offset(t, i) / 8;
		const struct btf_type *inner = skip_mods(member.btf, &member.id);

		if (!inner || !btf_is_composite(inner))
			continue;
		if (is_same(member, guest)) {
			*own = q->off >= at && q->off - at < kbtf_size(guest);
			return true;
		}
		if (depth && embeds(q, member, guest, at, depth - 1, own))
			return true;
	}
	return false;
}

static void add_embedding(const struct fitting *f, struct kbtf_type guest, struct types *own,
			  struct types *other)
{
	bool is_own;

	for (size_t i = 0; i < f->nr; i++) {
		if (!embeds(f->q, f->type[i], guest, 0, EMBEDDED, &is_own))
			continue;
		if (is_own)
			add_if_it_fits(f, f->type[i], own);
		else if (kbtf_size(guest) >= TELLING_GUEST)
			add_if_it_fits(f, f->type[i], other);
	}
}

/* The length of "shmem" in "__shmem_get_inode", and where it begins. */
static size_t first_word(const char *name, const char **ret)
{
	name += strspn(name, "_");
	*ret = name;
	return strcspn(name, "_.");
}

/* What functions of all sorts begin with. */
static bool is_common_word(const char *word, size_t len)
{
	static const char *const words[] = {"add", "alloc", "get",  "init", "list", "page", "put",
					    "seq", "sys",   "task", "wait", "wake", "work", "x64"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i]) == len && !strncmp(word, words[i], len))
			return true;
	return false;
}

/* shmem_free_inode() will take a lock of shmem_sb_info's before one of anything else's. */
static void add_namesakes(const struct fitting *f, uint64_t ip, struct types *ret)
{
	const struct ksym *sym = ksyms_find(f->q->ksyms, ip - 1);
	const char *word, *other;
	size_t len;

	if (!sym || !sym->text || ksym_is_generated(sym))
		return;
	len = first_word(sym->name, &word);
	if (is_common_word(word, len))
		return;
	for (size_t i = 0; len >= LEAST_WORD && i < f->nr; i++)
		if (first_word(kbtf_name(f->type[i]), &other) == len && !strncmp(word, other, len))
			add_if_it_fits(f, f->type[i], ret);
}

/*
 * Structs that a per-CPU pointer leads to. BTF does not tell such pointers from
 * others (compilers but clang leave the tag out), their names mostly do.
 */
static void add_percpu(const struct fitting *f, struct kbtf_type type, int hops, int depth,
		       struct types *types)
{
	const struct btf_type *t = btf__type_by_id(type.btf, type.id);

	for (uint32_t i = 0; t && i < btf_vlen(t); i++) {
		const char *name = btf__name_by_offset(type.btf, btf_members(t)[i].name_off);
		struct kbtf_type member = {type.btf, btf_members(t)[i].type}, to;
		const struct btf_type *inner;

		if (pointed_struct(member, &to)) {
			if (name && (strstr(name, "pcpu") || strstr(name, "per_cpu") ||
				     strstr(name, "percpu")))
				add_if_it_fits(f, to, types);
			else if (hops)
				add_percpu(f, to, hops - 1, 0, types);
			continue;
		}
		inner = skip_mods(member.btf, &member.id);
		if (depth && inner && btf_is_composite(inner))
			add_percpu(f, member, hops, depth - 1, types);
	}
}

/* What a function has to say of where the lock lies. */
struct voice {
	struct types given;  /* it was given, or returns, such a struct */
	struct types inside; /* ... or what has the lock, a member of such a struct */
	struct types around; /* ... or what points to such a struct, or is another member of it */
};

static void ask_of_pointer(const struct fitting *f, struct kbtf_type pointer, struct voice *ret)
{
	struct kbtf_type to;

	if (!pointed_struct(pointer, &to))
		return;
	add_if_it_fits(f, to, &ret->given);
	if (f->q->off == CALLSITE_ANYWHERE) {
		add_percpu(f, to, HOPS, EMBEDDED, &ret->around);
		return;
	}
	add_pointed(f, to, EMBEDDED, &ret->around);
	if (kbtf_name(to)[0])
		add_embedding(f, to, &ret->inside, &ret->around);
}

static void ask_function(const struct fitting *f, uint64_t ip, struct voice *ret)
{
	const struct btf_type *proto;
	struct kbtf_type type, pointer;

	if (!find_prototype(f->q, ip, &type))
		return;
	proto = btf__type_by_id(type.btf, type.id);
	if (!proto || !btf_is_func_proto(proto))
		return;
	pointer.btf = type.btf;
	for (uint32_t i = 0; i < btf_vlen(proto); i++) {
		pointer.id = btf_params(proto)[i].type;
		ask_of_pointer(f, pointer, ret);
	}
	pointer.id = proto->type;
	ask_of_pointer(f, pointer, ret);
}

/* How much it is worth what a stack says. */
enum strength {
	SILENT,
	ROUNDABOUT, /* what is pointed to, or the struct around a member */
	ALIKE,	    /* what is called like the function, or has what it was given in it */
	GIVEN,
};

/* Several that a nearer function left open: those that this one speaks of, too. True: it spoke. */
static bool narrow(struct types *open, const struct types *spoken)
{
	struct types both = {};

	if (!spoken->nr)
		return false;
	for (size_t i = 0; i < open->nr; i++)
		for (size_t j = 0; j < spoken->nr; j++)
			if (is_same(open->type[i], spoken->type[j]))
				add(&both, open->type[i]);
	if (!open->nr)
		*open = *spoken;
	else if (both.nr)
		*open = both;
	return true;
}

/*
 * The nearest function that has something to say. What it is given counts
 * before what that points to, unless that is said by one nearer by two.
 */
static enum strength ask_stack(const struct fitting *f, const struct callsite_stack *stack,
			       struct types *ret)
{
	struct types around = {};
	size_t since = FRAMES;

	for (size_t i = 0; i < stack->nr && i < FRAMES && i < since + 2; i++) {
		struct voice voice = {};

		ask_function(f, stack->ip[i], &voice);
		if (!voice.given.nr && !voice.inside.nr && i < NAMESAKES)
			add_namesakes(f, stack->ip[i], &voice.inside);
		if (voice.given.nr || voice.inside.nr == 1) {
			*ret = voice.given.nr ? voice.given : voice.inside;
			return voice.given.nr ? GIVEN : ALIKE;
		}
		if (!narrow(&around, voice.inside.nr ? &voice.inside : &voice.around))
			continue;
		if (since == FRAMES)
			since = i;
	}
	*ret = around;
	return around.nr ? ROUNDABOUT : SILENT;
}

/* Does its first function, silent here, speak of a struct with such a lock, that may be embedded?
 */
static bool speaks_for_guest(const struct callsite_query *q, uint64_t ip)
{
	const struct btf_type *proto;
	struct kbtf_type type;

	if (!find_prototype(q, ip, &type))
		return false;
	proto = btf__type_by_id(type.btf, type.id);
	for (uint32_t i = 0; proto && btf_is_func_proto(proto) && i < btf_vlen(proto); i++) {
		struct kbtf_type param = {type.btf, btf_params(proto)[i].type}, to;

		if (pointed_struct(param, &to) && has_lock(q, to))
			return true;
	}
	return false;
}

/* Which structs some stacks speak of, and how many of them of each. */
struct poll {
	struct types all;
	size_t votes[MAX_TYPES];
	size_t voices;
};

static void poll_add(struct poll *p, const struct types *types)
{
	p->voices++;
	for (size_t j = 0; j < types->nr; j++)
		add(&p->all, types->type[j]);
	for (size_t j = 0; j < types->nr; j++)
		for (size_t k = 0; k < p->all.nr; k++)
			p->votes[k] += is_same(p->all.type[k], types->type[j]);
}

/* The one that all speak of, or else most by far; false: none. */
static bool poll_winner(const struct poll *p, size_t *ret, bool *ret_all)
{
	size_t best = 0, unanimous = 0;

	for (size_t k = 0; k < p->all.nr; k++) {
		unanimous += p->votes[k] == p->voices;
		best = p->votes[k] > p->votes[best] ? k : best;
	}
	*ret = best;
	*ret_all = unanimous == 1;
	if (unanimous)
		return unanimous == 1;
	for (size_t k = 0; k < p->all.nr; k++)
		if (k != best && 2 * p->votes[k] > p->votes[best])
			return false;
	return 2 * p->votes[best] > p->voices;
}

/* Whose voices count: those that were given the struct; else all, and then they must be strong. */
struct polls {
	struct poll given, all;
	size_t weak;
};

static enum callsite_verdict judge(const struct callsite_query *q, const struct polls *polls,
				   bool guests, struct kbtf_type *ret)
{
	const struct poll *poll = polls->given.voices ? &polls->given : &polls->all;
	bool all;
	size_t winner;

	if (!poll_winner(poll, &winner, &all))
		return CALLSITE_NOTHING;
	*ret = poll->all.type[winner];
	/* A place that is one allocation's is one type's, and only its name is asked for. */
	if (q->off == CALLSITE_ANYWHERE)
		return poll->voices > 1 ? CALLSITE_SURE : CALLSITE_LIKELY;
	if (!all || guests)
		return CALLSITE_LIKELY;
	if (poll == &polls->given || (poll->voices > 1 && !polls->weak))
		return CALLSITE_SURE;
	return CALLSITE_LIKELY;
}

enum callsite_verdict callsite_find(const struct callsite_query *q, struct kbtf_type *ret_type,
				    struct lockpath *ret_lock)
{
	struct fitting fitting = {.q = q};
	struct polls polls = {};
	enum callsite_verdict verdict;
	bool guests = false;

	if (!q->ksyms || !q->btf)
		return CALLSITE_NOTHING;
	fitting.waitq = callsite_is_waitq(q->ksyms, q->stacks, q->nr_stacks);
	fitting.wait_lock = is_wait_lock(q);
	if (q->off != CALLSITE_ANYWHERE)
		kbtf_each_struct(q->btf, q->min_size, q->max_size, add_fitting, &fitting);
	for (size_t i = 0; i < q->nr_stacks; i++) {
		struct types types = {};
		enum strength strength = ask_stack(&fitting, &q->stacks[i], &types);

		if (strength == SILENT)
			guests |= speaks_for_guest(q, q->stacks[i].ip[0]);
		if (strength == SILENT || types.nr == MAX_TYPES)
			continue;
		poll_add(&polls.all, &types);
		if (strength == GIVEN)
			poll_add(&polls.given, &types);
		polls.weak += strength == ROUNDABOUT;
	}
	verdict = judge(q, &polls, guests, ret_type);
	if (verdict != CALLSITE_NOTHING)
		find_lock(q, *ret_type, ret_lock);
	return verdict;
}

bool callsite_contradicts(const struct callsite_query *q, struct kbtf_type type)
{
	struct fitting fitting = {.q = q};

	for (size_t i = 0; q->ksyms && q->btf && i < q->nr_stacks; i++) {
		struct types given = {};
		bool same = false;

		if (ask_stack(&fitting, &q->stacks[i], &given) != GIVEN)
			continue;
		for (size_t j = 0; j < given.nr; j++)
			same |= is_same(given.type[j], type);
		if (!same)
			return true;
	}
	return false;
}
