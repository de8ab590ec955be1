// SPDX-License-Identifier: GPL-2.0-only
/*
 * The JSON document, one object (docs/lockvane.schema.json has it in full):
 *
 *	schema          1; raised when a field changes its meaning or goes
 *	lockvane        version that recorded the capture
 *	kernel          uname release; build, machine: uname version and machine
 *	command         what was run, or null
 *	events          lock events seen; seconds: for how long
 *	findings[]      those shown, surest first:
 *	  id            the same in each run that finds it
 *	  rule          deadlock, inconsistent-state, irq-inversion, circular, recursive,
 *	                wait-context, bad-unlock, held-freed, held-at-exit
 *	  confidence    observed, confirmed, certain, likely, weak
 *	  chain[]       class names, each taken under the one before; a circular
 *	                chain goes on from its last to its first
 *	  graded_down   why it is weak, if not by its classes: an annotation, reused memory; or null
 *	  safe, unsafe  {class, usage, address}: the ends of an inversion or an
 *	                inconsistent state; else null
 *	  stacks[]      the evidence: {what: "safe" | "unsafe" | "edge" | "event",
 *	                class or from and to, type, task, pid, cpu, frames[]};
 *	                a frame: {text, symbol, offset, size, module, file, line, inline}
 *	  also[]        other chains with the same cure: {confidence, chain,
 *	                graded_down, safe, unsafe, stacks}; more: how many are not listed
 *	  waits[]       of a deadlock alone: {class, address, mode, held, ends, seconds, task,
 *	                pid, cpu, frames[]}, each waiting for the next, the last for the first;
 *	                mode and held, of the next: "exclusive", "shared"; ends: what ends the
 *	                wait beside the lock, null, "fatal-signal", "signal"
 *	  beyond[]      of an inversion: names of unsafe classes reached only by
 *	                way of its own; more_beyond: how many are not listed
 *	classes[]       {name, alias, kind, family, certainty, ambiguous, usage,
 *	                acquisitions}; usage as lockdep's "{+.-.}"
 *	edges[]         {from, to, count, type}: type is SR, ER, SN or EN
 *	captures[]      that it was put together of: {name, command, events, seconds,
 *	                lost}; else empty. Then each stack that is a usage's or an edge's has
 *	                captures[], the names of those that saw it
 *	losses          {name: count}, all kinds
 *	losses_by_program  {name: {function: count}}, kinds and hooks that have any
 *	summary         {shown, left_out, withheld, suppressed, not_selected, in_one, cut_short, lost}
 *	suppressed[]    {id, rule, chain, line, reason}
 *	unused_suppressions[]  {line, text}
 *
 * More may be added. Addresses are strings in hexadecimal; characters that are
 * not printable ASCII stand as \xNN in all strings.
 */
#include "report/report.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "report/frame.h"
#include "report/json_sources.h"
#include "report/jsonvalue.h"
#include "report/weight.h"
#include "report/words.h"

#define JSON_MOST (WEIGHT_MOST / 4) /* a frame in JSON is some four times its text */

static int set_part(json_t *object, const char *key, const struct frame_part *part)
{
	char *copy = part->len ? strndup(part->at, part->len) : NULL;
	int err = 0;

	if (part->len)
		err = copy ? jsonvalue_set(object, key, jsonvalue_text(copy)) : -ENOMEM;
	free(copy);
	return err;
}

static json_t *frame(const char *text)
{
	struct frame f = frame_parse(text);
	json_t *object = json_object();
	int err = object ? jsonvalue_set(object, "text", jsonvalue_text(text)) : -ENOMEM;

	err = err ?: set_part(object, "symbol", &f.symbol);
	if (f.size) {
		err = err ?: jsonvalue_set(object, "offset", jsonvalue_number(f.offset));
		err = err ?: jsonvalue_set(object, "size", jsonvalue_number(f.size));
	}
	err = err ?: set_part(object, "module", &f.module);
	err = err ?: set_part(object, "file", &f.file);
	if (f.line)
		err = err ?: jsonvalue_set(object, "line", jsonvalue_number(f.line));
	if (f.inlined)
		err = err ?: jsonvalue_set(object, "inline", json_true());
	return jsonvalue_checked(object, err);
}

