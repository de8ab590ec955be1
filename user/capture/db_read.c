// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rows to a capture. The tables are ours (db_verify), what is in them need not
 * be: every value's type and size is looked at here, what it refers to in
 * db_check.c. Rows come in the order of their ids and are counted, so that no
 * damaged tree gives more of them than a capture holds.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "capture/db_internal.h"

struct reader;
typedef void (*row_fn)(struct reader *r, struct capture *c, size_t i);

/* One table being read. The first failure is remembered, what follows does nothing. */
struct reader {
	sqlite3 *db;
	sqlite3_stmt *stmt;
	const char *table;
	size_t row;
	int code;
	struct error *err;
	size_t text; /* bytes of strings so far */
	struct capture_frame *frames; /* rows of table frame */
	size_t nr_frames;
};

static void reader_fail(struct reader *r, int column, const char *what)
{
	if (!r->code)
		r->code = error_set(r->err, -EINVAL, "damaged: %s %zu: %s %s", r->table, r->row,
				    sqlite3_column_name(r->stmt, column), what);
}

static void reader_nomem(struct reader *r)
{
	if (!r->code)
		r->code = error_set(r->err, -ENOMEM, "out of memory");
}

static uint64_t read_u64(struct reader *r, int column)
{
	if (r->code)
		return 0;
	if (sqlite3_column_type(r->stmt, column) != SQLITE_INTEGER) {
		reader_fail(r, column, "is not a number");
		return 0;
	}
	return sqlite3_column_int64(r->stmt, column);
}

/* At most max. */
static uint32_t read_u32(struct reader *r, int column, uint32_t max)
{
	uint64_t value = read_u64(r, column);

	if (value <= max)
		return value;
	reader_fail(r, column, "is out of range");
	return 0;
}

static bool is_null(struct reader *r, int column)
{
	return sqlite3_column_type(r->stmt, column) == SQLITE_NULL;
}

static uint32_t read_ref(struct reader *r, int column)
{
	return is_null(r, column) ? LV_NONE : read_u32(r, column, LV_NONE - 1);
}

static uint64_t read_addr(struct reader *r, int column)
{
	return is_null(r, column) ? 0 : read_u64(r, column);
}

static size_t read_chars(struct reader *r, int column, char *ret, size_t room)
{
	int len;

	ret[0] = '\0';
	if (r->code)
		return 0;
	if (sqlite3_column_type(r->stmt, column) != SQLITE_TEXT) {
		reader_fail(r, column, "is not text");
		return 0;
	}
	len = sqlite3_column_bytes(r->stmt, column);
	if ((size_t)len >= room) {
		reader_fail(r, column, "is too long");
		return 0;
	}
	return strbuf_copy_clean(ret, room, (const char *)sqlite3_column_text(r->stmt, column),
				 len);
}

static char *reader_copy(struct reader *r, const char *text, size_t len)
{
	char *copy;

	r->text += len;
	if (r->text > DB_MAX_TEXT && !r->code)
		r->code = error_set(r->err, -EINVAL, "damaged: more text than a capture holds");
	if (r->code)
		return NULL;
	copy = malloc(len + 1);
	if (!copy)
		reader_nomem(r);
	else
		memcpy(copy, text, len + 1);
	return copy;
}

static char *read_text(struct reader *r, int column)
{
	char clean[DB_MAX_STRING + 1];
	size_t len = read_chars(r, column, clean, sizeof(clean));

	return r->code ? NULL : reader_copy(r, clean, len);
}

static char *read_text_or_null(struct reader *r, int column)
{
	return is_null(r, column) ? NULL : read_text(r, column);
}

