/* SPDX-License-Identifier: GPL-2.0-only */
/* What is not as it must be ends a fuzzer; the log of each is its own. */
#ifndef LOCKVANE_FUZZ_MUST_H
#define LOCKVANE_FUZZ_MUST_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static inline void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz: %s\n", what);
	abort();
}

#endif