static json_t *frames(const struct capture_stack *stack)
{
	json_t *array = json_array();
	int err = array ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < stack->nr_frames; i++)
		err = jsonvalue_push(array, frame(stack->frames[i].text));
	return jsonvalue_checked(array, err);
}

/* A stack with its task; an object of the rest when no stack was kept. */
static json_t *evidence(const struct capture *c, const char *what, uint32_t index)
{
	const struct capture_stack *stack = words_stack(c, index);
	json_t *object = json_object();
	char comm[LV_COMM_LEN + 1] = "";
	int err = object ? jsonvalue_set(object, "what", json_string(what)) : -ENOMEM;

	if (!err && stack) {
		memcpy(comm, stack->comm, LV_COMM_LEN);
		err = err ?: jsonvalue_set(object, "task", jsonvalue_text(comm));
		err = err ?: jsonvalue_set(object, "pid", jsonvalue_number(stack->pid));
		err = err ?: jsonvalue_set(object, "cpu", jsonvalue_number(stack->cpu));
		err = err ?: jsonvalue_set(object, "frames", frames(stack));
	}
	return jsonvalue_checked(object, err);
}

static json_t *class_evidence(const struct capture *c, const char *what, uint32_t class,
			      uint32_t usage)
{
	json_t *object = evidence(c, what, c->classes[class].usage_stack[usage]);
	int err = object ? 0 : -ENOMEM;

	err = err ?: jsonvalue_set(object, "class", jsonvalue_text(c->classes[class].name));
	err = err ?: jsonvalue_set(object, "usage", json_string(words_usage(usage)));
	err = err ?: json_set_sources(object, c, c->classes[class].usage_sources[usage]);
	return jsonvalue_checked(object, err);
}

static json_t *edge_evidence(const struct capture *c, uint32_t index)
{
	const struct capture_edge *edge = &c->edges[index];
	json_t *object = evidence(c, "edge", edge->stack);
	int err = object ? 0 : -ENOMEM;

	err = err ?: jsonvalue_set(object, "from", jsonvalue_text(c->classes[edge->from].name));
	err = err ?: jsonvalue_set(object, "to", jsonvalue_text(c->classes[edge->to].name));
	err = err ?: jsonvalue_set(object, "type", json_string(words_dep(edge->dep)));
	err = err ?: json_set_sources(object, c, capture_edge_sources(c, edge));
	if (edge->from_stack != LV_NONE)
		err = err ?: jsonvalue_set(object, "from_at",
				 jsonvalue_text(words_place(words_stack(c, edge->from_stack), NULL)));
	return jsonvalue_checked(object, err);
}

static json_t *stacks(const struct capture *c, const struct finding_chain *chain, uint32_t event)
{
	uint32_t last = chain->classes[chain->nr_classes - 1];
	json_t *array = json_array();
	int err = array ? 0 : -ENOMEM;

	if (!err && chain->safe != FINDING_NO_USAGE)
		err = jsonvalue_push(array, class_evidence(c, "safe", chain->classes[0], chain->safe));
	for (uint32_t i = 0; !err && i < chain->nr_edges; i++)
		err = jsonvalue_push(array, edge_evidence(c, chain->edges[i]));
	if (!err && chain->unsafe != FINDING_NO_USAGE)
		err = jsonvalue_push(array, class_evidence(c, "unsafe", last, chain->unsafe));
	if (!err && event != LV_NONE)
		err = jsonvalue_push(array, evidence(c, "event", event));
	return jsonvalue_checked(array, err);
}

