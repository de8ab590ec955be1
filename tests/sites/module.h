/* SPDX-License-Identifier: GPL-2.0-only */
/* A module's .ko file, laid out and relocated as if it were loaded. */
#ifndef LOCKVANE_TEST_SITES_MODULE_H
#define LOCKVANE_TEST_SITES_MODULE_H

#include <stddef.h>
#include <stdint.h>

#include "kernel/ksyms.h"

#define MODULE_BASE 0xffffffffc0000000ull /* where .text comes to lie */

struct module {
	uint8_t *image;
	uint64_t size;
	uint64_t text_size; /* of .text, which is the first */
};

/*
 * Symbols that the kernel does not have are other modules': an address each, with nothing there.
 * symbols: a file to which the module's are added, as /proc/kallsyms has them.
 */
int module_load(const char *path, const char *name, const struct ksyms *kernel, const char *symbols,
		struct module *ret);
void module_free(struct module *m);

#endif
