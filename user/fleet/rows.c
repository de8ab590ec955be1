// SPDX-License-Identifier: GPL-2.0-only
#include "fleet/rows.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "capture/place.h"
#include "report/jsonvalue.h"

#define MAX_FRAMES 250000 /* bytes of a stack's text: the store's limit */
#define MAX_CHAIN 65000
#define MAX_NUMBER INT64_MAX

/* Rows that a batch refers to, and the place of each in it. */
struct places {
	uint32_t *at; /* by the capture's index, LV_NONE: not in it */
	json_t *rows;
};

struct batch {
	const struct capture *c;
	struct places classes, stacks;
	json_t *parts;
};

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *number(uint64_t n)
{
	return json_integer(n > MAX_NUMBER ? MAX_NUMBER : n);
}

static json_t *class_row(const struct capture_class *class)
{
	json_t *row = json_object();
	char place[CAPTURE_PLACE_LEN] = "";
	int err = row ? 0 : -1;

	capture_place(class, place);
	err = err ?: jsonvalue_set(row, "name", json_string(class->name));
	err = err ?: jsonvalue_set(row, "ident", json_string(place));
	err = err ?: jsonvalue_set(row, "alias", text_or_null(class->alias));
	err = err ?: jsonvalue_set(row, "kind", json_string(class->kind));
	err = err ?: jsonvalue_set(row, "place", json_string(class->key));
	err = err ?: jsonvalue_set(row, "why", text_or_null(class->why));
	err = err ?: jsonvalue_set(row, "family", number(class->family));
	err = err ?: jsonvalue_set(row, "subclass", number(class->subclass));
	return jsonvalue_checked(row, err);
}

static json_t *stack_row(const struct capture_stack *stack)
{
	AUTO_STRBUF frames = STRBUF_INIT;
	json_t *row = json_object();
	int err = row ? 0 : -1;

	for (uint32_t i = 0; i < stack->nr_frames && frames.len < MAX_FRAMES; i++)
		strbuf_addf(&frames, "%s%s", i ? "\n" : "", stack->frames[i].text);
	err = err ?: frames.failed;
	err = err ?: jsonvalue_set(row, "comm", json_string(stack->comm));
	err = err ?: jsonvalue_set(row, "pid", number(stack->pid));
	err = err ?: jsonvalue_set(row, "cpu", number(stack->cpu));
	err = err ?: jsonvalue_set(row, "frames", json_string(frames.text ? frames.text : ""));
	return jsonvalue_checked(row, err);
}

/* Where in the batch it is, added by now; NULL: no memory. */
static json_t *class_place(struct batch *b, uint32_t class)
{
	if (class == LV_NONE)
		return json_null();
	if (b->classes.at[class] == LV_NONE) {
		b->classes.at[class] = json_array_size(b->classes.rows);
		if (jsonvalue_push(b->classes.rows, class_row(&b->c->classes[class])))
			return NULL;
	}
	return number(b->classes.at[class]);
}

static json_t *stack_place(struct batch *b, uint32_t stack)
{
	if (stack >= b->c->nr_stacks)
		return json_null();
	if (b->stacks.at[stack] == LV_NONE) {
		b->stacks.at[stack] = json_array_size(b->stacks.rows);
		if (jsonvalue_push(b->stacks.rows, stack_row(&b->c->stacks[stack])))
			return NULL;
	}
	return number(b->stacks.at[stack]);
}

static int add_part(struct batch *b, const struct fleet_part *part)
{
	json_t *row = json_object();
	int err = row ? 0 : -1;

	err = err ?: jsonvalue_set(row, "kind", number(part->kind));
	err = err ?: jsonvalue_set(row, "class", class_place(b, part->class));
	err = err ?: jsonvalue_set(row, "other", class_place(b, part->other));
	err = err ?: jsonvalue_set(row, "value", number(part->value));
	err = err ?: jsonvalue_set(row, "flags", number(part->flags));
	err = err ?: jsonvalue_set(row, "stack", stack_place(b, part->stack));
	err = err ?: jsonvalue_set(row, "from_stack", stack_place(b, part->from_stack));
	return jsonvalue_push(b->parts, jsonvalue_checked(row, err));
}