static json_t *names(const struct capture *c, const struct finding_chain *chain)
{
	json_t *array = json_array();
	int err = array ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < chain->nr_classes; i++)
		err = jsonvalue_push(array, jsonvalue_text(c->classes[chain->classes[i]].name));
	return jsonvalue_checked(array, err);
}

static json_t *class_name(const struct capture *c, uint32_t class)
{
	return class == LV_NONE ? json_null() : jsonvalue_text(c->classes[class].name);
}

static json_t *told_text(const struct capture *c, const struct finding_chain *chain)
{
	if (chain->told == LV_NONE)
		return json_null();
	return jsonvalue_text(capture_edge_told(c, &c->edges[chain->edges[chain->told]]));
}

static json_t *chain_end_json(const struct capture *c, uint32_t class, uint32_t usage)
{
	json_t *object;
	int err;

	if (usage == FINDING_NO_USAGE)
		return json_null();
	object = json_object();
	err = object ? 0 : -ENOMEM;
	err = err ?: jsonvalue_set(object, "class", jsonvalue_text(c->classes[class].name));
	err = err ?: jsonvalue_set(object, "usage", json_string(words_usage(usage)));
	err = err ?: jsonvalue_set(object, "address", jsonvalue_address(c->classes[class].usage_addr[usage]));
	return jsonvalue_checked(object, err);
}

static int set_chain(json_t *object, const struct capture *c, const struct finding_chain *chain,
		     uint32_t event)
{
	uint32_t last = chain->classes[chain->nr_classes - 1];
	int err = 0;

	err = err
		      ?: jsonvalue_set(object, "confidence",
			     json_string(finding_confidence_name(chain->confidence)));
	err = err ?: jsonvalue_set(object, "chain", names(c, chain));
	err = err ?: jsonvalue_set(object, "graded_down", jsonvalue_text(chain->graded_down));
	err = err ?: jsonvalue_set(object, "seen_once", json_boolean(chain->once));
	err = err ?: jsonvalue_set(object, "apart", class_name(c, chain->apart));
	err = err ?: jsonvalue_set(object, "gated_by", class_name(c, chain->gate));
	err = err ?: jsonvalue_set(object, "told", told_text(c, chain));
	err = err ?: jsonvalue_set(object, "joined", json_boolean(chain->joined));
	err = err
		      ?: jsonvalue_set(object, "safe",
				       chain_end_json(c, chain->classes[0], chain->safe));
	err = err ?: jsonvalue_set(object, "unsafe", chain_end_json(c, last, chain->unsafe));
	return err ?: jsonvalue_set(object, "stacks", stacks(c, chain, event));
}

static json_t *also(const struct capture *c, const struct finding *f, enum finding_confidence least)
{
	json_t *array = json_array();
	int err = array ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < f->nr_also; i++) {
		json_t *object;

		if (f->also[i].suppressed_by != LV_NONE || f->also[i].confidence < least)
			continue;
		object = json_object();
		err = object ? set_chain(object, c, &f->also[i], LV_NONE) : -ENOMEM;
		err = err ?: jsonvalue_push(array, json_incref(object));
		json_decref(object);
	}
	return jsonvalue_checked(array, err);
}

static json_t *beyond(const struct capture *c, const struct finding *f)
{
	json_t *array = json_array();
	int err = array ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < f->nr_beyond; i++)
		err = jsonvalue_push(array, jsonvalue_text(c->classes[f->beyond[i]].name));
	return jsonvalue_checked(array, err);
}

static const char *mode_name(uint32_t mode)
{
	return mode == LV_WRITE ? "exclusive" : "shared";
}

static json_t *wait_end(uint32_t ends)
{
	if (ends == CAPTURE_WAIT_LOCK_ONLY)
		return json_null();
	return json_string(ends == CAPTURE_WAIT_SIGNAL ? "signal" : "fatal-signal");
}

