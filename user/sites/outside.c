// SPDX-License-Identifier: GPL-2.0-only
#include "sites/outside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sites/namesakes.h"
#include "sites/refs.h"

#define CALLERS 24     /* that are asked */
#define MAX_UNITS 4096 /* modules */

struct outside {
	struct image *im;
	struct refs **refs; /* by text, made when first asked for */
	size_t nr_refs;
	struct namesakes *namesakes;
};

int outside_new(struct image *im, struct outside **ret)
{
	struct outside *o = calloc(1, sizeof(*o));

	if (!o || namesakes_new(im, &o->namesakes)) {
		free(o);
		return -ENOMEM;
	}
	o->im = im;
	*ret = o;
	return 0;
}

void outside_free(struct outside *o)
{
	if (!o)
		return;
	for (size_t i = 0; i < o->nr_refs; i++)
		refs_free(o->refs[i]);
	free(o->refs);
	namesakes_free(o->namesakes);
	free(o);
}

size_t outside_memory(const struct outside *o)
{
	size_t sum = sizeof(*o) + namesakes_memory(o->namesakes);

	for (size_t i = 0; i < o->nr_refs; i++)
		sum += refs_memory(o->refs[i]);
	return sum;
}

static const struct refs *refs_of(struct outside *o, const char *module)
{
	struct refs **more, *r;

	for (size_t i = 0; i < o->nr_refs; i++)
		if (module == refs_module(o->refs[i]) ||
		    (module && refs_module(o->refs[i]) && !strcmp(module, refs_module(o->refs[i]))))
			return o->refs[i];
	if (o->nr_refs == MAX_UNITS)
		return NULL;
	more = realloc(o->refs, (o->nr_refs + 1) * sizeof(*more));
	if (!more)
		return NULL;
	o->refs = more;
	if (refs_new(o->im, module, &r))
		return NULL;
	o->refs[o->nr_refs++] = r;
	return r;
}

/* Places that several functions tell of one pointer. */
struct hearsay {
	struct place place;
	bool differ, open;
};

static void tell(const struct btf *btf, struct hearsay *t, struct place at)
{
	if (!at.type || types_is_library(btf, at.type) || at.strength == SITES_BY_HINT) {
		t->open = true;
		return;
	}
	if (t->place.type && (t->place.off != at.off || !types_same(btf, t->place.type, at.type)))
		t->differ = true;
	if (!t->place.type || at.strength > t->place.strength)
		t->place = at;
}

static struct place verdict(const struct hearsay *t)
{
	struct place at = t->place;

	if (t->differ || !at.type)
		return (struct place){.strength = SITES_BY_HINT};
	if (t->open)
		at.strength = at.strength > SITES_BY_USE ? at.strength : SITES_BY_USE;
	return at;
}

/* Ask the function around an address with a solver; ask() gets what it finds. */
struct visit {
	const struct flow *f; /* the function that is asked about */
	uint64_t ip;
	uint32_t arg;
	int64_t off; /* behind what the argument points to */
	struct hearsay told;
	void (*ask)(struct visit *v, struct solver *s);
};

static void visit(struct outside *o, struct visit *v)
{
	const struct ksym *sym = ksyms_find(o->im->src.ksyms, v->ip - 1);
	struct solver solver;
	struct flow flow;

	if (!sym || !sym->text)
		return;
	sym = image_whole(o->im, sym);
	if (sym->addr == v->f->sym->addr || flow_run(o->im, sym, &flow))
		return;
	if (!solver_init(&solver, &flow)) {
		v->ask(v, &solver);
		solver_free(&solver);
	}
	flow_free(&flow);
}

static void ask_caller(struct visit *v, struct solver *s)
{
	for (uint32_t i = 0; i < s->f->nr_calls; i++) {
		const struct flow_call *c = &s->f->call[i];

		if (c->ip != v->ip || !c->to || c->to->addr != v->f->sym->addr)
			continue;
		if (c->arg[v->arg].base >= NODE_PERCPU)
			tell(v->f->btf, &v->told, solve_place(s, c->arg[v->arg]));
		else if (c->arg[v->arg].base || c->arg[v->arg].off < -4096)
			v->told.open = true;
	}
}

/* The start of an object of type `inner` that covers the place, as a place. */
static struct place start_of(const struct btf *btf, struct place at, uint32_t inner)
{
	uint32_t size = types_size(btf, inner);

	for (int64_t off = at.off; at.type && off >= 0 && off + size > at.off; off--) {
		if (!types_has_at(btf, at.type, off, inner))
			continue;
		at.off = off;
		return at;
	}
	return (struct place){.strength = SITES_BY_HINT};
}

