/* SPDX-License-Identifier: GPL-2.0-only */
/* Names for pseudo-locks: "(work) rfkill_sync_work", "q_usage_counter(io) loop0", "fs_reclaim". */
#ifndef LOCKVANE_NAMING_PSEUDONAME_H
#define LOCKVANE_NAMING_PSEUDONAME_H

#include "naming/names.h"

/* Fill in name, key and certainty of a LV_PLACE_PSEUDO. */
void pseudoname_class(const struct names_sources *from, const struct lv_class *c,
		      struct names_result *r);

#endif
