// SPDX-License-Identifier: GPL-2.0-only
/* One finding of the page: its meaning, graph, table of waits, evidence, text report. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/html_internal.h"
#include "report/htmltext.h"
#include "report/text.h"
#include "report/words.h"

static const char *const meanings[FINDING_RULES] = {
	[FINDING_DEADLOCK] =
		"It has come to pass: each task waits for a lock that the next one holds, and none goes on.",
	[FINDING_INCONSISTENT] =
		"This lock is taken in an interrupt, and also held while such interrupts are on. One that "
		"comes at that moment waits for a lock that its own CPU holds.",
	[FINDING_IRQ_INVERSION] =
		"The first lock is taken in an interrupt, and the others nest in it. The last one is held "
		"elsewhere with such interrupts on: one that comes at that moment closes the circle.",
	[FINDING_CIRCULAR] =
		"Each lock is taken while the one before is held, in a circle. When the tasks meet, each "
		"holds what another one wants.",
	[FINDING_RECURSIVE] =
		"A lock is taken while it, or another one of its class, is held: one task waits for itself, "
		"or two for each other.",
	[FINDING_WAIT_CONTEXT] =
		"A lock that may sleep is taken where nothing may: under a spinning lock, or in an interrupt.",
	[FINDING_BAD_UNLOCK] = "A lock was given back that nobody held.",
	[FINDING_HELD_FREED] = "Memory was freed while a lock in it was held.",
	[FINDING_HELD_AT_EXIT] = "A task went back to user space with a lock held.",
};

static const char *meaning_of(const struct finding *f)
{
	return f->died ? "A task ended with a lock held, which nobody will give back." : meanings[f->rule];
}

/* --- the evidence ------------------------------------------------------------------ */

/* Names the captures that saw it, of those that were put together. */
static void put_sources(FILE *out, const struct capture *c, uint64_t sources)
{
	uint32_t put = 0;

	for (size_t i = 0; i < c->nr_sources; i++) {
		if (!(sources >> i & 1))
			continue;
		fputs(put++ ? ", " : "; seen by ", out);
		htmltext_put(out, c->sources[i].name);
	}
}

static void put_usage(FILE *out, const struct capture *c, uint32_t class, uint32_t usage,
		      const char *what)
{
	uint32_t stack;

	if (usage == FINDING_NO_USAGE)
		return;
	stack = c->classes[class].usage_stack[usage];
	fputs("<details><summary>", out);
	html_name(out, c, class);
	fprintf(out, " %s (%s)", what, words_usage(usage));
	put_sources(out, c, c->classes[class].usage_sources[usage]);
	html_where(out, c, stack);
	html_stack(out, c, stack);
}

static void put_edge(FILE *out, const struct capture *c, const struct capture_edge *edge)
{
	fputs("<details><summary>", out);
	html_name(out, c, edge->to);
	fputs(" taken under ", out);
	html_name(out, c, edge->from);
	if (edge->count == 1)
		fputs(", once", out);
	else
		fprintf(out, ", %" PRIu64 " times", edge->count);
	if (c->nr_sources)
		put_sources(out, c, capture_edge_sources(c, edge));
	html_where(out, c, edge->stack);
	html_stack(out, c, edge->stack);
}

static void put_evidence(FILE *out, const struct capture *c, const struct finding *f)
{
	const struct finding_chain *chain = &f->chain;

	fputs("<h3>Where it was seen</h3>\n", out);
	html_wait_stacks(out, c, f);
	put_usage(out, c, chain->classes[0], chain->safe, "taken in an interrupt");
	for (uint32_t i = 0; i < chain->nr_edges; i++)
		put_edge(out, c, &c->edges[chain->edges[i]]);
	put_usage(out, c, chain->classes[chain->nr_classes - 1], chain->unsafe,
		  "held with interrupts on");
	if (f->stack == LV_NONE)
		return;
	fputs("<details><summary>where it happened", out);
	html_where(out, c, f->stack);
	html_stack(out, c, f->stack);
}

/* A piece of the text report, as it is there. */
static void put_text(FILE *out, const struct parts *p, enum finding_confidence least, bool whole)
{
	struct parts piece = *p;
	char *text = NULL;
	size_t len;

	piece.out = open_memstream(&text, &len);
	if (!piece.out)
		return;
	if (whole)
		text_finding(&piece, 1, 1, least);
	else
		text_doubts(&piece);
	if (!fclose(piece.out)) {
		fputs(whole ? "<pre>" : "<pre class=\"dim\">", out);
		htmltext_put(out, text);
		fputs("</pre>", out);
	}
	free(text);
}

static void put_drawing(FILE *out, const struct finding *f, const struct drawing *d)
{
	char title[128];

	if (!d || !d->placed)
		return;
	snprintf(title, sizeof(title), "%s %s: the locks of its chain; the same is told below in words",
		 finding_rule_name(f->rule), f->id);
	fputs("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"graph of the chain\">\n",
	      out);
	drawing_put(out, d, title);
	fputs("</div>\n", out);
}

void html_finding(FILE *out, const struct capture *c, const struct finding *f,
		  const struct drawing *d, enum finding_confidence least)
{
	const struct parts p = { out, c, f };

	fprintf(out, "<section id=\"f-%s\" aria-labelledby=\"h-%s\">\n<h2 id=\"h-%s\">%s ", f->id,
		f->id, f->id, finding_rule_name(f->rule));
	fprintf(out, "<span class=\"grade %s\">%s</span></h2>\n",
		finding_confidence_name(f->confidence), finding_confidence_name(f->confidence));
	fprintf(out, "<p class=\"dim\">id <code>%s</code>, fingerprint <code>%s</code></p>\n<p>", f->id,
		f->fingerprint);
	html_chain(out, c, &f->chain);
	fprintf(out, "</p>\n<p>%s</p>\n", meaning_of(f));
	put_drawing(out, f, d);
	html_waits(out, c, f);
	put_evidence(out, c, f);
	fputs("<h3>How sure it is</h3>\n", out);
	put_text(out, &p, least, false);
	fputs("<details><summary>The report as text, in lockdep's layout</summary>"
	      "<div class=\"scroll\" tabindex=\"0\">", out);
	put_text(out, &p, least, true);
	fputs("</div></details>\n<p><a href=\"#top\">Back to the list</a></p>\n</section>\n", out);
}
