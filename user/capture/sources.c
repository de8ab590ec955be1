// SPDX-License-Identifier: GPL-2.0-only
#include "capture/sources.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "capture/db_internal.h"
#include "capture/sources_internal.h"

static int by_frame(const void *a, const void *b)
{
	const struct source *x = a, *y = b;

	if (x->frame->ip != y->frame->ip)
		return x->frame->ip < y->frame->ip ? -1 : 1;
	return strcmp(x->frame->text, y->frame->text);
}

/* "+0xHEX": its end, or NULL. */
static char *parse_number(char *at, const char *before, uint64_t *ret)
{
	size_t len = strlen(before);
	char *end;

	if (strncmp(at, before, len))
		return NULL;
	*ret = strtoull(at + len, &end, 16);
	return end == at + len ? NULL : end;
}

/* "symbol", "symbol+0x1/0x2", "symbol+0x1/0x2 [module]" and nothing else. */
static int parse_place(struct source *s)
{
	char *at, *symbol = strdup(s->frame->text);
	uint64_t size;

	if (!symbol)
		return -ENOMEM;
	s->words = symbol;
	at = symbol + strcspn(symbol, "+ ");
	s->place.symbol = symbol;
	s->place.ip = s->frame->ip;
	if (*at == '+') {
		char *end = parse_number(at, "+0x", &s->place.offset);

		end = end ? parse_number(end, "/0x", &size) : NULL;
		*at = '\0';
		at = end;
	}
	if (at && !strncmp(at, " [", 2) && at[strlen(at) - 1] == ']') {
		at[strlen(at) - 1] = '\0';
		*at = '\0';
		s->place.module = at + 2;
	} else if (!at || *at || !strncmp(symbol, "0x", 2)) {
		s->words = NULL;
		free(symbol);
	}
	return 0;
}

void sources_done(struct sources *s)
{
	for (size_t i = 0; i < s->nr; i++) {
		for (size_t j = 0; j < s->all[i].nr; j++)
			free(s->all[i].texts[j]);
		free(s->all[i].texts);
		free(s->all[i].words);
	}
	free(s->all);
}

int sources_collect(const struct capture *c, struct sources *ret)
{
	size_t nr = 0, kept = 0;
	int err = 0;

	for (size_t i = 0; i < c->nr_stacks; i++)
		nr += c->stacks[i].nr_frames;
	ret->all = calloc(nr ? nr : 1, sizeof(*ret->all));
	if (!ret->all)
		return -ENOMEM;
	nr = 0;
	for (size_t i = 0; i < c->nr_stacks; i++)
		for (uint32_t f = 0; f < c->stacks[i].nr_frames; f++)
			ret->all[nr++].frame = &c->stacks[i].frames[f];
	qsort(ret->all, nr, sizeof(*ret->all), by_frame);
	for (size_t i = 0; i < nr; i++)
		if (!kept || by_frame(&ret->all[kept - 1], &ret->all[i]))
			ret->all[kept++] = ret->all[i];
	ret->nr = kept;
	for (size_t i = 0; !err && i < kept; i++)
		err = parse_place(&ret->all[i]);
	return err;
}

static const char *build_id_of(const void *capture, const char *module)
{
	return capture_build_id(capture, module);
}

static int match(const struct sources *s, struct debuginfo *d, const struct debuginfo_ran *ran,
		 struct error *err)
{
	AUTO_FREE struct debuginfo_place *places = calloc(s->nr ? s->nr : 1, sizeof(*places));
	size_t nr = 0;

	if (!places)
		return error_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < s->nr; i++)
		if (s->all[i].words)
			places[nr++] = s->all[i].place;
	return debuginfo_match(d, ran, places, nr, err);
}

int sources_add_text(struct source *s, char *text)
{
	char **grown = text ? reallocarray(s->texts, s->nr + 1, sizeof(*grown)) : NULL;

	if (!grown) {
		free(text);
		return -ENOMEM;
	}
	s->texts = grown;
	s->texts[s->nr++] = text;
	return 0;
}

