// SPDX-License-Identifier: GPL-2.0-only
/* Types by declarations: of parameters and returned values, and of what pointers point to. */
#include "sites/flow.h"

#include <bpf/btf.h>

uint32_t flow_proto_param(const struct btf *btf, uint32_t proto, uint32_t arg)
{
	const struct btf_type *t = btf__type_by_id(btf, proto);

	if (!t || !btf_is_func_proto(t))
		return 0;
	if (arg == FLOW_RETURN)
		return t->type;
	return arg < btf_vlen(t) ? btf_params(t)[arg].type : 0;
}

uint32_t flow_param(const struct flow *f, const struct target *t, uint32_t arg)
{
	if (!t || !t->proto || (t->btf != f->btf && t->btf != btf__base_btf(f->btf)))
		return 0;
	return flow_proto_param(f->btf, t->proto, arg);
}

uint32_t flow_declared_pointee(const struct flow *f, uint32_t node)
{
	uint32_t declared = f->nodes.node[node].declared;

	return declared ? types_pointee(f->im->types, f->btf, declared) : 0;
}
