/* SPDX-License-Identifier: GPL-2.0-only */
/* Patterns of names: * for any characters, ? for one, everything else as it is. */
#ifndef LOCKVANE_BASE_GLOB_H
#define LOCKVANE_BASE_GLOB_H

#include <stdbool.h>
#include <stddef.h>

bool glob_fits(const char *glob, const char *text);
/* The same for the first len characters of a text. */
bool glob_fits_part(const char *glob, const char *text, size_t len);

#endif
