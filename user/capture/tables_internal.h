/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the files of tables: tables.c moves facts and losses, tables_class.c, tables_stack.c,
 * tables_edge.c and tables_wait.c what they are named after. */
#ifndef LOCKVANE_CAPTURE_TABLES_INTERNAL_H
#define LOCKVANE_CAPTURE_TABLES_INTERNAL_H

#include <uthash.h>

#include "capture/tables.h"

/* A place that holders were taken at, as a stack of one frame. */
struct caller {
	uint64_t ip;
	uint32_t stack;
	UT_hash_handle hh;
};

/* Where the recorder's ids have gone in the capture; LV_NONE: nowhere. */
struct moved {
	const struct tables *tables;
	const struct tables_words *words;
	struct capture *capture;
	struct tables_totals totals;
	uint32_t classes[LV_MAX_CLASSES];
	uint32_t stacks[LV_MAX_STACKS];
	struct caller *callers;
	bool shared[LV_MAX_CLASSES]; /* by the capture's class: it stands for several */
};

/* The text is the frame's from now on; NULL: -ENOMEM. */
int tables_add_frame(struct capture_stack *stack, uint64_t ip, char *text);

/* Does the text name this function, with or without an offset? */
bool tables_is_in(const char *text, const char *function);

/* The capture's stack for the recorder's, which moves when something refers to it. 0 or -ENOMEM. */
int tables_move_stack(struct moved *m, uint32_t id, uint32_t *ret);

/* A stack of its own, that is nobody else's. 0 or -ENOMEM. */
int tables_add_stack(struct moved *m, const struct lv_stack *from, uint32_t *ret);

/* A class of the tables' that has not moved yet. 0 or -errno. */
int tables_move_class(struct moved *m, uint32_t id);

/* The waits of deadlocks. 0 or -errno. */
int tables_move_waits(struct moved *m);

/* An edge of the tables', whose classes have moved. 0 or -ENOMEM. */
int tables_move_edge(struct moved *m, uint32_t id);
void tables_free_callers(struct moved *m);

#endif