static json_t *wait(const struct capture *c, const struct capture_wait *seen)
{
	json_t *object = evidence(c, "wait", seen->stack);
	int err = object ? 0 : -ENOMEM;

	err = err ?: jsonvalue_set(object, "class", jsonvalue_text(c->classes[seen->class].name));
	err = err ?: jsonvalue_set(object, "address", jsonvalue_address(seen->addr));
	err = err ?: jsonvalue_set(object, "mode", json_string(mode_name(seen->mode)));
	err = err ?: jsonvalue_set(object, "held", json_string(mode_name(seen->held)));
	err = err ?: jsonvalue_set(object, "ends", wait_end(seen->ends));
	err = err ?: jsonvalue_set(object, "seconds", json_real((double)seen->waited_ms / 1e3));
	return jsonvalue_checked(object, err);
}

static json_t *waits(const struct capture *c, const struct finding *f)
{
	json_t *array = json_array();
	uint32_t nr = f->chain.nr_classes;
	int err = array ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < nr; i++)
		err = jsonvalue_push(array, wait(c, &c->waits[f->ring + (f->ring_start + i) % nr]));
	return jsonvalue_checked(array, err);
}

static json_t *finding(const struct capture *c, const struct finding *f,
		       enum finding_confidence least)
{
	json_t *object = json_object();
	int err = object ? 0 : -ENOMEM;

	err = err ?: jsonvalue_set(object, "id", json_string(f->id));
	err = err ?: jsonvalue_set(object, "fingerprint", json_string(f->fingerprint));
	err = err ?: jsonvalue_set(object, "rule", json_string(finding_rule_name(f->rule)));
	err = err ?: set_chain(object, c, &f->chain, f->stack);
	if (f->ring != LV_NONE)
		err = err ?: jsonvalue_set(object, "waits", waits(c, f));
	err = err ?: jsonvalue_set(object, "also", also(c, f, least));
	err = err ?: jsonvalue_set(object, "more", jsonvalue_number(f->nr_more));
	err = err ?: jsonvalue_set(object, "beyond", beyond(c, f));
	err = err ?: jsonvalue_set(object, "more_beyond", jsonvalue_number(f->nr_beyond_more));
	return jsonvalue_checked(object, err);
}

static json_t *findings(const struct capture *c, const struct findings *f,
			const struct report_opts *opts, uint32_t *ret_left_out)
{
	json_t *array = json_array();
	int err = array ? 0 : -ENOMEM;
	uint64_t room = JSON_MOST;

	*ret_left_out = 0;
	for (uint32_t i = 0; !err && i < f->nr; i++) {
		if (!finding_shown(&f->items[i], opts->least))
			continue;
		if (weight_fits(c, &f->items[i], &room))
			err = jsonvalue_push(array, finding(c, &f->items[i], opts->least));
		else
			++*ret_left_out;
	}
	return jsonvalue_checked(array, err);
}

static json_t *class(const struct capture_class *seen)
{
	json_t *object = json_object();
	char usage[CAPTURE_USAGE_LEN];
	int err = object ? 0 : -ENOMEM;

	capture_usage_text(seen->usage, usage);
	err = err ?: jsonvalue_set(object, "name", jsonvalue_text(seen->name));
	err = err ?: jsonvalue_set(object, "alias", jsonvalue_text(seen->alias));
	err = err ?: jsonvalue_set(object, "kind", jsonvalue_text(seen->kind));
	err = err ?: jsonvalue_set(object, "family", json_string(words_family(seen->family)));
	err = err ?: jsonvalue_set(object, "usage", json_string(usage));
	err = err ?: jsonvalue_set(object, "acquisitions", jsonvalue_number(seen->acquisitions));
	err = err ?: jsonvalue_set(object, "certainty", json_string(words_certainty(seen->certainty)));
	err = err ?: jsonvalue_set(object, "ambiguous", json_boolean(seen->certainty == CAPTURE_AMBIGUOUS));
	return jsonvalue_checked(object, err);
}

