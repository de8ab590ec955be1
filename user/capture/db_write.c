// SPDX-License-Identifier: GPL-2.0-only
/* A capture's rows: all into empty tables, or those that came since. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "capture/db_write_internal.h"

static int write_run(sqlite3 *db, const struct capture *c, struct error *err)
{
	struct writer w;

	writer_open(&w, db, "INSERT INTO capture (id, version, kernel, build, machine, command, "
		    "tainted, started, duration, events, rt, annotated, unlocks_hidden, "
		    "irqs_unseen, preempts) VALUES (0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	writer_text(&w, c->version, SIZE_MAX);
	writer_text(&w, c->kernel, SIZE_MAX);
	writer_text(&w, c->build, SIZE_MAX);
	writer_text(&w, c->machine, SIZE_MAX);
	writer_text(&w, c->command, SIZE_MAX);
	writer_text(&w, c->tainted, SIZE_MAX);
	writer_int(&w, c->started);
	writer_int(&w, c->duration);
	writer_int(&w, c->events);
	writer_int(&w, c->rt);
	writer_int(&w, c->annotated);
	writer_int(&w, c->unlocks_hidden);
	writer_int(&w, c->irqs_unseen);
	writer_int(&w, c->preempts);
	writer_row(&w);
	return writer_close(&w, "capture", err);
}

static int write_host(sqlite3 *db, const struct capture *c, struct error *err)
{
	struct writer w;

	if (!c->host)
		return 0;
	writer_open(&w, db, "INSERT INTO host (id, name) VALUES (0, ?)");
	writer_text(&w, c->host, SIZE_MAX);
	writer_row(&w);
	return writer_close(&w, "host", err);
}

/* The distinct frames, in the order they are met: few, though stacks are many and deep. */
struct frame_set {
	const struct capture_frame **frames;
	uint32_t nr;
	uint32_t *slots; /* index in frames + 1, 0 free; open addressing */
	uint32_t mask;
};

static int frame_set_init(struct frame_set *set, uint32_t max)
{
	uint32_t size = 64;

	while (size < 2 * max)
		size *= 2;
	set->mask = size - 1;
	set->slots = calloc(size, sizeof(*set->slots));
	set->frames = calloc(max + 1, sizeof(*set->frames));
	return set->slots && set->frames ? 0 : -ENOMEM;
}

static void frame_set_free(struct frame_set *set)
{
	free(set->slots);
	free(set->frames);
}

static uint32_t frame_set_add(struct frame_set *set, const struct capture_frame *frame)
{
	uint32_t at = frame->ip * 0x9e3779b97f4a7c15ull >> 32;

	for (;; at++) {
		uint32_t *slot = &set->slots[at & set->mask];
		const struct capture_frame *old;

		if (!*slot) {
			set->frames[set->nr++] = frame;
			*slot = set->nr;
			return set->nr - 1;
		}
		old = set->frames[*slot - 1];
		if (old->ip == frame->ip && strcmp(old->text, frame->text) == 0)
			return *slot - 1;
	}
}

static int write_frames(sqlite3 *db, const struct frame_set *set, uint32_t first,
			struct error *err)
{
	struct writer w;

	writer_open(&w, db, "INSERT INTO frame (id, ip, text) VALUES (?, ?, ?)");
	for (uint32_t i = first; i < set->nr; i++) {
		writer_int(&w, i);
		writer_int(&w, set->frames[i]->ip);
		writer_text(&w, set->frames[i]->text, SIZE_MAX);
		writer_row(&w);
	}
	return writer_close(&w, "frame", err);
}

/* Rows a statement: starting one costs as much as a row. */
#define BATCH 8

static void write_stack_frame_rows(struct writer *w, const struct capture_stack *stack, size_t i,
				   uint32_t depth, uint32_t nr, struct frame_set *set)
{
	for (uint32_t end = depth + nr; depth < end; depth++) {
		writer_int(w, i);
		writer_int(w, depth);
		writer_int(w, frame_set_add(set, &stack->frames[depth]));
	}
	writer_row(w);
}

static int write_stack_frames(sqlite3 *db, const struct capture *c, size_t first,
			      struct frame_set *set, struct error *err)
{
	struct writer batch, single;
	int code, code2;