static int add_line(void *arg, const struct debuginfo_line *line)
{
	struct source *s = arg;
	AUTO_STRBUF text = STRBUF_INIT;

	strbuf_addf(&text, "%s %s:%d%s", line->function ? line->function : s->frame->text,
		    line->file, line->line, line->function ? " [inline]" : "");
	return sources_add_text(s, strbuf_take(&text));
}

static int resolve(struct sources *s, struct debuginfo *d)
{
	for (size_t i = 0; i < s->nr; i++) {
		struct source *source = &s->all[i];
		int err = source->words ? debuginfo_lines(d, &source->place, add_line, source) : 0;

		if (err == -ENOMEM)
			return err;
	}
	return 0;
}

static const struct source *find(const struct sources *s, const struct capture_frame *frame)
{
	const struct source key = { .frame = frame };

	return bsearch(&key, s->all, s->nr, sizeof(*s->all), by_frame);
}

struct expanded {
	struct capture_frame *frames;
	uint32_t nr;
};

static void free_frames(struct capture_frame *frames, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++)
		free(frames[i].text);
	free(frames);
}

/*
 * How many frames a stack has with all lines. Lines that a capture does not hold are left off its
 * end.
 */
static uint32_t count_lines(const struct sources *s, const struct capture_stack *stack)
{
	size_t nr = 0;

	for (uint32_t f = 0; f < stack->nr_frames; f++) {
		const struct source *source = find(s, &stack->frames[f]);

		nr += source && source->nr ? source->nr : 1;
	}
	return nr < DB_MAX_DEPTH ? nr : DB_MAX_DEPTH;
}

static int expand_frame(struct expanded *e, uint32_t room, const struct capture_frame *frame,
			const struct source *source)
{
	size_t lines = source && source->nr ? source->nr : 1;

	for (size_t i = 0; i < lines && e->nr < room; i++) {
		const char *text = source && source->nr ? source->texts[i] : frame->text;

		e->frames[e->nr].ip = frame->ip;
		e->frames[e->nr].text = strdup(text);
		if (!e->frames[e->nr].text)
			return -ENOMEM;
		e->nr++;
	}
	return 0;
}

static int expand(const struct sources *s, const struct capture_stack *stack,
		  struct expanded *ret)
{
	uint32_t room = count_lines(s, stack);
	int err;

	ret->frames = calloc(room ? room : 1, sizeof(*ret->frames));
	err = ret->frames ? 0 : -ENOMEM;
	for (uint32_t f = 0; !err && f < stack->nr_frames; f++)
		err = expand_frame(ret, room, &stack->frames[f], find(s, &stack->frames[f]));
	return err;
}

/* First all that may fail, then the exchange: the old frames are what the sources stand on. */
int sources_exchange(struct capture *c, const struct sources *s)
{
	struct expanded *expanded = calloc(c->nr_stacks ? c->nr_stacks : 1, sizeof(*expanded));
	int err = expanded ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < c->nr_stacks; i++)
		err = expand(s, &c->stacks[i], &expanded[i]);
	for (size_t i = 0; expanded && i < c->nr_stacks; i++) {
		struct capture_stack *stack = &c->stacks[i];

		if (err) {
			free_frames(expanded[i].frames, expanded[i].nr);
			continue;
		}
		free_frames(stack->frames, stack->nr_frames);
		stack->frames = expanded[i].frames;
		stack->nr_frames = expanded[i].nr;
	}
	free(expanded);
	return err;
}

int sources_look_up(const struct capture *c, struct debuginfo *d, struct sources *s,
		    struct error *err)
{
	const struct debuginfo_ran ran = {build_id_of, c};
	int code = match(s, d, &ran, err);

	if (code)
		return code;
	code = resolve(s, d);
	return code ? error_set(err, code, "out of memory") : 0;
}

int sources_add(struct capture *c, struct debuginfo *d, struct error *err)
{
	struct sources s = {};
	int code = sources_collect(c, &s);

	if (code)
		error_set(err, code, "out of memory");
	code = code ? code : sources_look_up(c, d, &s, err);
	if (!code) {
		code = sources_exchange(c, &s);
		if (code)
			error_set(err, code, "out of memory");
	}
	sources_done(&s);
	return code;
}
