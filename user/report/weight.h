/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long a report may get. A finding repeats the stacks of its whole chain, and a capture may come
 * from anyone: one of 200 kB could ask for gigabytes.
 */
#ifndef LOCKVANE_REPORT_WEIGHT_H
#define LOCKVANE_REPORT_WEIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "finding/finding.h"

/* Bytes of text of all findings together: beyond what anybody reads. */
#define WEIGHT_MOST (32ull << 20)

/* Does the finding fit into the room that is left? Then it is taken from that. */
bool weight_fits(const struct capture *c, const struct finding *f, uint64_t *room);

#endif
