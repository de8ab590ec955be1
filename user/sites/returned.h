/* SPDX-License-Identifier: GPL-2.0-only */
/* The value that a small function returns, so that its callers may go on with it. */
#ifndef LOCKVANE_SITES_RETURNED_H
#define LOCKVANE_SITES_RETURNED_H

#include "sites/image.h"

/* For image.summarise. */
void returned_find(struct image *im, const struct ksym *sym, struct returned *ret);

#endif
