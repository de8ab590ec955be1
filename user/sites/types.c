// SPDX-License-Identifier: GPL-2.0-only
#include "sites/types.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define DEPTH 24	 /* typedefs, and members in members */
#define ARRAY_INDEXED 16 /* elements of an array that a container is looked up by */

/* A struct `outer` has an `inner` at the offset. */
struct embed {
	uint32_t inner, outer, off;
};

struct unit {
	const struct btf *btf;
	struct embed *embeds; /* by inner */
	size_t nr, room;
};

struct types {
	const struct kbtf *k;
	struct unit **units; /* made when first asked for */
	size_t nr_units;
	bool failed; /* no memory */
};

static const char *const library[] = {
#define LIBRARY_TYPE(name) #name,
#include "sites/library.def"
#undef LIBRARY_TYPE
};

int types_new(const struct kbtf *k, struct types **ret)
{
	struct types *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->k = k;
	*ret = t;
	return 0;
}

void types_free(struct types *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->nr_units; i++) {
		free(t->units[i]->embeds);
		free(t->units[i]);
	}
	free(t->units);
	free(t);
}

size_t types_memory(const struct types *t)
{
	size_t sum = sizeof(*t) + t->nr_units * (sizeof(*t->units) + sizeof(**t->units));

	for (size_t i = 0; i < t->nr_units; i++)
		sum += t->units[i]->room * sizeof(*t->units[i]->embeds);
	return sum;
}

static const char *name_of(const struct btf *btf, const struct btf_type *t)
{
	const char *name = t ? btf__name_by_offset(btf, t->name_off) : NULL;

	return name ? name : "";
}

uint32_t types_bare(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	for (int depth = 0; t && depth < DEPTH; depth++) {
		if (!btf_is_mod(t) && !btf_is_typedef(t) && !btf_is_type_tag(t))
			return id;
		id = t->type;
		t = btf__type_by_id(btf, id);
	}
	return 0;
}

bool types_is_pointer(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(btf, types_bare(btf, id));

	return t && btf_is_ptr(t);
}

bool types_is_struct(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	return t && btf_is_composite(t) && btf_vlen(t);
}

/* A struct that was only declared where the BTF was made, but is known elsewhere. */
static uint32_t complete(const struct types *t, const struct btf *btf, uint32_t id)
{
	const struct btf_type *bt = btf__type_by_id(btf, id);
	struct kbtf_type found = {NULL, 0};

	if (!bt || !btf_is_fwd(bt))
		return id;
	while (kbtf_next(t->k, name_of(btf, bt), 1 << BTF_KIND_STRUCT | 1 << BTF_KIND_UNION,
			 &found))
		if (found.btf == btf || found.btf == kbtf_vmlinux(t->k))
			return found.id;
	return 0;
}

uint32_t types_pointee(const struct types *t, const struct btf *btf, uint32_t id)
{
	const struct btf_type *bt = btf__type_by_id(btf, types_bare(btf, id));

	if (!bt || !btf_is_ptr(bt))
		return 0;
	return complete(t, btf, types_bare(btf, bt->type));
}

uint32_t types_size(const struct btf *btf, uint32_t id)
{
	int64_t size = id ? btf__resolve_size(btf, id) : 0;

	return size < 0 || size > INT32_MAX ? 0 : (uint32_t)size;
}

bool types_same(const struct btf *btf, uint32_t a, uint32_t b)
{
	const struct btf_type *ta, *tb;

	if (a == b)
		return true;
	ta = btf__type_by_id(btf, a);
	tb = btf__type_by_id(btf, b);
	return ta && tb && btf_kind(ta) == btf_kind(tb) && btf_is_composite(ta) &&
	       ta->size == tb->size && ta->name_off && !strcmp(name_of(btf, ta), name_of(btf, tb));
}

static bool is_library_name(const char *name)
{
	for (size_t i = 0; i < sizeof(library) / sizeof(*library); i++)
		if (library[i][0] == name[0] && !strcmp(library[i], name))
			return true;
	return false;
}

bool types_is_library(const struct btf *btf, uint32_t id)
{
	const char *name = name_of(btf, btf__type_by_id(btf, id));

	return !name[0] || is_library_name(name);
}

bool types_is_link(const struct btf *btf, uint32_t id)
{
	static const char *const links[] = {"list_head",     "hlist_node", "hlist_nulls_node",
					    "hlist_bl_node", "llist_node", "rb_node"};
	const char *name = name_of(btf, btf__type_by_id(btf, id));

	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
		if (!strcmp(name, links[i]))
			return true;
	return false;
}

