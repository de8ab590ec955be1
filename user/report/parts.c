// SPDX-License-Identifier: GPL-2.0-only
#include "report/parts.h"

#include <inttypes.h>
#include <string.h>

#define MAX_DEPTH 40 /* a longer chain is not indented further */
#define LONG_CHAIN 64
#define CHAIN_HEAD 32
#define CHAIN_TAIL 24

static void put_line(FILE *out, char c, size_t width)
{
	while (width--)
		putc(c, out);
	putc('\n', out);
}

/* Release, number of the build, taint: as lockdep, which ends at the first blank. */
static void put_kernel(FILE *out, const struct capture *c)
{
	words_put(out, c->kernel);
	if (c->build && *c->build) {
		putc(' ', out);
		for (const char *at = c->build; *at && *at != ' '; at++)
			words_put(out, (char[]){*at, '\0'});
	}
	if (c->tainted) {
		putc(' ', out);
		words_put(out, c->tainted);
	}
	putc('\n', out);
}

void parts_heading(const struct parts *p, char line, const char *heading)
{
	put_line(p->out, '=', strlen(heading));
	fprintf(p->out, "%s\n", heading);
	put_kernel(p->out, p->c);
	put_line(p->out, line, strlen(heading));
}

void parts_name(const struct parts *p, uint32_t class)
{
	words_put(p->out, p->c->classes[class].name);
}

void parts_class(const struct parts *p, uint32_t class)
{
	char usage[CAPTURE_USAGE_LEN];

	capture_usage_text(p->c->classes[class].usage, usage);
	fputs(" (", p->out);
	parts_name(p, class);
	fprintf(p->out, ")%s", usage);
}

static void put_lock_at(const struct parts *p, uint32_t class, uint64_t addr, const char *place,
			const char *doubt)
{
	if (addr)
		fprintf(p->out, "%016" PRIx64, addr);
	else
		fputs("<address not seen>", p->out);
	parts_class(p, class);
	fputs(", at: ", p->out);
	words_put(p->out, place);
	fprintf(p->out, "%s\n", doubt);
}

/* A line for each function inlined there, and one for the place. */
static void put_lock(const struct parts *p, uint32_t class, uint64_t addr, uint32_t stack,
		     const char *doubt)
{
	const struct capture_stack *seen = words_stack(p->c, stack);
	uint32_t i;
	const char *place = words_place(seen, &i);

	for (; seen && i < seen->nr_frames && seen->frames[i].text != place; i++)
		put_lock_at(p, class, addr, seen->frames[i].text, doubt);
	put_lock_at(p, class, addr, place, doubt);
}

void parts_lock(const struct parts *p, uint32_t class, uint64_t addr, uint32_t stack)
{
	put_lock(p, class, addr, stack, "");
}

void parts_holder(const struct parts *p, const struct capture_edge *edge)
{
	uint32_t some = words_some_stack(p->c, edge->from, edge->from_addr);

	if (edge->from_stack != LV_NONE)
		parts_lock(p, edge->from, edge->from_addr, edge->from_stack);
	else
		put_lock(p, edge->from, edge->from_addr, some,
			 some == LV_NONE ? "" : " (one place where it is taken)");
}

void parts_task(const struct parts *p, uint32_t stack)
{
	const struct capture_stack *seen = words_stack(p->c, stack);
	char comm[LV_COMM_LEN + 1] = "";

	if (!seen) {
		fputs("some task", p->out);
		return;
	}
	memcpy(comm, seen->comm, LV_COMM_LEN);
	words_put(p->out, comm);
	fprintf(p->out, "/%" PRIu32, seen->pid);
}

void parts_stack(const struct parts *p, uint32_t stack, int indent)
{
	const struct capture_stack *seen = words_stack(p->c, stack);

	if (!seen || !seen->nr_frames) {
		fprintf(p->out, "%*s<stack not kept>\n", indent, "");
		return;
	}
	for (uint32_t i = 0; i < seen->nr_frames; i++) {
		fprintf(p->out, "%*s", indent, "");
		words_put(p->out, seen->frames[i].text);
		putc('\n', p->out);
	}
}

