// SPDX-License-Identifier: GPL-2.0-only
/* Classes and edges, one a line, for people and for awk. */
#include "report/report.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "report/words.h"

#define KIND_WIDTH 8

/* What a kind is short of its column. */
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