/* Bytes of a type; of a last array without length, all that can be. */
static bool covers(const struct btf *btf, const struct btf_type *t, uint32_t i, uint32_t off,
		   uint32_t *ret_in)
{
	const struct btf_member *m = &btf_members(t)[i];
	uint32_t start = btf_member_bit_offset(t, i) / 8;
	const struct btf_type *array;

	if (off < start)
		return false;
	*ret_in = off - start;
	if (off - start < types_size(btf, m->type))
		return true;
	array = btf__type_by_id(btf, types_bare(btf, m->type));
	if (!array || (i + 1 != btf_vlen(t) && !btf_is_union(t)))
		return false;
	/* DECLARE_FLEX_ARRAY() wraps it into a struct of no size */
	return (btf_is_array(array) && !btf_array(array)->nelems) ||
	       (btf_is_struct(array) && !array->size && btf_vlen(array));
}

/*
 * Members from *ret_first up to the one returned may cover the offset: of a union all, of a
 * struct, whose members stand in order, the last that begin no later.
 */
static uint32_t members_at(const struct btf *btf, const struct btf_type *t, uint32_t off,
			   uint32_t *ret_first)
{
	uint32_t low = 0, high = btf_vlen(t), in;

	*ret_first = 0;
	if (btf_is_union(t))
		return high;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (btf_member_bit_offset(t, mid) / 8 <= off)
			low = mid + 1;
		else
			high = mid;
	}
	for (*ret_first = low; *ret_first; --*ret_first) {
		uint32_t i = *ret_first - 1;

		if (!btf_member_bitfield_size(t, i) && types_size(btf, btf_members(t)[i].type) &&
		    !covers(btf, t, i, off, &in))
			break;
	}
	return low;
}

bool types_covers(const struct btf *btf, uint32_t id, int64_t off)
{
	const struct btf_type *t = btf__type_by_id(btf, id), *array;
	uint32_t in;

	if (off < 0 || off > INT32_MAX || !t || !btf_is_composite(t) || !btf_vlen(t))
		return false;
	if (off < types_size(btf, id))
		return true;
	/* an array of bytes is private data of any type */
	array = btf__type_by_id(btf, types_bare(btf, btf_members(t)[btf_vlen(t) - 1].type));
	return array && btf_is_array(array) &&
	       types_size(btf, btf_array(array)->type) >= sizeof(uint64_t) &&
	       covers(btf, t, btf_vlen(t) - 1, off, &in);
}

static uint32_t in_element(const struct btf *btf, const struct btf_type *array, uint32_t off)
{
	uint32_t size = types_size(btf, btf_array(array)->type);

	return size ? off % size : off;
}

struct member_search {
	const struct btf *btf;
	uint32_t size;
	uint32_t pointer, plain; /* leaves found */
	bool several;
};

static void note_leaf(struct member_search *s, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(s->btf, id), *old;
	uint32_t to;

	if (!btf_is_ptr(t)) {
		if (!s->plain)
			s->plain = id;
		return;
	}
	to = types_bare(s->btf, t->type);
	if (!s->pointer) {
		s->pointer = id;
		return;
	}
	old = btf__type_by_id(s->btf, s->pointer);
	if (types_bare(s->btf, old->type) != to && !types_same(s->btf, old->type, to))
		s->several = true;
}

static void find_members(struct member_search *s, uint32_t id, uint32_t off, int depth)
{
	const struct btf_type *t = btf__type_by_id(s->btf, id = types_bare(s->btf, id));
	uint32_t in, i;

	if (!t || depth > DEPTH)
		return;
	if (btf_is_array(t)) {
		find_members(s, btf_array(t)->type, in_element(s->btf, t, off), depth + 1);
	} else if (btf_is_composite(t)) {
		for (uint32_t end = members_at(s->btf, t, off, &i); i < end; i++)
			if (!btf_member_bitfield_size(t, i) && covers(s->btf, t, i, off, &in))
				find_members(s, btf_members(t)[i].type, in, depth + 1);
	} else if (!off && types_size(s->btf, id) == s->size) {
		note_leaf(s, id);
	}
}

uint32_t types_member(const struct btf *btf, uint32_t id, uint32_t off, uint32_t size)
{
	struct member_search s = {.btf = btf, .size = size};

	find_members(&s, id, off, 0);
	return s.several ? 0 : s.pointer ? s.pointer : s.plain;
}