void parts_place_addr(const struct parts *p, uint32_t stack)
{
	const struct capture_stack *seen = words_stack(p->c, stack);
	const char *place = words_place(seen, NULL);

	for (uint32_t i = 0; seen && i < seen->nr_frames; i++)
		if (seen->frames[i].text == place && seen->frames[i].ip)
			fprintf(p->out, "[<%016" PRIx64 ">] ", seen->frames[i].ip);
}

void parts_chain(const struct parts *p, const uint32_t *classes, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i = parts_next(p, i, nr, " --> (%u more)")) {
		if (i)
			fputs(" --> ", p->out);
		parts_name(p, classes[i]);
	}
}

void parts_chain_exists(const struct parts *p, const uint32_t *classes, uint32_t nr)
{
	fputs("Chain exists of:\n  ", p->out);
	parts_chain(p, classes, nr);
	fputs("\n\n", p->out);
}

/* lockdep's order: the bits by number, then first use. */
static void put_usages(const struct parts *p, const struct capture_class *class, int depth)
{
	for (enum lv_usage bit = 0; bit < LV_USAGES; bit++) {
		const char *name = words_usage(bit);

		if (!(class->usage & (1u << bit)))
			continue;
		fprintf(p->out, "%*s   %s at:\n", depth, "", name);
		parts_stack(p, class->usage_stack[bit], 2 * depth + 8 + (int)strlen(name));
	}
}

uint32_t parts_next(const struct parts *p, uint32_t i, uint32_t nr, const char *format)
{
	if (nr <= LONG_CHAIN || i + 1 != CHAIN_HEAD)
		return i + 1;
	fprintf(p->out, format, nr - CHAIN_HEAD - CHAIN_TAIL);
	return nr - CHAIN_TAIL;
}

int parts_depth(uint32_t depth)
{
	return depth < MAX_DEPTH ? (int)depth : MAX_DEPTH;
}

void parts_class_block(const struct parts *p, uint32_t class, int depth)
{
	const struct capture_class *seen = &p->c->classes[class];

	fprintf(p->out, "%*s->", depth, "");
	parts_class(p, class);
	fputs(" {\n", p->out);
	put_usages(p, seen, depth);
	fprintf(p->out, "%*s }\n", depth, "");
	fprintf(p->out, "%*s ... key      at: ", depth, "");
	words_put(p->out, seen->key ? seen->key : "not known");
	if (seen->alias && strcmp(seen->alias, seen->name)) {
		fprintf(p->out, "\n%*s ... the kernel calls it: ", depth, "");
		words_put(p->out, seen->alias);
	}
	if (seen->certainty != CAPTURE_EXACT)
		fprintf(p->out, "\n%*s ... %s: %s", depth, "", words_certainty(seen->certainty),
			seen->certainty == CAPTURE_INFERRED
				? "one answer fitted what was seen of its memory"
				: "unrelated locks may share this class");
	putc('\n', p->out);
}

void parts_acquired(const struct parts *p, uint32_t stack, int depth)
{
	fprintf(p->out, "%*s ... acquired at:\n", depth, "");
	parts_stack(p, stack, 3);
	putc('\n', p->out);
}

/* " #2 BUILDID": the build's number, and what debug information is looked for by. */
static void put_build(const struct parts *p)
{
	const char *id = capture_build_id(p->c, NULL);
	char number[16];

	if (p->c->build && p->c->build[0] == '#') {
		snprintf(number, sizeof(number), "%.*s", (int)strcspn(p->c->build, " "), p->c->build);
		putc(' ', p->out);
		words_put(p->out, number);
	}
	if (id) {
		putc(' ', p->out);
		words_put(p->out, id);
	}
}

void parts_backtrace(const struct parts *p, uint32_t stack)
{
	const struct capture_stack *seen = words_stack(p->c, stack);
	char comm[LV_COMM_LEN + 1] = "";

	if (!seen)
		return;
	memcpy(comm, seen->comm, LV_COMM_LEN);
	fprintf(p->out, "\nstack backtrace:\nCPU: %" PRIu32 " PID: %" PRIu32 " Comm: ", seen->cpu,
		seen->pid);
	words_put(p->out, comm);
	putc(' ', p->out);
	if (p->c->tainted) {
		words_put(p->out, p->c->tainted);
		putc(' ', p->out);
	}
	words_put(p->out, p->c->kernel);
	put_build(p);
	fputs("\nCall Trace:\n", p->out);
	parts_stack(p, stack, 1);
}
