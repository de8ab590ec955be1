// SPDX-License-Identifier: GPL-2.0-only
#include "naming/tabletype.h"

#include <bpf/btf.h>
#include <stdio.h>
#include <string.h>

#include "naming/variables.h"

#define TABLES (VARIABLE_POINTERS | VARIABLE_ELEMENTS | VARIABLE_OBJECT)
#define LARGEST_ELEMENT 4096 /* largest type that is only believed if it has a lock */

static bool is_lock(const struct kbtf *btf, struct kbtf_type type)
{
	struct lockpath lock;

	lockpath_at(btf, type, 0, LOCKPATH_ANY, &lock);
	return lock.what != LOCKPATH_NONE && !lock.path[0];
}

/* A struct that is made of one array is that array. */
static void unwrap(struct tabletype *t)
{
	const struct btf_type *type = btf__type_by_id(t->element.btf, t->element.id);
	const struct btf_type *array;
	const char *name;

	if (!type || !btf_is_struct(type) || btf_vlen(type) != 1)
		return;
	array = btf__type_by_id(t->element.btf, btf_members(type)[0].type);
	name = btf__name_by_offset(t->element.btf, btf_members(type)[0].name_off);
	if (!array || !btf_is_array(array) || !name)
		return;
	t->element.id = btf_array(array)->type;
	snprintf(t->path, sizeof(t->path), "%s", name);
	t->one = false;
}

/* By the variable's own type, as BTF or our table has it. */
static bool find_pointer(const struct kbtf *btf, const struct ksym *sym, struct kbtf_type type,
			 uint32_t off, struct tabletype *ret)
{
	struct kbtf_type to;

	if (!lockpath_pointer(btf, type, off, &to, ret->path))
		return false;
	ret->base = sym->addr + off;
	if (lockpath_within(btf, to, LARGEST_ELEMENT, LOCKPATH_ANY))
		ret->element = to;
	return true;
}

bool tabletype_at(const struct ksyms *ksyms, const struct kbtf *btf, uint64_t where,
		  struct tabletype *ret)
{
	const struct ksym *sym = ksyms_find(ksyms, where);
	struct kbtf_type type = {NULL, 0};
	enum variable_sort sort;

	if (!sym || sym->text || sym->module || !sym->size)
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->base = where;
	ret->first = where == sym->addr;
	sort = btf ? variable_known(btf, sym->name, TABLES, &type) : 0;
	if (sort && sort != VARIABLE_POINTERS) {
		ret->base = sym->addr;
		ret->element = type;
		ret->one = sort == VARIABLE_OBJECT;
		unwrap(ret);
	} else if (sort || (btf && kbtf_next(btf, sym->name, 1 << BTF_KIND_VAR, &type))) {
		find_pointer(btf, sym, type, where - sym->addr, ret);
	}
	ret->locks = ret->element.btf && is_lock(btf, ret->element);
	return true;
}
