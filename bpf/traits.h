/* SPDX-License-Identifier: GPL-2.0-only */
/* Traits of the kinds of pseudo-lock, from pseudo.def. */
#ifndef LOCKVANE_TRAITS_H
#define LOCKVANE_TRAITS_H

#include "abi.h"

/* enum lv_pseudo_trait, 0 of what is no kind. */
static inline __attribute__((always_inline)) __u32 pseudo_traits(__u32 kind)
{
	switch (kind) {
#define LV_PSEUDO_KIND(id, word, text, traits) \
	case LV_PSEUDO_##id:                   \
		return traits;
#include "pseudo.def"
	}
	return 0;
}

#endif
