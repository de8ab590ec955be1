/* SPDX-License-Identifier: GPL-2.0-only */
/* Text into HTML and SVG: whatever it says, it stays text. */
#ifndef LOCKVANE_REPORT_HTMLTEXT_H
#define LOCKVANE_REPORT_HTMLTEXT_H

#include <stdio.h>

/*
 * Between tags or in quoted attributes. Characters that are not printable ASCII become \xNN; newlines stay. NULL
 * is "?".
 */
void htmltext_put(FILE *out, const char *text);

#endif
