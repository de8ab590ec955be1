/* SPDX-License-Identifier: GPL-2.0-only */
/* A C expression for a lock, as the source has it, with the types that DWARF gives its names. */
#ifndef LOCKVANE_TEST_SITES_EXPR_H
#define LOCKVANE_TEST_SITES_EXPR_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

#define EXPR_CHAIN 12

/* A struct on the way to the lock, and where the lock (or an array of them) is in it. */
struct expr_step {
	char name[64];
	int64_t off, size;
};

struct expr {
	bool known;
	bool symbol;   /* of a static variable's own memory */
	char base[64]; /* the variable, if symbol or its pointer is one */
	bool global_pointer;
	struct expr_step step[EXPR_CHAIN];
	int nr;
};

/* scopes: as dwarf_getscopes() gives them. The text may go on behind the expression. */
void expr_evaluate(const char *text, Dwarf_Die *scopes, int nr_scopes, struct expr *ret);

/* Functions by name, for what they return: call once for each unit. */
void expr_add_functions(Dwarf_Die *unit);

#endif
