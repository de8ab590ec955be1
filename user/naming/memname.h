/* SPDX-License-Identifier: GPL-2.0-only */
/* Names for locks in memory that no allocator knows about: tables of the boot, tasks' stacks. */
#ifndef LOCKVANE_NAMING_MEMNAME_H
#define LOCKVANE_NAMING_MEMNAME_H

#include "naming/names.h"

/* Fill in name, key, certainty and collapsed of a LV_PLACE_TABLE, or a LV_PLACE_STACK. */
void memname_table(const struct names_sources *from, const struct lv_class *c,
		   struct names_result *r);
/* ip: the return address of the call that took the lock, 0: not known. */
void memname_stack(const struct names_sources *from, const struct lv_class *c, uint64_t ip,
		   struct names_result *r);

#endif
