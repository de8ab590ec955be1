// SPDX-License-Identifier: GPL-2.0-only
#include "fleet/push.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "fleet/parts.h"
#include "fleet/rows.h"

#define PROTOCOL "1"
#define FIND_BATCH 4096
#define ADD_BATCH 256
#define MAX_NR (1 << 20) /* parts of a build: the store's limit */
#define MAX_REPORT (1 << 20)
#define DIGESTS (FLEET_HEAPS + 1) /* the last is the findings' */

struct pushing {
	struct store *s;
	const struct push_load *load;
	struct fleet_parts parts;
	int32_t *numbers; /* by part: the store's, -1: not known */
	uint64_t digests[DIGESTS], theirs[DIGESTS];
	char run[16];
	char *findings; /* as JSON */
	struct push_done *done;
	struct error *err;
};

static int no_memory(const struct pushing *p)
{
	return error_set(p->err, -ENOMEM, "out of memory");
}

/* A store that does not behave. */
static int confused(const struct pushing *p)
{
	return error_set(p->err, -EPROTO, "the store answers otherwise than it should");
}

static const char *truth(bool is_true)
{
	return is_true ? "t" : "f";
}

/* Digests as "\x0123…", and back; whatever else stands there equals none of ours. */
static void put_digests(const uint64_t *digests, char *ret)
{
	ret += sprintf(ret, "\\x");
	for (int i = 0; i < DIGESTS; i++)
		ret += sprintf(ret, "%016" PRIx64, digests[i]);
}

static bool get_digests(const char *text, uint64_t *ret)
{
	if (strncmp(text, "\\x", 2) || strlen(text) != 2 + 16 * DIGESTS)
		return false;
	for (int i = 0; i < DIGESTS; i++)
		if (sscanf(text + 2 + 16 * i, "%16" SCNx64, &ret[i]) != 1)
			return false;
	return true;
}

static int prepare(struct pushing *p)
{
	struct fleet_key key;
	int code = fleet_parts_of(p->load->capture, &p->parts);

	if (code)
		return no_memory(p);
	p->numbers = calloc(p->parts.nr + 1, sizeof(*p->numbers));
	p->findings = rows_of_findings(p->load);
	if (!p->numbers || !p->findings)
		return no_memory(p);
	fleet_digest(&p->parts, p->digests);
	fleet_key_of(p->findings, &key);
	memcpy(&p->digests[FLEET_HEAPS], key.bytes, sizeof(uint64_t));
	p->done->parts = p->parts.nr;
	p->done->left_out = p->parts.left_out;
	return 0;
}

static int open_run(struct pushing *p)
{
	const struct capture *c = p->load->capture;
	char key[FLEET_KEY_LEN];
	const char *values[] = { PROTOCOL, key, p->load->host->name, c->kernel, c->build, c->machine,
				 truth(c->rt), truth(c->annotated) };
	CLEANUP(cleanup_result) PGresult *r = NULL;

	fleet_key_text(&p->load->host->key, key);
	r = store_run(p->s, "SELECT run, digests FROM lockvane.push_open($1, $2, $3, $4, $5, $6, $7, $8)", 8,
		      values, p->err);
	if (!r)
		return p->err->code;
	snprintf(p->run, sizeof(p->run), "%" PRId32, (int32_t)store_number(r, 0, 0));
	if (!get_digests(store_text(r, 0, 1), p->theirs))
		for (int i = 0; i < DIGESTS; i++)
			p->theirs[i] = ~p->digests[i];
	return 0;
}

/* Call one of the functions that give numbers in return, for nr parts. */
static int ask_numbers(struct pushing *p, const char *sql, const char *value, int32_t *ret, size_t nr)
{
	const char *values[] = { p->run, value };
	CLEANUP(cleanup_result) PGresult *r = store_run(p->s, sql, 2, values, p->err);

	if (!r)
		return p->err->code;
	return store_numbers(store_text(r, 0, 0), ret, nr) ? confused(p) : 0;
}

static int find_batch(struct pushing *p, const uint32_t *wanted, size_t nr)
{
	AUTO_STRBUF keys = STRBUF_INIT;
	int32_t numbers[FIND_BATCH];
	char text[FLEET_KEY_LEN];
	int code;

	for (size_t i = 0; i < nr; i++) {
		fleet_key_text(&p->parts.items[wanted[i]].key, text);
		strbuf_addf(&keys, "%c%s", i ? ',' : '{', text);
	}
	strbuf_add(&keys, "}");
	if (keys.failed)
		return no_memory(p);
	code = ask_numbers(p, "SELECT lockvane.push_find($1, $2)", keys.text, numbers, nr);
	for (size_t i = 0; !code && i < nr; i++)
		p->numbers[wanted[i]] = numbers[i];
	return code;
}

static int add_batch(struct pushing *p, const uint32_t *wanted, size_t nr)
{
	AUTO_FREE char *rows = NULL;
	int32_t numbers[ADD_BATCH];
	int code;

	rows = rows_of_parts(p->load->capture, p->parts.items, wanted, nr);
	if (!rows)
		return no_memory(p);
	code = ask_numbers(p, "SELECT lockvane.push_add($1, $2)", rows, numbers, nr);
	for (size_t i = 0; !code && i < nr; i++) {
		p->numbers[wanted[i]] = numbers[i];
		p->done->added++;
	}
	return code;
}

