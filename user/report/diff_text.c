// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "report/diff_internal.h"
#include "report/parts.h"

#define FINDINGS_SHOWN 1000 /* a chain may have thousands of classes, of which 56 are named */

static void put_side(FILE *out, const char *what, const struct diff_side *side)
{
	fprintf(out, "%-13s", what);
	words_put(out, side->name);
	fputs(": kernel ", out);
	words_put(out, side->c->kernel);
	fprintf(out, ", %" PRIu64 " events", side->c->events);
	if (side->c->duration)
		fprintf(out, " in %.1f s", (double)side->c->duration / 1e9);
	fprintf(out, ", %" PRIu64 " lost\n", capture_lost(side->c));
}

static void put_counts(FILE *out, const char *what, const struct diff_part *part)
{
	fprintf(out, "%-13s%zu new, %zu gone, %zu in both\n", what, part->new.nr, part->gone.nr,
		part->both);
}

static void put_finding(FILE *out, char sign, const struct diff_side *side, uint32_t index)
{
	const struct parts p = {out, side->c, &side->found->items[index]};

	fprintf(out, "%c finding     %s %s, %s: ", sign, p.f->fingerprint,
		finding_rule_name(p.f->rule), finding_confidence_name(p.f->confidence));
	parts_chain(&p, p.f->chain.classes, p.f->chain.nr_classes);
	putc('\n', out);
}

static void put_class(FILE *out, char sign, const struct diff_side *side, uint32_t index)
{
	const struct capture_class *class = &side->c->classes[index];

	fprintf(out, "%c class       ", sign);
	words_put(out, class->name);
	fprintf(out, " (%s, %s)\n", words_family(class->family), words_certainty(class->certainty));
}

static void put_edge(FILE *out, char sign, const struct diff_side *side, uint32_t index)
{
	const struct capture_edge *edge = &side->c->edges[index];

	fprintf(out, "%c dependency  %s ", sign, words_dep(edge->dep));
	words_put(out, side->c->classes[edge->from].name);
	fputs(" --> ", out);
	words_put(out, side->c->classes[edge->to].name);
	putc('\n', out);
}

static void put_part(FILE *out, const struct diff *d, const struct diff_part *part, size_t most,
		     void (*put)(FILE *out, char sign, const struct diff_side *side, uint32_t index))
{
	for (size_t i = 0; i < part->new.nr && i < most; i++)
		put(out, '+', &d->new, part->new.items[i]);
	if (part->new.nr > most)
		fprintf(out, "+ and %zu more\n", part->new.nr - most);
	for (size_t i = 0; i < part->gone.nr && i < most; i++)
		put(out, '-', &d->old, part->gone.items[i]);
	if (part->gone.nr > most)
		fprintf(out, "- and %zu more\n", part->gone.nr - most);
}

int diff_text(FILE *out, const struct diff *d)
{
	const struct capture *old = d->old.c, *new = d->new.c;

	put_side(out, "old", &d->old);
	put_side(out, "new", &d->new);
	if (strcmp(old->kernel, new->kernel) || strcmp(old->build, new->build))
		fputs("             of two kernel builds: a lock may have another name in the other\n",
		      out);
	put_counts(out, "findings", &d->findings);
	put_counts(out, "classes", &d->classes);
	put_counts(out, "dependencies", &d->edges);
	if (d->findings.gone.nr || d->classes.gone.nr || d->edges.gone.nr)
		fputs("gone means: not seen in the new one, which need not be cured\n", out);
	put_part(out, d, &d->findings, FINDINGS_SHOWN, put_finding);
	put_part(out, d, &d->classes, SIZE_MAX, put_class);
	put_part(out, d, &d->edges, SIZE_MAX, put_edge);
	return ferror(out) ? -EIO : 0;
}
