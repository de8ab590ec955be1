// SPDX-License-Identifier: GPL-2.0-only
/*
 * The JSON document, one object:
 *
 *	lockvane        version that recorded the capture
 *	kernel          uname release; build, machine: uname version and machine
 *	command         what was run, or null
 *	events          lock events seen; seconds: for how long
 *	findings[]      those shown, surest first:
 *	  id            the same in each run that finds it
 *	  rule          inconsistent-state, irq-inversion, circular, recursive,
 *	                wait-context, bad-unlock, held-freed, held-at-exit
 *	  confidence    confirmed, certain, likely, weak
 *	  chain[]       class names, each taken under the one before; a circular
 *	                chain goes on from its last to its first
 *	  graded_down   the annotation that made it weak, or null
 *	  safe, unsafe  {class, usage, address}: the ends of an inversion or an
 *	                inconsistent state; else null
 *	  stacks[]      the evidence: {what: "safe" | "unsafe" | "edge" | "event",
 *	                class or from and to, type, task, pid, cpu, frames[]}
 *	  also[]        other chains with the same cure: {confidence, chain,
 *	                graded_down, safe, unsafe, stacks}; more: how many are not listed
 *	  beyond[]      of an inversion: names of unsafe classes reached only by
 *	                way of its own; more_beyond: how many are not listed
 *	classes[]       {name, alias, kind, family, certainty, ambiguous, usage,
 *	                acquisitions}; usage as lockdep's "{+.-.}"
 *	edges[]         {from, to, count, type}: type is SR, ER, SN or EN
 *	losses          {name: count}, all kinds
 *	losses_by_program  {name: {function: count}}, kinds and hooks that have any
 *	summary         {shown, left_out, withheld, suppressed, cut_short, lost}
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

#include "report/weight.h"
#include "report/words.h"

/* Adds to an object; a value that could not be made fails like the adding. */
static int set(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) ? -ENOMEM : 0;
}

static int push(json_t *array, json_t *value)
{
	return json_array_append_new(array, value) ? -ENOMEM : 0;
}

/* The same under a key that a capture brought along. */
static int set_named(json_t *object, const char *key, json_t *value)
{
	char *clean = value ? words_clean(key) : NULL;
	int err = clean ? set(object, clean, value) : -ENOMEM;

	if (!clean)
		json_decref(value);
	free(clean);
	return err;
}

static json_t *text(const char *s)
{
	char *clean = s ? words_clean(s) : NULL;
	json_t *value = s ? (clean ? json_string(clean) : NULL) : json_null();

	free(clean);
	return value;
}

static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *address(uint64_t addr)
{
	char hex[19];

	snprintf(hex, sizeof(hex), "0x%" PRIx64, addr);
	return addr ? json_string(hex) : json_null();
}

/* Gives the value back, or frees it when something went wrong. */
static json_t *checked(json_t *value, int err)
{
	if (!err)
		return value;
	json_decref(value);
	return NULL;
}

static json_t *frames(const struct capture_stack *stack)
{
	json_t *array = json_array();
	int err = array ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < stack->nr_frames; i++)
		err = push(array, text(stack->frames[i].text));
	return checked(array, err);
}

/* A stack with its task; an object of the rest when no stack was kept. */
static json_t *evidence(const struct capture *c, const char *what, uint32_t index)
{
	const struct capture_stack *stack = words_stack(c, index);
	json_t *object = json_object();
	char comm[LV_COMM_LEN + 1] = "";
	int err = object ? set(object, "what", json_string(what)) : -ENOMEM;

	if (!err && stack) {
		memcpy(comm, stack->comm, LV_COMM_LEN);
		err = err ?: set(object, "task", text(comm));
		err = err ?: set(object, "pid", number(stack->pid));
		err = err ?: set(object, "cpu", number(stack->cpu));
		err = err ?: set(object, "frames", frames(stack));
	}
	return checked(object, err);
}