/* Hand the parts for which `wants` says so to `fn`, some at a time. */
static int in_batches(struct pushing *p, bool (*wants)(const struct pushing *p, size_t i), size_t most,
		      int (*fn)(struct pushing *p, const uint32_t *wanted, size_t nr))
{
	uint32_t wanted[FIND_BATCH];
	size_t nr = 0;
	int code = 0;

	for (size_t i = 0; !code && i < p->parts.nr; i++) {
		if (wants(p, i))
			wanted[nr++] = i;
		if (nr < most)
			continue;
		code = fn(p, wanted, nr);
		nr = 0;
	}
	return code || !nr ? code : fn(p, wanted, nr);
}

static bool is_changed(const struct pushing *p, size_t i)
{
	uint32_t heap = fleet_heap_of(&p->parts.items[i]);

	return p->digests[heap] != p->theirs[heap];
}

static bool is_unknown(const struct pushing *p, size_t i)
{
	return is_changed(p, i) && p->numbers[i] < 0;
}

/* Tell which of the store's parts were seen: those of the heaps that changed. */
static int push_seen(struct pushing *p)
{
	const char *values[] = { p->run, NULL };
	CLEANUP(cleanup_result) PGresult *r = NULL;
	AUTO_FREE char *bits = NULL;
	int32_t most = -1;

	for (size_t i = 0; i < p->parts.nr; i++) {
		if (!is_changed(p, i))
			continue;
		if (p->numbers[i] < 0 || p->numbers[i] >= MAX_NR)
			return confused(p);
		most = p->numbers[i] > most ? p->numbers[i] : most;
		p->done->asked++;
	}
	if (most < 0)
		return 0;
	bits = malloc(most + 2);
	if (!bits)
		return no_memory(p);
	memset(bits, '0', most + 1);
	bits[most + 1] = '\0';
	for (size_t i = 0; i < p->parts.nr; i++)
		if (is_changed(p, i))
			bits[p->numbers[i]] = '1';
	values[1] = bits;
	r = store_run(p->s, "SELECT lockvane.push_seen($1, $2)", 2, values, p->err);
	return r ? 0 : p->err->code;
}

static int push_report(struct pushing *p, size_t i, int32_t issue)
{
	AUTO_FREE char *text = NULL, *json = NULL;
	char number[16];
	const char *values[] = { p->run, number, NULL, NULL };
	CLEANUP(cleanup_result) PGresult *r = NULL;
	int code = p->load->report(p->load->arg, i, &text, &json, p->err);

	if (code == -ENODATA || (!code && (strlen(text) > MAX_REPORT || strlen(json) > MAX_REPORT)))
		return 0;
	if (code)
		return code;
	snprintf(number, sizeof(number), "%" PRId32, issue);
	values[2] = text;
	values[3] = json;
	r = store_run(p->s, "SELECT lockvane.push_report($1, $2, $3, $4)", 4, values, p->err);
	p->done->reports += r != NULL;
	return r ? 0 : p->err->code;
}

static int push_findings(struct pushing *p)
{
	size_t nr = p->load->nr_findings;
	AUTO_FREE int32_t *issues = NULL;
	int code;

	if (!nr || p->digests[FLEET_HEAPS] == p->theirs[FLEET_HEAPS])
		return 0;
	issues = calloc(nr, sizeof(*issues));
	if (!issues)
		return no_memory(p);
	code = ask_numbers(p, "SELECT lockvane.push_findings($1, $2)", p->findings, issues, nr);
	for (size_t i = 0; !code && i < nr; i++)
		if (issues[i] >= 0)
			code = push_report(p, i, issues[i]);
	p->done->findings = nr;
	return code;
}

static int close_run(struct pushing *p)
{
	char digests[3 + 16 * DIGESTS];
	AUTO_FREE char *info = rows_of_run(p->load->capture);
	const char *values[] = { p->run, info, digests };
	CLEANUP(cleanup_result) PGresult *r = NULL;

	if (!info)
		return no_memory(p);
	put_digests(p->digests, digests);
	r = store_run(p->s, "SELECT lockvane.push_close($1, $2, $3)", 3, values, p->err);
	return r ? 0 : p->err->code;
}

int fleet_push(struct store *s, const struct push_load *load, struct push_done *ret, struct error *err)
{
	struct push_done done = {};
	struct pushing p = { .s = s, .load = load, .done = &done, .err = err };
	int code = prepare(&p);

	code = code ? code : open_run(&p);
	code = code ? code : in_batches(&p, is_changed, FIND_BATCH, find_batch);
	code = code ? code : in_batches(&p, is_unknown, ADD_BATCH, add_batch);
	code = code ? code : push_seen(&p);
	code = code ? code : push_findings(&p);
	code = code ? code : close_run(&p);
	fleet_parts_free(&p.parts);
	free(p.numbers);
	free(p.findings);
	if (!code)
		*ret = done;
	return code;
}