static json_t *classes(const struct capture *c, const char *lock)
{
	json_t *array = json_array();
	int err = array ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < c->nr_classes; i++)
		if (words_lock_fits(lock, &c->classes[i]))
			err = jsonvalue_push(array, class(&c->classes[i]));
	return jsonvalue_checked(array, err);
}

static json_t *edge(const struct capture *c, const struct capture_edge *seen)
{
	json_t *object = json_object();
	int err = object ? 0 : -ENOMEM;

	err = err ?: jsonvalue_set(object, "from", jsonvalue_text(c->classes[seen->from].name));
	err = err ?: jsonvalue_set(object, "to", jsonvalue_text(c->classes[seen->to].name));
	err = err ?: jsonvalue_set(object, "count", jsonvalue_number(seen->count));
	err = err ?: jsonvalue_set(object, "type", json_string(words_dep(seen->dep)));
	return jsonvalue_checked(object, err);
}

static json_t *edges(const struct capture *c, const char *lock)
{
	json_t *array = json_array();
	int err = array ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < c->nr_edges; i++)
		if (words_edge_fits(lock, c, &c->edges[i]))
			err = jsonvalue_push(array, edge(c, &c->edges[i]));
	return jsonvalue_checked(array, err);
}

static json_t *losses(const struct capture *c)
{
	json_t *object = json_object();
	int err = object ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < c->nr_losses; i++)
		err = jsonvalue_set_named(object, c->losses[i].name, jsonvalue_number(c->losses[i].count));
	return jsonvalue_checked(object, err);
}

/* "function count, ...", as capture.h has it. */
static json_t *programs(const char *text)
{
	json_t *object = json_object();
	int err = object ? 0 : -ENOMEM, len;
	char function[128];
	uint64_t count;

	while (!err && sscanf(text, "%127[^, ] %" SCNu64 "%n", function, &count, &len) == 2) {
		err = jsonvalue_set_named(object, function, jsonvalue_number(count));
		text += len;
		text += strspn(text, ", ");
	}
	return jsonvalue_checked(object, err);
}

static json_t *losses_by_program(const struct capture *c)
{
	json_t *object = json_object();
	int err = object ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < c->nr_losses; i++)
		if (c->losses[i].programs)
			err = jsonvalue_set_named(object, c->losses[i].name, programs(c->losses[i].programs));
	return jsonvalue_checked(object, err);
}

static json_t *summary(const struct capture *c, const struct findings *f,
		       const struct report_opts *opts, uint32_t left_out)
{
	uint32_t shown = findings_shown(f, opts->least), suppressed = suppress_count(f);
	json_t *object = json_object();
	int err = object ? 0 : -ENOMEM;

	err = err ?: jsonvalue_set(object, "shown", jsonvalue_number(shown));
	err = err ?: jsonvalue_set(object, "left_out", jsonvalue_number(left_out));
	err = err ?: jsonvalue_set(object, "withheld", jsonvalue_number(f->nr - shown - suppressed));
	err = err ?: jsonvalue_set(object, "suppressed", jsonvalue_number(suppressed));
	err = err ?: jsonvalue_set(object, "in_one", jsonvalue_number(opts->in_one));
	err = err ?: jsonvalue_set(object, "not_selected", jsonvalue_number(f->not_selected));
	err = err ?: jsonvalue_set(object, "cut_short", json_boolean(f->cut_short));
	err = err ?: jsonvalue_set(object, "lost", jsonvalue_number(capture_lost(c)));
	return jsonvalue_checked(object, err);
}

