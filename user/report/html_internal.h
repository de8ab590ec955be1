/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the files of the HTML page: html.c is the page, html_finding.c a finding, html_draw.c its graph,
 * html_wait.c its table of waits, html_parts.c pieces of both.
 */
#ifndef LOCKVANE_REPORT_HTML_INTERNAL_H
#define LOCKVANE_REPORT_HTML_INTERNAL_H

#include "report/drawing.h"
#include "report/report.h"

/* The chain as a graph. Without an edge there is nothing to draw. */
void html_draw(const struct capture *c, const struct finding *f, struct drawing *ret);

/* "function [module]", of the place where a lock was taken; ret is cut to room. */
void html_place(const struct capture *c, uint32_t stack, char *ret, size_t room);

/* d: NULL if there is none, or no room for it. */
void html_finding(FILE *out, const struct capture *c, const struct finding *f,
		  const struct drawing *d, enum finding_confidence least);

void html_name(FILE *out, const struct capture *c, uint32_t class);
/* " in FUNCTION", and the end of a summary; the task and its frames, and the end of the details. */
void html_where(FILE *out, const struct capture *c, uint32_t stack);
void html_stack(FILE *out, const struct capture *c, uint32_t index);

/* The table of waits, of findings that have one. */
void html_waits(FILE *out, const struct capture *c, const struct finding *f);
/* The stacks of a deadlock's tasks. */
void html_wait_stacks(FILE *out, const struct capture *c, const struct finding *f);

/* Names with arrows between. */
void html_chain(FILE *out, const struct capture *c, const struct finding_chain *chain);

#endif
