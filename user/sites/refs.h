/* SPDX-License-Identifier: GPL-2.0-only */
/* Where in a text the functions of it are called, or their addresses taken. */
#ifndef LOCKVANE_SITES_REFS_H
#define LOCKVANE_SITES_REFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sites/image.h"

struct refs;

/* The kernel's text (module NULL), or a module's. -ENOENT: it has none; -ENOMEM. */
int refs_new(struct image *im, const char *module, struct refs **ret);
void refs_free(struct refs *r); /* takes NULL */
size_t refs_memory(const struct refs *r);
const char *refs_module(const struct refs *r);

/*
 * Bytes that look like a call of, or a jump to, the function (`taken` false), or like its address
 * (true): the address behind them, that is, a call's return address. Starts with *pos 0;
 * 0: no more.
 */
uint64_t refs_next(const struct refs *r, uint64_t function, bool taken, size_t *pos);

#endif
