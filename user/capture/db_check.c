// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is a capture one? Asked before saving, so that what is saved can be loaded,
 * and after loading, so that nobody behind has to ask.
 */
#include <errno.h>
#include <stdlib.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "capture/db_internal.h"

static int check_count(size_t nr, size_t max, const char *what, struct error *err)
{
	if (nr <= max)
		return 0;
	return error_set(err, -EINVAL, "%zu %s, a capture holds at most %zu", nr, what, max);
}

static int check_counts(const struct capture *c, struct error *err)
{
	int code = check_count(c->nr_classes, DB_MAX_CLASSES, "classes", err);

	if (!code)
		code = check_count(c->nr_edges, DB_MAX_EDGES, "edges", err);
	if (!code)
		code = check_count(c->nr_stacks, DB_MAX_STACKS, "stacks", err);
	if (!code)
		code = check_count(c->nr_facts, DB_MAX_FACTS, "facts", err);
	if (!code)
		code = check_count(c->nr_waits, DB_MAX_WAITS, "waits", err);
	if (!code)
		code = check_count(c->nr_losses, DB_MAX_LOSSES, "kinds of loss", err);
	if (!code)
		code = check_count(c->nr_images, DB_MAX_IMAGES, "images", err);
	if (!code)
		code = check_count(c->nr_sources, CAPTURE_MAX_SOURCES, "captures in it", err);
	return code;
}

static int check_run(const struct capture *c, struct error *err)
{
	const char *missing = !c->version ? "version" :
			      !c->kernel  ? "kernel" :
			      !c->build	  ? "build" :
			      !c->machine ? "machine" :
					    NULL;

	if (missing)
		return error_set(err, -EINVAL, "capture: no %s", missing);
	return 0;
}

/* An index that must be there, or may be LV_NONE. */
static int check_ref(uint32_t ref, size_t nr, bool none, const char *what, size_t i,
		     const char *field, struct error *err)
{
	if (ref < nr || (none && ref == LV_NONE))
		return 0;
	return error_set(err, -EINVAL, "%s %zu: %s %u is not there, %zu are", what, i, field, ref,
			 nr);
}

/* A mask of captures that it was put together of. */
static int check_sources(const struct capture *c, uint64_t sources, const char *what, size_t i,
			 struct error *err)
{
	uint64_t strange = c->nr_sources < CAPTURE_MAX_SOURCES ? UINT64_MAX << c->nr_sources : 0;

	return sources & strange ? error_set(err, -EINVAL, "%s %zu: no valid sources", what, i) : 0;
}

static int check_source(const struct capture *c, uint64_t source, const char *what, size_t i,
			struct error *err)
{
	if (source & (source - 1))
		return error_set(err, -EINVAL, "%s %zu: more than one source", what, i);
	return check_sources(c, source, what, i, err);
}

static int check_class(const struct capture *c, size_t i, struct error *err)
{
	const struct capture_class *class = &c->classes[i];
	const char *wrong = !class->name || !class->name[0]	   ? "name" :
			    !class->kind			   ? "kind" :
			    !class->key				   ? "key" :
			    class->certainty > CAPTURE_AMBIGUOUS   ? "certainty" :
			    class->family >= LV_FAMILIES	   ? "family" :
			    class->subclass > UINT16_MAX	   ? "subclass" :
			    class->usage >= 1u << LV_USAGES	   ? "usage" :
			    class->twice & ~class->usage	   ? "twice" :
								     NULL;
	int code = 0;

	if (wrong)
		return error_set(err, -EINVAL, "class %zu: no valid %s", i, wrong);
	for (int bit = 0; bit < LV_USAGES && !code; bit++)
		code = check_ref(class->usage_stack[bit], c->nr_stacks, true, "class", i,
				 "usage stack", err);
	for (int bit = 0; bit < LV_USAGES && !code; bit++)
		code = check_sources(c, class->usage_sources[bit], "class", i, err);
	return code;
}

static int check_edge(const struct capture *c, size_t i, struct error *err)
{
	const struct capture_edge *edge = &c->edges[i];
	uint32_t dep = edge->dep;
	int code;

	if (dep != LV_DEP_SR && dep != LV_DEP_ER && dep != LV_DEP_SN && dep != LV_DEP_EN)
		return error_set(err, -EINVAL, "edge %zu: no valid dep", i);
	code = check_ref(edge->from, c->nr_classes, false, "edge", i, "from class", err);
	if (!code)
		code = check_ref(edge->to, c->nr_classes, false, "edge", i, "to class", err);
	if (!code)
		code = check_ref(edge->stack, c->nr_stacks, true, "edge", i, "stack", err);
	if (!code)
		code = check_ref(edge->from_stack, c->nr_stacks, true, "edge", i, "from stack", err);
	if (!code)
		code = check_source(c, edge->source, "edge", i, err);
	for (int n = 0; n < LV_GATES && !code; n++)
		code = check_ref(edge->gate_class[n], c->nr_classes, true, "edge", i, "gate", err);
	return code;
}