/* The parameter of a call that is void *, the function's own data, if it is the only such. */
static uint32_t data_param(const struct flow *f, const struct flow_call *c)
{
	uint32_t found = SITES_NO_ARG;

	for (uint32_t i = 0; i < FLOW_ARGS; i++) {
		uint32_t type = c->to ? flow_param(f, c->to, i) : 0;

		if (!type || !types_is_pointer(f->btf, type) ||
		    types_bare(f->btf, btf__type_by_id(f->btf, types_bare(f->btf, type))->type))
			continue;
		if (found != SITES_NO_ARG)
			return SITES_NO_ARG;
		found = i;
	}
	return found;
}

/* Registered as: INIT_WORK() and others store the function, timers and RCU are given it. */
static void ask_registrar(struct visit *v, struct solver *s)
{
	uint32_t declared = flow_param(v->f, v->f->self, v->arg);
	uint32_t type = types_pointee(v->f->im->types, v->f->btf, declared);
	const struct flow *f = s->f;

	for (uint32_t i = 0; type && i < f->nr_stored; i++)
		if (f->stored[i].function == v->f->sym->addr)
			tell(f->btf, &v->told,
			     start_of(f->btf, solve_place(s, f->stored[i].where), type));
	for (uint32_t i = 0; i < f->nr_calls; i++) {
		const struct flow_call *c = &f->call[i];
		uint32_t own = SITES_NO_ARG, data = SITES_NO_ARG;

		for (uint32_t k = 0; c->to && k < FLOW_ARGS; k++) {
			uint32_t param = flow_param(f, c->to, k);

			if (!param)
				continue;
			if (value_is_const(c->arg[k]) && (uint64_t)c->arg[k].off == v->f->sym->addr)
				own = k;
			else if (type && types_same(f->btf, type,
						    types_pointee(f->im->types, f->btf, param)))
				data = k;
		}
		if (own == SITES_NO_ARG)
			continue;
		if (!type)
			data = data_param(f, c);
		if (data == SITES_NO_ARG || c->arg[data].base < NODE_PERCPU)
			continue;
		tell(f->btf, &v->told, solve_place(s, c->arg[data]));
	}
}

static void visit_all(struct outside *o, struct visit *v, bool taken)
{
	const struct refs *refs = refs_of(o, v->f->sym->module);
	size_t pos = 0;

	for (int nr = 0; refs && nr < CALLERS && !v->told.differ; nr++) {
		v->ip = refs_next(refs, v->f->sym->addr, taken, &pos);
		if (!v->ip)
			return;
		visit(o, v);
	}
	v->told.open = true;
}

struct place outside_argument(struct outside *o, const struct flow *f, uint32_t arg)
{
	struct visit v = {.f = f, .arg = arg, .ask = ask_registrar};

	if (arg >= FLOW_ARGS)
		return verdict(&v.told);
	visit_all(o, &v, true);
	if (v.told.place.type)
		return verdict(&v.told);
	v.told.open = false;
	v.ask = ask_caller;
	visit_all(o, &v, false);
	return verdict(&v.told);
}

/* Ask a called function, if it sees types as the caller does. */
static void visit_callee(struct outside *o, struct visit *v, const struct target *callee)
{
	const struct btf *btf = callee->sym ? image_btf(o->im, callee->sym) : NULL;

	if (!btf || !callee->sym->text || callee->addr == v->f->sym->addr ||
	    (btf != v->f->btf && btf != btf__base_btf(v->f->btf)))
		return;
	v->ip = callee->addr + 1;
	visit(o, v);
}

static void ask_result(struct visit *v, struct solver *s)
{
	if (s->f->returned.base)
		tell(s->f->btf, &v->told, solve_place(s, s->f->returned));
}

struct place outside_result(struct outside *o, const struct flow *f, const struct target *callee)
{
	struct visit v = {.f = f, .ask = ask_result};

	visit_callee(o, &v, callee);
	return verdict(&v.told);
}

/* All that is stored there. */
static void ask_stored(struct visit *v, struct solver *s)
{
	const struct flow *f = s->f;

	for (uint32_t node = NODE_STACK + 1; node < f->nodes.nr; node++) {
		for (uint32_t i = f->nodes.node[node].facts; i; i = f->fact[i - 1].next) {
			const struct fact *fact = &f->fact[i - 1];
			const struct node *to = &f->nodes.node[fact->where.base];
			struct value stored = {.base = node, .off = fact->off};

			if (fact->kind != FACT_STORED || to->kind != NODE_ARG ||
			    to->off != v->arg || fact->where.off != v->off || fact->where.index)
				continue;
			if (fact->indexed) {
				stored.index = NODE_ANY;
				stored.scale = fact->scale;
			}
			tell(f->btf, &v->told, solve_place(s, stored));
		}
	}
}

struct place outside_stored(struct outside *o, const struct flow *f, const struct target *callee,
			    uint32_t arg, int64_t off)
{
	struct visit v = {.f = f, .arg = arg, .off = off, .ask = ask_stored};

	visit_callee(o, &v, callee);
	return verdict(&v.told);
}

bool outside_opened(struct outside *o, const struct flow *f, struct opened *what)
{
	return namesakes_ask(o->namesakes, f, what);
}
