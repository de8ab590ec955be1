// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/kbtf.h"

#include <bpf/btf.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "kernel/percpu.h"

#define KBTF_NONE UINT32_MAX
#define KBTF_MAX_DEPTH 32

struct kbtf_entry {
	const char *name;
	struct kbtf_type type;
	uint32_t kind;
	uint32_t next; /* next in the hash slot */
};

struct kbtf_sized {
	uint32_t size;
	struct kbtf_type type;
};

struct kbtf {
	struct btf **units; /* [0] is vmlinux */
	char **names;	    /* names of the modules; NULL: not known */
	size_t nr_units;
	struct kbtf_entry *entries;
	size_t nr_entries, room_entries;
	uint32_t *hash;
	size_t hash_mask;
	struct kbtf_sized *sized;
	size_t nr_sized, room_sized;
	struct kbtf_var *vars;
	size_t nr_vars;
	bool rt;
};

static int grow(void *array, size_t nr, size_t *room, size_t size)
{
	size_t more = *room ? *room * 2 : 4096;
	void *p;

	if (nr < *room)
		return 0;
	p = realloc(*(void **)array, more * size);
	if (!p)
		return -ENOMEM;
	*(void **)array = p;
	*room = more;
	return 0;
}

static int add_type(struct kbtf *k, const struct btf *btf, uint32_t id)
{
	const uint32_t indexed = 1 << BTF_KIND_STRUCT | 1 << BTF_KIND_UNION |
				 1 << BTF_KIND_TYPEDEF | 1 << BTF_KIND_FUNC | 1 << BTF_KIND_VAR;
	const struct btf_type *t = btf__type_by_id(btf, id);
	const char *name = btf__name_by_offset(btf, t->name_off);
	uint32_t kind = btf_kind(t);

	if (!(indexed & 1 << kind) || !name)
		return 0;
	if (kind == BTF_KIND_STRUCT) {
		if (grow(&k->sized, k->nr_sized, &k->room_sized, sizeof(*k->sized)))
			return -ENOMEM;
		k->sized[k->nr_sized].size = t->size;
		k->sized[k->nr_sized].type.btf = btf;
		k->sized[k->nr_sized++].type.id = id;
	}
	if (!name[0])
		return 0;
	if (grow(&k->entries, k->nr_entries, &k->room_entries, sizeof(*k->entries)))
		return -ENOMEM;
	k->entries[k->nr_entries].name = name;
	k->entries[k->nr_entries].type.btf = btf;
	k->entries[k->nr_entries].type.id = id;
	k->entries[k->nr_entries++].kind = kind;
	return 0;
}

static int index_types(struct kbtf *k)
{
	uint32_t id, first = 1;
	size_t i, slots = 1024;

	for (i = 0; i < k->nr_units; i++) {
		for (id = first; id < btf__type_cnt(k->units[i]); id++)
			if (add_type(k, k->units[i], id))
				return -ENOMEM;
		/* a split BTF counts on where vmlinux' ends */
		first = btf__type_cnt(k->units[0]);
	}
	while (slots < k->nr_entries * 2)
		slots *= 2;
	k->hash = malloc(slots * sizeof(*k->hash));
	if (!k->hash)
		return -ENOMEM;
	memset(k->hash, 0xff, slots * sizeof(*k->hash));
	k->hash_mask = slots - 1;
	for (i = k->nr_entries; i-- > 0;) {
		size_t at = hash_string(k->entries[i].name) & k->hash_mask;

		k->entries[i].next = k->hash[at];
		k->hash[at] = i;
	}
	return 0;
}

static int compare_sized(const void *va, const void *vb)
{
	const struct kbtf_sized *a = va, *b = vb;

	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	return a->type.id < b->type.id ? -1 : a->type.id > b->type.id;
}

static bool find_rt(const struct kbtf *k)
{
	struct kbtf_type t = { NULL, 0 };
	const struct btf_type *bt;

	if (!kbtf_next(k, "spinlock", 1 << BTF_KIND_STRUCT, &t))
		return false;
	bt = btf__type_by_id(t.btf, t.id);
	if (!btf_vlen(bt))
		return false;
	t.id = btf_members(bt)[0].type;
	return !strcmp(kbtf_name(kbtf_target(t)), "rt_mutex_base");
}

static int build_index(struct kbtf *k)
{
	int err = index_types(k);

	if (!err)
		err = percpu_load(k->units[0], &k->vars, &k->nr_vars);
	if (err)
		return err;
	if (k->nr_sized)
		qsort(k->sized, k->nr_sized, sizeof(*k->sized), compare_sized);
	k->rt = find_rt(k);
	return 0;
}

static int grow_units(struct kbtf *k)
{
	struct btf **units = realloc(k->units, (k->nr_units + 1) * sizeof(*units));
	char **names;

	if (units)
		k->units = units;
	names = realloc(k->names, (k->nr_units + 1) * sizeof(*names));
	if (names)
		k->names = names;
	return units && names ? 0 : -ENOMEM;
}

