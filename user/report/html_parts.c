// SPDX-License-Identifier: GPL-2.0-only
/* Pieces of a page: a lock, a chain, a stack and its place. */
#include <inttypes.h>
#include <string.h>

#include "report/html_internal.h"
#include "report/htmltext.h"
#include "report/words.h"

#define ENDS 24 /* locks at each end of a long chain that are named */

void html_name(FILE *out, const struct capture *c, uint32_t class)
{
	fputs("<code>", out);
	htmltext_put(out, c->classes[class].name);
	fputs("</code>", out);
}

void html_chain(FILE *out, const struct capture *c, const struct finding_chain *chain)
{
	fputs("<span class=\"chain\">", out);
	for (uint32_t i = 0; i < chain->nr_classes; i++) {
		if (i == ENDS && chain->nr_classes > 2 * ENDS) {
			fprintf(out, " &rarr; (%" PRIu32 " more)", chain->nr_classes - 2 * ENDS);
			i = chain->nr_classes - ENDS;
		}
		fputs(i ? " &rarr; " : "", out);
		htmltext_put(out, c->classes[chain->classes[i]].name);
	}
	fputs("</span>", out);
}

void html_stack(FILE *out, const struct capture *c, uint32_t index)
{
	const struct capture_stack *stack = words_stack(c, index);
	char comm[LV_COMM_LEN + 1] = "";

	if (!stack || !stack->nr_frames) {
		fputs("<p class=\"dim\">no stack was kept</p></details>\n", out);
		return;
	}
	memcpy(comm, stack->comm, LV_COMM_LEN);
	fputs("<p class=\"dim\">task ", out);
	htmltext_put(out, comm);
	fprintf(out, ", pid %" PRIu32 ", CPU %" PRIu32 "</p><ol class=\"stack\">", stack->pid,
		stack->cpu);
	for (uint32_t i = 0; i < stack->nr_frames; i++) {
		fputs("<li><code>", out);
		htmltext_put(out, stack->frames[i].text);
		fputs("</code></li>", out);
	}
	fputs("</ol></details>\n", out);
}

void html_where(FILE *out, const struct capture *c, uint32_t stack)
{
	char place[256];

	html_place(c, stack, place, sizeof(place));
	if (place[0]) {
		fputs(" in <code>", out);
		htmltext_put(out, place);
		fputs("</code>", out);
	}
	fputs("</summary>", out);
}
