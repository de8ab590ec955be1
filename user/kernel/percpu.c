// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/percpu.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

static int compare_vars(const void *va, const void *vb)
{
	const struct kbtf_var *a = va, *b = vb;

	return a->offset < b->offset ? -1 : a->offset > b->offset;
}

/* Which types are members of others: such a type alone does not say what a variable is. */
static void mark_members(const struct btf *btf, bool *ret_member)
{
	uint32_t id, i;

	for (id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);

		for (i = 0; btf_is_composite(t) && i < btf_vlen(t); i++) {
			struct kbtf_type member = { btf, btf_members(t)[i].type };

			ret_member[kbtf_target(member).id] = true;
		}
	}
}

static int mark_only(const struct btf *btf, struct kbtf_var *vars, size_t nr)
{
	AUTO_FREE bool *member = calloc(btf__type_cnt(btf), sizeof(*member));
	size_t i, j;

	if (!member)
		return -ENOMEM;
	mark_members(btf, member);
	for (i = 0; i < nr; i++) {
		uint32_t id = kbtf_target(vars[i].type).id;

		vars[i].only = !member[id];
		for (j = 0; j < nr && vars[i].only; j++)
			if (i != j && id == kbtf_target(vars[j].type).id)
				vars[i].only = false;
	}
	return 0;
}

int percpu_load(const struct btf *btf, struct kbtf_var **ret, size_t *ret_nr)
{
	int id = btf__find_by_name_kind(btf, ".data..percpu", BTF_KIND_DATASEC);
	AUTO_FREE struct kbtf_var *vars = NULL;
	const struct btf_type *sec, *var;
	size_t nr = 0;
	uint32_t i;
	int err;

	if (id < 0)
		return 0;
	sec = btf__type_by_id(btf, id);
	vars = calloc(btf_vlen(sec) + 1, sizeof(*vars));
	if (!vars)
		return -ENOMEM;
	for (i = 0; i < btf_vlen(sec); i++) {
		const struct btf_var_secinfo *info = &btf_var_secinfos(sec)[i];

		var = btf__type_by_id(btf, info->type);
		if (!var || !btf_is_var(var))
			continue;
		vars[nr].name = btf__name_by_offset(btf, var->name_off);
		vars[nr].offset = info->offset;
		vars[nr].size = info->size;
		vars[nr].type.btf = btf;
		vars[nr].type.id = var->type;
		nr += vars[nr].name != NULL;
	}
	qsort(vars, nr, sizeof(*vars), compare_vars);
	err = mark_only(btf, vars, nr);
	if (err)
		return err;
	*ret = TAKE_PTR(vars);
	*ret_nr = nr;
	return 0;
}