static json_t *class_evidence(const struct capture *c, const char *what, uint32_t class,
			      uint32_t usage)
{
	json_t *object = evidence(c, what, c->classes[class].usage_stack[usage]);
	int err = object ? 0 : -ENOMEM;

	err = err ?: set(object, "class", text(c->classes[class].name));
	err = err ?: set(object, "usage", json_string(words_usage(usage)));
	return checked(object, err);
}

static json_t *edge_evidence(const struct capture *c, uint32_t index)
{
	const struct capture_edge *edge = &c->edges[index];
	json_t *object = evidence(c, "edge", edge->stack);
	int err = object ? 0 : -ENOMEM;

	err = err ?: set(object, "from", text(c->classes[edge->from].name));
	err = err ?: set(object, "to", text(c->classes[edge->to].name));
	err = err ?: set(object, "type", json_string(words_dep(edge->dep)));
	if (edge->from_stack != LV_NONE)
		err = err ?: set(object, "from_at",
				 text(words_place(words_stack(c, edge->from_stack), NULL)));
	return checked(object, err);
}

static json_t *stacks(const struct capture *c, const struct finding_chain *chain, uint32_t event)
{
	uint32_t last = chain->classes[chain->nr_classes - 1];
	json_t *array = json_array();
	int err = array ? 0 : -ENOMEM;

	if (!err && chain->safe != FINDING_NO_USAGE)
		err = push(array, class_evidence(c, "safe", chain->classes[0], chain->safe));
	for (uint32_t i = 0; !err && i < chain->nr_edges; i++)
		err = push(array, edge_evidence(c, chain->edges[i]));
	if (!err && chain->unsafe != FINDING_NO_USAGE)
		err = push(array, class_evidence(c, "unsafe", last, chain->unsafe));
	if (!err && event != LV_NONE)
		err = push(array, evidence(c, "event", event));
	return checked(array, err);
}

static json_t *names(const struct capture *c, const struct finding_chain *chain)
{
	json_t *array = json_array();
	int err = array ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < chain->nr_classes; i++)
		err = push(array, text(c->classes[chain->classes[i]].name));
	return checked(array, err);
}

static json_t *class_name(const struct capture *c, uint32_t class)
{
	return class == LV_NONE ? json_null() : text(c->classes[class].name);
}

static json_t *told_text(const struct capture *c, const struct finding_chain *chain)
{
	if (chain->told == LV_NONE)
		return json_null();
	return text(capture_edge_told(c, &c->edges[chain->edges[chain->told]]));
}

static json_t *end(const struct capture *c, uint32_t class, uint32_t usage)
{
	json_t *object;
	int err;

	if (usage == FINDING_NO_USAGE)
		return json_null();
	object = json_object();
	err = object ? 0 : -ENOMEM;
	err = err ?: set(object, "class", text(c->classes[class].name));
	err = err ?: set(object, "usage", json_string(words_usage(usage)));
	err = err ?: set(object, "address", address(c->classes[class].usage_addr[usage]));
	return checked(object, err);
}

static int set_chain(json_t *object, const struct capture *c, const struct finding_chain *chain,
		     uint32_t event)
{
	uint32_t last = chain->classes[chain->nr_classes - 1];
	int err = 0;

	err = err
		      ?: set(object, "confidence",
			     json_string(finding_confidence_name(chain->confidence)));
	err = err ?: set(object, "chain", names(c, chain));
	err = err ?: set(object, "graded_down", text(chain->graded_down));
	err = err ?: set(object, "seen_once", json_boolean(chain->once));
	err = err ?: set(object, "apart", class_name(c, chain->apart));
	err = err ?: set(object, "gated_by", class_name(c, chain->gate));
	err = err ?: set(object, "told", told_text(c, chain));
	err = err ?: set(object, "safe", end(c, chain->classes[0], chain->safe));
	err = err ?: set(object, "unsafe", end(c, last, chain->unsafe));
	return err ?: set(object, "stacks", stacks(c, chain, event));
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
		err = err ?: push(array, json_incref(object));
		json_decref(object);
	}
	return checked(array, err);
}

