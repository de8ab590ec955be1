// SPDX-License-Identifier: GPL-2.0-only
/*
 * A page whose every text is the fuzzer's: names, frames, commands, the kernel's own words. The input
 * is texts with a tab between them, dealt out again when they have ended; every 64th has Graphviz
 * draw, too. The page must hold no element, attribute, link or character that report/html*.c does not
 * write.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"
#include "sample.h"

#define MAX_DEPTH 64
#define MAX_TEXT 300

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct capture *capture;

/* Two tasks that wait for each other, which no scenario has. */
static void add_ring(void)
{
	for (uint32_t i = 0; i < 2; i++) {
		struct capture_wait *wait = capture_add_wait(capture);

		must(wait, "memory");
		wait->class = i;
		wait->stack = i;
		wait->addr = 0xffff888000001000 + i * 64;
		wait->waited_ms = 10000;
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	capture = sample_capture();
	must(capture->nr_stacks >= 2 && capture_add_loss(capture), "a loss");
	add_ring();
	return 0;
}

/* --- texts ---------------------------------------------------------------------- */

struct input {
	const uint8_t *data;
	size_t size, at;
};

/* The next text, of at most `most` bytes. */
static size_t next_text(struct input *in, char *ret, size_t most)
{
	size_t len = 0;

	if (in->at >= in->size)
		in->at = 0;
	while (in->at < in->size && in->data[in->at] != '\t' && len < most)
		if (in->data[in->at++])
			ret[len++] = in->data[in->at - 1];
	in->at++;
	ret[len] = '\0';
	return len;
}

/* number: names of classes differ, as those of a capture do; -1: none. */
static void set_text(struct input *in, char **text, int number)
{
	char buf[MAX_TEXT + 16];
	size_t len = next_text(in, buf, MAX_TEXT);

	if (number >= 0)
		snprintf(buf + len, 16, "%d", number);
	free(*text);
	*text = strdup(buf);
	must(*text, "memory");
}

static void set_class(struct input *in, struct capture_class *class, int number)
{
	set_text(in, &class->name, number);
	set_text(in, &class->alias, -1);
	set_text(in, &class->kind, -1);
	set_text(in, &class->why, -1);
	set_text(in, &class->key, -1);
}

static void set_stack(struct input *in, struct capture_stack *stack)
{
	next_text(in, stack->comm, sizeof(stack->comm) - 1);
	for (uint32_t i = 0; i < stack->nr_frames; i++)
		set_text(in, &stack->frames[i].text, -1);
}

static void set_all(struct input *in)
{
	char **const own[] = {&capture->version, &capture->kernel,  &capture->build,
			      &capture->machine, &capture->command, &capture->tainted};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		set_text(in, own[i], -1);
	for (size_t i = 0; i < capture->nr_classes; i++)
		set_class(in, &capture->classes[i], i);
	for (size_t i = 0; i < capture->nr_stacks; i++)
		set_stack(in, &capture->stacks[i]);
	for (size_t i = 0; i < capture->nr_losses; i++) {
		set_text(in, &capture->losses[i].name, i);
		set_text(in, &capture->losses[i].text, -1);
		set_text(in, &capture->losses[i].programs, -1);
		capture->losses[i].count = i + 1;
	}
}

/* --- the page -------------------------------------------------------------------- */

static const char *const tags[] = {
	"html",	   "head",    "meta",	"title", "style", "body", "header",  "main",
	"nav",	   "section", "footer", "h1",	 "h2",	  "h3",	  "p",	     "a",
	"code",	   "pre",     "span",	"div",	 "ol",	  "li",	  "dl",	     "dt",
	"dd",	   "br",      "table",	"thead", "tbody", "tr",	  "th",	     "td",
	"details", "summary", "svg",	"g",	 "path",  "rect", "polygon", "text"};
static const char *const empty_tags[] = {"meta", "br", "path", "rect", "polygon"};
static const char *const attributes[] = {
	"lang", "charset", "http-equiv", "content", "name",   "class",	    "href",
	"id",	"role",	   "tabindex",	 "scope",   "width",  "height",	    "viewBox",
	"x",	"y",	   "rx",	 "d",	    "points", "aria-label", "aria-labelledby"};

struct page {
	const char *at;
	const char *open[MAX_DEPTH];
	size_t depth;
};

#define FIND(list, text, len) find(list, sizeof(list) / sizeof((list)[0]), text, len)

static const char *find(const char *const *list, size_t nr, const char *text, size_t len)
{
	for (size_t i = 0; i < nr; i++)
		if (strlen(list[i]) == len && !memcmp(list[i], text, len))
			return list[i];
	return NULL;
}

static size_t word_len(const char *at)
{
	return strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");
}

static bool is_entity(const char *at)
{
	static const char *const entities[] = {"&amp;",	 "&lt;",  "&gt;",
					       "&quot;", "&#39;", "&rarr;"};

	for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++)
		if (!strncmp(at, entities[i], strlen(entities[i])))
			return true;
	return false;
}