/* A list of the dependencies names each class again and again: a small file must not make gigabytes. */
static int check_repeated(const struct capture *c, struct error *err)
{
	uint64_t total = 0;

	for (size_t i = 0; i < c->nr_edges; i++)
		total += strlen(c->classes[c->edges[i].from].name) +
			 strlen(c->classes[c->edges[i].to].name);
	if (total > DB_MAX_REPEATED)
		return error_set(err, -EINVAL, "the names of all edges take %" PRIu64
				 " bytes, at most %lu are read", total, DB_MAX_REPEATED);
	return 0;
}

static int check_fact(const struct capture *c, size_t i, struct error *err)
{
	const struct capture_fact *fact = &c->facts[i];
	int code;

	if (fact->kind >= CAPTURE_FACT_KINDS)
		return error_set(err, -EINVAL, "fact %zu: no valid kind", i);
	code = check_ref(fact->class, c->nr_classes, false, "fact", i, "class", err);
	if (!code)
		code = check_ref(fact->class2, c->nr_classes, true, "fact", i, "class2", err);
	if (!code)
		code = check_ref(fact->stack, c->nr_stacks, true, "fact", i, "stack", err);
	if (!code)
		code = check_source(c, fact->source, "fact", i, err);
	return code;
}

static int check_wait(const struct capture *c, size_t i, struct error *err)
{
	const struct capture_wait *wait = &c->waits[i];
	int code;

	if (wait->mode > LV_READ || wait->held > LV_READ || wait->ends >= CAPTURE_WAIT_ENDS)
		return error_set(err, -EINVAL, "wait %zu: no valid mode or end", i);
	if (i && wait->ring < c->waits[i - 1].ring)
		return error_set(err, -EINVAL, "wait %zu: its ring is in pieces", i);
	code = check_ref(wait->class, c->nr_classes, false, "wait", i, "class", err);
	return code ? code : check_ref(wait->stack, c->nr_stacks, true, "wait", i, "stack", err);
}

static int check_stacks(const struct capture *c, struct error *err)
{
	size_t total = 0;

	for (size_t i = 0; i < c->nr_stacks; i++) {
		const struct capture_stack *stack = &c->stacks[i];

		if (stack->nr_frames > DB_MAX_DEPTH)
			return error_set(err, -EINVAL, "stack %zu: %u frames, at most %d are kept",
					 i, stack->nr_frames, DB_MAX_DEPTH);
		for (uint32_t f = 0; f < stack->nr_frames; f++)
			if (!stack->frames[f].text)
				return error_set(err, -EINVAL, "stack %zu: frame %u: no text", i, f);
		total += stack->nr_frames;
	}
	return check_count(total, DB_MAX_FRAMES, "frames", err);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int check_unique(const struct capture *c, struct error *err)
{
	AUTO_FREE const char **names = NULL;

	if (!c->nr_classes)
		return 0;
	names = calloc(c->nr_classes, sizeof(*names));
	if (!names)
		return error_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < c->nr_classes; i++)
		names[i] = c->classes[i].name;
	qsort(names, c->nr_classes, sizeof(*names), compare_names);
	for (size_t i = 1; i < c->nr_classes; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			return error_set(err, -EINVAL, "two classes are named %.100s", names[i]);
	return 0;
}

int db_check(const struct capture *c, struct error *err)
{
	int code = check_counts(c, err);

	if (!code)
		code = check_run(c, err);
	if (!code)
		code = check_stacks(c, err);
	for (size_t i = 0; i < c->nr_classes && !code; i++)
		code = check_class(c, i, err);
	for (size_t i = 0; i < c->nr_edges && !code; i++)
		code = check_edge(c, i, err);
	code = code ? code : check_repeated(c, err);
	for (size_t i = 0; i < c->nr_facts && !code; i++)
		code = check_fact(c, i, err);
	for (size_t i = 0; i < c->nr_waits && !code; i++)
		code = check_wait(c, i, err);
	for (size_t i = 0; i < c->nr_losses && !code; i++)
		if (!c->losses[i].name || !c->losses[i].text)
			code = error_set(err, -EINVAL, "loss %zu: no name or no text", i);
	for (size_t i = 0; i < c->nr_images && !code; i++)
		if (!c->images[i].build_id)
			code = error_set(err, -EINVAL, "image %zu: no build id", i);
	for (size_t i = 0; i < c->nr_sources && !code; i++)
		if (!c->sources[i].name)
			code = error_set(err, -EINVAL, "source %zu: no name", i);
	return code ? code : check_unique(c, err);
}
