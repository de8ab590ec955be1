// SPDX-License-Identifier: GPL-2.0-only
/* One type: what it is made of, its name and its size, without the index. */
#include "kernel/kbtf.h"

#include <bpf/btf.h>

#define MAX_DEPTH 32 /* typedefs, qualifiers and arrays around a type */

struct kbtf_type kbtf_target(struct kbtf_type t)
{
	const struct btf_type *bt = btf__type_by_id(t.btf, t.id);
	int depth;

	for (depth = 0; bt && depth < MAX_DEPTH; depth++) {
		if (btf_is_mod(bt) || btf_is_typedef(bt) || btf_is_var(bt))
			t.id = bt->type;
		else if (btf_is_array(bt))
			t.id = btf_array(bt)->type;
		else
			break;
		bt = btf__type_by_id(t.btf, t.id);
	}
	return t;
}

const char *kbtf_name(struct kbtf_type t)
{
	const struct btf_type *bt = btf__type_by_id(t.btf, t.id);
	const char *name = bt ? btf__name_by_offset(t.btf, bt->name_off) : NULL;

	return name ? name : "";
}

uint32_t kbtf_size(struct kbtf_type t)
{
	int64_t size = btf__resolve_size(t.btf, t.id);

	return size < 0 || size > UINT32_MAX ? 0 : (uint32_t)size;
}
