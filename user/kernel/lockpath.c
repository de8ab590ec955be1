// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/lockpath.h"

#include <bpf/btf.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "abi.h"

#define LOCKPATH_DEPTH 24
#define MOST_POINTED 4096 /* bytes of a struct that is searched for a lock */

struct lock_type {
	const char *name;
	uint32_t family;
	enum lockpath_what what;
};

static const struct lock_type lock_types[] = {
#define LOCK_TYPE(name, family, what) {name, family, what},
#include "kernel/locktypes.def"
#undef LOCK_TYPE
};

struct search {
	const struct kbtf *k;
	const struct btf *btf;
	uint32_t family;
	struct lockpath *found;
	struct kbtf_type *pointee; /* not NULL: a pointer is looked for, no lock */
	char path[LOCKPATH_LEN];
	size_t len;
};

/* Only PREEMPT_RT tells the two sorts of spinlock apart by the function that takes them. */
static bool family_fits(const struct search *s, uint32_t type_family)
{
	bool spins = type_family == LV_SPIN || type_family == LV_RAWSPIN;

	if (s->family == LOCKPATH_ANY || s->family == type_family)
		return true;
	return spins && (s->family == LV_SPIN || s->family == LV_RAWSPIN) && !kbtf_is_rt(s->k);
}

static const struct lock_type *lock_type(const struct search *s, const char *name)
{
	size_t i;

	if (!name || !name[0])
		return NULL;
	for (i = 0; i < sizeof(lock_types) / sizeof(*lock_types); i++)
		if (!strcmp(name, lock_types[i].name) && family_fits(s, lock_types[i].family))
			return &lock_types[i];
	return NULL;
}

/* Members of members that the kernel's sources call by a macro. */
static const struct {
	const char *path, *macro;
} macros[] = {
	{"d_lockref.lock", "d_lock"}, /* include/linux/dcache.h */
};

static void use_macro(char path[LOCKPATH_LEN])
{
	for (size_t i = 0; i < sizeof(macros) / sizeof(macros[0]); i++)
		if (!strcmp(path, macros[i].path))
			strcpy(path, macros[i].macro);
}

static void add_found(struct search *s, enum lockpath_what what, uint32_t size)
{
	struct lockpath *found = s->found;

	if (found->what != LOCKPATH_NONE) {
		if (strcmp(found->path, s->path))
			found->ambiguous = true;
		return;
	}
	found->what = what;
	found->size = size;
	memcpy(found->path, s->path, sizeof(found->path));
	use_macro(found->path);
}

static void push(struct search *s, const char *fmt, const char *name, uint32_t index)
{
	size_t room = sizeof(s->path) - s->len;
	int len;

	if (name)
		len = snprintf(s->path + s->len, room, fmt, s->len ? "." : "", name);
	else
		len = snprintf(s->path + s->len, room, fmt, index);
	s->len += len < 0 ? 0 : (size_t)len < room ? (size_t)len : room - 1;
}

static void pop(struct search *s, size_t len)
{
	s->len = len;
	s->path[len] = '\0';
}

static void visit(struct search *s, uint32_t id, uint32_t off, int depth);

/* A member covers the offset; an array of no length at the end covers all that follows. */
static bool covers_offset(const struct search *s, const struct btf_type *t, uint32_t i,
			  uint32_t off)
{
	uint32_t start = btf_member_bit_offset(t, i) / 8;
	struct kbtf_type type = {s->btf, btf_members(t)[i].type};
	const struct btf_type *array;

	if (off < start || btf_member_bitfield_size(t, i))
		return false;
	if (off - start < kbtf_size(type))
		return true;
	array = btf__type_by_id(s->btf, type.id);
	return i + 1 == btf_vlen(t) && array && btf_is_array(array) && !btf_array(array)->nelems;
}

static void visit_members(struct search *s, const struct btf_type *t, uint32_t off, int depth)
{
	size_t len = s->len;
	uint32_t i;

	for (i = 0; i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];
		const char *name = btf__name_by_offset(s->btf, m->name_off);

		if (!covers_offset(s, t, i, off))
			continue;
		if (name && name[0])
			push(s, "%s%s", name, 0);
		visit(s, m->type, off - btf_member_bit_offset(t, i) / 8, depth + 1);
		pop(s, len);
	}
}

static void visit_array(struct search *s, const struct btf_type *t, uint32_t off, int depth)
{
	struct kbtf_type elem = {s->btf, btf_array(t)->type};
	uint32_t size = kbtf_size(elem);
	size_t len = s->len;

	if (!size)
		return;
	push(s, "[%u]", NULL, off / size);
	visit(s, elem.id, off % size, depth + 1);
	pop(s, len);
}

/* A union's first pointer to something with a lock, or its first: "dentry.d_wait", not "dentry.d_lru.next". */
static void add_pointee(struct search *s, uint32_t id)
{
	struct kbtf_type to = {s->btf, id};

	if (s->pointee->id && (lockpath_within(s->k, *s->pointee, MOST_POINTED, LOCKPATH_ANY) ||
			       !lockpath_within(s->k, to, MOST_POINTED, LOCKPATH_ANY)))
		return;
	*s->pointee = to;
	memcpy(s->found->path, s->path, sizeof(s->found->path));
}

