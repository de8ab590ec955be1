// SPDX-License-Identifier: GPL-2.0-only
#include "sites/sites.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/lockpath.h"
#include "sites/flow.h"
#include "sites/image.h"
#include "sites/island.h"
#include "sites/others.h"
#include "sites/outside.h"
#include "sites/returned.h"
#include "sites/solve.h"

#define MAX_KEPT (1 << 20)
#define JUMPS 1		    /* between functions without a frame */
#define OWN_LOCK UINT32_MAX /* as an argument: the one that a lock function takes */

/* The lock at an offset in what an argument of that function points to. */
struct asked {
	uint32_t arg, offset;
	uint64_t function;
	struct sites_object object; /* size 0: nothing is known of its memory */
};

static const struct asked own_lock = {.arg = OWN_LOCK};

/* An answer in short. */
struct kept {
	uint64_t ip;
	struct asked asked;
	struct sites_answer *answer; /* NULL: none, as there is no text or no such call */
};

struct sites {
	struct image im;
	struct outside *outside;
	struct kept *kept; /* hash by ip and what was asked */
	size_t nr, mask, answers;
};

int sites_new(const struct sites_sources *sources, struct sites **ret)
{
	struct sites *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->mask = 1023;
	s->kept = calloc(s->mask + 1, sizeof(*s->kept));
	err = s->kept ? image_init(&s->im, sources) : -ENOMEM;
	s->im.summarise = returned_find;
	if (!err && outside_new(&s->im, &s->outside)) {
		image_free(&s->im);
		err = -ENOMEM;
	}
	if (err) {
		free(s->kept);
		free(s);
		return err;
	}
	*ret = s;
	return 0;
}

void sites_free(struct sites *s)
{
	if (!s)
		return;
	for (size_t i = 0; i <= s->mask; i++)
		free(s->kept[i].answer);
	free(s->kept);
	outside_free(s->outside);
	image_free(&s->im);
	free(s);
}

size_t sites_memory(const struct sites *s)
{
	return sizeof(*s) + (s->mask + 1) * sizeof(*s->kept) +
	       s->answers * sizeof(struct sites_answer) + image_memory(&s->im) +
	       outside_memory(s->outside);
}

static bool is_same(const struct asked *a, const struct asked *b)
{
	return a->arg == b->arg && a->offset == b->offset && a->function == b->function &&
	       a->object.off == b->object.off && a->object.family == b->object.family &&
	       a->object.size == b->object.size;
}

static struct kept *slot_of(struct kept *kept, size_t mask, uint64_t ip, struct asked asked)
{
	uint64_t hash = ip + asked.arg + 7 * asked.offset + 61 * asked.object.off;
	size_t at = (hash * 0x9e3779b97f4a7c15 >> 24) & mask;

	while (kept[at].ip && (kept[at].ip != ip || !is_same(&kept[at].asked, &asked)))
		at = (at + 1) & mask;
	return &kept[at];
}