	writer_open(&single, db, "INSERT INTO stack_frame (stack, depth, frame) VALUES (?, ?, ?)");
	writer_open(&batch, db, "INSERT INTO stack_frame (stack, depth, frame) VALUES (?, ?, ?), "
		    "(?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?)");
	for (size_t i = first; i < c->nr_stacks; i++) {
		const struct capture_stack *stack = &c->stacks[i];
		uint32_t depth = 0;

		for (; depth + BATCH <= stack->nr_frames; depth += BATCH)
			write_stack_frame_rows(&batch, stack, i, depth, BATCH, set);
		for (; depth < stack->nr_frames; depth++)
			write_stack_frame_rows(&single, stack, i, depth, 1, set);
	}
	code = writer_close(&batch, "stack_frame", err);
	code2 = writer_close(&single, "stack_frame", err);
	return code ? code : code2;
}

static int write_stacks(sqlite3 *db, const struct capture *c, size_t first, struct error *err)
{
	struct writer w;

	writer_open(&w, db, "INSERT INTO stack (id, comm, pid, cpu) VALUES (?, ?, ?, ?)");
	for (size_t i = first; i < c->nr_stacks; i++) {
		const struct capture_stack *stack = &c->stacks[i];

		writer_int(&w, i);
		writer_text(&w, stack->comm, sizeof(stack->comm) - 1);
		writer_int(&w, stack->pid);
		writer_int(&w, stack->cpu);
		writer_row(&w);
	}
	return writer_close(&w, "stack", err);
}

/*
 * Frames are numbered as they are met from the first stack on, so those of
 * earlier stacks have the numbers they got when those were written.
 */
static int number_frames(const struct capture *c, const struct db_mark *from,
			 struct frame_set *set, struct error *err)
{
	for (size_t i = 0; i < from->stacks; i++)
		for (uint32_t depth = 0; depth < c->stacks[i].nr_frames; depth++)
			frame_set_add(set, &c->stacks[i].frames[depth]);
	if (set->nr == from->frames)
		return 0;
	return error_set(err, -ESTALE, "%u frames are kept where %zu were", set->nr, from->frames);
}

static int write_all_frames(sqlite3 *db, const struct capture *c, const struct db_mark *from,
			    struct db_mark *to, struct error *err)
{
	struct frame_set set = { 0 };
	uint32_t total = 0;
	int code;

	for (size_t i = 0; i < c->nr_stacks; i++)
		total += c->stacks[i].nr_frames;
	code = frame_set_init(&set, total);
	if (code)
		error_set(err, code, "out of memory");
	else
		code = number_frames(c, from, &set, err);
	if (!code)
		code = write_stack_frames(db, c, from->stacks, &set, err);
	if (!code)
		code = write_frames(db, &set, from->frames, err);
	to->frames = set.nr;
	frame_set_free(&set);
	return code;
}

