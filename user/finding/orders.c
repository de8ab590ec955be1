// SPDX-License-Identifier: GPL-2.0-only
#include "finding/orders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "finding/annotations.h"
#include "finding/pseudo.h"

#define UNDER_RECLAIM "fs_reclaim:"

/* The member that a pseudo-lock is to lockdep, where the source names one that is told of. */
static const struct {
	uint32_t kind;
	const char *member;
} maps[] = {
	{LV_PSEUDO_QUEUE_IO, "request_queue.io_lockdep_map"},
	{LV_PSEUDO_QUEUE, "request_queue.q_lockdep_map"},
};

static const char *member_name(const struct capture_class *class)
{
	uint32_t kind = finding_pseudo_kind(class);

	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++)
		if (maps[i].kind == kind)
			return maps[i].member;
	return kind ? NULL : class->name;
}

/* The row that tells of the class under reclaim, NULL: none does. */
static const struct annotation *told_of(const struct annotations *a,
					const struct capture_class *class)
{
	const char *name = member_name(class);
	const struct annotation_member *member;
	bool inner;

	member = name ? annotations_find(a, name, &inner) : NULL;
	for (uint32_t i = 0; member && i < member->nr; i++)
		if (member->rows[i].kind == ANNOTATION_UNDER &&
		    !strncmp(member->rows[i].what, UNDER_RECLAIM, strlen(UNDER_RECLAIM)))
			return &member->rows[i];
	return NULL;
}

static bool is_known(const struct capture *c, uint32_t from, uint32_t to)
{
	for (size_t i = 0; i < c->nr_edges; i++)
		if (c->edges[i].from == from && c->edges[i].to == to)
			return true;
	return false;
}

/* A stack of one line, for what no code did. */
static int add_text(struct capture *c, const struct annotation *row, uint32_t *ret)
{
	struct strbuf text = STRBUF_INIT;
	struct capture_stack *stack = capture_add_stack(c);

	if (!stack)
		return -ENOMEM;
	*ret = (uint32_t)(c->nr_stacks - 1);
	strcpy(stack->comm, "lockdep");
	stack->frames = calloc(1, sizeof(*stack->frames));
	if (!stack->frames)
		return -ENOMEM;
	stack->nr_frames = 1;
	strbuf_addf(&text, CAPTURE_TOLD "lockdep is told so at start by %s(), %s", row->function,
		    row->what + strlen(UNDER_RECLAIM));
	stack->frames[0].text = strbuf_take(&text);
	return stack->frames[0].text ? 0 : -ENOMEM;
}

static int add_order(struct capture *c, const struct annotation *row, uint32_t from, uint32_t to)
{
	struct capture_edge *edge;
	uint32_t stack;
	int err = add_text(c, row, &stack);

	if (err)
		return err;
	edge = capture_add_edge(c);
	if (!edge)
		return -ENOMEM;
	edge->from = from;
	edge->to = to;
	edge->dep = LV_DEP_EN;
	edge->stack = stack;
	return 0;
}

static uint32_t find_reclaim(const struct capture *c)
{
	for (uint32_t i = 0; i < c->nr_classes; i++)
		if (finding_pseudo_kind(&c->classes[i]) == LV_PSEUDO_RECLAIM)
			return i;
	return LV_NONE;
}

int orders_add(struct capture *c, const char *release)
{
	uint32_t reclaim = c->annotated ? LV_NONE : find_reclaim(c);
	struct annotations *a = NULL;
	int err;

	if (reclaim == LV_NONE)
		return 0;
	err = annotations_builtin(release, &a);
	for (uint32_t i = 0; !err && i < c->nr_classes; i++) {
		const struct annotation *row = told_of(a, &c->classes[i]);

		if (row && !is_known(c, reclaim, i))
			err = add_order(c, row, reclaim, i);
	}
	annotations_free(a);
	return err;
}
