/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that a variable of the kernel's points to: what is in it? */
#ifndef LOCKVANE_NAMING_TABLETYPE_H
#define LOCKVANE_NAMING_TABLETYPE_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/kbtf.h"
#include "kernel/ksyms.h"
#include "kernel/lockpath.h"

struct tabletype {
	uint64_t base;		  /* the memory's owner: the variable, or its member */
	struct kbtf_type element; /* btf NULL: not known */
	bool first;		  /* the pointer is the variable's first word */
	bool one;		  /* it is one such, no array */
	bool locks;		  /* elements are locks and nothing else */
	char path[LOCKPATH_LEN];  /* from the variable to the elements, "" if that is all */
};

/* where: of the pointer. False: no variable. */
bool tabletype_at(const struct ksyms *ksyms, const struct kbtf *btf, uint64_t where,
		  struct tabletype *ret);

#endif