/* name: of the module, or NULL. */
static int add_unit(struct kbtf *k, struct btf *btf, const char *name)
{
	char *copy = name ? strdup(name) : NULL;

	if ((name && !copy) || grow_units(k)) {
		free(copy);
		btf__free(btf);
		return -ENOMEM;
	}
	k->names[k->nr_units] = copy;
	k->units[k->nr_units++] = btf;
	return 0;
}

CLEANUP_DEFINE(kbtf, struct kbtf *, kbtf_free)

static int load_modules(struct kbtf *k, const char *dir)
{
	AUTO_CLOSEDIR DIR *d = opendir(dir);
	struct dirent *e;
	char path[4096];

	if (!d)
		return 0;
	while ((e = readdir(d))) {
		struct btf *btf;

		if (e->d_name[0] == '.' || !strcmp(e->d_name, "vmlinux"))
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) >= (int)sizeof(path))
			continue;
		btf = btf__parse_split(path, k->units[0]);
		if (btf && add_unit(k, btf, e->d_name))
			return -ENOMEM;
	}
	return 0;
}

int kbtf_load(const char *dir, struct kbtf **ret)
{
	CLEANUP(cleanup_kbtf) struct kbtf *k = calloc(1, sizeof(*k));
	char path[4096];
	struct stat st;
	struct btf *btf;
	bool folder;
	int err;

	if (!k)
		return -ENOMEM;
	if (!dir)
		dir = "/sys/kernel/btf";
	if (stat(dir, &st))
		return -errno;
	folder = S_ISDIR(st.st_mode);
	if (snprintf(path, sizeof(path), "%s%s", dir, folder ? "/vmlinux" : "") >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	btf = btf__parse(path, NULL);
	if (!btf)
		return errno ? -errno : -EINVAL;
	err = add_unit(k, btf, NULL);
	if (!err && folder)
		err = load_modules(k, dir);
	if (!err)
		err = build_index(k);
	if (err)
		return err;
	*ret = TAKE_PTR(k);
	return 0;
}

int kbtf_from(struct btf *base, struct btf *module, struct kbtf **ret)
{
	CLEANUP(cleanup_kbtf) struct kbtf *k = calloc(1, sizeof(*k));
	int err;

	err = k ? add_unit(k, base, NULL) : -ENOMEM;
	if (!k)
		btf__free(base);
	if (err || !module)
		btf__free(module);
	else
		err = add_unit(k, module, NULL);
	if (!err)
		err = build_index(k);
	if (err)
		return err;
	*ret = TAKE_PTR(k);
	return 0;
}

void kbtf_free(struct kbtf *k)
{
	if (!k)
		return;
	while (k->nr_units) { /* split BTF before its base */
		btf__free(k->units[--k->nr_units]);
		free(k->names[k->nr_units]);
	}
	free(k->units);
	free(k->names);
	free(k->entries);
	free(k->hash);
	free(k->sized);
	free(k->vars);
	free(k);
}

const struct btf *kbtf_vmlinux(const struct kbtf *k)
{
	return k->units[0];
}

const struct btf *kbtf_module(const struct kbtf *k, const char *module)
{
	for (size_t i = 1; i < k->nr_units; i++)
		if (!k->names[i] || !strcmp(k->names[i], module))
			return k->units[i];
	return NULL;
}

bool kbtf_is_rt(const struct kbtf *k)
{
	return k->rt;
}

bool kbtf_next(const struct kbtf *k, const char *name, uint32_t kinds, struct kbtf_type *pos)
{
	bool passed = !pos->btf;
	uint32_t at;

	for (at = k->hash[hash_string(name) & k->hash_mask]; at != KBTF_NONE;
	     at = k->entries[at].next) {
		const struct kbtf_entry *e = &k->entries[at];

		if (!(kinds & 1 << e->kind) || strcmp(e->name, name))
			continue;
		if (passed) {
			*pos = e->type;
			return true;
		}
		passed = e->type.btf == pos->btf && e->type.id == pos->id;
	}
	return false;
}

#define HOOKABLE_ARGUMENT 16 /* bytes that are passed in registers; see btf_distill_func_proto() */

static bool has_kind(const struct kbtf *k, const char *name, uint32_t kind)
{
	struct kbtf_type t = { NULL, 0 };

	return kbtf_next(k, name, 1 << kind, &t);
}

bool kbtf_has_struct(const struct kbtf *k, const char *name)
{
	return has_kind(k, name, BTF_KIND_STRUCT);
}

bool kbtf_has_func(const struct kbtf *k, const char *name)
{
	return has_kind(k, name, BTF_KIND_FUNC);
}

/* Modifiers are looked through, as the kernel does. */
static const struct btf_type *bare_type(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	while (t && (btf_is_mod(t) || btf_is_typedef(t)))
		t = btf__type_by_id(btf, t->type);
	return t;
}

bool kbtf_func_is_hookable(const struct kbtf *k, const char *name)
{
	struct kbtf_type f = { NULL, 0 };
	const struct btf_type *proto, *arg;

	if (!kbtf_next(k, name, 1 << BTF_KIND_FUNC, &f))
		return false;
	proto = btf__type_by_id(f.btf, btf__type_by_id(f.btf, f.id)->type);
	for (uint32_t i = 0; proto && btf_is_func_proto(proto) && i < btf_vlen(proto); i++) {
		arg = bare_type(f.btf, btf_params(proto)[i].type);
		if (arg && btf_is_composite(arg) && arg->size > HOOKABLE_ARGUMENT)
			return false;
	}
	return true;
}

static bool enum_has(const struct btf *btf, const struct btf_type *t, const char *name)
{
	uint32_t i;

	for (i = 0; i < btf_vlen(t); i++) {
		uint32_t off = btf_is_enum64(t) ? btf_enum64(t)[i].name_off :
						  btf_enum(t)[i].name_off;
		const char *value = btf__name_by_offset(btf, off);

		if (value && !strcmp(value, name))
			return true;
	}
	return false;
}

bool kbtf_has_enumerator(const struct kbtf *k, const char *name)
{
	const struct btf *btf = k->units[0];
	uint32_t id;

	for (id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);

		if (btf_is_any_enum(t) && enum_has(btf, t, name))
			return true;
	}
	return false;
}

