/* SPDX-License-Identifier: GPL-2.0-only */
/* The text report's pieces, shared by its rules' layouts. */
#ifndef LOCKVANE_REPORT_PARTS_H
#define LOCKVANE_REPORT_PARTS_H

#include "report/words.h"

/* A report on its way out. */
struct parts {
	FILE *out;
	const struct capture *c;
	const struct finding *f;
};

/* The box: a heading between lines of its own width, and the kernel. */
void parts_heading(const struct parts *p, char line, const char *heading);
/* " (name){+.+.}" */
void parts_class(const struct parts *p, uint32_t class);
/* "ff11000000a6c018 (name){+.+.}, at: place" and the end of the line. */
void parts_lock(const struct parts *p, uint32_t class, uint64_t addr, uint32_t stack);
/* The same of an edge's holder: where it had been taken, or else one place where it is. */
void parts_holder(const struct parts *p, const struct capture_edge *edge);
/* "comm/pid", of the task whose stack it is. */
void parts_task(const struct parts *p, uint32_t stack);
void parts_stack(const struct parts *p, uint32_t stack, int indent);
/* "[<ffffffff81000001>] ", the address of a stack's place; nothing where it is not known. */
void parts_place_addr(const struct parts *p, uint32_t stack);
/* The name alone. */
void parts_name(const struct parts *p, uint32_t class);
/* "Chain exists of:" and the classes from first to last. */
void parts_chain_exists(const struct parts *p, const uint32_t *classes, uint32_t nr);
/* "a --> b --> c" */
void parts_chain(const struct parts *p, const uint32_t *classes, uint32_t nr);
/*
 * The element to print after this one. A long chain's middle is left out, and a line says how much:
 * those who read it want its ends, all of it is in the JSON report.
 */
uint32_t parts_next(const struct parts *p, uint32_t i, uint32_t nr, const char *format);
/* How far to indent what is this deep in the chain. */
int parts_depth(uint32_t depth);
/* A class with its usages, stacks and key, as lockdep's shortest dependencies. */
void parts_class_block(const struct parts *p, uint32_t class, int depth);
void parts_acquired(const struct parts *p, uint32_t stack, int depth);
/* In captures put together: a line for each part of a chain, with those that saw it. */
void parts_seen_by(const struct parts *p, const struct finding_chain *chain);
/* "stack backtrace:" of the event the finding speaks of. */
void parts_backtrace(const struct parts *p, uint32_t stack);

/* One layout a rule. */
void layout_inversion(const struct parts *p);
void layout_circular(const struct parts *p);
void layout_inconsistent(const struct parts *p);
void layout_recursive(const struct parts *p);
void layout_wait_context(const struct parts *p);
void layout_bad_unlock(const struct parts *p);
void layout_held_freed(const struct parts *p);
void layout_held_at_exit(const struct parts *p);
void layout_deadlock(const struct parts *p);

#endif
