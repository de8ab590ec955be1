// SPDX-License-Identifier: GPL-2.0-only
#include "report/report.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "finding/sighting.h"
#include "report/text.h"
#include "report/weight.h"

static void (*const layouts[FINDING_RULES])(const struct parts *p) = {
	[FINDING_DEADLOCK] = layout_deadlock,
	[FINDING_INCONSISTENT] = layout_inconsistent, [FINDING_IRQ_INVERSION] = layout_inversion,
	[FINDING_CIRCULAR] = layout_circular,	      [FINDING_RECURSIVE] = layout_recursive,
	[FINDING_WAIT_CONTEXT] = layout_wait_context, [FINDING_BAD_UNLOCK] = layout_bad_unlock,
	[FINDING_HELD_FREED] = layout_held_freed,     [FINDING_HELD_AT_EXIT] = layout_held_at_exit,
};

#define ALSO_SHOWN 16
#define DOUBTS_SHOWN 64
#define BEYOND_SHOWN 8
#define INDEX_SHOWN 1000

static void put_graded_down(const struct parts *p, const struct finding_chain *chain)
{
	if (!chain->graded_down)
		return;
	fputs("lockvane: graded down: ", p->out);
	words_put(p->out, chain->graded_down);
	putc('\n', p->out);
}

static void put_told(const struct parts *p, const struct finding_chain *chain)
{
	const struct capture_edge *edge;

	if (chain->told == LV_NONE)
		return;
	edge = &p->c->edges[chain->edges[chain->told]];
	fputs("lockvane: told: ", p->out);
	parts_name(p, edge->from);
	fputs(" --> ", p->out);
	parts_name(p, edge->to);
	fputs(": ", p->out);
	words_put(p->out, capture_edge_told(p->c, edge));
	fputs("; it was not seen\n", p->out);
}

/* The first few: a long chain may have thousands. */
static void put_class_doubts(const struct parts *p)
{
	const struct finding_chain *chain = &p->f->chain;
	uint32_t told = 0;

	for (uint32_t i = 0; i < chain->nr_classes && told < DOUBTS_SHOWN; i++) {
		const struct capture_class *class = &p->c->classes[chain->classes[i]];

		if (class->certainty == CAPTURE_EXACT)
			continue;
		fputs("; ", p->out);
		parts_name(p, chain->classes[i]);
		fprintf(p->out, " is %s", words_certainty(class->certainty));
		told++;
	}
	for (uint32_t i = 0; i < chain->nr_classes && told < 2 * DOUBTS_SHOWN; i++) {
		if (!(p->c->classes[chain->classes[i]].flags & LV_CLASS_HANDED))
			continue;
		fputs("; readers of ", p->out);
		parts_name(p, chain->classes[i]);
		fputs(" let other tasks give it back", p->out);
		told++;
	}
}

/* Why it is not surer than it is. */
void text_doubts(const struct parts *p)
{
	const struct finding_chain *chain = &p->f->chain;
	const struct capture *c = p->c;

	fprintf(p->out, "lockvane: confidence: %s", finding_confidence_name(p->f->confidence));
	if (p->f->confidence == FINDING_CONFIRMED)
		fputs(", the same locks were seen on all sides", p->out);
	if (p->f->confidence == FINDING_OBSERVED)
		fputs(", it has come to pass", p->out);
	put_class_doubts(p);
	if (c->preempts && !c->misses_asked && p->f->confidence == FINDING_WEAK)
		fputs("; this kernel preempts itself: readers of sleeping locks may have been gone",
		      p->out);
	if (finding_holders_unsure(c, chain))
		fputs("; this kernel hides some unlocks: holders are inferred", p->out);
	if (chain->once)
		fputs("; a part of it was seen once only, which a lost event could explain", p->out);
	if (chain->apart != LV_NONE) {
		fputs("; no lock of ", p->out);
		parts_name(p, chain->apart);
		fputs(" was seen on both sides, of many", p->out);
	}
	if (chain->joined)
		fputs("; no one capture has all of it", p->out);
	else if (chain->mixed)
		fputs("; what is shown is of several captures", p->out);
	putc('\n', p->out);
	put_graded_down(p, chain);
	put_told(p, chain);
	if (chain->mixed)
		parts_seen_by(p, chain);
	if (chain->gate != LV_NONE) {
		fputs("lockvane: gated by ", p->out);
		parts_name(p, chain->gate);
		fputs(", which was held exclusively each time, as far as was looked\n", p->out);
	}
}