static void fill_field(struct kbtf_type owner, uint32_t i, uint32_t base, struct kbtf_field *ret)
{
	const struct btf_type *bt = btf__type_by_id(owner.btf, owner.id);
	struct kbtf_type t = { owner.btf, btf_members(bt)[i].type };
	const struct btf_type *leaf = btf__type_by_id(t.btf, kbtf_target(t).id);

	ret->offset = base + btf_member_bit_offset(bt, i) / 8;
	ret->size = btf_member_bitfield_size(bt, i) ? 0 : kbtf_size(t);
	ret->is_bool = leaf && btf_is_int(leaf) && btf_int_encoding(leaf) & BTF_INT_BOOL;
	ret->type = t;
}

static int find_field(struct kbtf_type t, const char *field, uint32_t base, int depth,
		      struct kbtf_field *ret)
{
	const struct btf_type *bt = btf__type_by_id(t.btf, t.id);
	uint32_t i;

	if (!bt || !btf_is_composite(bt) || depth > KBTF_MAX_DEPTH)
		return -ENOENT;
	for (i = 0; i < btf_vlen(bt); i++) {
		const char *name = btf__name_by_offset(t.btf, btf_members(bt)[i].name_off);
		struct kbtf_type inner = { t.btf, btf_members(bt)[i].type };

		if (name && name[0] && !strcmp(name, field)) {
			fill_field(t, i, base, ret);
			return 0;
		}
		if ((!name || !name[0]) &&
		    !find_field(kbtf_target(inner), field, base + btf_member_bit_offset(bt, i) / 8,
				depth + 1, ret))
			return 0;
	}
	return -ENOENT;
}

int kbtf_field(const struct kbtf *k, const char *type, const char *field, struct kbtf_field *ret)
{
	struct kbtf_type t = { NULL, 0 };

	while (kbtf_next(k, type, 1 << BTF_KIND_STRUCT | 1 << BTF_KIND_UNION, &t))
		if (!find_field(t, field, 0, 0, ret))
			return 0;
	return -ENOENT;
}

int kbtf_each_struct(const struct kbtf *k, uint32_t min, uint32_t max,
		     int (*fn)(struct kbtf_type t, void *arg), void *arg)
{
	size_t i = 0, high = k->nr_sized;
	int err = 0;

	while (i < high) {
		size_t mid = i + (high - i) / 2;

		if (k->sized[mid].size < min)
			i = mid + 1;
		else
			high = mid;
	}
	for (; !err && i < k->nr_sized && k->sized[i].size <= max; i++)
		err = fn(k->sized[i].type, arg);
	return err;
}

bool kbtf_percpu_at(const struct kbtf *k, uint32_t off, struct kbtf_var *ret)
{
	size_t i;

	for (i = 0; i < k->nr_vars; i++) {
		if (off < k->vars[i].offset || off - k->vars[i].offset >= k->vars[i].size)
			continue;
		*ret = k->vars[i];
		return true;
	}
	return false;
}

bool kbtf_percpu(const struct kbtf *k, const char *name, struct kbtf_var *ret)
{
	size_t i;

	for (i = 0; i < k->nr_vars; i++) {
		if (strcmp(k->vars[i].name, name))
			continue;
		*ret = k->vars[i];
		return true;
	}
	return false;
}
