/* SPDX-License-Identifier: GPL-2.0-only */
/* A capture reduced to one finding's classes, edges and stacks. */
#ifndef LOCKVANE_KNOWLEDGE_EXCERPT_H
#define LOCKVANE_KNOWLEDGE_EXCERPT_H

#include "capture/capture.h"
#include "finding/finding.h"

struct excerpt {
	struct capture c; /* strings and stacks are the whole capture's */
	struct finding f;
};

/* Good as long as the capture does not change. -ENOMEM. */
int excerpt_make(const struct capture *whole, const struct finding *f, struct excerpt *ret);
void excerpt_done(struct excerpt *e);

#endif
