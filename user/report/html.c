// SPDX-License-Identifier: GPL-2.0-only
/*
 * The report as one page: nothing is loaded, nothing runs. Its policy forbids all of that, and allows
 * the one style sheet by its hash.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "html_style.h"
#include "report/html_internal.h"
#include "report/htmltext.h"
#include "report/weight.h"
#include "report/words.h"

#define DRAWN 200		      /* findings whose graph is drawn */
#define PAGE_MOST (WEIGHT_MOST / 4) /* the page has each stack twice, and tags around each frame */
#define CLASSES 300		      /* locks of findings that are told of */
#define NEIGHBOURS 40		      /* for each of these, on either side */

/* The content of the page. */
struct page {
	FILE *out;
	const struct capture *c;
	const struct findings *f;
	const struct report_opts *opts;
	uint32_t *shown; /* indices of findings */
	uint32_t nr_shown, left_out;
	struct drawing *drawings; /* for the first DRAWN findings */
	uint32_t *classes;	  /* the findings' classes */
	uint32_t nr_classes;
	bool *listed; /* by class: is it one of these? */
};

static int choose(struct page *p)
{
	uint64_t room = PAGE_MOST;

	p->shown = calloc(p->f->nr + 1, sizeof(*p->shown));
	if (!p->shown)
		return -ENOMEM;
	for (uint32_t i = 0; i < p->f->nr; i++) {
		if (!finding_shown(&p->f->items[i], p->opts->least))
			continue;
		if (weight_fits(p->c, &p->f->items[i], &room))
			p->shown[p->nr_shown++] = i;
		else
			p->left_out++;
	}
	return 0;
}

/* Without dot the page has the words alone. */
static int draw(struct page *p)
{
	uint32_t nr = p->nr_shown < DRAWN ? p->nr_shown : DRAWN;

	p->drawings = calloc(nr + 1, sizeof(*p->drawings));
	if (!p->drawings)
		return -ENOMEM;
	for (uint32_t i = 0; i < nr; i++)
		html_draw(p->c, &p->f->items[p->shown[i]], &p->drawings[i]);
	drawing_place(p->drawings, nr);
	return 0;
}

static int list_classes(struct page *p)
{
	p->classes = calloc(CLASSES, sizeof(*p->classes));
	p->listed = calloc(p->c->nr_classes + 1, sizeof(*p->listed));
	if (!p->classes || !p->listed)
		return -ENOMEM;
	for (uint32_t i = 0; i < p->nr_shown; i++) {
		const struct finding_chain *chain = &p->f->items[p->shown[i]].chain;

		for (uint32_t n = 0; n < chain->nr_classes && p->nr_classes < CLASSES; n++) {
			if (p->listed[chain->classes[n]])
				continue;
			p->listed[chain->classes[n]] = true;
			p->classes[p->nr_classes++] = chain->classes[n];
		}
	}
	return 0;
}

/* --- the page ------------------------------------------------------------------- */

static void put_head(const struct page *p)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
	      "'sha256-" HTML_STYLE_HASH "'; base-uri 'none'; form-action 'none'\">\n"
	      "<meta name=\"referrer\" content=\"no-referrer\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>lockvane: ", p->out);
	fprintf(p->out, "%" PRIu32 " finding%s</title>\n<style>", p->nr_shown,
		p->nr_shown == 1 ? "" : "s");
	fputs(HTML_STYLE, p->out);
	fputs("</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#findings\">Skip to the findings</a>\n"
	      "<header id=\"top\"><h1>lockvane: ", p->out);
	fprintf(p->out, "%" PRIu32 " finding%s</h1>\n<p class=\"dim\">Lock orders that can deadlock, on "
			"kernel <code>", p->nr_shown, p->nr_shown == 1 ? "" : "s");
	htmltext_put(p->out, p->c->kernel);
	fputs("</code></p></header>\n", p->out);
}

