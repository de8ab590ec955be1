// SPDX-License-Identifier: GPL-2.0-only
#include "naming/variables.h"

#include <linux/btf.h>
#include <stddef.h>
#include <string.h>

static const struct {
	const char *name, *type;
	enum variable_sort sort;
} variables[] = {
#define VARIABLE(name, type, sort) {name, type, VARIABLE_##sort},
#include "naming/variables.def"
#undef VARIABLE
};

enum variable_sort variable_known(const struct kbtf *btf, const char *name, unsigned int sorts,
				  struct kbtf_type *ret)
{
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		if (!(variables[i].sort & sorts) || strcmp(variables[i].name, name))
			continue;
		if (variables[i].sort == VARIABLE_NAMELESS ||
		    kbtf_next(btf, variables[i].type, 1 << BTF_KIND_STRUCT, ret))
			return variables[i].sort;
	}
	return 0;
}
