/* SPDX-License-Identifier: GPL-2.0-only */
/* Open members by what functions of a like name do with them: a part of outside.h. */
#ifndef LOCKVANE_SITES_NAMESAKES_H
#define LOCKVANE_SITES_NAMESAKES_H

#include "sites/solve.h"

struct namesakes;

int namesakes_new(struct image *im, struct namesakes **ret);
void namesakes_free(struct namesakes *n); /* takes NULL */
size_t namesakes_memory(const struct namesakes *n);

/* Fill in what the open member or tail is. False: nobody says, or they differ. */
bool namesakes_ask(struct namesakes *n, const struct flow *f, struct opened *o);

#endif
