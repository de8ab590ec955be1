/* SPDX-License-Identifier: GPL-2.0-only */
/* A hash of strings for lookup tables (FNV-1a). Not for hostile flooding, not stored anywhere. */
#ifndef LOCKVANE_BASE_HASH_H
#define LOCKVANE_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

static inline size_t hash_string(const char *s)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3;
	return h ^ h >> 32;
}

#endif