static void put_index(const struct page *p)
{
	if (!p->nr_shown) {
		fputs("<p>Nothing was found; what that is worth is below, in what was seen.</p>\n",
		      p->out);
		return;
	}
	fputs("<nav aria-label=\"findings\"><h2>Findings</h2>\n<ol>\n", p->out);
	for (uint32_t i = 0; i < p->nr_shown; i++) {
		const struct finding *f = &p->f->items[p->shown[i]];

		fprintf(p->out, "<li><a href=\"#f-%s\">%s</a> <span class=\"grade %s\">%s</span> ",
			f->id, finding_rule_name(f->rule), finding_confidence_name(f->confidence),
			finding_confidence_name(f->confidence));
		html_chain(p->out, p->c, &f->chain);
		fputs("</li>\n", p->out);
	}
	fputs("</ol></nav>\n", p->out);
}

static void put_findings(const struct page *p)
{
	fputs("<main id=\"findings\">\n", p->out);
	for (uint32_t i = 0; i < p->nr_shown && !ferror(p->out); i++)
		html_finding(p->out, p->c, &p->f->items[p->shown[i]],
			     i < DRAWN ? &p->drawings[i] : NULL, p->opts->least);
	if (p->left_out)
		fprintf(p->out, "<p>%" PRIu32 " more findings are too long for this page: "
				"<code>lockvane report --id ID</code> shows one.</p>\n", p->left_out);
	fputs("</main>\n", p->out);
}

/* --- the locks of the findings, and what they nest in ----------------------------- */

static void put_neighbour(const struct page *p, uint32_t class)
{
	if (p->listed[class])
		fprintf(p->out, "<a href=\"#c-%" PRIu32 "\">", class);
	fputs("<code>", p->out);
	htmltext_put(p->out, p->c->classes[class].name);
	fputs(p->listed[class] ? "</code></a>" : "</code>", p->out);
}

/* One of an edge's ends may be the class; the other one is its neighbour. */
static void put_neighbours(const struct page *p, uint32_t class, bool inner, const char *what)
{
	uint32_t put = 0, more = 0;

	fprintf(p->out, "<dt>%s</dt><dd>", what);
	for (size_t i = 0; i < p->c->nr_edges; i++) {
		const struct capture_edge *edge = &p->c->edges[i];

		if ((inner ? edge->from : edge->to) != class)
			continue;
		if (put == NEIGHBOURS) {
			more++;
			continue;
		}
		fputs(put++ ? ", " : "", p->out);
		put_neighbour(p, inner ? edge->to : edge->from);
	}
	if (more)
		fprintf(p->out, " and %" PRIu32 " more", more);
	fputs(put ? "</dd>" : "none that was seen</dd>", p->out);
}

static void put_class(const struct page *p, uint32_t class)
{
	const struct capture_class *seen = &p->c->classes[class];
	char usage[CAPTURE_USAGE_LEN];

	capture_usage_text(seen->usage, usage);
	fprintf(p->out, "<details id=\"c-%" PRIu32 "\"><summary><code>", class);
	htmltext_put(p->out, seen->name);
	fprintf(p->out, "%s</code></summary><dl><dt>lock</dt><dd>%s, taken %" PRIu64 " times</dd>"
			"<dt>the kernel calls it</dt><dd>", usage, words_family(seen->family),
		seen->acquisitions);
	htmltext_put(p->out, seen->alias ? seen->alias : "-");
	fputs("</dd><dt>lives at</dt><dd>", p->out);
	htmltext_put(p->out, seen->key);
	fprintf(p->out, "</dd><dt>name and grade</dt><dd>%s", words_certainty(seen->certainty));
	if (seen->why) {
		fputs(": ", p->out);
		htmltext_put(p->out, seen->why);
	}
	fputs("</dd>", p->out);
	put_neighbours(p, class, false, "taken under");
	put_neighbours(p, class, true, "taken under it");
	fputs("</dl></details>\n", p->out);
}

static void put_classes(const struct page *p)
{
	if (!p->nr_classes)
		return;
	fputs("<section id=\"locks\" aria-labelledby=\"h-locks\"><h2 id=\"h-locks\">The locks, and what "
	      "they nest in</h2>\n", p->out);
	for (uint32_t i = 0; i < p->nr_classes && !ferror(p->out); i++)
		put_class(p, p->classes[i]);
	fputs("</section>\n", p->out);
}

