// SPDX-License-Identifier: GPL-2.0-only
#include "naming/callsite_internal.h"

#include <bpf/btf.h>
#include <stdio.h>
#include <string.h>

#define FRAMES 5	  /* callers that are asked; who is further away knows other things */
#define NAMESAKES 3	  /* callers whose names are looked at */
#define LEAST_WORD 3	  /* letters of a name's first word that mean something */
#define EMBEDDED 2	  /* structs in structs that are looked into */
#define HOPS 3		  /* pointers that are followed to a per-CPU one */
#define LARGEST_GUEST 512 /* bytes of a struct that others embed */
#define TELLING_GUEST 64  /* bytes; smaller ones (list_head, work_struct) are everybody's */
#define FUNCTION_LEN 128

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

/* Structs that the members of this one point to, and of those embedded in it. */
static void add_pointed(const struct callsite_fitting *f, struct kbtf_type type, int depth,
			struct callsite_types *types)
{
	const struct btf_type *t = btf__type_by_id(type.btf, type.id);

	for (uint32_t i = 0; t && i < btf_vlen(t); i++) {
		struct kbtf_type member = {type.btf, btf_members(t)[i].type}, to;
		const struct btf_type *inner;

		if (pointed_struct(member, &to)) {
			callsite_add_if_it_fits(f, to, types);
			continue;
		}
		inner = skip_mods(member.btf, &member.id);
		if (depth && inner && btf_is_composite(inner))
			add_pointed(f, member, depth - 1, types);
	}
}

struct prototype {
	const struct btf *btf;
	const struct btf_type *func;
};

/* The function at that address, as BTF knows it: without what a compiler adds. */
static bool find_prototype(const struct callsite_query *q, uint64_t ip, struct prototype *ret)
{
	const struct ksym *sym = ksyms_find(q->ksyms, ip - 1); /* it returns to behind the call */
	struct kbtf_type func = {NULL, 0};
	char name[FUNCTION_LEN];

	if (!sym || !sym->text || ksym_is_generated(sym))
		return false;
	snprintf(name, sizeof(name), "%s", sym->name);
	name[strcspn(name, ".")] = '\0';
	if (!kbtf_next(q->btf, name, 1 << BTF_KIND_FUNC, &func))
		return false;
	ret->btf = func.btf;
	ret->func = btf__type_by_id(func.btf, btf__type_by_id(func.btf, func.id)->type);
	return ret->func && btf_is_func_proto(ret->func);
}

static struct kbtf_type param(const struct prototype *proto, uint32_t i)
{
	return (struct kbtf_type){proto->btf, btf_params(proto->func)[i].type};
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
		if (callsite_same(member, guest)) {
			*own = q->off >= at && q->off - at < kbtf_size(guest);
			return true;
		}
		if (depth && embeds(q, member, guest, at, depth - 1, own))
			return true;
	}
	return false;
}

static void add_embedding(const struct callsite_fitting *f, struct kbtf_type guest,
			  struct callsite_types *own, struct callsite_types *other)
{
	bool is_own;

	for (size_t i = 0; i < f->nr; i++) {
		if (!embeds(f->q, f->type[i], guest, 0, EMBEDDED, &is_own))
			continue;
		if (is_own)
			callsite_add_if_it_fits(f, f->type[i], own);
		else if (kbtf_size(guest) >= TELLING_GUEST)
			callsite_add_if_it_fits(f, f->type[i], other);
	}
}

/* The length of "shmem" in "__shmem_get_inode", and where it begins. */
static size_t first_word(const char *name, const char **ret)
{
	name += strspn(name, "_");
	*ret = name;
	return strcspn(name, "_.");
}

/* Words that functions of all sorts begin with. */
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
static void add_namesakes(const struct callsite_fitting *f, uint64_t ip, struct callsite_types *ret)
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
			callsite_add_if_it_fits(f, f->type[i], ret);
}

/*
 * Structs that a per-CPU pointer leads to. BTF does not tell such pointers from
 * others (compilers but clang leave the tag out), their names mostly do.
 */
static void add_percpu(const struct callsite_fitting *f, struct kbtf_type type, int hops, int depth,
		       struct callsite_types *types)
{
	const struct btf_type *t = btf__type_by_id(type.btf, type.id);

	for (uint32_t i = 0; t && i < btf_vlen(t); i++) {
		const char *name = btf__name_by_offset(type.btf, btf_members(t)[i].name_off);
		struct kbtf_type member = {type.btf, btf_members(t)[i].type}, to;
		const struct btf_type *inner;

		if (pointed_struct(member, &to)) {
			if (name && (strstr(name, "pcpu") || strstr(name, "per_cpu") ||
				     strstr(name, "percpu")))
				callsite_add_if_it_fits(f, to, types);
			else if (hops)
				add_percpu(f, to, hops - 1, 0, types);
			continue;
		}
		inner = skip_mods(member.btf, &member.id);
		if (depth && inner && btf_is_composite(inner))
			add_percpu(f, member, hops, depth - 1, types);
	}
}