static int write_classes(sqlite3 *db, const struct capture *c, size_t first, struct error *err)
{
	struct writer w;

	writer_open(&w, db, "INSERT INTO class (id, name, alias, kind, key, certainty, family, "
		    "subclass, flags, usage, acquisitions) "
		    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	for (size_t i = first; i < c->nr_classes; i++) {
		const struct capture_class *class = &c->classes[i];

		writer_int(&w, i);
		writer_text(&w, class->name, SIZE_MAX);
		writer_text(&w, class->alias, SIZE_MAX);
		writer_text(&w, class->kind, SIZE_MAX);
		writer_text(&w, class->key, SIZE_MAX);
		writer_int(&w, class->certainty);
		writer_int(&w, class->family);
		writer_int(&w, class->subclass);
		writer_int(&w, class->flags);
		writer_int(&w, class->usage);
		writer_int(&w, class->acquisitions);
		writer_row(&w);
	}
	return writer_close(&w, "class", err);
}

static int write_why(sqlite3 *db, const struct capture *c, size_t first, struct error *err)
{
	struct writer w;

	writer_open(&w, db, "INSERT INTO class_why (class, text) VALUES (?, ?)");
	for (size_t i = first; i < c->nr_classes; i++) {
		if (!c->classes[i].why)
			continue;
		writer_int(&w, i);
		writer_text(&w, c->classes[i].why, SIZE_MAX);
		writer_row(&w);
	}
	return writer_close(&w, "class_why", err);
}

/* A row where there is something to say: the bits themselves are the class's. */
static void write_usage_rows(struct writer *w, const struct capture *c, size_t i)
{
	const struct capture_class *class = &c->classes[i];

	for (int bit = 0; bit < LV_USAGES; bit++) {
		if (!(class->usage & 1u << bit) && class->usage_stack[bit] == LV_NONE &&
		    !class->usage_addr[bit])
			continue;
		writer_int(w, i);
		writer_int(w, bit);
		writer_ref(w, class->usage_stack[bit]);
		writer_addr(w, class->usage_addr[bit]);
		writer_row(w);
	}
}

static int write_usages(sqlite3 *db, const struct capture *c, size_t first, struct error *err)
{
	struct writer w;

	writer_open(&w, db, "INSERT INTO usage (class, bit, stack, addr) VALUES (?, ?, ?, ?)");
	for (size_t i = first; i < c->nr_classes; i++)
		write_usage_rows(&w, c, i);
	return writer_close(&w, "usage", err);
}

static int write_edges(sqlite3 *db, const struct capture *c, size_t first, struct error *err)
{
	struct writer w;

	writer_open(&w, db, "INSERT INTO edge (id, from_class, to_class, dep, count, stack, "
		    "from_stack, from_addr, to_addr) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
	for (size_t i = first; i < c->nr_edges; i++) {
		const struct capture_edge *edge = &c->edges[i];

		writer_int(&w, i);
		writer_int(&w, edge->from);
		writer_int(&w, edge->to);
		writer_int(&w, edge->dep);
		writer_int(&w, edge->count);
		writer_ref(&w, edge->stack);
		writer_ref(&w, edge->from_stack);
		writer_addr(&w, edge->from_addr);
		writer_addr(&w, edge->to_addr);
		writer_row(&w);
	}
	return writer_close(&w, "edge", err);
}

static int write_facts(sqlite3 *db, const struct capture *c, size_t first, struct error *err)
{
	struct writer w;

	writer_open(&w, db, "INSERT INTO fact (id, kind, class, class2, stack, addr) "
		    "VALUES (?, ?, ?, ?, ?, ?)");
	for (size_t i = first; i < c->nr_facts; i++) {
		const struct capture_fact *fact = &c->facts[i];

		writer_int(&w, i);
		writer_int(&w, fact->kind);
		writer_int(&w, fact->class);
		writer_ref(&w, fact->class2);
		writer_ref(&w, fact->stack);
		writer_addr(&w, fact->addr);
		writer_row(&w);
	}
	return writer_close(&w, "fact", err);
}

static int write_waits(sqlite3 *db, const struct capture *c, size_t first, struct error *err)
{
	struct writer w;

	writer_open(&w, db, "INSERT INTO wait (id, ring, class, mode, held, ends, stack, addr, "
		    "waited_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
	for (size_t i = first; i < c->nr_waits; i++) {
		const struct capture_wait *wait = &c->waits[i];

		writer_int(&w, i);
		writer_int(&w, wait->ring);
		writer_int(&w, wait->class);
		writer_int(&w, wait->mode);
		writer_int(&w, wait->held);
		writer_int(&w, wait->ends);
		writer_ref(&w, wait->stack);
		writer_addr(&w, wait->addr);
		writer_int(&w, wait->waited_ms);
		writer_row(&w);
	}
	return writer_close(&w, "wait", err);
}

static int write_losses(sqlite3 *db, const struct capture *c, struct error *err)
{
	struct writer w;

	writer_open(&w, db, "INSERT INTO loss (id, name, text, count, programs) "
		    "VALUES (?, ?, ?, ?, ?)");
	for (size_t i = 0; i < c->nr_losses; i++) {
		writer_int(&w, i);
		writer_text(&w, c->losses[i].name, SIZE_MAX);
		writer_text(&w, c->losses[i].text, SIZE_MAX);
		writer_int(&w, c->losses[i].count);
		writer_text(&w, c->losses[i].programs, SIZE_MAX);
		writer_row(&w);
	}
	return writer_close(&w, "loss", err);
}

static int write_images(sqlite3 *db, const struct capture *c, struct error *err)
{
	struct writer w;

	writer_open(&w, db, "INSERT INTO image (id, module, build_id) VALUES (?, ?, ?)");
	for (size_t i = 0; i < c->nr_images; i++) {
		writer_int(&w, i);
		writer_text(&w, c->images[i].module, SIZE_MAX);
		writer_text(&w, c->images[i].build_id, SIZE_MAX);
		writer_row(&w);
	}
	return writer_close(&w, "image", err);
}

static int empty(sqlite3 *db, const char *sql, struct error *err)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : db_error(err, db, sql);
}

int db_append(sqlite3 *db, const struct capture *c, struct db_mark *mark, struct error *err)
{
	struct db_mark to = { 0, c->nr_stacks, c->nr_classes, c->nr_edges, c->nr_facts,
			      c->nr_waits };
	int code = empty(db, "DELETE FROM capture; DELETE FROM host; DELETE FROM loss; DELETE FROM image", err);

	if (!code)
		code = write_run(db, c, err);
	if (!code)
		code = write_host(db, c, err);
	if (!code)
		code = write_stacks(db, c, mark->stacks, err);
	if (!code)
		code = write_all_frames(db, c, mark, &to, err);
	if (!code)
		code = write_classes(db, c, mark->classes, err);
	if (!code)
		code = write_why(db, c, mark->classes, err);
	if (!code)
		code = write_usages(db, c, mark->classes, err);
	if (!code)
		code = write_edges(db, c, mark->edges, err);
	if (!code)
		code = db_write_usages_seen(db, c, mark->classes, c->nr_classes, err);
	if (!code)
		code = db_write_edges_seen(db, c, mark->edges, c->nr_edges, err);
	if (!code)
		code = write_facts(db, c, mark->facts, err);
	if (!code)
		code = write_waits(db, c, mark->waits, err);
	if (!code)
		code = write_losses(db, c, err);
	if (!code)
		code = write_images(db, c, err);
	if (!code)
		*mark = to;
	return code;
}

int db_write(sqlite3 *db, const struct capture *c, struct error *err)
{
	struct db_mark from = {};
	int code = db_append(db, c, &from, err);

	return code ? code : db_write_sources(db, c, err);
}

int db_clear(sqlite3 *db, struct error *err)
{
	return empty(db, "DELETE FROM fact_source; DELETE FROM edge_source; DELETE FROM usage_source; "
			 "DELETE FROM source; DELETE FROM host; DELETE FROM capture; DELETE FROM loss; DELETE FROM fact; "
			 "DELETE FROM wait; "
			 "DELETE FROM edge_sure; DELETE FROM gate; DELETE FROM edge_seen; DELETE FROM usage_seen; "
			 "DELETE FROM class_why; "
			 "DELETE FROM edge; DELETE FROM usage; DELETE FROM class; "
			 "DELETE FROM stack_frame; DELETE FROM stack; DELETE FROM frame; "
			 "DELETE FROM image", err);
}

int db_update_class(sqlite3 *db, const struct capture *c, size_t index, struct error *err)
{
	const struct capture_class *class = &c->classes[index];
	struct writer w;
	int code;

	writer_open(&w, db, "UPDATE class SET flags = ?, usage = ?, acquisitions = ? "
		    "WHERE id = ?");
	writer_int(&w, class->flags);
	writer_int(&w, class->usage);
	writer_int(&w, class->acquisitions);
	writer_int(&w, index);
	writer_row(&w);
	code = writer_close(&w, "class", err);
	if (code)
		return code;
	writer_open(&w, db, "INSERT OR REPLACE INTO usage (class, bit, stack, addr) "
		    "VALUES (?, ?, ?, ?)");
	write_usage_rows(&w, c, index);
	code = writer_close(&w, "usage", err);
	return code ? code : db_write_usages_seen(db, c, index, index + 1, err);
}

int db_update_counts(sqlite3 *db, const struct capture *c, const struct db_mark *below,
		     struct error *err)
{
	struct writer w;
	int code;

	writer_open(&w, db, "UPDATE class SET acquisitions = ?1 WHERE id = ?2 AND "
		    "acquisitions <> ?1");
	for (size_t i = 0; i < below->classes && i < c->nr_classes; i++) {
		writer_int(&w, c->classes[i].acquisitions);
		writer_int(&w, i);
		writer_row(&w);
	}
	code = writer_close(&w, "class", err);
	if (code)
		return code;
	writer_open(&w, db, "UPDATE edge SET count = ?1 WHERE id = ?2 AND count <> ?1");
	for (size_t i = 0; i < below->edges && i < c->nr_edges; i++) {
		writer_int(&w, c->edges[i].count);
		writer_int(&w, i);
		writer_row(&w);
	}
	code = writer_close(&w, "edge", err);
	code = code ? code : db_write_usages_seen(db, c, 0, below->classes, err);
	return code ? code : db_write_edges_seen(db, c, 0, below->edges, err);
}