/* The head's use in irq, and where each lock was taken under the one before. */
static void put_also_evidence(const struct parts *p, const struct finding_chain *also)
{
	uint32_t head = also->classes[0];

	if (also->safe != FINDING_NO_USAGE) {
		fputs("  ", p->out);
		parts_name(p, head);
		fprintf(p->out, " %s at:\n", words_usage(also->safe));
		parts_stack(p, p->c->classes[head].usage_stack[also->safe], 5);
	}
	for (uint32_t i = 0; i < also->nr_edges;
	     i = parts_next(p, i, also->nr_edges, "  (%u more)\n")) {
		const struct capture_edge *edge = &p->c->edges[also->edges[i]];

		fputs("  ", p->out);
		parts_name(p, edge->to);
		fputs(" was taken under ", p->out);
		parts_name(p, edge->from);
		fputs(" at: ", p->out);
		words_put(p->out, words_place(words_stack(p->c, edge->stack), NULL));
		putc('\n', p->out);
	}
}

static void put_also(const struct parts *p, enum finding_confidence least)
{
	const char *what =
		p->f->rule == FINDING_IRQ_INVERSION ? "also reached from" : "also closes";
	uint32_t shown = 0, more = p->f->nr_more;

	for (uint32_t i = 0; i < p->f->nr_also; i++) {
		const struct finding_chain *also = &p->f->also[i];

		if (also->suppressed_by != LV_NONE || also->confidence < least)
			continue;
		if (shown++ >= ALSO_SHOWN) {
			more++;
			continue;
		}
		fprintf(p->out, "lockvane: %s", what);
		if (p->f->rule == FINDING_IRQ_INVERSION) {
			parts_class(p, also->classes[0]);
			fprintf(p->out, ", %s-safe", words_irq_state(also->safe));
		}
		fprintf(p->out, " (%s):\n  ", finding_confidence_name(also->confidence));
		parts_chain(p, also->classes, also->nr_classes);
		putc('\n', p->out);
		put_also_evidence(p, also);
	}
	if (more)
		fprintf(p->out, "lockvane: and %" PRIu32 " more chains like these\n", more);
}

static void put_beyond(const struct parts *p)
{
	uint32_t shown = p->f->nr_beyond < BEYOND_SHOWN ? p->f->nr_beyond : BEYOND_SHOWN;
	uint32_t more = p->f->nr_beyond + p->f->nr_beyond_more - shown;

	if (!shown)
		return;
	fputs("lockvane: through it these unsafe locks are reached too:\n", p->out);
	for (uint32_t i = 0; i < shown; i++) {
		fputs("  ", p->out);
		parts_class(p, p->f->beyond[i]);
		putc('\n', p->out);
	}
	if (more)
		fprintf(p->out, "  and %" PRIu32 " more\n", more);
}

void text_finding(const struct parts *p, uint32_t number, uint32_t of, enum finding_confidence least)
{
	fprintf(p->out,
		"lockvane: finding %" PRIu32 " of %" PRIu32 ": %s, id %s, fingerprint %s\n",
		number, of, finding_rule_name(p->f->rule), p->f->id, p->f->fingerprint);
	layouts[p->f->rule](p);
	putc('\n', p->out);
	text_doubts(p);
	put_also(p, least);
	put_beyond(p);
	putc('\n', p->out);
}

/* Names the two programs that lost most. */
static void put_programs(FILE *out, const char *programs)
{
	char two[160];
	size_t len;

	if (!programs)
		return;
	len = strcspn(programs, ",");
	if (programs[len])
		len += 1 + strcspn(programs + len + 1, ",");
	snprintf(two, sizeof(two), "%.*s", (int)len, programs);
	fputs(" (", out);
	words_put(out, two);
	fputs(programs[len] ? ", ...)" : ")", out);
}

