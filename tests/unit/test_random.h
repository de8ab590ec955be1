/* SPDX-License-Identifier: GPL-2.0-only */
/* The same numbers on every machine: xorshift from a seed the test sets. */
#ifndef LOCKVANE_TEST_RANDOM_H
#define LOCKVANE_TEST_RANDOM_H

#include <stdint.h>

static uint32_t seed;

static uint32_t draw(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % below;
}

#endif
