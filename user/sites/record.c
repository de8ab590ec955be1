// SPDX-License-Identifier: GPL-2.0-only
/* Facts and calls that the last pass of the dataflow notes. */
#include <stdlib.h>
#include <string.h>

#include "sites/state.h"

#define MAX_FACTS 200000
#define MAX_CALLS 20000
#define IMAGE_SYMBOLS INT64_C(-4096) /* constants below are addresses */

static const uint8_t arg_regs[FLOW_ARGS] = {R_DI, R_SI, R_DX, R_CX, R_8, R_8 + 1};

static bool grow(struct flow *f, void *array, uint32_t nr, uint32_t *room, size_t size,
		 uint32_t most)
{
	uint32_t more = *room ? *room * 2 : 256;
	void *p;

	if (nr < *room)
		return true;
	p = nr < most ? realloc(*(void **)array, more * size) : NULL;
	if (!p) {
		f->failed = true;
		return false;
	}
	*(void **)array = p;
	*room = more;
	return true;
}

static void add_fact(struct flow *f, uint32_t node, const struct fact *fact)
{
	if (node <= NODE_PERCPU ||
	    !grow(f, &f->fact, f->nr_facts, &f->room_facts, sizeof(*f->fact), MAX_FACTS))
		return;
	f->fact[f->nr_facts] = *fact;
	f->fact[f->nr_facts].next = f->nodes.node[node].facts;
	f->nodes.node[node].facts = ++f->nr_facts;
}

void record_access(struct flow *f, struct value at, uint32_t size)
{
	struct fact fact = {.kind = FACT_ACCESS, .size = size, .off = at.off};

	fact.indexed = at.index;
	add_fact(f, at.base, &fact);
}

static void record_slot(struct flow *f, int64_t off, struct value stored)
{
	if (!value_is_const(stored) &&
	    grow(f, &f->slot, f->nr_slots, &f->room_slots, sizeof(*f->slot), MAX_FACTS))
		f->slot[f->nr_slots++] = (struct flow_slot){off, stored};
}

void record_store(struct flow *f, struct value at, struct value stored)
{
	struct fact fact = {.kind = FACT_STORED, .off = stored.off, .where = at};

	if (at.base == NODE_STACK && !at.index)
		record_slot(f, at.off, stored);
	if (stored.base) {
		fact.indexed = stored.index;
		fact.scale = stored.scale;
		add_fact(f, stored.base, &fact);
		return;
	}
	if (stored.index || stored.off >= IMAGE_SYMBOLS || stored.off > 0 ||
	    !grow(f, &f->stored, f->nr_stored, &f->room_stored, sizeof(*f->stored), MAX_CALLS))
		return;
	f->stored[f->nr_stored++] = (struct flow_stored){at, stored.off};
}

void record_call(struct flow *f, const struct state *st, const struct decode_insn *insn,
		 const struct target *to, struct value callee)
{
	struct node origin = {.kind = NODE_RESULT, .key = insn->next};
	struct flow_call *c;

	if (!grow(f, &f->call, f->nr_calls, &f->room_calls, sizeof(*f->call), MAX_CALLS))
		return;
	c = &f->call[f->nr_calls];
	*c = (struct flow_call){.ip = insn->next, .to = to, .callee = callee};
	c->tail = insn->op == OP_JMP || insn->op == OP_JCC;
	if (to)
		origin.declared = flow_param(f, to, FLOW_RETURN);
	c->result = nodes_get(&f->nodes, &origin);
	for (uint32_t i = 0; i < FLOW_ARGS; i++) {
		struct value v = st->reg[arg_regs[i]];
		struct fact fact = {.kind = FACT_GIVEN,
				    .arg = i,
				    .call = f->nr_calls,
				    .off = v.off,
				    .indexed = v.index};

		c->arg[i] = v;
		add_fact(f, v.base, &fact);
	}
	f->nr_calls++;
}

void record_return(struct flow *f, struct value result)
{
	struct fact fact = {.kind = FACT_RETURNED, .off = result.off, .indexed = result.index};
	struct node origin = {.kind = NODE_PHI, .key = f->sym->addr, .off = INT64_MAX};
	uint32_t phi = nodes_get(&f->nodes, &origin);

	f->returned = value_node(phi);
	nodes_add_input(&f->nodes, phi, result);
	add_fact(f, result.base, &fact);
}

void record_joins(struct flow *f)
{
	for (uint32_t i = 0; i < f->nodes.nr; i++) {
		const struct node *n = &f->nodes.node[i];

		for (uint8_t k = 0; n->kind == NODE_PHI && k < n->nr_inputs; k++) {
			struct value in = nodes_inputs(&f->nodes, i)[k];
			struct fact fact = {.kind = FACT_JOINS,
					    .off = in.off,
					    .where = value_node(i),
					    .indexed = in.index};

			add_fact(f, in.base, &fact);
		}
	}
}