static int places_new(struct places *p, size_t nr)
{
	p->at = malloc((nr + 1) * sizeof(*p->at));
	p->rows = json_array();
	if (!p->at || !p->rows)
		return -1;
	memset(p->at, 0xff, (nr + 1) * sizeof(*p->at));
	return 0;
}

/* The text of a document, which is freed. */
static char *dump(json_t *root, int err)
{
	char *text = err || !root ? NULL : json_dumps(root, JSON_COMPACT);

	json_decref(root);
	return text;
}

char *rows_of_parts(const struct capture *c, const struct fleet_part *parts, const uint32_t *wanted, size_t nr)
{
	struct batch b = { .c = c, .parts = json_array() };
	json_t *root = json_object();
	int err = root && b.parts ? 0 : -1;

	err = err ?: places_new(&b.classes, c->nr_classes);
	err = err ?: places_new(&b.stacks, c->nr_stacks);
	for (size_t i = 0; !err && i < nr; i++)
		err = add_part(&b, &parts[wanted[i]]);
	err = err ?: jsonvalue_set(root, "classes", json_incref(b.classes.rows));
	err = err ?: jsonvalue_set(root, "stacks", json_incref(b.stacks.rows));
	err = err ?: jsonvalue_set(root, "parts", json_incref(b.parts));
	json_decref(b.classes.rows);
	json_decref(b.stacks.rows);
	json_decref(b.parts);
	free(b.classes.at);
	free(b.stacks.at);
	return dump(root, err);
}

static json_t *finding_row(const struct push_finding *f)
{
	json_t *row = json_object();
	char fingerprint[FINDING_ID_LEN];
	int err = row ? 0 : -1;

	finding_fingerprint_of(f->rule, f->chain, fingerprint);
	err = err ?: jsonvalue_set(row, "finding", json_string(f->id));
	err = err ?: jsonvalue_set(row, "fingerprint", json_string(fingerprint));
	err = err ?: jsonvalue_set(row, "rule", json_string(finding_rule_name(f->rule)));
	err = err ?: jsonvalue_set(row, "chain", json_stringn(f->chain, strnlen(f->chain, MAX_CHAIN)));
	err = err ?: jsonvalue_set(row, "kernel", json_string(f->kernel));
	err = err ?: jsonvalue_set(row, "build", json_string(f->build));
	err = err ?: jsonvalue_set(row, "confidence", number(f->confidence));
	err = err ?: jsonvalue_set(row, "first_ms", number(f->first_ms));
	err = err ?: jsonvalue_set(row, "last_ms", number(f->last_ms));
	err = err ?: jsonvalue_set(row, "count", number(f->count));
	err = err ?: jsonvalue_set(row, "suppressed", json_boolean(f->suppressed));
	return jsonvalue_checked(row, err);
}

char *rows_of_findings(const struct push_load *load)
{
	json_t *root = json_array();
	int err = root ? 0 : -1;

	for (size_t i = 0; !err && i < load->nr_findings; i++)
		err = jsonvalue_push(root, finding_row(&load->findings[i]));
	return dump(root, err);
}

char *rows_of_run(const struct capture *c)
{
	json_t *root = json_object();
	int err = root ? 0 : -1;

	err = err ?: jsonvalue_set(root, "version", json_string(c->version));
	err = err ?: jsonvalue_set(root, "started", number(c->started));
	err = err ?: jsonvalue_set(root, "duration", number(c->duration));
	err = err ?: jsonvalue_set(root, "events", number(c->events));
	err = err ?: jsonvalue_set(root, "lost", number(capture_lost(c)));
	err = err ?: jsonvalue_set(root, "unlocks_hidden", json_boolean(c->unlocks_hidden));
	err = err ?: jsonvalue_set(root, "irqs_unseen", json_boolean(c->irqs_unseen));
	err = err ?: jsonvalue_set(root, "preempts", json_boolean(c->preempts));
	return dump(root, err);
}