/* --- seen, and not seen ---------------------------------------------------- */

static void put_losses(const struct page *p)
{
	uint32_t put = 0;

	fputs("<dt>lost</dt><dd>", p->out);
	for (size_t i = 0; i < p->c->nr_losses; i++) {
		const struct capture_loss *loss = &p->c->losses[i];

		if (!loss->count)
			continue;
		fprintf(p->out, "%s%" PRIu64 " ", put++ ? "<br>" : "", loss->count);
		htmltext_put(p->out, loss->text ? loss->text : loss->name);
	}
	fputs(put ? "</dd>" : "nothing</dd>", p->out);
}

static void put_limits(const struct page *p)
{
	static const char *const always =
		"code that did not run, and locks without a function to hook";

	fputs("<dt>not seen</dt><dd>", p->out);
	fputs(always, p->out);
	if (p->c->irqs_unseen)
		fputs("<br>the state of interrupts: only some uses with interrupts on are known", p->out);
	if (p->c->unlocks_hidden)
		fputs("<br>some unlocks: what rests on a spinning lock's holder is likely at most",
		      p->out);
	if (p->c->preempts && !p->c->misses_asked)
		fputs("<br>some releases of sleeping locks, as this kernel preempts itself", p->out);
	fputs("</dd>", p->out);
}

static void put_left(const struct page *p)
{
	uint32_t suppressed = suppress_count(p->f);
	uint32_t withheld = p->f->nr - findings_shown(p->f, p->opts->least) - suppressed;

	fprintf(p->out, "<dt>not shown</dt><dd>%" PRIu32 " less sure than %s, %" PRIu32
			" suppressed, %" PRIu32 " not asked for%s</dd>", withheld,
		finding_confidence_name(p->opts->least), suppressed, p->f->not_selected,
		p->f->cut_short ? "; the search was cut short: there may be more" : "");
}

static void put_seen(const struct page *p)
{
	const struct capture *c = p->c;

	fputs("<section id=\"seen\" aria-labelledby=\"h-seen\"><h2 id=\"h-seen\">Coverage</h2>\n"
	      "<dl><dt>kernel</dt><dd>", p->out);
	htmltext_put(p->out, c->kernel);
	putc(' ', p->out);
	htmltext_put(p->out, c->build ? c->build : "");
	fprintf(p->out, "</dd><dt>events</dt><dd>%" PRIu64, c->events);
	if (c->duration)
		fprintf(p->out, " in %.1f s", (double)c->duration / 1e9);
	if (c->command) {
		fputs(" of <code>", p->out);
		htmltext_put(p->out, c->command);
		fputs("</code>", p->out);
	}
	for (size_t i = 0; i < c->nr_sources; i++) {
		fputs(i ? "<br>" : "</dd><dt>captures</dt><dd>", p->out);
		htmltext_put(p->out, c->sources[i].name);
		fprintf(p->out, ", %" PRIu64 " events, %" PRIu64 " lost", c->sources[i].events,
			c->sources[i].lost);
	}
	fprintf(p->out, "</dd><dt>graph</dt><dd>%zu classes, %zu dependencies</dd>", c->nr_classes,
		c->nr_edges);
	put_losses(p);
	put_limits(p);
	put_left(p);
	fputs("</dl>\n</section>\n", p->out);
}

static void page_done(struct page *p)
{
	free(p->shown);
	free(p->drawings);
	free(p->classes);
	free(p->listed);
}

int report_html(FILE *out, const struct capture *c, const struct findings *f,
		const struct report_opts *opts)
{
	struct page p = { .out = out, .c = c, .f = f, .opts = opts };
	int err = choose(&p);

	err = err ?: draw(&p);
	err = err ?: list_classes(&p);
	if (!err) {
		put_head(&p);
		put_index(&p);
		if (!opts->brief)
			put_findings(&p);
		if (!opts->brief)
			put_classes(&p);
		put_seen(&p);
		fprintf(out, "<footer class=\"dim\"><p>lockvane %s</p></footer>\n</body>\n</html>\n",
			LOCKVANE_VERSION);
	}
	page_done(&p);
	return err ? err : ferror(out) ? -EIO : 0;
}