static bool access_fits(const struct btf *btf, uint32_t id, uint32_t off, uint32_t size, int depth)
{
	const struct btf_type *t = btf__type_by_id(btf, id = types_bare(btf, id));
	uint32_t in, i, end;

	if (!t || depth > DEPTH)
		return false;
	if (btf_is_array(t))
		return access_fits(btf, btf_array(t)->type, in_element(btf, t, off), size,
				   depth + 1);
	if (btf_is_composite(t)) {
		for (end = members_at(btf, t, off, &i); i < end; i++)
			if (covers(btf, t, i, off, &in) &&
			    (btf_member_bitfield_size(t, i) ||
			     access_fits(btf, btf_members(t)[i].type, in, size, depth + 1)))
				return true;
		return false;
	}
	/* a part of a member, or several from one's start on */
	return !off || off + size <= types_size(btf, id);
}

bool types_access_fits(const struct btf *btf, uint32_t id, uint32_t off, uint32_t size)
{
	return off + size <= types_size(btf, id) && access_fits(btf, id, off, size, 0);
}

static bool has_at(const struct btf *btf, uint32_t id, uint32_t off, uint32_t inner, int depth)
{
	const struct btf_type *t = btf__type_by_id(btf, id = types_bare(btf, id));
	uint32_t in, i, end;

	if (!t || depth > DEPTH)
		return false;
	if (!off && types_same(btf, id, inner))
		return true;
	if (btf_is_array(t))
		return has_at(btf, btf_array(t)->type, in_element(btf, t, off), inner, depth + 1);
	if (!btf_is_composite(t))
		return false;
	for (end = members_at(btf, t, off, &i); i < end; i++)
		if (covers(btf, t, i, off, &in) &&
		    has_at(btf, btf_members(t)[i].type, in, inner, depth + 1))
			return true;
	return false;
}

bool types_has_at(const struct btf *btf, uint32_t id, uint32_t off, uint32_t inner)
{
	return has_at(btf, id, off, types_bare(btf, inner), 0);
}

static bool element(const struct btf *btf, uint32_t id, uint32_t off, uint32_t stride,
		    uint32_t base, int depth, uint32_t *ret)
{
	const struct btf_type *t = btf__type_by_id(btf, types_bare(btf, id));
	uint32_t in, size, i, end;

	if (!t || depth > DEPTH)
		return false;
	if (btf_is_array(t)) {
		size = types_size(btf, btf_array(t)->type);
		if (!size)
			return false;
		if (stride % size == 0) {
			*ret = base + off % size;
			return true;
		}
		return element(btf, btf_array(t)->type, off % size, stride, base, depth + 1, ret);
	}
	if (!btf_is_composite(t))
		return false;
	for (end = members_at(btf, t, off, &i); i < end; i++)
		if (covers(btf, t, i, off, &in) && element(btf, btf_members(t)[i].type, in, stride,
							   base + off - in, depth + 1, ret))
			return true;
	return false;
}

bool types_element(const struct btf *btf, uint32_t id, uint32_t off, uint32_t stride, uint32_t *ret)
{
	return element(btf, id, off, stride, 0, 0, ret);
}

struct inner_search {
	const struct btf *btf;
	uint32_t id, off; /* the struct's that is looked into */
	bool all;	  /* each member of a union, else the first that has one */
	uint32_t found, found_off;
	bool several;
};

/* A lock, or a type around one, is reached: by its name, or that of a typedef to it. */
static bool names_library(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	for (int depth = 0; t && depth < DEPTH; depth++) {
		if (is_library_name(name_of(btf, t)))
			return true;
		if (!btf_is_mod(t) && !btf_is_typedef(t))
			return false;
		t = btf__type_by_id(btf, t->type);
	}
	return false;
}

static void note_inner(struct inner_search *s)
{
	s->several |= s->found && (s->found_off != s->off || !types_same(s->btf, s->found, s->id));
	s->found = s->id;
	s->found_off = s->off;
}

/* True: found, and no more is to be looked for. */
static bool find_inner(struct inner_search *s, uint32_t id, uint32_t off, int depth)
{
	const struct btf_type *t = btf__type_by_id(s->btf, types_bare(s->btf, id));
	uint32_t outer = s->id, outer_off = s->off, in, i, end;

	if (!t || depth > DEPTH)
		return false;
	if (names_library(s->btf, id)) {
		note_inner(s);
		return !s->all;
	}
	if (btf_is_array(t))
		return find_inner(s, btf_array(t)->type, in_element(s->btf, t, off), depth + 1);
	if (!btf_is_composite(t))
		return false;
	for (end = members_at(s->btf, t, off, &i); i < end; i++) {
		if (!covers(s->btf, t, i, off, &in))
			continue;
		if (t->name_off && btf_is_struct(t)) {
			s->id = types_bare(s->btf, id);
			s->off = off;
		}
		if (find_inner(s, btf_members(t)[i].type, in, depth + 1))
			return true;
		s->id = outer;
		s->off = outer_off;
	}
	return false;
}

