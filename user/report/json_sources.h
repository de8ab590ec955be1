/* SPDX-License-Identifier: GPL-2.0-only */
/* The captures that one was put together from, and which of them saw what, as JSON. */
#ifndef LOCKVANE_REPORT_JSON_SOURCES_H
#define LOCKVANE_REPORT_JSON_SOURCES_H

#include <jansson.h>
#include <stdint.h>

#include "capture/capture.h"

/* All of them: {name, command, events, seconds, lost}. NULL: no memory. */
json_t *json_sources(const struct capture *c);

/* Names of those in the mask, as the object's captures[]; nothing where the capture is one run. -ENOMEM. */
int json_set_sources(json_t *object, const struct capture *c, uint64_t sources);

#endif
