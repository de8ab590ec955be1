// SPDX-License-Identifier: GPL-2.0-only
#include "sites/flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sites/state.h"

#define STEPS_PER_INSN 12 /* on average; loops need a few rounds */
#define MAX_STEPS 400000

/* The state at a block's entry, with as many slots as it has. */
struct entry {
	struct value reg[R_NR];
	uint32_t nr_slots;
	struct slot slot[];
};

struct run {
	struct flow *f;
	struct entry **entry; /* by block; NULL: not reached yet */
	uint8_t *queued;
	uint32_t lowest; /* block that may be queued */
	size_t steps, most;
};

static void load_entry(const struct entry *e, struct state *ret)
{
	memcpy(ret->reg, e->reg, sizeof(e->reg));
	ret->nr_slots = e->nr_slots;
	memcpy(ret->slot, e->slot, e->nr_slots * sizeof(*e->slot));
}

static struct entry *new_entry(const struct state *st)
{
	struct entry *e = malloc(sizeof(*e) + st->nr_slots * sizeof(*e->slot));

	if (!e)
		return NULL;
	memcpy(e->reg, st->reg, sizeof(e->reg));
	e->nr_slots = st->nr_slots;
	memcpy(e->slot, st->slot, st->nr_slots * sizeof(*e->slot));
	return e;
}

/* Slots that both have, both sorted by offset. */
static bool join_slots(struct nodes *n, struct entry *e, const struct state *st, uint64_t key)
{
	uint32_t to = 0, k = 0;
	bool changed;

	changed = false;
	for (uint32_t i = 0; i < e->nr_slots; i++) {
		while (k < st->nr_slots && st->slot[k].off < e->slot[i].off)
			k++;
		if (k == st->nr_slots || st->slot[k].off != e->slot[i].off)
			continue;
		e->slot[to] = e->slot[i];
		changed |= value_join(n, &e->slot[to].value, st->slot[k].value, key,
				      R_NR + e->slot[to].off);
		to++;
	}
	changed |= to != e->nr_slots;
	e->nr_slots = to;
	return changed;
}

static uint64_t key_of(const struct flow *f, uint32_t block)
{
	return f->code.insn[f->code.order[f->code.block[block].first]].ip;
}

static void queue(struct run *r, uint32_t block)
{
	r->queued[block] = true;
	if (block < r->lowest)
		r->lowest = block;
}

static void flow_into(struct run *r, uint32_t block, const struct state *st)
{
	struct nodes *n = &r->f->nodes;
	struct entry *e = r->entry[block];
	uint64_t key = key_of(r->f, block);
	bool changed = false;

	if (!e) {
		e = r->entry[block] = new_entry(st);
		if (!e)
			r->f->failed = true;
		for (int i = 0; e && i < R_NR; i++)
			if (!(r->f->code.block[block].live & 1 << i))
				e->reg[i] = value_node(NODE_ANY);
		queue(r, block);
		return;
	}
	for (int i = 0; i < R_NR; i++)
		if (r->f->code.block[block].live & 1 << i)
			changed |= value_join(n, &e->reg[i], st->reg[i], key, i);
	changed |= join_slots(n, e, st, key);
	if (changed)
		queue(r, block);
}

static void apply_block(struct run *r, uint32_t block, struct state *st, bool record)
{
	const struct code *c = &r->f->code;
	const struct code_block *b = &c->block[block];

	load_entry(r->entry[block], st);
	for (uint32_t i = 0; i < b->nr; i++)
		state_apply(r->f, st, &c->insn[c->order[b->first + i]], record);
	r->steps += b->nr;
}

/* A block whose registers are not known would make those of others unknown, too. */
static bool from_nowhere(const struct code *c, uint32_t from, uint32_t to)
{
	return c->block[from].orphan && !c->block[to].orphan;
}

/* The register that the block's last jump found to be 0, or not; R_NONE: no such. */
static uint8_t tested_register(const struct code *c, const struct code_block *b)
{
	const struct decode_insn *jump = &c->insn[c->order[b->first + b->nr - 1]], *test;

	if (b->nr < 2 || jump->op != OP_JCC || (!jump->if_zero && !jump->if_not_zero))
		return R_NONE;
	test = &c->insn[c->order[b->first + b->nr - 2]];
	if (test->op != OP_TEST || test->operand[0].kind != OPERAND_REG ||
	    test->operand[1].kind != OPERAND_REG || test->operand[0].size != 8 ||
	    test->operand[0].reg != test->operand[1].reg)
		return R_NONE;
	return test->operand[0].reg;
}

