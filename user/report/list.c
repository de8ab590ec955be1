// SPDX-License-Identifier: GPL-2.0-only
/* Classes and edges, one a line, for people and for awk. */
#include "report/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "report/words.h"

#define KIND_WIDTH 8

/* The blanks that a kind is short of its column. */
static int kind_blanks(const char *kind)
{
	size_t len = kind && *kind ? strlen(kind) : 1;

	return len < KIND_WIDTH ? (int)(KIND_WIDTH - len) : 0;
}

int report_classes(FILE *out, const struct capture *c, const char *lock)
{
	fputs("USAGE  FAMILY  CERTAINTY ACQUISITIONS KIND     NAME ALIAS\n", out);
	for (size_t i = 0; i < c->nr_classes; i++) {
		const struct capture_class *class = &c->classes[i];
		char usage[CAPTURE_USAGE_LEN];

		if (!words_lock_fits(lock, class))
			continue;
		capture_usage_text(class->usage, usage);
		fprintf(out, "%s %-7s %-9s %12" PRIu64 " ", usage, words_family(class->family),
			words_certainty(class->certainty), class->acquisitions);
		words_put_field(out, class->kind);
		fprintf(out, "%*s ", kind_blanks(class->kind), "");
		words_put_field(out, class->name);
		putc(' ', out);
		words_put_field(out, class->alias);
		putc('\n', out);
	}
	return ferror(out) ? -EIO : 0;
}

int report_edges(FILE *out, const struct capture *c, const char *lock)
{
	fputs("TYPE        COUNT FROM TO\n", out);
	for (size_t i = 0; i < c->nr_edges; i++) {
		const struct capture_edge *edge = &c->edges[i];

		if (!words_edge_fits(lock, c, edge))
			continue;
		fprintf(out, "%-4s %12" PRIu64 " ", words_dep(edge->dep), edge->count);
		words_put_field(out, c->classes[edge->from].name);
		putc(' ', out);
		words_put_field(out, c->classes[edge->to].name);
		putc('\n', out);
	}
	return ferror(out) ? -EIO : 0;
}

/* --- for Graphviz ------------------------------------------------------------- */

/* In a quoted string two characters mean something. */
static void put_quoted(FILE *out, const char *text)
{
	putc('"', out);
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c == '"' || *c == '\\')
			fprintf(out, "\\%c", *c);
		else if (*c < ' ' || *c > '~')
			fprintf(out, "\\\\x%02x", *c);
		else
			putc(*c, out);
	}
	putc('"', out);
}

/* Red: held with interrupts on. Green: taken in them. Both: a finding of its own. */
static const char *colour(uint32_t usage)
{
	const uint32_t in = 1u << LV_USED_IN_HARDIRQ | 1u << LV_USED_IN_HARDIRQ_READ |
			    1u << LV_USED_IN_SOFTIRQ | 1u << LV_USED_IN_SOFTIRQ_READ;
	const uint32_t on = 1u << LV_ENABLED_HARDIRQ | 1u << LV_ENABLED_HARDIRQ_READ |
			    1u << LV_ENABLED_SOFTIRQ | 1u << LV_ENABLED_SOFTIRQ_READ;

	if (usage & in)
		return usage & on ? "orange" : "darkgreen";
	return usage & on ? "red3" : "black";
}

int report_edges_dot(FILE *out, const struct capture *c, const char *lock)
{
	bool *named = calloc(c->nr_classes + 1, sizeof(*named));

	if (!named)
		return -ENOMEM;
	fputs("digraph lockvane {\n\tnode [shape=box fontname=monospace];\n"
	      "\tedge [fontname=monospace fontsize=10];\n", out);
	for (size_t i = 0; i < c->nr_edges; i++) {
		const struct capture_edge *edge = &c->edges[i];
		const uint32_t ends[] = { edge->from, edge->to };

		if (!words_edge_fits(lock, c, edge))
			continue;
		for (int n = 0; n < 2; n++) {
			const struct capture_class *class = &c->classes[ends[n]];

			if (named[ends[n]])
				continue;
			named[ends[n]] = true;
			fprintf(out, "\tc%" PRIu32 " [color=%s label=", ends[n], colour(class->usage));
			put_quoted(out, class->name);
			fputs("];\n", out);
		}
		fprintf(out, "\tc%" PRIu32 " -> c%" PRIu32 " [label=\"%s %" PRIu64 "\"];\n", edge->from,
			edge->to, words_dep(edge->dep), edge->count);
	}
	fputs("}\n", out);
	free(named);
	return ferror(out) ? -EIO : 0;
}