static void put_losses(FILE *out, const struct capture *c)
{
	bool any = false;

	for (size_t i = 0; i < c->nr_losses; i++) {
		if (!c->losses[i].count)
			continue;
		fprintf(out, "%s%" PRIu64 " ", any ? "            " : "", c->losses[i].count);
		words_put(out, c->losses[i].text ? c->losses[i].text : c->losses[i].name);
		put_programs(out, c->losses[i].programs);
		putc('\n', out);
		any = true;
	}
	if (!any)
		fputs("none\n", out);
}

static void put_sources(FILE *out, const struct capture *c)
{
	for (size_t i = 0; i < c->nr_sources; i++) {
		const struct capture_source *source = &c->sources[i];

		fputs(i ? "            " : "captures    ", out);
		words_put(out, source->name);
		fprintf(out, ": %" PRIu64 " events", source->events);
		if (source->duration)
			fprintf(out, " in %.1f s", (double)source->duration / 1e9);
		fprintf(out, ", %" PRIu64 " lost\n", source->lost);
	}
}

static void put_recorded(FILE *out, const struct capture *c)
{
	uint32_t by[CAPTURE_AMBIGUOUS + 1] = {0};

	for (size_t i = 0; i < c->nr_classes; i++)
		by[c->classes[i].certainty]++;
	fputs("kernel      ", out);
	words_put(out, c->kernel);
	if (c->build) {
		putc(' ', out);
		words_put(out, c->build);
	}
	fprintf(out, "\nevents      %" PRIu64, c->events);
	if (c->duration)
		fprintf(out, " in %.1f s", (double)c->duration / 1e9);
	if (c->command) {
		fputs(" of ", out);
		words_put(out, c->command);
	}
	putc('\n', out);
	put_sources(out, c);
	fprintf(out,
		"classes     %zu: %" PRIu32 " exact, %" PRIu32 " inferred, %" PRIu32
		" ambiguous\nedges       %zu\nlosses      ",
		c->nr_classes, by[CAPTURE_EXACT], by[CAPTURE_INFERRED], by[CAPTURE_AMBIGUOUS],
		c->nr_edges);
	put_losses(out, c);
	if (c->irqs_unseen)
		fputs("irq state   not visible on this kernel: only some uses with irqs on are "
		      "known\n",
		      out);
	if (c->preempts && !c->misses_asked)
		fputs("preemption  this kernel preempts itself: what rests on readers of sleeping locks "
		      "is weak\n",
		      out);
	if (c->unlocks_hidden)
		fputs("unlocks     some are hidden on this kernel: what rests on a spinning lock's holder "
		      "is\n            likely at most, until it was seen to be the only one\n",
		      out);
}

static void put_counts(FILE *out, const struct findings *f, const struct report_opts *opts)
{
	uint32_t by[FINDING_CONFIDENCES] = {0}, withheld = 0, suppressed = suppress_count(f);
	bool any = false;

	for (uint32_t i = 0; i < f->nr; i++) {
		if (finding_shown(&f->items[i], opts->least))
			by[f->items[i].confidence]++;
		else if (f->items[i].suppressed_by == LV_NONE)
			withheld++;
	}
	fputs("findings    ", out);
	for (uint32_t i = FINDING_CONFIDENCES; i-- > 0;) {
		if (!by[i])
			continue;
		fprintf(out, "%s%" PRIu32 " %s", any ? ", " : "", by[i],
			finding_confidence_name(i));
		any = true;
	}
	fputs(any ? "" : "none", out);
	if (withheld)
		fprintf(out, "; %" PRIu32 " withheld: less sure than %s", withheld,
			finding_confidence_name(opts->least));
	if (suppressed)
		fprintf(out, "; %" PRIu32 " suppressed", suppressed);
	if (f->not_selected)
		fprintf(out, "; %" PRIu32 " not asked for", f->not_selected);
	putc('\n', out);
	if (f->cut_short)
		fputs("            the search was cut short: there may be more\n", out);
}

