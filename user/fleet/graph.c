// SPDX-License-Identifier: GPL-2.0-only
#include "fleet/graph.h"

#include <errno.h>
#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "capture/db_internal.h"
#include "capture/place.h"
#include "fleet/parts.h"

#define MAX_NUMBER 1000 /* classes of one name */

/* Ids of rows, ascending; the index of one is the capture's. */
struct ids {
	int32_t *items;
	size_t nr;
};

struct named {
	char *name;
	uint32_t class;
};

struct reading {
	struct store *s;
	const struct fleet_build *build;
	struct fleet_graph *g;
	struct ids classes, stacks;
	void *names; /* tsearch() of struct named */
	struct error *err;
};

static int no_memory(struct error *err)
{
	return error_set(err, -ENOMEM, "out of memory");
}

/* --- builds ------------------------------------------------------------------ */

static int read_build(const PGresult *r, int row, struct fleet_build *ret)
{
	*ret = (struct fleet_build){
		.id = store_number(r, row, 0),
		.kernel = store_copy(r, row, 1),
		.build = store_copy(r, row, 2),
		.machine = store_copy(r, row, 3),
		.rt = store_is_true(r, row, 4),
		.annotated = store_is_true(r, row, 5),
		.unlocks_hidden = store_is_true(r, row, 6),
		.irqs_unseen = store_is_true(r, row, 7),
		.preempts = store_is_true(r, row, 8),
		.hosts = store_number(r, row, 9),
	};
	return ret->kernel && ret->build && ret->machine ? 0 : -ENOMEM;
}

int fleet_builds_get(struct store *s, struct fleet_builds *ret, struct error *err)
{
	CLEANUP(cleanup_result) PGresult *r = store_run(
		s, "SELECT b.id, kernel, b.build, machine, rt, annotated, bool_or(unlocks_hidden), "
		   "bool_or(irqs_unseen), bool_or(preempts), count(*) FROM lockvane.build b "
		   "JOIN lockvane.run r ON r.build = b.id GROUP BY b.id ORDER BY kernel, b.id", 0, NULL, err);
	int code = 0;

	*ret = (struct fleet_builds){};
	if (!r)
		return err->code;
	ret->items = calloc(PQntuples(r) + 1, sizeof(*ret->items));
	code = ret->items ? 0 : -ENOMEM;
	for (int row = 0; !code && row < PQntuples(r); row++)
		code = read_build(r, row, &ret->items[ret->nr++]);
	if (code)
		fleet_builds_free(ret);
	return code ? no_memory(err) : 0;
}

void fleet_builds_free(struct fleet_builds *b)
{
	for (size_t i = 0; i < b->nr; i++) {
		free(b->items[i].kernel);
		free(b->items[i].build);
		free(b->items[i].machine);
	}
	free(b->items);
	*b = (struct fleet_builds){};
}

struct capture *fleet_graph_empty(const struct fleet_build *build)
{
	struct capture *c = capture_new();

	if (!c)
		return NULL;
	c->version = strdup(LOCKVANE_VERSION);
	c->kernel = strdup(build->kernel);
	c->build = strdup(build->build);
	c->machine = strdup(build->machine);
	c->rt = build->rt;
	c->annotated = build->annotated;
	c->unlocks_hidden = build->unlocks_hidden;
	c->irqs_unseen = build->irqs_unseen;
	c->preempts = build->preempts;
	c->misses_asked = true;
	if (c->version && c->kernel && c->build && c->machine)
		return c;
	capture_free(c);
	return NULL;
}

/* --- rows -------------------------------------------------------------------- */

static int compare_numbers(const void *a, const void *b)
{
	int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;

	return (left > right) - (left < right);
}

/* The index of a row's id in the capture, LV_NONE: NULL, or left out. */
static uint32_t index_of(const struct ids *ids, const PGresult *r, int row, int column)
{
	int32_t id = store_number(r, row, column);
	const int32_t *at;

	if (PQgetisnull(r, row, column) || !ids->nr)
		return LV_NONE;
	at = bsearch(&id, ids->items, ids->nr, sizeof(id), compare_numbers);
	return at ? (uint32_t)(at - ids->items) : LV_NONE;
}

