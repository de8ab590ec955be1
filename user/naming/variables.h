/* SPDX-License-Identifier: GPL-2.0-only */
/* Variables of which it is known what they are, though BTF does not tell: variables.def. */
#ifndef LOCKVANE_NAMING_VARIABLES_H
#define LOCKVANE_NAMING_VARIABLES_H

#include "kernel/kbtf.h"

enum variable_sort { /* bits: see variables.def */
	VARIABLE_IS = 1,
	VARIABLE_POINTERS = 2,
	VARIABLE_ELEMENTS = 4,
	VARIABLE_OBJECT = 8,
	VARIABLE_NAMELESS = 16,
};

/*
 * The sort of the variable, if it is one of `sorts` and the kernel has its struct, or 0. ret, the struct, stays
 * as it is of one without a name.
 */
enum variable_sort variable_known(const struct kbtf *btf, const char *name, unsigned int sorts,
				  struct kbtf_type *ret);

#endif