bool types_one_inner(const struct btf *btf, uint32_t id, uint32_t off)
{
	struct inner_search s = {.btf = btf, .all = true};

	find_inner(&s, id, off, 0);
	return s.found && !s.several;
}

bool types_inner(const struct btf *btf, uint32_t id, uint32_t off, uint32_t *ret_id,
		 uint32_t *ret_off)
{
	struct inner_search s = {.btf = btf};

	if (!find_inner(&s, id, off, 0) || !s.found)
		return false;
	*ret_id = s.found;
	*ret_off = s.found_off;
	return true;
}

uint32_t types_prototype(const struct types *t, const struct btf *btf, const char *name)
{
	struct kbtf_type func = {NULL, 0}, own = {NULL, 0};
	int nr = 0;

	while (kbtf_next(t->k, name, 1 << BTF_KIND_FUNC, &func)) {
		if (func.btf != btf)
			continue;
		own = func;
		nr++;
	}
	return nr == 1 ? btf__type_by_id(btf, own.id)->type : 0;
}

static void add_embed(struct types *t, struct unit *u, uint32_t inner, uint32_t outer, uint32_t off)
{
	if (u->nr == u->room) {
		size_t room = u->room ? u->room * 2 : 1024;
		struct embed *more = realloc(u->embeds, room * sizeof(*more));

		if (!more) {
			t->failed = true;
			return;
		}
		u->embeds = more;
		u->room = room;
	}
	u->embeds[u->nr++] = (struct embed){inner, outer, off};
}

/* Members of a struct; those of members without a name are its own. */
static void add_members(struct types *t, struct unit *u, uint32_t id, uint32_t outer, uint32_t base,
			int depth)
{
	const struct btf_type *st = btf__type_by_id(u->btf, id);

	for (uint32_t i = 0; i < btf_vlen(st) && depth < DEPTH; i++) {
		uint32_t off = base + btf_member_bit_offset(st, i) / 8, nr = 1, size;
		uint32_t inner = types_bare(u->btf, btf_members(st)[i].type);
		const struct btf_type *it = btf__type_by_id(u->btf, inner);

		for (int d = 0; it && btf_is_array(it) && d < DEPTH; d++) {
			nr = btf_array(it)->nelems;
			inner = types_bare(u->btf, btf_array(it)->type);
			it = btf__type_by_id(u->btf, inner);
		}
		if (!it || !btf_is_composite(it))
			continue;
		size = types_size(u->btf, inner);
		for (uint32_t n = 0; n < nr && n < ARRAY_INDEXED; n++) {
			if (it->name_off)
				add_embed(t, u, inner, outer, off + n * size);
			else
				add_members(t, u, inner, outer, off + n * size, depth + 1);
		}
	}
}

static int compare_embeds(const void *va, const void *vb)
{
	const struct embed *a = va, *b = vb;

	if (a->inner != b->inner)
		return a->inner < b->inner ? -1 : 1;
	if (a->outer != b->outer)
		return a->outer < b->outer ? -1 : 1;
	return a->off < b->off ? -1 : a->off > b->off;
}

static const struct unit *unit_of(struct types *t, const struct btf *btf)
{
	const struct btf *base = btf__base_btf(btf);
	struct unit **more, *u;

	for (size_t i = 0; i < t->nr_units; i++)
		if (t->units[i]->btf == btf)
			return t->units[i];
	more = realloc(t->units, (t->nr_units + 1) * sizeof(*more));
	if (!more)
		return NULL;
	t->units = more;
	u = calloc(1, sizeof(*u));
	if (!u)
		return NULL;
	u->btf = btf;
	more[t->nr_units++] = u;
	for (uint32_t id = base ? btf__type_cnt(base) : 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *bt = btf__type_by_id(btf, id);

		if (btf_is_struct(bt) && bt->name_off)
			add_members(t, u, id, id, 0, 0);
	}
	if (u->nr)
		qsort(u->embeds, u->nr, sizeof(*u->embeds), compare_embeds);
	return u;
}

static size_t first_embed(const struct unit *u, uint32_t inner)
{
	size_t low = 0, high = u->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (u->embeds[mid].inner < inner)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void types_each_container(struct types *t, const struct btf *btf, uint32_t id,
			  void (*each)(void *arg, uint32_t outer, uint32_t off), void *arg)
{
	for (; btf; btf = btf__base_btf(btf)) {
		const struct unit *u = unit_of(t, btf);

		for (size_t i = u ? first_embed(u, id) : 0; u && i < u->nr; i++) {
			if (u->embeds[i].inner != id)
				break;
			each(arg, u->embeds[i].outer, u->embeds[i].off);
		}
	}
}