static PGresult *rows_of(struct reading *in, const char *sql)
{
	char id[16];
	const char *values[] = { id };

	snprintf(id, sizeof(id), "%" PRId32, in->build->id);
	return store_run(in->s, sql, 1, values, in->err);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static void free_name(void *named)
{
	free(((struct named *)named)->name);
	free(named);
}

static const struct named *find_name(const struct reading *in, const char *name)
{
	struct named wanted = { (char *)name, 0 };
	struct named **there = tfind(&wanted, &in->names, compare_names);

	return there ? *there : NULL;
}

/* Names are unique in a capture: where the places differ, the later one gets a number. */
static int name_class(struct reading *in, uint32_t class, const char *name)
{
	char unique[DB_MAX_STRING + 1];
	struct named *named;

	snprintf(unique, sizeof(unique), "%s", name);
	for (unsigned int n = 2; find_name(in, unique); n++) {
		if (n > MAX_NUMBER)
			return error_set(in->err, -EINVAL, "too many classes are called %.64s", name);
		snprintf(unique, sizeof(unique), "%.4000s#%u", name, n);
	}
	named = malloc(sizeof(*named));
	in->g->c->classes[class].name = strdup(unique);
	if (named)
		*named = (struct named){ strdup(unique), class };
	if (named && named->name && in->g->c->classes[class].name &&
	    tsearch(named, &in->names, compare_names))
		return 0;
	if (named)
		free_name(named);
	return no_memory(in->err);
}

static char *copy_or_null(const PGresult *r, int row, int column)
{
	return PQgetisnull(r, row, column) ? NULL : store_copy(r, row, column);
}

static int add_class(struct reading *in, const PGresult *r, int row)
{
	int64_t family = store_number(r, row, 6), subclass = store_number(r, row, 7);
	AUTO_FREE char *name = store_copy(r, row, 1);
	struct capture_class *class;

	if (!name)
		return no_memory(in->err);
	if (!name[0] || family < 0 || family >= LV_FAMILIES || subclass < 0 || subclass > UINT16_MAX)
		return 0;
	class = capture_add_class(in->g->c);
	if (!class)
		return no_memory(in->err);
	in->classes.items[in->classes.nr++] = store_number(r, row, 0);
	class->alias = copy_or_null(r, row, 2);
	class->kind = store_copy(r, row, 3);
	class->key = store_copy(r, row, 4);
	class->why = copy_or_null(r, row, 5);
	class->family = family;
	class->subclass = subclass;
	if (!class->kind || !class->key)
		return no_memory(in->err);
	return name_class(in, in->g->c->nr_classes - 1, name);
}

static int read_classes(struct reading *in)
{
	CLEANUP(cleanup_result) PGresult *r = rows_of(
		in, "SELECT id, name, alias, kind, place, why, family, subclass FROM lockvane.class "
		    "WHERE build = $1 ORDER BY id");
	int code = 0;

	if (!r)
		return in->err->code;
	in->classes.items = calloc(PQntuples(r) + 1, sizeof(int32_t));
	if (!in->classes.items)
		return no_memory(in->err);
	for (int row = 0; !code && row < PQntuples(r); row++)
		code = add_class(in, r, row);
	return code;
}

static int add_frames(struct reading *in, const PGresult *r, int row, struct capture_stack *stack)
{
	const char *text = store_text(r, row, 4);

	stack->frames = calloc(DB_MAX_DEPTH, sizeof(*stack->frames));
	if (!stack->frames)
		return no_memory(in->err);
	while (*text && stack->nr_frames < DB_MAX_DEPTH) {
		size_t len = strcspn(text, "\n");
		size_t kept = len > DB_MAX_STRING ? DB_MAX_STRING : len;
		char *copy = malloc(kept + 1);

		if (!copy)
			return no_memory(in->err);
		strbuf_copy_clean(copy, kept + 1, text, kept);
		stack->frames[stack->nr_frames++].text = copy;
		text += len + (text[len] == '\n');
	}
	stack->frames = reallocarray(stack->frames, stack->nr_frames + 1, sizeof(*stack->frames)) ?: stack->frames;
	return 0;
}

static int add_stack(struct reading *in, const PGresult *r, int row)
{
	struct capture_stack *stack = capture_add_stack(in->g->c);
	const char *comm = store_text(r, row, 1);

	if (!stack)
		return no_memory(in->err);
	in->stacks.items[in->stacks.nr++] = store_number(r, row, 0);
	strbuf_copy_clean(stack->comm, sizeof(stack->comm), comm, strlen(comm));
	stack->pid = store_number(r, row, 2);
	stack->cpu = store_number(r, row, 3);
	return add_frames(in, r, row, stack);
}

static int read_stacks(struct reading *in)
{
	CLEANUP(cleanup_result) PGresult *r = rows_of(
		in, "SELECT id, comm, pid, cpu, frames FROM lockvane.stack WHERE build = $1 ORDER BY id");
	int code = 0;

	if (!r)
		return in->err->code;
	in->stacks.items = calloc(PQntuples(r) + 1, sizeof(int32_t));
	if (!in->stacks.items)
		return no_memory(in->err);
	for (int row = 0; !code && row < PQntuples(r); row++)
		code = add_stack(in, r, row);
	return code;
}

/* --- parts ------------------------------------------------------------------- */

/* One more part of a unit: the one before if `same`, else a new one. */
static uint32_t add_to_unit(struct fleet_graph *g, int32_t number, bool same)
{
	if (!same)
		g->units[g->nr_units++] = (struct fleet_unit){ g->nr_numbers, 0 };
	g->numbers[g->nr_numbers++] = number;
	g->units[g->nr_units - 1].nr++;
	return g->nr_units - 1;
}

static void add_usage(struct fleet_graph *g, uint32_t at, uint32_t bit, const struct fleet_part *part,
		      int32_t number)
{
	struct capture_class *class = &g->c->classes[at];
	bool again = class->usage & 1u << bit;

	/* Parts come in the order of their classes and bits. */
	g->usage_units[at][bit] = add_to_unit(g, number, again);
	class->usage |= 1u << bit;
	if (part->flags & FLEET_TWICE)
		class->twice |= 1u << bit;
	if (!again)
		class->usage_stack[bit] = part->stack;
}

static bool is_dep(uint32_t dep)
{
	return dep == LV_DEP_SR || dep == LV_DEP_ER || dep == LV_DEP_SN || dep == LV_DEP_EN;
}

static int add_edge(struct fleet_graph *g, const struct fleet_part *part, int32_t number)
{
	struct capture_edge *edge = g->c->nr_edges ? &g->c->edges[g->c->nr_edges - 1] : NULL;
	bool again = edge && edge->from == part->class && edge->to == part->other && edge->dep == part->value;

	if (!again) {
		edge = capture_add_edge(g->c);
		if (!edge)
			return -ENOMEM;
		edge->from = part->class;
		edge->to = part->other;
		edge->dep = part->value;
		edge->stack = part->stack;
		edge->from_stack = part->from_stack;
		edge->count = 1;
	}
	g->edge_units[g->c->nr_edges - 1] = add_to_unit(g, number, again);
	edge->sure |= part->flags & FLEET_SURE;
	if (part->flags & FLEET_TWICE)
		edge->count = 2;
	return 0;
}

static int add_part(struct reading *in, const PGresult *r, int row)
{
	struct fleet_graph *g = in->g;
	int32_t number = store_number(r, row, 4);
	struct fleet_part part = {
		.kind = store_number(r, row, 0),
		.class = index_of(&in->classes, r, row, 1),
		.other = index_of(&in->classes, r, row, 2),
		.value = store_number(r, row, 3),
		.flags = store_number(r, row, 5),
		.stack = index_of(&in->stacks, r, row, 6),
		.from_stack = index_of(&in->stacks, r, row, 7),
	};
	struct capture_class *class = part.class == LV_NONE ? NULL : &g->c->classes[part.class];

	if (!class || number < 0)
		return 0;
	if (part.kind == FLEET_CLASS && part.value <= CAPTURE_AMBIGUOUS) {
		class->flags |= part.flags;
		if (part.value > class->certainty)
			class->certainty = part.value;
	} else if (part.kind == FLEET_USAGE && part.value < LV_USAGES) {
		add_usage(g, part.class, part.value, &part, number);
	} else if (part.kind == FLEET_EDGE && part.other != LV_NONE && is_dep(part.value)) {
		return add_edge(g, &part, number);
	}
	return 0;
}

static int make_room(struct fleet_graph *g, size_t parts)
{
	g->units = calloc(parts + 1, sizeof(*g->units));
	g->numbers = calloc(parts + 1, sizeof(*g->numbers));
	g->edge_units = calloc(parts + 1, sizeof(*g->edge_units));
	g->usage_units = malloc((g->c->nr_classes + 1) * sizeof(*g->usage_units));
	if (!g->units || !g->numbers || !g->edge_units || !g->usage_units)
		return -ENOMEM;
	memset(g->usage_units, 0xff, (g->c->nr_classes + 1) * sizeof(*g->usage_units));
	return 0;
}

static int read_parts(struct reading *in)
{
	CLEANUP(cleanup_result) PGresult *r = rows_of(
		in, "SELECT kind, class, other, value, nr, flags, stack, from_stack FROM lockvane.part "
		    "WHERE build = $1 ORDER BY kind, class, other, value, nr");
	int code;

	if (!r)
		return in->err->code;
	code = make_room(in->g, PQntuples(r));
	for (int row = 0; !code && row < PQntuples(r); row++)
		code = add_part(in, r, row);
	return code ? no_memory(in->err) : 0;
}

/* As captures put together are. */
static void grade(struct reading *in)
{
	struct capture *c = in->g->c;

	for (size_t i = 0; i < c->nr_classes; i++) {
		char name[DB_MAX_STRING + 1];
		const struct named *second;

		snprintf(name, sizeof(name), "%.4000s#2", c->classes[i].name);
		second = find_name(in, name);
		capture_grade_shared(&c->classes[i], second ? &c->classes[second->class] : NULL);
	}
}

int fleet_graph_get(struct store *s, const struct fleet_build *build, struct fleet_graph *ret,
		    struct error *err)
{
	struct fleet_graph g = { .c = fleet_graph_empty(build) };
	struct reading in = { .s = s, .build = build, .g = &g, .err = err };
	int code = g.c ? 0 : no_memory(err);

	code = code ? code : read_classes(&in);
	code = code ? code : read_stacks(&in);
	code = code ? code : read_parts(&in);
	if (!code) {
		grade(&in);
		code = db_check(g.c, err);
	}
	tdestroy(in.names, free_name);
	free(in.classes.items);
	free(in.stacks.items);
	if (code)
		fleet_graph_free(&g);
	else
		*ret = g;
	return code;
}

void fleet_graph_free(struct fleet_graph *g)
{
	capture_free(g->c);
	free(g->units);
	free(g->numbers);
	free(g->edge_units);
	free(g->usage_units);
	*g = (struct fleet_graph){};
}