static json_t *suppressed(const struct capture *c, const struct findings *f,
			  const struct suppressions *s)
{
	json_t *array = json_array();
	int err = array ? 0 : -ENOMEM;
	uint64_t room = JSON_MOST;

	for (uint32_t i = 0; !err && s && i < f->nr; i++) {
		const struct finding *hidden = &f->items[i];
		json_t *object;

		if (hidden->suppressed_by == LV_NONE || !weight_fits(c, hidden, &room))
			continue;
		object = json_object();
		err = object ? jsonvalue_set(object, "id", json_string(hidden->id)) : -ENOMEM;
		err = err ?: jsonvalue_set(object, "rule", json_string(finding_rule_name(hidden->rule)));
		err = err ?: jsonvalue_set(object, "chain", names(c, &hidden->chain));
		err = err ?: jsonvalue_set(object, "line", jsonvalue_number(s->items[hidden->suppressed_by].line));
		err = err ?: jsonvalue_set(object, "reason", jsonvalue_text(s->items[hidden->suppressed_by].reason));
		err = err ?: jsonvalue_push(array, json_incref(object));
		json_decref(object);
	}
	return jsonvalue_checked(array, err);
}

static json_t *unused(const struct suppressions *s)
{
	json_t *array = json_array();
	int err = array ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && s && i < s->nr; i++) {
		json_t *object;

		if (s->items[i].hits)
			continue;
		object = json_object();
		err = object ? jsonvalue_set(object, "line", jsonvalue_number(s->items[i].line)) : -ENOMEM;
		err = err ?: jsonvalue_set(object, "text", jsonvalue_text(s->items[i].text));
		err = err ?: jsonvalue_push(array, json_incref(object));
		json_decref(object);
	}
	return jsonvalue_checked(array, err);
}

static int fill(json_t *root, const struct capture *c, const struct findings *f,
		const struct report_opts *opts)
{
	uint32_t left_out;
	int err = 0;

	err = err ?: jsonvalue_set(root, "schema", jsonvalue_number(JSONVALUE_SCHEMA));
	err = err ?: jsonvalue_set(root, "lockvane", jsonvalue_text(c->version));
	err = err ?: jsonvalue_set(root, "kernel", jsonvalue_text(c->kernel));
	err = err ?: jsonvalue_set(root, "build", jsonvalue_text(c->build));
	err = err ?: jsonvalue_set(root, "machine", jsonvalue_text(c->machine));
	err = err ?: jsonvalue_set(root, "command", jsonvalue_text(c->command));
	err = err ?: jsonvalue_set(root, "events", jsonvalue_number(c->events));
	err = err ?: jsonvalue_set(root, "seconds", json_real((double)c->duration / 1e9));
	err = err ?: jsonvalue_set(root, "findings", findings(c, f, opts, &left_out));
	err = err ?: jsonvalue_set(root, "classes", classes(c, NULL));
	err = err ?: jsonvalue_set(root, "edges", edges(c, NULL));
	err = err ?: jsonvalue_set(root, "captures", json_sources(c));
	err = err ?: jsonvalue_set(root, "losses", losses(c));
	err = err ?: jsonvalue_set(root, "losses_by_program", losses_by_program(c));
	err = err ?: jsonvalue_set(root, "summary", summary(c, f, opts, left_out));
	err = err ?: jsonvalue_set(root, "suppressed", suppressed(c, f, opts->suppressions));
	return err ?: jsonvalue_set(root, "unused_suppressions", unused(opts->suppressions));
}

int report_json(FILE *out, const struct capture *c, const struct findings *f,
		const struct report_opts *opts)
{
	json_t *root = json_object();

	return jsonvalue_print(out, jsonvalue_checked(root, root ? fill(root, c, f, opts) : -ENOMEM));
}

static int print_list(FILE *out, const char *key, json_t *list)
{
	json_t *root = json_object();
	int err = root ? jsonvalue_set(root, "schema", jsonvalue_number(JSONVALUE_SCHEMA)) : -ENOMEM;

	err = err ?: jsonvalue_set(root, key, list);
	return jsonvalue_print(out, jsonvalue_checked(root, err));
}

int report_classes_json(FILE *out, const struct capture *c, const char *lock)
{
	return print_list(out, "classes", classes(c, lock));
}

int report_edges_json(FILE *out, const struct capture *c, const char *lock)
{
	return print_list(out, "edges", edges(c, lock));
}