/* Call fn for each row. With ids, column 0 must count from 0. */
static void read_table(struct reader *r, const char *table, const char *sql, bool ids, size_t max,
		       row_fn fn, struct capture *c)
{
	int rc;

	if (r->code)
		return;
	r->table = table;
	r->row = 0;
	if (sqlite3_prepare_v2(r->db, sql, -1, &r->stmt, NULL) != SQLITE_OK) {
		r->code = db_error(r->err, r->db, "damaged, copy it again or record anew");
		return;
	}
	for (; !r->code && (rc = sqlite3_step(r->stmt)) != SQLITE_DONE; r->row++) {
		if (rc != SQLITE_ROW)
			r->code = db_error(r->err, r->db, "damaged, copy it again or record anew");
		else if (r->row >= max)
			r->code = error_set(r->err, -EINVAL,
					    "damaged: more rows of %s than a capture holds", table);
		else if (ids && read_u64(r, 0) != r->row)
			reader_fail(r, 0, "does not follow the one before");
		else
			fn(r, c, r->row);
	}
	sqlite3_finalize(r->stmt);
	r->stmt = NULL;
}

static void row_run(struct reader *r, struct capture *c, size_t i)
{
	c->version = read_text(r, 1);
	c->kernel = read_text(r, 2);
	c->build = read_text(r, 3);
	c->machine = read_text(r, 4);
	c->command = read_text_or_null(r, 5);
	c->tainted = read_text_or_null(r, 6);
	c->started = read_u64(r, 7);
	c->duration = read_u64(r, 8);
	c->events = read_u64(r, 9);
	c->rt = read_u32(r, 10, 1);
	c->annotated = read_u32(r, 11, 1);
	c->unlocks_hidden = read_u32(r, 12, 1);
	c->irqs_unseen = read_u32(r, 13, 1);
	c->preempts = read_u32(r, 14, 1);
	c->misses_asked = db_version(r->db) >= 4;
}

static void row_host(struct reader *r, struct capture *c, size_t i)
{
	c->host = read_text(r, 1);
}

/* Room for one more, doubling at each power of two, as in capture.c. */
static struct capture_frame *append_frame(struct reader *r, struct capture_frame **frames,
					  size_t nr)
{
	if ((nr & (nr - 1)) == 0) {
		struct capture_frame *grown =
			reallocarray(*frames, nr ? 2 * nr : 1, sizeof(**frames));

		if (!grown) {
			reader_nomem(r);
			return NULL;
		}
		*frames = grown;
	}
	return &(*frames)[nr];
}

static void row_frame(struct reader *r, struct capture *c, size_t i)
{
	uint64_t ip = read_u64(r, 1);
	char *text = read_text(r, 2);
	struct capture_frame *frame;

	if (r->code)
		return;
	frame = append_frame(r, &r->frames, r->nr_frames);
	if (!frame) {
		free(text);
		return;
	}
	frame->ip = ip;
	frame->text = text;
	r->nr_frames++;
}

static void row_stack(struct reader *r, struct capture *c, size_t i)
{
	struct capture_stack *stack = capture_add_stack(c);

	if (!stack) {
		reader_nomem(r);
		return;
	}
	read_chars(r, 1, stack->comm, sizeof(stack->comm));
	stack->pid = read_u32(r, 2, UINT32_MAX);
	stack->cpu = read_u32(r, 3, UINT32_MAX);
}

static void row_stack_frame(struct reader *r, struct capture *c, size_t i)
{
	uint32_t at = read_ref(r, 0), depth = read_ref(r, 1), from = read_ref(r, 2);
	struct capture_frame *frame;
	struct capture_stack *stack;

	if (!r->code && at >= c->nr_stacks)
		reader_fail(r, 0, "is not there");
	if (!r->code && from >= r->nr_frames)
		reader_fail(r, 2, "is not there");
	if (r->code)
		return;
	stack = &c->stacks[at];
	if (depth != stack->nr_frames || depth >= DB_MAX_DEPTH) {
		reader_fail(r, 1, "does not follow the one before");
		return;
	}
	frame = append_frame(r, &stack->frames, depth);
	if (!frame)
		return;
	frame->ip = r->frames[from].ip;
	frame->text = reader_copy(r, r->frames[from].text, strlen(r->frames[from].text));
	stack->nr_frames++;
}

