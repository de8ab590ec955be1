/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The knowledge of this kernel build: a capture that only grows, over windows, restarts and
 * reboots, and the findings that its growth completes. Classes are the same if their names are, and
 * where they live. Bounded by the sizes of the recorder's tables.
 */
#ifndef LOCKVANE_KNOWLEDGE_KNOWLEDGE_H
#define LOCKVANE_KNOWLEDGE_KNOWLEDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/capture.h"
#include "finding/finding.h"

struct knowledge;

/*
 * From what is known already, which this takes over (and frees if this
 * fails): findings in it are there at once. -ENOMEM, -EINVAL.
 */
int knowledge_new(struct capture *known, struct knowledge **ret);
void knowledge_free(struct knowledge *p); /* takes NULL */

/*
 * Take in what this process' tables hold now, all of it each time. classes: of each of
 * the tables' LV_MAX_CLASSES its place in `seen`, or LV_NONE. -ENOMEM, -EINVAL; the graph
 * stays whole, but may lack something.
 */
int knowledge_add(struct knowledge *p, const struct capture *seen, const uint32_t *classes);

/* Counts alone: of events, acquisitions, losses, time armed. */
struct tables;
void knowledge_count(struct knowledge *p, const struct tables *tables, uint64_t armed_ns);

const struct capture *knowledge_capture(const struct knowledge *p);

/* All findings there are; the order stays, one may be replaced by a surer of its id. */
struct findings *knowledge_findings(struct knowledge *p);

/* How often the rarest part of a finding was seen: a dependency, or its only lock. */
uint64_t knowledge_sightings(const struct knowledge *p, const struct finding *f);

/* Something was left out because the graph is full. */
bool knowledge_is_full(const struct knowledge *p);

/* Bytes it may come to take, at most, names and symbols of common length. */
size_t knowledge_memory_max(void);

#endif
