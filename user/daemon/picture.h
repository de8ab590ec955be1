/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The knowledge of this kernel build: a capture that only grows, over windows, restarts and
 * reboots, and the findings that its growth completes. Classes are the same if their names are, and
 * where they live. Bounded by the sizes of the recorder's tables.
 */
#ifndef LOCKVANE_DAEMON_PICTURE_H
#define LOCKVANE_DAEMON_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/capture.h"
#include "finding/finding.h"

struct picture;

/*
 * From what is known already, which the picture takes over (and frees if this
 * fails): findings in it are there at once. -ENOMEM, -EINVAL.
 */
int picture_new(struct capture *known, struct picture **ret);
void picture_free(struct picture *p); /* takes NULL */

/*
 * Take in what this process' tables hold now, all of it each time. classes: of each of
 * the tables' LV_MAX_CLASSES its place in `seen`, or LV_NONE. -ENOMEM, -EINVAL; the picture
 * stays whole, but may lack something.
 */
int picture_add(struct picture *p, const struct capture *seen, const uint32_t *classes);

/* Counts alone: of events, acquisitions, losses, time armed. */
struct tables;
void picture_count(struct picture *p, const struct tables *tables, uint64_t armed_ns);

const struct capture *picture_capture(const struct picture *p);

/* All findings there are; the order stays, one may be replaced by a surer of its id. */
struct findings *picture_findings(struct picture *p);

/* How often the rarest part of a finding was seen: a dependency, or its only lock. */
uint64_t picture_sightings(const struct picture *p, const struct finding *f);

/* Something was left out because the picture is full. */
bool picture_is_full(const struct picture *p);

/* Bytes it may come to take, at most, names and symbols of common length. */
size_t picture_memory_max(void);

#endif