static json_t *beyond(const struct capture *c, const struct finding *f)
{
	json_t *array = json_array();
	int err = array ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < f->nr_beyond; i++)
		err = push(array, text(c->classes[f->beyond[i]].name));
	return checked(array, err);
}

static json_t *finding(const struct capture *c, const struct finding *f,
		       enum finding_confidence least)
{
	json_t *object = json_object();
	int err = object ? 0 : -ENOMEM;

	err = err ?: set(object, "id", json_string(f->id));
	err = err ?: set(object, "fingerprint", json_string(f->fingerprint));
	err = err ?: set(object, "rule", json_string(finding_rule_name(f->rule)));
	err = err ?: set_chain(object, c, &f->chain, f->stack);
	err = err ?: set(object, "also", also(c, f, least));
	err = err ?: set(object, "more", number(f->nr_more));
	err = err ?: set(object, "beyond", beyond(c, f));
	err = err ?: set(object, "more_beyond", number(f->nr_beyond_more));
	return checked(object, err);
}

static json_t *findings(const struct capture *c, const struct findings *f,
			const struct report_opts *opts, uint32_t *ret_left_out)
{
	json_t *array = json_array();
	int err = array ? 0 : -ENOMEM;
	uint64_t room = WEIGHT_MOST;

	*ret_left_out = 0;
	for (uint32_t i = 0; !err && i < f->nr; i++) {
		if (!finding_shown(&f->items[i], opts->least))
			continue;
		if (weight_fits(c, &f->items[i], &room))
			err = push(array, finding(c, &f->items[i], opts->least));
		else
			++*ret_left_out;
	}
	return checked(array, err);
}

static json_t *class(const struct capture_class *seen)
{
	json_t *object = json_object();
	char usage[CAPTURE_USAGE_LEN];
	int err = object ? 0 : -ENOMEM;

	capture_usage_text(seen->usage, usage);
	err = err ?: set(object, "name", text(seen->name));
	err = err ?: set(object, "alias", text(seen->alias));
	err = err ?: set(object, "kind", text(seen->kind));
	err = err ?: set(object, "family", json_string(words_family(seen->family)));
	err = err ?: set(object, "usage", json_string(usage));
	err = err ?: set(object, "acquisitions", number(seen->acquisitions));
	err = err ?: set(object, "certainty", json_string(words_certainty(seen->certainty)));
	err = err ?: set(object, "ambiguous", json_boolean(seen->certainty == CAPTURE_AMBIGUOUS));
	return checked(object, err);
}

static json_t *classes(const struct capture *c)
{
	json_t *array = json_array();
	int err = array ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < c->nr_classes; i++)
		err = push(array, class(&c->classes[i]));
	return checked(array, err);
}

static json_t *edge(const struct capture *c, const struct capture_edge *seen)
{
	json_t *object = json_object();
	int err = object ? 0 : -ENOMEM;

	err = err ?: set(object, "from", text(c->classes[seen->from].name));
	err = err ?: set(object, "to", text(c->classes[seen->to].name));
	err = err ?: set(object, "count", number(seen->count));
	err = err ?: set(object, "type", json_string(words_dep(seen->dep)));
	return checked(object, err);
}

static json_t *edges(const struct capture *c)
{
	json_t *array = json_array();
	int err = array ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < c->nr_edges; i++)
		err = push(array, edge(c, &c->edges[i]));
	return checked(array, err);
}

static json_t *losses(const struct capture *c)
{
	json_t *object = json_object();
	int err = object ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < c->nr_losses; i++)
		err = set_named(object, c->losses[i].name, number(c->losses[i].count));
	return checked(object, err);
}

/* "function count, ...", as capture.h has it. */
static json_t *programs(const char *text)
{
	json_t *object = json_object();
	int err = object ? 0 : -ENOMEM, len;
	char function[128];
	uint64_t count;

	while (!err && sscanf(text, "%127[^, ] %" SCNu64 "%n", function, &count, &len) == 2) {
		err = set_named(object, function, number(count));
		text += len;
		text += strspn(text, ", ");
	}
	return checked(object, err);
}