static void row_class(struct reader *r, struct capture *c, size_t i)
{
	struct capture_class *class = capture_add_class(c);

	if (!class) {
		reader_nomem(r);
		return;
	}
	class->name = read_text(r, 1);
	class->alias = read_text_or_null(r, 2);
	class->kind = read_text(r, 3);
	class->key = read_text(r, 4);
	class->certainty = read_u32(r, 5, CAPTURE_AMBIGUOUS);
	class->family = read_u32(r, 6, LV_FAMILIES - 1);
	class->subclass = read_u32(r, 7, UINT16_MAX);
	class->flags = read_u32(r, 8, UINT32_MAX);
	class->usage = read_u32(r, 9, (1u << LV_USAGES) - 1);
	class->acquisitions = read_u64(r, 10);
}

static void row_usage(struct reader *r, struct capture *c, size_t i)
{
	uint32_t class = read_ref(r, 0), bit = read_u32(r, 1, LV_USAGES - 1);

	if (!r->code && class >= c->nr_classes)
		reader_fail(r, 0, "is not there");
	if (r->code)
		return;
	c->classes[class].usage_stack[bit] = read_ref(r, 2);
	c->classes[class].usage_addr[bit] = read_addr(r, 3);
}

static void row_edge(struct reader *r, struct capture *c, size_t i)
{
	struct capture_edge *edge = capture_add_edge(c);

	if (!edge) {
		reader_nomem(r);
		return;
	}
	edge->from = read_ref(r, 1);
	edge->to = read_ref(r, 2);
	edge->dep = read_u32(r, 3, UINT32_MAX);
	edge->count = read_u64(r, 4);
	edge->stack = read_ref(r, 5);
	edge->from_stack = read_ref(r, 6);
	edge->from_addr = read_addr(r, 7);
	edge->to_addr = read_addr(r, 8);
}

static void row_fact(struct reader *r, struct capture *c, size_t i)
{
	struct capture_fact *fact = capture_add_fact(c);

	if (!fact) {
		reader_nomem(r);
		return;
	}
	fact->kind = read_u32(r, 1, CAPTURE_FACT_KINDS - 1);
	fact->class = read_ref(r, 2);
	fact->class2 = read_ref(r, 3);
	fact->stack = read_ref(r, 4);
	fact->addr = read_addr(r, 5);
}

static void row_wait(struct reader *r, struct capture *c, size_t i)
{
	struct capture_wait *wait = capture_add_wait(c);

	if (!wait) {
		reader_nomem(r);
		return;
	}
	wait->ring = read_u32(r, 1, UINT32_MAX);
	wait->class = read_ref(r, 2);
	wait->mode = read_u32(r, 3, LV_READ);
	wait->held = read_u32(r, 4, LV_READ);
	wait->ends = read_u32(r, 5, CAPTURE_WAIT_ENDS - 1);
	wait->stack = read_ref(r, 6);
	wait->addr = read_addr(r, 7);
	wait->waited_ms = read_u64(r, 8);
}

static void row_loss(struct reader *r, struct capture *c, size_t i)
{
	struct capture_loss *loss = capture_add_loss(c);

	if (!loss) {
		reader_nomem(r);
		return;
	}
	loss->name = read_text(r, 1);
	loss->text = read_text(r, 2);
	loss->count = read_u64(r, 3);
	loss->programs = read_text_or_null(r, 4);
}

static void row_image(struct reader *r, struct capture *c, size_t i)
{
	struct capture_image *image = capture_add_image(c);

	if (!image) {
		reader_nomem(r);
		return;
	}
	image->module = read_text_or_null(r, 1);
	image->build_id = read_text(r, 2);
}

static void row_why(struct reader *r, struct capture *c, size_t i)
{
	uint32_t class = read_ref(r, 0);

	if (!r->code && class >= c->nr_classes)
		reader_fail(r, 0, "is not there");
	if (r->code)
		return;
	free(c->classes[class].why);
	c->classes[class].why = read_text(r, 1);
}

static void row_usage_seen(struct reader *r, struct capture *c, size_t i)
{
	uint32_t class = read_ref(r, 0), bit = read_u32(r, 1, LV_USAGES - 1);
	uint32_t twice = read_u32(r, 2, 1);

	if (!r->code && class >= c->nr_classes)
		reader_fail(r, 0, "is not there");
	if (r->code)
		return;
	c->classes[class].twice |= twice << bit;
	c->classes[class].usage_low[bit] = read_addr(r, 3);
	c->classes[class].usage_seen[bit] = read_u64(r, 4);
}

