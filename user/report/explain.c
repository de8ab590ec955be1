// SPDX-License-Identifier: GPL-2.0-only
/* Why a class has its name and grade: place, evidence, sites, instances, annotations. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "finding/annotations.h"
#include "report/report.h"
#include "report/words.h"

#define MOST 24 /* sites, or instances, that are listed */

/* Unknown parts have no line. */
static void put_line(FILE *out, const char *what, const char *text)
{
	if (!text || !text[0])
		return;
	fprintf(out, "  %-12s", what);
	words_put(out, text);
	putc('\n', out);
}

/* The evidence that the namer kept, "; " between. */
static void put_evidence(FILE *out, const struct capture_class *class)
{
	const char *line = class->why ? class->why : "";

	while (*line) {
		const char *end = strstr(line, "; ");
		size_t len = end ? (size_t)(end - line) : strlen(line);
		char text[256];

		snprintf(text, sizeof(text), "%.*s", (int)len, line);
		put_line(out, "evidence", text);
		line += len + (end ? 2 : 0);
	}
}

/* The frame behind the lock's function, once for each function and offset. */
struct sites {
	const char *text[MOST];
	size_t nr, more;
};

static void add_site(const struct capture *c, uint32_t id, struct sites *sites)
{
	const struct capture_stack *s = words_stack(c, id);
	const char *text = s ? words_place(s, NULL) : NULL;

	if (!text)
		return;
	for (size_t i = 0; i < sites->nr; i++)
		if (!strcmp(sites->text[i], text))
			return;
	if (sites->nr == MOST)
		sites->more++;
	else
		sites->text[sites->nr++] = text;
}

static void put_sites(FILE *out, const struct capture *c, uint32_t id)
{
	const struct capture_class *class = &c->classes[id];
	struct sites sites = {};

	for (int bit = 0; bit < LV_USAGES; bit++)
		if (class->usage & 1u << bit && (bit == LV_USED || bit == LV_USED_READ))
			add_site(c, class->usage_stack[bit], &sites);
	for (size_t i = 0; i < c->nr_edges; i++)
		if (c->edges[i].to == id)
			add_site(c, c->edges[i].stack, &sites);
	for (size_t i = 0; i < sites.nr; i++)
		put_line(out, i ? "" : "taken at", sites.text[i]);
	if (sites.more)
		fprintf(out, "  %-12s%zu more\n", "", sites.more);
}

static void put_usage(FILE *out, const struct capture *c, const struct capture_class *class)
{
	for (int bit = 0; bit < LV_USAGES; bit++) {
		const struct capture_stack *s = words_stack(c, class->usage_stack[bit]);

		if (!(class->usage & 1u << bit))
			continue;
		fprintf(out, "  %-12s%s, instance %016" PRIx64 ", ", "usage", words_usage(bit),
			class->usage_addr[bit]);
		words_put(out, s ? words_place(s, NULL) : "stack not kept");
		putc('\n', out);
	}
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Addresses that usages and dependencies kept: some of the instances, not all there were. */
static int put_instances(FILE *out, const struct capture *c, uint32_t id)
{
	const struct capture_class *class = &c->classes[id];
	uint64_t *addr = calloc(LV_USAGES + 2 * c->nr_edges + 1, sizeof(*addr));
	size_t nr = 0, kept = 0;

	if (!addr)
		return -ENOMEM;
	for (int bit = 0; bit < LV_USAGES; bit++)
		if (class->usage & 1u << bit && class->usage_addr[bit])
			addr[nr++] = class->usage_addr[bit];
	for (size_t i = 0; i < c->nr_edges; i++) {
		if (c->edges[i].from == id && c->edges[i].from_addr)
			addr[nr++] = c->edges[i].from_addr;
		if (c->edges[i].to == id && c->edges[i].to_addr)
			addr[nr++] = c->edges[i].to_addr;
	}
	qsort(addr, nr, sizeof(*addr), by_value);
	for (size_t i = 0; i < nr; i++)
		if (!i || addr[i] != addr[i - 1])
			addr[kept++] = addr[i];
	fprintf(out, "  %-12s%zu kept%s", "instances", kept, kept ? ":" : "");
	for (size_t i = 0; i < kept && i < MOST; i++)
		fprintf(out, " %016" PRIx64, addr[i]);
	fprintf(out, "%s\n", kept > MOST ? " ..." : "");
	free(addr);
	return 0;
}

static const char *kind_text(enum annotation_kind kind)
{
	static const char *const texts[ANNOTATION_KINDS] = {
		[ANNOTATION_NESTED] = "taken as subclass",
		[ANNOTATION_NESTED_PLAIN] = "taken plainly, and as subclass",
		[ANNOTATION_NEST_LOCK] = "taken in any order, under",
		[ANNOTATION_SET_CLASS] = "its class is set to",
		[ANNOTATION_SET_SUBCLASS] = "its subclass is set to",
		[ANNOTATION_NOVALIDATE] = "not validated",
		[ANNOTATION_CMP_FN] = "ordered by a function",
		[ANNOTATION_NON_OWNER] = "given back by another task",
	};

	return texts[kind];
}

static int put_annotations(FILE *out, const struct capture *c, const struct capture_class *class)
{
	const struct annotation_member *member;
	struct annotations *a = NULL;
	bool inner = false;
	int err = annotations_builtin(c->kernel, &a);

	if (err)
		return err;
	member = annotations_find(a, class->name, &inner);
	for (uint32_t i = 0; member && i < member->nr && i < MOST; i++) {
		const struct annotation *row = &member->rows[i];

		fprintf(out, "  %-12s%s: %s %s in %s\n", i ? "" : "annotation", member->name,
			kind_text(row->kind), row->what, row->function);
	}
	if (member && member->nr > MOST)
		fprintf(out, "  %-12s%u more\n", "", member->nr - MOST);
	annotations_free(a);
	return 0;
}

int report_explain(FILE *out, const struct capture *c, uint32_t id)
{
	static const char *const grades[] = {
		[CAPTURE_EXACT] = "exact: one class, and its name is right",
		[CAPTURE_INFERRED] = "inferred: one answer fits the evidence",
		[CAPTURE_AMBIGUOUS] = "ambiguous: unrelated locks may share it",
	};
	const struct capture_class *class = &c->classes[id];
	char usage[CAPTURE_USAGE_LEN];
	int err;

	capture_usage_text(class->usage, usage);
	words_put(out, class->name);
	fprintf(out, " %s\n", usage);
	put_line(out, "grade", grades[class->certainty]);
	fprintf(out, "  %-12s%s, taken %" PRIu64 " time%s\n", "lock", words_family(class->family),
		class->acquisitions, class->acquisitions == 1 ? "" : "s");
	put_line(out, "memory", class->kind);
	put_line(out, "place", class->key);
	put_line(out, "kernel says", class->alias);
	if (class->subclass & ~(~0u << LV_SUBCLASS_KIND_SHIFT))
		put_line(out, "twin", "taken while another lock of the class was held");
	put_evidence(out, class);
	put_sites(out, c, id);
	put_usage(out, c, class);
	err = put_instances(out, c, id);
	err = err ? err : put_annotations(out, c, class);
	return err ? err : ferror(out) ? -EIO : 0;
}