/* Call fn() for each way out of a block: on that for 0, what was tested is 0. */
static void leave_block(struct run *r, uint32_t block, const struct state *st,
			void (*fn)(struct run *r, uint32_t to, const struct state *st))
{
	const struct code *c = &r->f->code;
	const struct code_block *b = &c->block[block];
	const struct decode_insn *jump = &c->insn[c->order[b->first + b->nr - 1]];
	uint8_t reg = tested_register(c, b);

	for (uint8_t n = 0; n < b->nr_next; n++) {
		bool taken = key_of(r->f, b->next[n]) == (uint64_t)jump->imm;
		struct state null;

		if (from_nowhere(c, block, b->next[n]))
			continue;
		if (reg == R_NONE || taken != jump->if_zero || st->reg[reg].base <= NODE_STACK) {
			fn(r, b->next[n], st);
			continue;
		}
		null = *st;
		state_make_null(&null, st->reg[reg]);
		fn(r, b->next[n], &null);
	}
}

static void settle(struct run *r)
{
	const struct code *c = &r->f->code;
	struct state st;

	while (!r->f->failed) {
		uint32_t i = r->lowest;

		while (i < c->nr_blocks && !r->queued[i])
			i++;
		r->lowest = i;
		if (i == c->nr_blocks)
			return;
		r->queued[i] = false;
		if (r->steps > r->most)
			r->f->failed = true;
		apply_block(r, i, &st, false);
		leave_block(r, i, &st, flow_into);
	}
}

/* The inputs of PHIs anew, from the final values only. */
static void collect_inputs(struct run *r, uint32_t block, const struct state *st)
{
	struct nodes *n = &r->f->nodes;
	const struct entry *e = r->entry[block];
	uint64_t key = key_of(r->f, block);
	uint32_t k = 0;

	for (int i = 0; i < R_NR; i++) {
		const struct node *node = &n->node[e->reg[i].base];

		if (node->kind == NODE_PHI && node->key == key && node->off == i)
			nodes_add_input(n, e->reg[i].base, st->reg[i]);
	}
	for (uint32_t i = 0; i < e->nr_slots; i++) {
		const struct node *node = &n->node[e->slot[i].value.base];

		while (k < st->nr_slots && st->slot[k].off < e->slot[i].off)
			k++;
		if (k == st->nr_slots)
			return;
		if (node->kind == NODE_PHI && node->key == key &&
		    node->off == R_NR + e->slot[i].off && st->slot[k].off == e->slot[i].off)
			nodes_add_input(n, e->slot[i].value.base, st->slot[k].value);
	}
}

static void record_all(struct run *r)
{
	const struct code *c = &r->f->code;
	struct state st;

	nodes_clear_inputs(&r->f->nodes);
	for (uint32_t i = 0; i < c->nr_blocks && !r->f->failed; i++) {
		if (!r->entry[i])
			continue;
		apply_block(r, i, &st, true);
		leave_block(r, i, &st, collect_inputs);
	}
	record_joins(r->f);
}

static void begin(struct run *r)
{
	const struct code *c = &r->f->code;
	struct state st;

	for (uint32_t i = 0; i < c->nr_blocks; i++) {
		if (!c->block[i].entry && !c->block[i].orphan)
			continue;
		state_begin(r->f, &st, !c->block[i].entry, key_of(r->f, i));
		flow_into(r, i, &st);
	}
}

static int run(struct flow *f)
{
	struct run r = {.f = f, .lowest = UINT32_MAX};

	r.most = (size_t)f->code.nr * STEPS_PER_INSN + 10000;
	if (r.most > MAX_STEPS)
		r.most = MAX_STEPS;
	r.entry = calloc(f->code.nr_blocks, sizeof(*r.entry));
	r.queued = calloc(f->code.nr_blocks, 1);
	if (r.entry && r.queued) {
		begin(&r);
		settle(&r);
		record_all(&r);
	} else {
		f->failed = true;
	}
	for (uint32_t i = 0; r.entry && i < f->code.nr_blocks; i++)
		free(r.entry[i]);
	free(r.entry);
	free(r.queued);
	return f->failed || f->nodes.failed ? -E2BIG : 0;
}

int flow_run(struct image *im, const struct ksym *sym, struct flow *ret)
{
	int err;

	memset(ret, 0, sizeof(*ret));
	ret->im = im;
	ret->sym = sym;
	ret->btf = image_btf(im, sym);
	ret->self = image_target(im, sym->addr);
	err = code_read(im, sym, &ret->code);
	if (!err) {
		code_find_live(im, &ret->code);
		err = nodes_init(&ret->nodes);
	}
	if (!err)
		err = run(ret);
	if (err)
		flow_free(ret);
	return err;
}

void flow_free(struct flow *f)
{
	code_free(&f->code);
	nodes_free(&f->nodes);
	free(f->fact);
	free(f->call);
	free(f->stored);
	free(f->slot);
	memset(f, 0, sizeof(*f));
}

const struct flow_call *flow_find_call(const struct flow *f, uint64_t ip)
{
	for (uint32_t i = 0; i < f->nr_calls; i++)
		if (f->call[i].ip == ip && !f->call[i].tail)
			return &f->call[i];
	return NULL;
}