static void row_edge_seen(struct reader *r, struct capture *c, size_t i)
{
	uint32_t at = read_ref(r, 0);
	struct capture_edge *edge;

	if (!r->code && at >= c->nr_edges)
		reader_fail(r, 0, "is not there");
	if (r->code)
		return;
	edge = &c->edges[at];
	edge->seen_from = read_u64(r, 1);
	edge->seen_to = read_u64(r, 2);
	for (int n = 0; n < 2; n++)
		edge->low[n] = (struct lv_pair){read_addr(r, 3 + 2 * n), read_addr(r, 4 + 2 * n)};
}

static void row_edge_sure(struct reader *r, struct capture *c, size_t i)
{
	uint32_t at = read_ref(r, 0);

	if (!r->code && at >= c->nr_edges)
		reader_fail(r, 0, "is not there");
	if (!r->code)
		c->edges[at].sure = true;
}

static void row_gate(struct reader *r, struct capture *c, size_t i)
{
	uint32_t at = read_ref(r, 0), class = read_ref(r, 1), n = 0;
	uint64_t addr = read_u64(r, 2);
	struct capture_edge *edge;

	if (!r->code && at >= c->nr_edges)
		reader_fail(r, 0, "is not there");
	if (r->code)
		return;
	edge = &c->edges[at];
	while (n < LV_GATES && edge->gate_class[n] != LV_NONE)
		n++;
	if (n == LV_GATES) {
		reader_fail(r, 0, "has more gates than an edge can have");
		return;
	}
	edge->gate_class[n] = class;
	edge->gate_addr[n] = addr;
}

static void row_source(struct reader *r, struct capture *c, size_t i)
{
	struct capture_source *source = capture_add_source(c);

	if (!source) {
		reader_nomem(r);
		return;
	}
	source->name = read_text(r, 1);
	source->command = read_text_or_null(r, 2);
	source->started = read_u64(r, 3);
	source->duration = read_u64(r, 4);
	source->events = read_u64(r, 5);
	source->lost = read_u64(r, 6);
}

static void row_usage_source(struct reader *r, struct capture *c, size_t i)
{
	uint32_t class = read_ref(r, 0), bit = read_u32(r, 1, LV_USAGES - 1);

	if (!r->code && class >= c->nr_classes)
		reader_fail(r, 0, "is not there");
	if (!r->code)
		c->classes[class].usage_sources[bit] = read_u64(r, 2);
}

static void row_edge_source(struct reader *r, struct capture *c, size_t i)
{
	uint32_t at = read_ref(r, 0);

	if (!r->code && at >= c->nr_edges)
		reader_fail(r, 0, "is not there");
	if (!r->code)
		c->edges[at].source = 1ull << read_u32(r, 1, CAPTURE_MAX_SOURCES - 1);
}

static void row_fact_source(struct reader *r, struct capture *c, size_t i)
{
	uint32_t at = read_ref(r, 0);

	if (!r->code && at >= c->nr_facts)
		reader_fail(r, 0, "is not there");
	if (!r->code)
		c->facts[at].source = 1ull << read_u32(r, 1, CAPTURE_MAX_SOURCES - 1);
}

static void read_sources(struct reader *r, struct capture *c)
{
	read_table(r, "source", "SELECT id, name, command, started, duration, events, lost "
		   "FROM source ORDER BY id", true, CAPTURE_MAX_SOURCES, row_source, c);
	read_table(r, "usage_source", "SELECT class, bit, sources FROM usage_source", false,
		   DB_MAX_CLASSES * LV_USAGES, row_usage_source, c);
	read_table(r, "edge_source", "SELECT edge, source FROM edge_source", false, DB_MAX_EDGES,
		   row_edge_source, c);
	read_table(r, "fact_source", "SELECT fact, source FROM fact_source", false, DB_MAX_FACTS,
		   row_fact_source, c);
}

/* A capture of before does not know what was seen twice: it is taken as it was then. */
static void believe_usages(struct capture *c)
{
	for (size_t i = 0; i < c->nr_classes; i++)
		c->classes[i].twice = c->classes[i].usage;
}