/* Text up to one of the bytes in `end`, which the text of a page cannot hold as it is. */
static void read_text(struct page *p, const char *end)
{
	for (; *p->at && !strchr(end, *p->at); p->at++) {
		must(*p->at != '&' || is_entity(p->at), "an ampersand as it is");
		must(*p->at != '<' && *p->at != '>', "a bracket as it is");
	}
}

static void read_attribute(struct page *p)
{
	size_t len = word_len(p->at);
	const char *name = FIND(attributes, p->at, len);

	must(name, "an attribute that no page has");
	p->at += len;
	must(!strncmp(p->at, "=\"", 2), "an attribute without quotes");
	p->at += 2;
	must(strcmp(name, "href") || *p->at == '#', "a link out of the page");
	read_text(p, "\"");
	must(*p->at++ == '"', "an attribute without an end");
}

static void open_tag(struct page *p)
{
	size_t len = word_len(p->at);
	const char *tag = FIND(tags, p->at, len);
	bool closed;

	must(tag, "an element that no page has");
	for (p->at += len; *p->at == ' ';) {
		p->at++;
		read_attribute(p);
	}
	closed = *p->at == '/';
	p->at += closed;
	must(*p->at++ == '>', "an element without an end");
	if (closed || FIND(empty_tags, tag, strlen(tag)))
		return;
	must(p->depth < MAX_DEPTH, "elements in elements without end");
	p->open[p->depth++] = tag;
	if (!strcmp(tag, "style")) {
		p->at = strstr(p->at, "</style>");
		must(p->at, "a style without an end");
	}
}

static void close_tag(struct page *p)
{
	size_t len = word_len(p->at);

	must(p->depth && FIND(&p->open[p->depth - 1], p->at, len), "an end of something else");
	p->depth--;
	p->at += len;
	must(*p->at++ == '>', "an end without an end");
}

static void read_page(const char *text, size_t len)
{
	static const char type[] = "<!DOCTYPE html>";
	struct page p = {.at = text};

	for (size_t i = 0; i < len; i++)
		must(text[i] == '\n' || text[i] == '\t' || (text[i] >= ' ' && text[i] <= '~'),
		     "a page that is not printable");
	must(!strncmp(text, type, strlen(type)), "a page of no type");
	p.at += strlen(type);
	for (read_text(&p, "<"); *p.at; read_text(&p, "<")) {
		p.at++;
		if (*p.at == '/') {
			p.at++;
			close_tag(&p);
		} else {
			open_tag(&p);
		}
	}
	must(!p.depth, "an element that nothing ends");
}

static void print_page(void)
{
	const struct report_opts opts = {.least = FINDING_WEAK};
	struct findings *found = NULL;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	must(out && !finding_analyse(capture, &found), "analysis");
	must(found->nr >= 4, "too little was found");
	must(!report_html(out, capture, found, &opts) && !fclose(out), "no page");
	read_page(text, len);
	findings_free(found);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data + 1, size - 1, 0};

	if (size < 2)
		return 0;
	setenv("PATH", data[0] % 64 ? "/nonexistent" : "/usr/bin:/bin", 1);
	set_all(&in);
	print_page();
	return 0;
}