static int grow(struct sites *s)
{
	size_t mask = s->mask * 2 + 1;
	struct kept *more;

	if (s->nr * 2 < s->mask)
		return 0;
	if (s->nr >= MAX_KEPT)
		return -ENOSPC;
	more = calloc(mask + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	for (size_t i = 0; i <= s->mask; i++)
		if (s->kept[i].ip)
			*slot_of(more, mask, s->kept[i].ip, s->kept[i].asked) = s->kept[i];
	free(s->kept);
	s->kept = more;
	s->mask = mask;
	return 0;
}

/* answer: NULL keeps that there is none. */
static int keep(struct sites *s, uint64_t ip, struct asked asked, uint64_t function,
		const struct sites_answer *answer)
{
	struct kept *slot;
	int err = grow(s);

	if (err)
		return err;
	slot = slot_of(s->kept, s->mask, ip, asked);
	if (slot->ip)
		return 0;
	if (answer) {
		slot->answer = malloc(sizeof(*answer));
		if (!slot->answer)
			return -ENOMEM;
		*slot->answer = *answer;
		slot->answer->function = function;
		s->answers++;
	}
	slot->ip = ip;
	slot->asked = asked;
	s->nr++;
	return 0;
}

/* The lock that a call of a lock function takes or gives back. */
static void answer_lock_call(struct sites *s, struct solver *solver, const struct flow_call *c,
			     struct sites_answer *ret)
{
	const struct target *t = c->to;
	uint64_t cpus;

	switch (t->lock) {
	case LOCK_CPUS:
		cpus = ksyms_address(s->im.src.ksyms, "cpu_hotplug_lock");
		solve_lock(solver, value_const(cpus), t->family, ret);
		break;
	case LOCK_SOCK:
		solve_sock(solver, c->arg[t->lock_arg], t->family, ret);
		break;
	default:
		solve_lock(solver, c->arg[t->lock_arg], t->family, ret);
	}
}

static bool is_wanting(const struct sites_answer *a)
{
	return a->kind == SITES_UNKNOWN || a->kind == SITES_GENERIC || a->pointed;
}

static void find_given(struct sites *s, struct solver *solver)
{
	struct sites_answer answer;

	for (uint32_t i = 0; i < solver->f->nr_calls; i++) {
		const struct flow_call *c = &solver->f->call[i];

		if (c->tail || !c->to || c->to->lock != LOCK_ARG)
			continue;
		for (bool more = true; more;) {
			answer_lock_call(s, solver, c, &answer);
			more = is_wanting(&answer) && others_ask(s->outside, solver, c->arg[c->to->lock_arg]);
		}
	}
}

static void answer_value(struct sites *s, struct solver *solver, const struct flow_call *c,
			 uint32_t arg, uint32_t offset, struct sites_answer *ret)
{
	struct value v = c->arg[arg];

	v.off += offset;
	do
		solve_lock(solver, v, LOCKPATH_ANY, ret);
	while (is_wanting(ret) && others_ask(s->outside, solver, v));
}

/*
 * The only call that a function ends in; of that function if several, which are given one value as the argument. NULL:
 * none, or others.
 */
static const struct flow_call *find_tail_call(const struct flow *f, uint64_t function, uint32_t arg)
{
	const struct flow_call *found = NULL, *any = NULL;
	uint32_t all = 0;

	for (uint32_t i = 0; i < f->nr_calls; i++) {
		const struct flow_call *c = &f->call[i];

		if (!c->tail || !c->to)
			continue;
		any = c;
		all++;
		if (c->to->addr != function)
			continue;
		if (found && (arg >= FLOW_ARGS || !value_equal(found->arg[arg], c->arg[arg])))
			return NULL;
		found = c;
	}
	return found ? found : all == 1 ? any : NULL;
}

/*
 * A function that has left no frame: it was called, and its last act was to jump to the one asked for, or to another
 * that did so (mutex_lock(), __mutex_lock_slowpath(), __mutex_lock()).
 */
static void answer_between(struct sites *s, const struct ksym *sym, struct asked asked, int jumps,
			   struct sites_answer *ret)
{
	const struct flow_call *tail;
	struct solver solver;
	struct flow flow;

	if (!sym || flow_run(&s->im, sym, &flow))
		return;
	tail = find_tail_call(&flow, asked.function, asked.arg);
	if (tail && tail->to->addr != asked.function && jumps) {
		answer_between(s, tail->to->sym, asked, jumps - 1, ret);
		if (ret->kind == SITES_GENERIC && ret->arg < FLOW_ARGS)
			asked = (struct asked){ret->arg, ret->arg_offset, tail->to->addr, asked.object};
	}
	if (tail && tail->to->addr == asked.function && !solver_init(&solver, &flow)) {
		answer_value(s, &solver, tail, asked.arg, asked.offset, ret);
		solver_free(&solver);
	}
	flow_free(&flow);
}

/*
 * A function further up the stack need not have called the lock's function, but it did in the end.
 */
static void answer_argument(struct sites *s, struct solver *solver, const struct flow_call *c,
			    struct asked asked, struct sites_answer *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->strength = SITES_BY_HINT;
	ret->arg = SITES_NO_ARG;
	if (!c->to || c->to->addr == asked.function) {
		answer_value(s, solver, c, asked.arg, asked.offset, ret);
		if (!c->to) /* called by a pointer: it may be another that was, and jumped there */
			ret->strength = SITES_BY_HINT;
		return;
	}
	answer_between(s, c->to->sym, asked, JUMPS, ret);
	if (ret->kind == SITES_GENERIC && ret->arg < FLOW_ARGS)
		answer_value(s, solver, c, ret->arg, ret->arg_offset, ret);
}

static bool is_same_answer(const struct sites_answer *a, const struct sites_answer *b)
{
	return a->kind == b->kind && !strcmp(a->name, b->name) && !strcmp(a->inner, b->inner) &&
	       a->arg == b->arg && a->arg_offset == b->arg_offset;
}

/* The lock that a function ends in jumping to the taking of; of several places that do so all must say the same. */
static bool find_tail_lock(struct sites *s, struct solver *solver, struct sites_answer *ret)
{
	bool any = false;

	for (uint32_t i = 0; i < solver->f->nr_calls; i++) {
		const struct flow_call *c = &solver->f->call[i];
		struct sites_answer answer;

		if (!c->tail || !c->to || !c->to->lock || !c->to->acquires)
			continue;
		do
			answer_lock_call(s, solver, c, &answer);
		while (is_wanting(&answer) && others_ask(s->outside, solver, c->arg[c->to->lock_arg]));
		if (any && !is_same_answer(&answer, ret))
			return false;
		*ret = answer;
		any = true;
	}
	return any;
}

/*
 * The lock that a function takes by jumping to the lock's function: it leaves no frame, and the call of it stands
 * where that of a lock function is looked for (pipe_lock()). False: it does not.
 */
static bool answer_tail_lock(struct sites *s, struct solver *solver, const struct flow_call *c,
			     struct sites_answer *ret)
{
	const struct ksym *sym = c->to ? c->to->sym : NULL;
	struct solver between;
	struct flow flow;
	bool known = false;

	if (!sym || !sym->text || c->to->lock || flow_run(&s->im, sym, &flow))
		return false;
	if (!solver_init(&between, &flow)) {
		known = find_tail_lock(s, &between, ret);
		solver_free(&between);
	}
	flow_free(&flow);
	if (known && ret->kind == SITES_GENERIC && ret->arg < FLOW_ARGS)
		answer_value(s, solver, c, ret->arg, ret->arg_offset, ret);
	return known;
}

/* Where a call gives the pointer that is asked for, or no value: another function was called, and jumped there. */
static struct value find_pointer(struct sites *s, const struct flow_call *c, struct asked asked)
{
	struct sites_answer between = {.arg = SITES_NO_ARG};
	struct value v = {};

	if (asked.arg == OWN_LOCK)
		return c->to && c->to->lock == LOCK_ARG ? c->arg[c->to->lock_arg] : v;
	if (!c->to)
		return v;
	if (c->to->addr != asked.function) {
		answer_between(s, c->to->sym, asked, JUMPS, &between);
		if (between.kind != SITES_GENERIC)
			return v;
		asked.arg = between.arg;
		asked.offset = between.arg_offset;
	}
	if (asked.arg < FLOW_ARGS) {
		v = c->arg[asked.arg];
		v.off += asked.offset;
	}
	return v;
}

/* The library type that the called function is given, as any such function is: a completion, a wait queue. */
static struct object find_object(struct sites *s, const struct flow *f, struct asked asked)
{
	struct object object = {.at = asked.object};
	const struct target *t = asked.function ? image_target(&s->im, asked.function) : NULL;
	uint32_t type;

	if (!t || asked.arg >= FLOW_ARGS || asked.offset > object.at.off)
		return object;
	type = types_pointee(s->im.types, f->btf, flow_param(f, t, asked.arg));
	if (type && types_is_library(f->btf, type) && !types_is_link(f->btf, type)) {
		object.guest = type;
		object.guest_off = object.at.off - asked.offset;
	}
	return object;
}

/* By its memory. */
static void answer_object(struct sites *s, struct solver *solver, const struct flow_call *c,
			  struct asked asked, struct sites_answer *ret)
{
	struct object object = find_object(s, solver->f, asked);

	solve_object(solver, find_pointer(s, c, asked), &object, ret);
}

/* All lock calls of the function; and `ip`, if it is not among them. */
static int answer_calls(struct sites *s, struct solver *solver, uint64_t ip, struct asked asked)
{
	uint64_t function = solver->f->sym->addr;
	struct sites_answer answer;
	int err = 0;

	for (uint32_t i = 0; !err && i < solver->f->nr_calls; i++) {
		const struct flow_call *c = &solver->f->call[i];

		if (c->tail)
			continue;
		if (asked.object.size) {
			if (c->ip != ip)
				continue;
			answer_object(s, solver, c, asked, &answer);
			return keep(s, ip, asked, function, &answer);
		}
		if (c->to && c->to->lock) {
			answer_lock_call(s, solver, c, &answer);
			err = keep(s, c->ip, own_lock, function, &answer);
		} else if (c->ip == ip && asked.arg == OWN_LOCK &&
			   answer_tail_lock(s, solver, c, &answer)) {
			err = keep(s, ip, own_lock, function, &answer);
		}
		if (!err && c->ip == ip && asked.arg < FLOW_ARGS) {
			answer_argument(s, solver, c, asked, &answer);
			err = keep(s, ip, asked, function, &answer);
		}
	}
	return err;
}

static int answer_function(struct sites *s, const struct ksym *sym, uint64_t ip,
			   struct asked asked)
{
	struct solver solver;
	struct flow flow;
	int err = flow_run(&s->im, sym, &flow);

	if (err)
		return err;
	err = solver_init(&solver, &flow);
	if (!err) {
		find_given(s, &solver);
		err = answer_calls(s, &solver, ip, asked);
		solver_free(&solver);
	}
	flow_free(&flow);
	return err;
}

static int ask(struct sites *s, uint64_t ip, struct asked asked, struct sites_answer *ret)
{
	const struct kept *kept = slot_of(s->kept, s->mask, ip, asked);
	const struct ksym *sym;
	int err = 0;

	if (!ip)
		return -ENOENT;
	if (kept->ip != ip) {
		sym = ksyms_find(s->im.src.ksyms, ip - 1);
		if (sym && sym->text)
			err = answer_function(s, image_whole(&s->im, sym), ip, asked);
		if (err == -ENOMEM)
			return err;
		err = keep(s, ip, asked, 0, NULL);
		if (err)
			return err;
		kept = slot_of(s->kept, s->mask, ip, asked);
	}
	if (!kept->answer)
		return -ENOENT;
	*ret = *kept->answer;
	return 0;
}

int sites_ask(struct sites *s, uint64_t ip, struct sites_answer *ret)
{
	return ask(s, ip, own_lock, ret);
}

int sites_ask_argument(struct sites *s, uint64_t ip, const struct sites_answer *below,
		       struct sites_answer *ret)
{
	if (below->kind != SITES_GENERIC || below->arg >= FLOW_ARGS)
		return -ENOENT;
	return ask(s, ip, (struct asked){below->arg, below->arg_offset, below->function, {}}, ret);
}

static struct asked asked_of(const struct sites_pointer *p, const struct sites_object *object)
{
	struct asked asked = {p->arg, p->offset, p->function, *object};

	if (!p->function)
		asked.arg = OWN_LOCK;
	return asked;
}

int sites_ask_object(struct sites *s, const struct sites_pointer *pointer,
		     const struct sites_object *object, struct sites_answer *ret)
{
	return object->size ? ask(s, pointer->ip, asked_of(pointer, object), ret) : -ENOENT;
}

bool sites_may_be(struct sites *s, const struct sites_pointer *pointer,
		  const struct sites_object *object, struct kbtf_type type)
{
	const struct ksym *sym = ksyms_find(s->im.src.ksyms, pointer->ip - 1);
	struct asked asked = asked_of(pointer, object);
	const struct flow_call *c;
	struct solver solver;
	struct flow flow;
	bool may = true;

	if (!object->size || !sym || !sym->text || flow_run(&s->im, image_whole(&s->im, sym), &flow))
		return true;
	c = flow_find_call(&flow, pointer->ip);
	if (c && !c->tail && (type.btf == flow.btf || type.btf == btf__base_btf(flow.btf)) &&
	    !solver_init(&solver, &flow)) {
		struct object known = find_object(s, &flow, asked);

		may = object_may_be(&solver, find_pointer(s, c, asked), &known, type.id);
		solver_free(&solver);
	}
	flow_free(&flow);
	return may;
}