static void read_seen(struct reader *r, struct capture *c)
{
	read_table(r, "class_why", "SELECT class, text FROM class_why", false, DB_MAX_CLASSES,
		   row_why, c);
	read_table(r, "usage_seen", "SELECT class, bit, twice, low, seen FROM usage_seen", false,
		   DB_MAX_CLASSES * LV_USAGES, row_usage_seen, c);
	read_table(r, "edge_seen", "SELECT edge, from_seen, to_seen, low_from, low_from_to, "
		   "low_to_from, low_to FROM edge_seen", false, DB_MAX_EDGES, row_edge_seen, c);
	read_table(r, "gate", "SELECT edge, class, addr FROM gate", false,
		   DB_MAX_EDGES * LV_GATES, row_gate, c);
}

static void read_tables(struct reader *r, struct capture *c)
{
	read_table(r, "capture", "SELECT id, version, kernel, build, machine, command, tainted, "
		   "started, duration, events, rt, annotated, unlocks_hidden, irqs_unseen, "
		   "preempts FROM capture", true, 1, row_run, c);
	read_table(r, "frame", "SELECT id, ip, text FROM frame ORDER BY id", true, DB_MAX_FRAMES,
		   row_frame, c);
	read_table(r, "stack", "SELECT id, comm, pid, cpu FROM stack ORDER BY id", true,
		   DB_MAX_STACKS, row_stack, c);
	read_table(r, "stack_frame", "SELECT stack, depth, frame FROM stack_frame "
		   "ORDER BY stack, depth", false, DB_MAX_FRAMES, row_stack_frame, c);
	read_table(r, "class", "SELECT id, name, alias, kind, key, certainty, family, subclass, "
		   "flags, usage, acquisitions FROM class ORDER BY id", true, DB_MAX_CLASSES,
		   row_class, c);
	read_table(r, "usage", "SELECT class, bit, stack, addr FROM usage", false,
		   DB_MAX_CLASSES * LV_USAGES, row_usage, c);
	read_table(r, "edge", "SELECT id, from_class, to_class, dep, count, stack, from_stack, "
		   "from_addr, to_addr FROM edge ORDER BY id", true, DB_MAX_EDGES, row_edge, c);
	read_table(r, "fact", "SELECT id, kind, class, class2, stack, addr FROM fact ORDER BY id",
		   true, DB_MAX_FACTS, row_fact, c);
	read_table(r, "loss", "SELECT id, name, text, count, programs FROM loss ORDER BY id", true,
		   DB_MAX_LOSSES, row_loss, c);
	if (db_version(r->db) >= 3)
		read_table(r, "image", "SELECT id, module, build_id FROM image ORDER BY id", true,
			   DB_MAX_IMAGES, row_image, c);
	if (db_version(r->db) >= 7)
		read_table(r, "wait", "SELECT id, ring, class, mode, held, ends, stack, addr, waited_ms "
			   "FROM wait ORDER BY id", true, DB_MAX_WAITS, row_wait, c);
	if (db_version(r->db) >= 5)
		read_seen(r, c);
	else
		believe_usages(c);
	if (db_version(r->db) >= 6)
		read_table(r, "edge_sure", "SELECT edge FROM edge_sure", false, DB_MAX_EDGES,
			   row_edge_sure, c);
	if (db_version(r->db) >= 7)
		read_sources(r, c);
	if (db_version(r->db) >= 8)
		read_table(r, "host", "SELECT id, name FROM host", true, 1, row_host, c);
}

CLEANUP_DEFINE(capture, struct capture *, capture_free)

int db_read(sqlite3 *db, struct capture **ret, struct error *err)
{
	CLEANUP(cleanup_capture) struct capture *c = capture_new();
	struct reader r = { .db = db, .err = err };

	if (!c)
		return error_set(err, -ENOMEM, "out of memory");
	read_tables(&r, c);
	for (size_t i = 0; i < r.nr_frames; i++)
		free(r.frames[i].text);
	free(r.frames);
	if (!r.code && db_check(c, err))
		r.code = error_prefix(err, "damaged");
	if (r.code)
		return r.code;
	*ret = TAKE_PTR(c);
	return 0;
}