static void put_suppressed(FILE *out, const struct capture *c, const struct findings *f,
			   const struct report_opts *opts)
{
	for (uint32_t i = 0; opts->list_suppressed && i < f->nr; i++) {
		struct parts p = {out, c, &f->items[i]};

		if (p.f->suppressed_by == LV_NONE)
			continue;
		fprintf(out, "suppressed  %s %s: ", p.f->id, finding_rule_name(p.f->rule));
		parts_chain(&p, p.f->chain.classes, p.f->chain.nr_classes);
		fprintf(out, " (line %" PRIu32 ": ",
			opts->suppressions->items[p.f->suppressed_by].line);
		words_put(out, opts->suppressions->items[p.f->suppressed_by].reason);
		fputs(")\n", out);
	}
	for (uint32_t i = 0; opts->suppressions && i < opts->suppressions->nr; i++) {
		const struct suppression *s = &opts->suppressions->items[i];

		if (s->hits)
			continue;
		fprintf(out, "unused      line %" PRIu32 " suppressed nothing: ", s->line);
		words_put(out, s->text);
		putc('\n', out);
	}
}

int report_deadlocks(FILE *out, const struct capture *c, const struct findings *f)
{
	uint32_t nr = 0, of = 0;

	for (uint32_t i = 0; i < f->nr; i++)
		of += f->items[i].rule == FINDING_DEADLOCK;
	for (uint32_t i = 0; i < f->nr; i++) {
		struct parts p = {out, c, &f->items[i]};

		if (p.f->rule == FINDING_DEADLOCK)
			text_finding(&p, ++nr, of, FINDING_OBSERVED);
	}
	return ferror(out) ? -EIO : 0;
}

/* One line a finding: what to read first of many. */
static void put_index(FILE *out, const struct capture *c, const struct findings *f,
		      const struct report_opts *opts, uint32_t shown)
{
	uint32_t listed = 0;

	fprintf(out, "lockvane: %" PRIu32 " finding%s\n", shown, shown == 1 ? "" : "s");
	for (uint32_t i = 0; i < f->nr && listed < INDEX_SHOWN; i++) {
		struct parts p = {out, c, &f->items[i]};

		if (!finding_shown(p.f, opts->least))
			continue;
		fprintf(out, "  %s  %-9s  %-18s  ", p.f->id,
			finding_confidence_name(p.f->confidence), finding_rule_name(p.f->rule));
		parts_chain(&p, p.f->chain.classes, p.f->chain.nr_classes);
		putc('\n', out);
		listed++;
	}
	if (listed < shown)
		fprintf(out, "  and %" PRIu32 " more\n", shown - listed);
	putc('\n', out);
}

static void put_findings(FILE *out, const struct capture *c, const struct findings *f,
			 const struct report_opts *opts, uint32_t shown)
{
	uint32_t number = 0, left_out = 0;
	uint64_t room = WEIGHT_MOST;

	for (uint32_t i = 0; i < f->nr; i++) {
		struct parts p = {out, c, &f->items[i]};

		if (!finding_shown(p.f, opts->least))
			continue;
		number++;
		if (weight_fits(c, p.f, &room))
			text_finding(&p, number, shown, opts->least);
		else
			left_out++;
	}
	if (left_out)
		fprintf(out, "lockvane: %" PRIu32 " more findings are too long to be shown\n\n",
			left_out);
}

int report_text(FILE *out, const struct capture *c, const struct findings *f,
		const struct report_opts *opts)
{
	uint32_t shown = findings_shown(f, opts->least);

	if (shown > 1 || (shown && opts->brief))
		put_index(out, c, f, opts, shown);
	if (!opts->brief)
		put_findings(out, c, f, opts, shown);
	if (!shown && shown + suppress_count(f) < f->nr)
		fprintf(out, "lockvane: nothing found that is %s or surer\n",
			finding_confidence_name(opts->least));
	else if (!shown)
		fprintf(out, "lockvane: nothing found%s\n",
			f->not_selected ? " of what was asked for" : "");
	if (opts->in_one)
		fprintf(out, "lockvane: %" PRIu32 " more are each in one capture alone: lockvane report "
			"shows them\n", opts->in_one);
	fputs("lockvane: summary\n", out);
	put_recorded(out, c);
	put_counts(out, f, opts);
	put_suppressed(out, c, f, opts);
	return ferror(out) ? -EIO : 0;
}
