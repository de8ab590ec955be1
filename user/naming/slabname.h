/* SPDX-License-Identifier: GPL-2.0-only */
/* Names for locks in slab objects: the part of names.h that weighs evidence. */
#ifndef LOCKVANE_NAMING_SLABNAME_H
#define LOCKVANE_NAMING_SLABNAME_H

#include "naming/evidence.h"
#include "naming/names.h"

/* Fills in all but the alias. */
void slabname_class(const struct names_sources *from, const struct evidence *ev,
		    const struct lv_class *class, const struct callsite_stack *stacks,
		    size_t nr_stacks, struct names_result *ret);

#endif