static json_t *losses_by_program(const struct capture *c)
{
	json_t *object = json_object();
	int err = object ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < c->nr_losses; i++)
		if (c->losses[i].programs)
			err = set_named(object, c->losses[i].name, programs(c->losses[i].programs));
	return checked(object, err);
}

static json_t *summary(const struct capture *c, const struct findings *f,
		       const struct report_opts *opts, uint32_t left_out)
{
	uint32_t shown = findings_shown(f, opts->least), suppressed = suppress_count(f);
	json_t *object = json_object();
	int err = object ? 0 : -ENOMEM;

	err = err ?: set(object, "shown", number(shown));
	err = err ?: set(object, "left_out", number(left_out));
	err = err ?: set(object, "withheld", number(f->nr - shown - suppressed));
	err = err ?: set(object, "suppressed", number(suppressed));
	err = err ?: set(object, "cut_short", json_boolean(f->cut_short));
	err = err ?: set(object, "lost", number(capture_lost(c)));
	return checked(object, err);
}

static json_t *suppressed(const struct capture *c, const struct findings *f,
			  const struct suppressions *s)
{
	json_t *array = json_array();
	int err = array ? 0 : -ENOMEM;
	uint64_t room = WEIGHT_MOST;

	for (uint32_t i = 0; !err && s && i < f->nr; i++) {
		const struct finding *hidden = &f->items[i];
		json_t *object;

		if (hidden->suppressed_by == LV_NONE || !weight_fits(c, hidden, &room))
			continue;
		object = json_object();
		err = object ? set(object, "id", json_string(hidden->id)) : -ENOMEM;
		err = err ?: set(object, "rule", json_string(finding_rule_name(hidden->rule)));
		err = err ?: set(object, "chain", names(c, &hidden->chain));
		err = err ?: set(object, "line", number(s->items[hidden->suppressed_by].line));
		err = err ?: set(object, "reason", text(s->items[hidden->suppressed_by].reason));
		err = err ?: push(array, json_incref(object));
		json_decref(object);
	}
	return checked(array, err);
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
		err = object ? set(object, "line", number(s->items[i].line)) : -ENOMEM;
		err = err ?: set(object, "text", text(s->items[i].text));
		err = err ?: push(array, json_incref(object));
		json_decref(object);
	}
	return checked(array, err);
}

static int fill(json_t *root, const struct capture *c, const struct findings *f,
		const struct report_opts *opts)
{
	uint32_t left_out;
	int err = 0;

	err = err ?: set(root, "lockvane", text(c->version));
	err = err ?: set(root, "kernel", text(c->kernel));
	err = err ?: set(root, "build", text(c->build));
	err = err ?: set(root, "machine", text(c->machine));
	err = err ?: set(root, "command", text(c->command));
	err = err ?: set(root, "events", number(c->events));
	err = err ?: set(root, "seconds", json_real((double)c->duration / 1e9));
	err = err ?: set(root, "findings", findings(c, f, opts, &left_out));
	err = err ?: set(root, "classes", classes(c));
	err = err ?: set(root, "edges", edges(c));
	err = err ?: set(root, "losses", losses(c));
	err = err ?: set(root, "losses_by_program", losses_by_program(c));
	err = err ?: set(root, "summary", summary(c, f, opts, left_out));
	err = err ?: set(root, "suppressed", suppressed(c, f, opts->suppressions));
	return err ?: set(root, "unused_suppressions", unused(opts->suppressions));
}

int report_json(FILE *out, const struct capture *c, const struct findings *f,
		const struct report_opts *opts)
{
	json_t *root = json_object();
	int err = root ? fill(root, c, f, opts) : -ENOMEM;

	if (!err && json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(6)))
		err = -EIO;
	if (!err && putc('\n', out) == EOF)
		err = -EIO;
	json_decref(root);
	return err;
}
