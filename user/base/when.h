/* SPDX-License-Identifier: GPL-2.0-only */
/* How users write durations and times: one grammar for all options and settings. */
#ifndef LOCKVANE_BASE_WHEN_H
#define LOCKVANE_BASE_WHEN_H

#include <stdint.h>
#include <time.h>

#define WHEN_SECOND_NS 1000000000ull
#define WHEN_DURATION_HELP "30, 30s, 1.5h, 1h30min; units: ms, s, min (m), h, d, w"

/*
 * "30", "500ms", "1.5h", "1h30min", "2d 4h": numbers with units, added up. A number alone is
 * seconds. -EINVAL: it is not a duration; -ERANGE: beyond 100 years.
 */
int when_duration(const char *text, uint64_t *ret_ns);

/*
 * A moment in the past, in milliseconds since the epoch: a duration (so long ago; "ago" may follow),
 * "now", "today", "yesterday", or a local date with or without a time: "2026-01-31",
 * "2026-01-31 12:30", "2026-01-31T12:30:15". -EINVAL: none of these, or a day that is in no month.
 */
int when_since(const char *text, time_t now, uint64_t *ret_ms);

#endif
