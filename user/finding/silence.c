// SPDX-License-Identifier: GPL-2.0-only
#include "finding/silence.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* A longer name ends in a star, so that a line stays shorter than suppress.c reads. */
#define NAME_MOST 200
#define NAMES_MOST 16
#define ANY_LOCKS "..."

/* Characters that mean something in a suppression become a '?', which fits them. */
static void put_name(struct strbuf *out, const char *name)
{
	size_t len = strlen(name), most = len < NAME_MOST ? len : NAME_MOST;
	bool dots = !strcmp(name, ANY_LOCKS);

	for (size_t i = 0; i < most; i++) {
		bool end = i == 0 || i + 1 == len;
		bool special = name[i] == ';' || (name[i] == ' ' && end) ||
			       (unsigned char)name[i] < ' ' || (dots && !i) ||
			       (name[i] == '>' && i >= 2 && name[i - 1] == '-' && name[i - 2] == '-');

		strbuf_add_bytes(out, special ? "?" : &name[i], 1);
	}
	if (most < len)
		strbuf_add(out, "*");
}

void silence_chain(enum finding_rule rule, const char *const *names, size_t nr, const char *why,
		   struct strbuf *out)
{
	size_t first = rule == FINDING_IRQ_INVERSION ? nr - 1 : 0;

	strbuf_addf(out, "%s: ", finding_rule_name(rule));
	if (first)
		strbuf_add(out, ANY_LOCKS " --> ");
	for (size_t i = first; i < nr; i++) {
		if (i > first)
			strbuf_add(out, " --> ");
		put_name(out, names[i]);
		/* A reader recognises a long chain by its ends. */
		if (nr - first > NAMES_MOST && i + 1 == NAMES_MOST / 2) {
			strbuf_add(out, " --> " ANY_LOCKS);
			i = nr - NAMES_MOST / 2 - 1;
		}
	}
	strbuf_addf(out, " ; %s\n", why);
}

static void put_chain(const struct capture *c, enum finding_rule rule,
		      const struct finding_chain *chain, const char *why, struct strbuf *out)
{
	AUTO_FREE const char **names = calloc(chain->nr_classes, sizeof(*names));

	if (!names) {
		out->failed = true;
		return;
	}
	for (uint32_t i = 0; i < chain->nr_classes; i++)
		names[i] = c->classes[chain->classes[i]].name;
	silence_chain(rule, names, chain->nr_classes, why, out);
}

void silence_finding(const struct capture *c, const struct finding *f, const char *why,
		     struct strbuf *out)
{
	put_chain(c, f->rule, &f->chain, why, out);
	for (uint32_t i = 0; f->rule != FINDING_IRQ_INVERSION && i < f->nr_also; i++)
		put_chain(c, f->rule, &f->also[i], why, out);
}

int silence_text(enum finding_rule rule, const char *chain, const char *why, struct strbuf *out)
{
	static const char arrow[] = " --> ";
	AUTO_FREE char *copy = strdup(chain);
	AUTO_FREE const char **names = NULL;
	size_t nr = 0, room = 1;

	for (const char *at = chain; (at = strstr(at, arrow)); at += strlen(arrow))
		room++;
	names = calloc(room, sizeof(*names));
	if (!copy || !names)
		return -ENOMEM;
	for (char *at = copy, *end; at; at = end) {
		end = strstr(at, arrow);
		names[nr++] = at;
		if (end) {
			*end = '\0';
			end += strlen(arrow);
		}
	}
	silence_chain(rule, names, nr, why, out);
	return 0;
}
