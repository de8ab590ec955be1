/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the files of sources: sources.c knows frames and lines, sources_child.c the process that looks. */
#ifndef LOCKVANE_CAPTURE_SOURCES_INTERNAL_H
#define LOCKVANE_CAPTURE_SOURCES_INTERNAL_H

#include "capture/sources.h"

/* A frame met in any stack, once; and what became of it. */
struct source {
	const struct capture_frame *frame;
	struct debuginfo_place place;
	char *words; /* symbol and module, which place points into; NULL: not of that form */
	char **texts;
	size_t nr; /* 0: nothing is known of it */
};

struct sources {
	struct source *all; /* sorted */
	size_t nr;
};

/* All frames, each once. -ENOMEM. */
int sources_collect(const struct capture *c, struct sources *ret);
/* Is it that kernel's debug information? Then the texts of what it knows. */
int sources_look_up(const struct capture *c, struct debuginfo *d, struct sources *s,
		    struct error *err);
/* One line more; takes the text, NULL is -ENOMEM. */
int sources_add_text(struct source *s, char *text);
/* Put the texts into the stacks. -ENOMEM: nothing changed. */
int sources_exchange(struct capture *c, const struct sources *s);
void sources_done(struct sources *s);

#endif