static void visit(struct search *s, uint32_t id, uint32_t off, int depth)
{
	const struct btf_type *t = btf__type_by_id(s->btf, id);
	const struct lock_type *lock = NULL;
	struct kbtf_type type = {s->btf, id};

	if (depth > LOCKPATH_DEPTH)
		return;
	/* the name may be the struct's or that of a typedef on the way to it */
	for (; t; t = btf__type_by_id(s->btf, t->type)) {
		if (!off && !lock && !s->pointee && !btf_is_array(t) && !btf_is_var(t))
			lock = lock_type(s, btf__name_by_offset(s->btf, t->name_off));
		if (!btf_is_mod(t) && !btf_is_typedef(t) && !btf_is_var(t))
			break;
		if (++depth > LOCKPATH_DEPTH)
			return;
	}
	if (!t)
		return;
	if (s->pointee && !off && btf_is_ptr(t))
		add_pointee(s, t->type);
	else if (lock && btf_is_composite(t))
		add_found(s, lock->what, kbtf_size(type));
	else if (btf_is_composite(t))
		visit_members(s, t, off, depth);
	else if (btf_is_array(t))
		visit_array(s, t, off, depth);
}

void lockpath_at(const struct kbtf *k, struct kbtf_type t, uint32_t off, uint32_t family,
		 struct lockpath *ret)
{
	struct search s = {.k = k, .btf = t.btf, .family = family, .found = ret};

	memset(ret, 0, sizeof(*ret));
	visit(&s, t.id, off, 0);
	if (ret->what != LOCKPATH_NONE || family != LV_SPIN || !kbtf_is_rt(k))
		return;
	/* there the functions of the raw lock have the names the others had */
	s.family = LV_RAWSPIN;
	visit(&s, t.id, off, 0);
}

bool lockpath_first(struct kbtf_type t, const char *path, struct kbtf_type *ret)
{
	const struct btf_type *type = btf__type_by_id(t.btf, t.id);
	size_t len = strcspn(path, ".[");

	if (path[len] != '.' || !type || !btf_is_composite(type))
		return false;
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		const struct btf_member *m = &btf_members(type)[i];
		const char *name = btf__name_by_offset(t.btf, m->name_off);

		if (!name || strlen(name) != len || strncmp(name, path, len))
			continue;
		*ret = kbtf_target((struct kbtf_type){t.btf, m->type});
		return kbtf_name(*ret)[0];
	}
	return false;
}

bool lockpath_pointer(const struct kbtf *k, struct kbtf_type t, uint32_t off,
		      struct kbtf_type *ret_to, char ret_path[LOCKPATH_LEN])
{
	struct kbtf_type to = { NULL, 0 };
	struct lockpath found = {};
	struct search s = { .k = k, .btf = t.btf, .found = &found, .pointee = &to };

	visit(&s, t.id, off, 0);
	if (!to.id)
		return false;
	*ret_to = to;
	memcpy(ret_path, found.path, sizeof(found.path));
	return true;
}

const char *lockpath_joint(const char *path)
{
	return path[0] && path[0] != '[' ? "." : "";
}

bool lockpath_within(const struct kbtf *k, struct kbtf_type t, uint32_t most, uint32_t family)
{
	uint32_t size = kbtf_size(t);
	struct lockpath lock;

	for (uint32_t off = 0; size <= most && off < size; off += 4) {
		lockpath_at(k, t, off, family, &lock);
		if (lock.what != LOCKPATH_NONE)
			return true;
	}
	return false;
}

bool lockpath_collapse(char *path)
{
	bool any = false;
	char *to = path;

	for (; *path; path++) {
		*to++ = *path;
		if (*path != '[')
			continue;
		while (isdigit((unsigned char)path[1])) {
			any = true;
			path++;
		}
	}
	*to = '\0';
	return any;
}

/* Where the brackets that close before end open. */
static const char *before_brackets(const char *text, const char *end)
{
	int depth = 0;

	while (end > text) {
		char c = end[-1];

		if (c == ')' || c == ']')
			depth++;
		else if (c == '(' || c == '[')
			depth--;
		else if (!depth)
			break;
		end--;
		if (depth < 0)
			break;
	}
	return end;
}

size_t lockpath_last(const char *text, char *buf, size_t room)
{
	const char *end = text + strlen(text), *start;
	size_t len;

	/* "(&x->wait)" ends in what is inside, "&x->wait[i]" in what is before */
	while (end > text && (end[-1] == ' ' || end[-1] == ')'))
		end--;
	if (end > text && end[-1] == ']')
		end = before_brackets(text, end);
	for (start = end; start > text; start--)
		if (!isalnum((unsigned char)start[-1]) && start[-1] != '_')
			break;
	len = end - start;
	if (!room)
		return 0;
	if (len >= room)
		len = room - 1;
	memcpy(buf, start, len);
	buf[len] = '\0';
	return len;
}
