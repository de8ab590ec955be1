/* SPDX-License-Identifier: GPL-2.0-only */
/* The function of a stack's line: "function+0x4dc/0x620", "function.isra.0+0x4dc/0x620". */
#ifndef LOCKVANE_FINDING_FRAMENAME_H
#define LOCKVANE_FINDING_FRAMENAME_H

#include <stdbool.h>
#include <stddef.h>

/* function: its first len characters. */
bool framename_begins(const char *text, const char *function, size_t len);
bool framename_is(const char *text, const char *function);
bool framename_is_one_of(const char *text, const char *const functions[], size_t nr);

#endif