/* A function's evidence on where the lock lies. */
struct voice {
	struct callsite_types given;  /* it was given, or returns, such a struct */
	struct callsite_types inside; /* ... or what has the lock, a member of such a struct */
	struct callsite_types
		around; /* ... or what points to such a struct, or is another member of it */
};

static void ask_of_pointer(const struct callsite_fitting *f, struct kbtf_type pointer,
			   struct voice *ret)
{
	struct kbtf_type to;

	if (!pointed_struct(pointer, &to))
		return;
	callsite_add_if_it_fits(f, to, &ret->given);
	if (f->q->off == CALLSITE_ANYWHERE) {
		add_percpu(f, to, HOPS, EMBEDDED, &ret->around);
		return;
	}
	add_pointed(f, to, EMBEDDED, &ret->around);
	if (kbtf_name(to)[0])
		add_embedding(f, to, &ret->inside, &ret->around);
}

static void ask_function(const struct callsite_fitting *f, uint64_t ip, struct voice *ret)
{
	struct prototype proto;

	if (!find_prototype(f->q, ip, &proto))
		return;
	for (uint32_t i = 0; i < btf_vlen(proto.func); i++)
		ask_of_pointer(f, param(&proto, i), ret);
	ask_of_pointer(f, (struct kbtf_type){proto.btf, proto.func->type}, ret);
}

/* Keep those candidates of nearer frames that this frame names, too. False: it names none. */
static bool narrow(struct callsite_types *open, const struct callsite_types *spoken)
{
	struct callsite_types both = {};

	if (!spoken->nr)
		return false;
	for (size_t i = 0; i < open->nr; i++)
		for (size_t j = 0; j < spoken->nr; j++)
			if (callsite_same(open->type[i], spoken->type[j]))
				callsite_add(&both, open->type[i]);
	if (!open->nr)
		*open = *spoken;
	else if (both.nr)
		*open = both;
	return true;
}

/*
 * The nearest function that has something to say. A struct that it is given counts before what that
 * points to, unless that is said by one nearer by two.
 */
enum callsite_strength callsite_ask(const struct callsite_fitting *f,
				    const struct callsite_stack *stack, struct callsite_types *ret)
{
	struct callsite_types around = {};
	size_t since = FRAMES;

	for (size_t i = 0; i < stack->nr && i < FRAMES && i < since + 2; i++) {
		struct voice voice = {};

		ask_function(f, stack->ip[i], &voice);
		if (!voice.given.nr && !voice.inside.nr && i < NAMESAKES)
			add_namesakes(f, stack->ip[i], &voice.inside);
		if (voice.given.nr || voice.inside.nr == 1) {
			*ret = voice.given.nr ? voice.given : voice.inside;
			return voice.given.nr ? CALLSITE_GIVEN : CALLSITE_ALIKE;
		}
		if (!narrow(&around, voice.inside.nr ? &voice.inside : &voice.around))
			continue;
		if (since == FRAMES)
			since = i;
	}
	*ret = around;
	return around.nr ? CALLSITE_ROUNDABOUT : CALLSITE_SILENT;
}

bool callsite_speaks_for_guest(const struct callsite_query *q, uint64_t ip)
{
	struct prototype proto;
	struct kbtf_type to;

	if (!find_prototype(q, ip, &proto))
		return false;
	for (uint32_t i = 0; i < btf_vlen(proto.func); i++)
		if (pointed_struct(param(&proto, i), &to) &&
		    lockpath_within(q->btf, to, LARGEST_GUEST, q->family))
			return true;
	return false;
}

/* A function whose argument is a bare spinlock does not tell the struct around it. */
static bool is_bare(struct kbtf_type type)
{
	return !strcmp(kbtf_name(type), "spinlock") || !strcmp(kbtf_name(type), "raw_spinlock");
}

bool callsite_given(const struct callsite_query *q, uint64_t ip, struct kbtf_type *ret_type,
		    struct lockpath *ret_lock)
{
	struct callsite_query anywhere = *q;
	struct prototype proto;

	if (!q->ksyms || !q->btf || !find_prototype(q, ip, &proto))
		return false;
	anywhere.off = CALLSITE_ANYWHERE;
	for (uint32_t i = 0; i < btf_vlen(proto.func); i++)
		if (pointed_struct(param(&proto, i), ret_type) &&
		    callsite_lock(&anywhere, *ret_type, ret_lock))
			return !is_bare(*ret_type);
	return false;
}
