// SPDX-License-Identifier: GPL-2.0-only
#include "sites/state.h"

#include <string.h>

#define CMOV_SLOT INT64_MIN /* for the key of a PHI: no slot of a block's */
#define ESCAPED 16	    /* bytes of an object on the stack that a function may have changed */
#define ARRAY 64	    /* bytes of an array on the stack that a store with an index may hit */
#define MAX_ESCAPED 4096
#define MOST_ALIGNED (1 << 30)

static const uint8_t arg_regs[FLOW_ARGS] = {R_DI, R_SI, R_DX, R_CX, R_8, R_8 + 1};

static struct value opaque(struct flow *f, uint64_t ip, int64_t reg)
{
	struct node origin = {.kind = NODE_OPAQUE, .key = ip, .off = reg};

	return value_node(nodes_get(&f->nodes, &origin));
}

static struct value argument(struct flow *f, uint32_t nr)
{
	struct node origin = {.kind = NODE_ARG, .off = nr};

	origin.declared = flow_param(f, f->self, nr);
	return value_node(nodes_get(&f->nodes, &origin));
}

void state_begin(struct flow *f, struct state *st, bool unknown, uint64_t ip)
{
	memset(st, 0, sizeof(*st));
	for (int i = 0; i < R_NR; i++)
		st->reg[i] = opaque(f, ip, i);
	st->reg[R_SP] = unknown ? opaque(f, ip, R_SP) : value_node(NODE_STACK);
	for (uint32_t i = 0; !unknown && i < FLOW_ARGS; i++)
		st->reg[arg_regs[i]] = argument(f, i);
}

/* An address in a register that is declared a pointer is an address, a number rather an index. */
static int rank(void *arg, uint32_t node)
{
	struct flow *f = arg;
	const struct node *n = &f->nodes.node[node];

	if (n->kind == NODE_STACK)
		return 4;
	if (n->declared)
		return types_is_pointer(f->btf, n->declared) ? 3 : 0;
	return n->kind == NODE_OPAQUE || n->kind == NODE_ANY ? 1 : 2;
}

static struct value add(struct flow *f, struct value a, struct value b)
{
	return value_add(a, b, rank, f);
}

static struct value address(struct flow *f, const struct state *st, const struct decode_insn *insn)
{
	struct value v = value_const(insn->disp);

	if (insn->base != R_NONE)
		v = add(f, st->reg[insn->base], v);
	if (insn->index != R_NONE)
		v = add(f, v, value_mul(st->reg[insn->index], insn->scale));
	if (insn->gs)
		v = add(f, v, value_node(NODE_PERCPU));
	return v;
}

static struct slot *find_slot(struct state *st, int64_t off)
{
	for (uint32_t i = 0; i < st->nr_slots; i++)
		if (st->slot[i].off == off)
			return &st->slot[i];
	return NULL;
}

/* Forget the slots that these bytes touch. */
static void drop_slots(struct state *st, int64_t off, int64_t size)
{
	uint32_t to = 0;

	for (uint32_t i = 0; i < st->nr_slots; i++)
		if (st->slot[i].off + 8 <= off || st->slot[i].off >= off + size)
			st->slot[to++] = st->slot[i];
	st->nr_slots = to;
}

static void set_slot(struct state *st, int64_t off, struct value v)
{
	uint32_t at;

	drop_slots(st, off, 8);
	if (st->nr_slots == STATE_SLOTS)
		return;
	for (at = st->nr_slots; at && st->slot[at - 1].off > off; at--)
		st->slot[at] = st->slot[at - 1];
	st->slot[at] = (struct slot){off, v};
	st->nr_slots++;
}

static uint32_t stride_of(struct value v)
{
	return v.scale < 0 ? -(int64_t)v.scale : v.scale;
}

/*
 * The offset of an element's part, `start` bytes behind the type's beginning and multiples of the stride: in an array of
 * the type's, which begins behind that for a[i - 1], or in the type itself, of which there are several. False: neither.
 */
static bool element_offset(const struct btf *btf, uint32_t type, int64_t start, uint32_t stride,
			   uint32_t *ret)
{
	uint32_t size = types_size(btf, type);

	if ((start >= 0 && types_element(btf, type, start, stride, ret)) ||
	    types_element(btf, type, start + stride, stride, ret))
		return true;
	if (!size || stride % size)
		return false;
	*ret = (start % size + size) % size;
	return true;
}

/* The type that BTF declares to lie there, so far as no other use must be asked. */
static uint32_t declared_load(struct flow *f, struct value at)
{
	uint32_t type, off = 0, stride = stride_of(at);
	int64_t start = at.off;

	if (at.base == NODE_PERCPU) {
		type = image_percpu(f->im, at.off, &off);
		start = off;
	} else {
		type = flow_declared_pointee(f, at.base);
	}
	if (!type || start < (at.index ? -(int64_t)stride : 0) || start > INT32_MAX)
		return 0;
	off = start;
	if (at.index && !element_offset(f->btf, type, start, stride, &off))
		return 0;
	return types_member(f->btf, type, off, 8);
}

static struct value load_stack(struct flow *f, struct state *st, int64_t off)
{
	struct slot *slot = find_slot(st, off);
	struct node origin = {.kind = NODE_LOAD, .base = NODE_STACK, .off = off};

	if (slot)
		return slot->value;
	if (off >= 8 && off < 8 * 16) /* behind the return address */
		return argument(f, FLOW_ARGS + (off - 8) / 8);
	return value_node(nodes_get(&f->nodes, &origin));
}

static struct value load(struct flow *f, struct state *st, struct value at, uint32_t size,
			 const struct decode_insn *insn)
{
	struct node origin = {.kind = NODE_LOAD, .base = at.base, .off = at.off};
	bool whole = at.base != NODE_PERCPU || at.index;

	if (size != 8)
		return opaque(f, insn->ip, 0);
	if (at.base == NODE_STACK && !at.index)
		return load_stack(f, st, at.off);
	if (!whole && f->im->this_cpu_off && (uint64_t)at.off == f->im->this_cpu_off)
		return value_node(NODE_PERCPU);
	if (!at.base && f->im->percpu_offsets && (uint64_t)at.off == f->im->percpu_offsets)
		return value_node(NODE_PERCPU);
	if (at.index)
		origin.scale = at.scale < 0 ? -at.scale : at.scale;
	origin.declared = declared_load(f, at);
	return value_node(nodes_get(&f->nodes, &origin));
}

static struct value read_operand(struct flow *f, struct state *st, const struct decode_insn *insn,
				 int nr, bool record)
{
	const struct decode_operand *o = &insn->operand[nr];
	struct value at;

	switch (o->kind) {
	case OPERAND_REG:
		if (o->reg == R_NONE || o->size < 4)
			return opaque(f, insn->ip, R_NR + nr);
		return st->reg[o->reg];
	case OPERAND_IMM:
		return value_const(insn->imm);
	case OPERAND_MEM:
		at = address(f, st, insn);
		if (record)
			record_access(f, at, o->size);
		return load(f, st, at, o->size, insn);
	default:
		return value_node(NODE_ANY);
	}
}

static void write_reg(struct flow *f, struct state *st, const struct decode_insn *insn, int nr,
		      struct value v)
{
	const struct decode_operand *o = &insn->operand[nr];

	if (o->reg == R_NONE) {
		for (int i = 0; i < R_NR; i++)
			if (insn->written & 1 << i)
				st->reg[i] = opaque(f, insn->ip, i);
		return;
	}
	if (o->size < 4)
		v = opaque(f, insn->ip, o->reg);
	else if (o->size == 4 && value_is_const(v))
		v.off = (uint32_t)v.off;
	st->reg[o->reg] = v;
}

static void write_operand(struct flow *f, struct state *st, const struct decode_insn *insn, int nr,
			  struct value v, bool record)
{
	const struct decode_operand *o = &insn->operand[nr];
	struct value at;

	if (o->kind == OPERAND_REG) {
		write_reg(f, st, insn, nr, v);
		return;
	}
	if (o->kind != OPERAND_MEM)
		return;
	at = address(f, st, insn);
	if (at.base == NODE_STACK) {
		if (!at.index && o->size == 8)
			set_slot(st, at.off, v);
		else
			drop_slots(st, at.off, at.index ? ARRAY : o->size);
	}
	if (!record)
		return;
	record_access(f, at, o->size);
	if (o->size == 8)
		record_store(f, at, v);
}

static void clobber(struct flow *f, struct state *st, const struct decode_insn *insn)
{
	for (int i = 0; i < R_NR; i++)
		if (insn->written & 1 << i && i != R_SP)
			st->reg[i] = opaque(f, insn->ip, i);
}

/* The power of two that a number is known to be a multiple of; 1: none. */
static int64_t alignment(struct value v)
{
	uint64_t bits = (uint64_t)v.off | (v.index ? (uint64_t)v.scale : 0);

	if (v.base || !bits)
		return 1;
	bits &= -bits;
	return bits > MOST_ALIGNED ? MOST_ALIGNED : (int64_t)bits;
}

/*
 * A mask that clears low bits leaves an aligned pointer, or one without its tag, as it is. A value
 * that is masked otherwise keeps a known alignment: page tables hold addresses of pages.
 */
static struct value masked(struct flow *f, const struct decode_insn *insn, struct value v,
			   struct value mask)
{
	int64_t least = v.base == NODE_STACK ? -4096 : -16;
	struct value result = opaque(f, insn->ip, insn->operand[0].reg);
	int64_t aligned = alignment(v);

	if (value_is_const(mask) && mask.off < 0 && mask.off >= least && v.base)
		return v;
	if (value_is_const(v) && value_is_const(mask))
		return value_const(v.off & mask.off);
	if (alignment(mask) > aligned)
		aligned = alignment(mask);
	return aligned > 1 ? value_mul(result, aligned) : result;
}

static struct value shifted_right(struct flow *f, const struct decode_insn *insn, struct value v,
				  struct value by)
{
	struct value result = opaque(f, insn->ip, insn->operand[0].reg);

	if (!value_is_const(by) || by.off < 0 || by.off > 31 || alignment(v) >> by.off <= 1)
		return result;
	return value_mul(result, alignment(v) >> by.off);
}

static struct value product(struct flow *f, struct state *st, const struct decode_insn *insn,
			    bool record)
{
	struct value a = read_operand(f, st, insn, insn->nr == 3 ? 1 : 0, record);
	struct value b = read_operand(f, st, insn, insn->nr == 3 ? 2 : 1, record);

	if (value_is_const(b))
		return value_mul(a, b.off);
	if (value_is_const(a))
		return value_mul(b, a.off);
	return opaque(f, insn->ip, insn->operand[0].reg);
}

static struct value arithmetic(struct flow *f, struct state *st, const struct decode_insn *insn,
			       bool record)
{
	struct value a = read_operand(f, st, insn, 0, record), b = {};

	if (insn->nr > 1)
		b = read_operand(f, st, insn, 1, record);
	switch (insn->op) {
	case OP_ADD:
		return add(f, a, b);
	case OP_SUB:
		if (value_equal(a, b))
			return value_const(0);
		return add(f, a, value_mul(b, -1));
	case OP_INC:
		return add(f, a, value_const(1));
	case OP_DEC:
		return add(f, a, value_const(-1));
	case OP_NEG:
		return value_mul(a, -1);
	case OP_SHL:
		if (value_is_const(b) && b.off >= 0 && b.off < 31)
			return value_mul(a, INT64_C(1) << b.off);
		break;
	case OP_SHR:
		return shifted_right(f, insn, a, b);
	case OP_AND:
		return masked(f, insn, a, b);
	case OP_XOR:
		if (insn->operand[0].kind == OPERAND_REG && insn->operand[1].kind == OPERAND_REG &&
		    insn->operand[0].reg == insn->operand[1].reg)
			return value_const(0);
		break;
	default:
		break;
	}
	return opaque(f, insn->ip, insn->operand[0].reg);
}

void state_make_null(struct state *st, struct value v)
{
	for (int i = 0; i < R_NR; i++)
		if (value_equal(st->reg[i], v))
			st->reg[i] = value_const(0);
	for (uint32_t i = 0; i < st->nr_slots; i++)
		if (value_equal(st->slot[i].value, v))
			st->slot[i].value = value_const(0);
}

/* Either the one or the other: a PHI of the instruction. */
static struct value either(struct flow *f, const struct decode_insn *insn, struct value a,
			   struct value b)
{
	value_join(&f->nodes, &a, b, insn->ip, CMOV_SLOT);
	return a;
}

static void push(struct flow *f, struct state *st, struct value v)
{
	st->reg[R_SP] = add(f, st->reg[R_SP], value_const(-8));
	if (st->reg[R_SP].base == NODE_STACK && !st->reg[R_SP].index)
		set_slot(st, st->reg[R_SP].off, v);
}

static struct value pop(struct flow *f, struct state *st, const struct decode_insn *insn)
{
	struct value v = opaque(f, insn->ip, R_NR);

	if (st->reg[R_SP].base == NODE_STACK && !st->reg[R_SP].index)
		v = load_stack(f, st, st->reg[R_SP].off);
	st->reg[R_SP] = add(f, st->reg[R_SP], value_const(8));
	return v;
}

/* Forget stack slots that a called function may have changed: those it was pointed to. */
static void drop_escaped(struct flow *f, struct state *st, const struct target *to)
{
	for (uint32_t i = 0; i < FLOW_ARGS; i++) {
		struct value v = st->reg[arg_regs[i]];
		uint32_t type, size = 0;

		if (v.base != NODE_STACK || v.index)
			continue;
		type = to ? flow_param(f, to, i) : 0;
		if (to && to->proto && !type)
			continue; /* not an argument */
		if (type)
			size = types_size(f->btf, types_pointee(f->im->types, f->btf, type));
		if (size > MAX_ESCAPED)
			size = MAX_ESCAPED;
		drop_slots(st, v.off, size ? size : ESCAPED);
	}
}

/* Does a declaration say what struct the function's result points to? */
static bool returns_struct(struct flow *f, const struct target *to)
{
	uint32_t type = types_pointee(f->im->types, f->btf, flow_param(f, to, FLOW_RETURN));

	return types_is_struct(f->btf, type) && !types_is_library(f->btf, type);
}

/* The result of a call: what the function got, or what that leads to, if it returns such; else a value of its own. */
static struct value result_of(struct flow *f, struct state *st, const struct decode_insn *insn,
			      const struct target *to)
{
	struct node origin = {.kind = NODE_RESULT, .key = insn->next};
	struct returned returned = {};
	struct value v;

	if (to)
		origin.declared = flow_param(f, to, FLOW_RETURN);
	if (to && (to->untyped || types_is_pointer(f->btf, origin.declared)) && !returns_struct(f, to))
		returned = image_returned(f->im, to);
	if (!returned.known || st->reg[arg_regs[returned.arg]].base <= NODE_PERCPU)
		return value_node(nodes_get(&f->nodes, &origin));
	v = st->reg[arg_regs[returned.arg]];
	v.off += returned.off[0];
	for (uint8_t i = 1; i <= returned.nr_loads; i++) {
		v = load(f, st, v, 8, insn);
		v.off += returned.off[i];
	}
	return v;
}

/* Calls change no register that a compiler would read again, but the results. */
static void apply_call(struct flow *f, struct state *st, const struct decode_insn *insn,
		       bool record)
{
	const struct target *to = insn->indirect ? NULL : image_target(f->im, insn->imm);
	struct value callee = {};

	if (insn->indirect)
		callee = read_operand(f, st, insn, 0, record);
	if (to && to->kind == TARGET_THUNK) {
		callee = st->reg[to->reg];
		to = NULL;
	}
	if (to && to->sym &&
	    (!strcmp(to->sym->name, "__fentry__") ||
	     !strncmp(to->sym->name, "__SCT__preempt_schedule", 23) ||
	     !strncmp(to->sym->name, "preempt_schedule", 16)))
		return;
	if (record)
		record_call(f, st, insn, to, callee);
	drop_escaped(f, st, to);
	st->reg[R_AX] = result_of(f, st, insn, to);
	if (!to || !to->sym || strncmp(to->sym->name, "__put_user", 10))
		st->reg[R_DX] = opaque(f, insn->ip, R_DX);
}

static void apply_jump(struct flow *f, struct state *st, const struct decode_insn *insn,
		       bool record)
{
	const struct target *to;
	struct value callee = {};

	if (!record)
		return;
	if (insn->indirect) {
		callee = read_operand(f, st, insn, 0, record);
		record_call(f, st, insn, NULL, callee);
		record_return(f, result_of(f, st, insn, NULL));
		return;
	}
	for (size_t i = 0; i < f->code.nr_parts; i++)
		if ((uint64_t)insn->imm >= f->code.part[i].start &&
		    (uint64_t)insn->imm < f->code.part[i].end)
			return;
	to = image_target(f->im, insn->imm);
	if (to && to->kind == TARGET_THUNK) {
		callee = st->reg[to->reg];
		to = NULL;
	}
	record_call(f, st, insn, to, callee);
	if (!to || to->kind == TARGET_PLAIN)
		record_return(f, result_of(f, st, insn, to));
}

static void apply_xchg(struct flow *f, struct state *st, const struct decode_insn *insn,
		       bool record)
{
	struct value a = read_operand(f, st, insn, 0, record);
	struct value b = read_operand(f, st, insn, 1, record);

	write_operand(f, st, insn, 0, b, record);
	write_operand(f, st, insn, 1, a, record);
}

static void apply_other(struct flow *f, struct state *st, const struct decode_insn *insn,
			bool record)
{
	for (int i = 0; i < insn->nr; i++) {
		struct value at;

		if (insn->operand[i].kind != OPERAND_MEM)
			continue;
		at = address(f, st, insn);
		if (record)
			record_access(f, at, insn->operand[i].size);
		if (at.base == NODE_STACK && insn->op == OP_OTHER)
			drop_slots(st, at.off, insn->operand[i].size);
	}
	if (insn->op != OP_NOP && insn->op != OP_TEST)
		clobber(f, st, insn);
}

void state_apply(struct flow *f, struct state *st, const struct decode_insn *insn, bool record)
{
	struct value v;

	switch (insn->op) {
	case OP_MOV:
		v = read_operand(f, st, insn, 1, record);
		write_operand(f, st, insn, 0, v, record);
		break;
	case OP_EXTEND:
		v = read_operand(f, st, insn, 1, record);
		write_operand(f, st, insn, 0, v, record);
		break;
	case OP_LEA:
		write_operand(f, st, insn, 0, address(f, st, insn), record);
		break;
	case OP_IMUL:
		if (insn->nr < 2)
			clobber(f, st, insn);
		else
			write_operand(f, st, insn, 0, product(f, st, insn, record), record);
		break;
	case OP_ADD:
	case OP_SUB:
	case OP_INC:
	case OP_DEC:
	case OP_NEG:
	case OP_SHL:
	case OP_SHR:
	case OP_AND:
	case OP_XOR:
		v = arithmetic(f, st, insn, record);
		write_operand(f, st, insn, 0, v, record);
		break;
	case OP_CMOV:
		v = read_operand(f, st, insn, 1, record);
		v = either(f, insn, read_operand(f, st, insn, 0, record), v);
		write_operand(f, st, insn, 0, v, record);
		break;
	case OP_XCHG:
		apply_xchg(f, st, insn, record);
		break;
	case OP_PUSH:
		push(f, st, read_operand(f, st, insn, 0, record));
		break;
	case OP_POP:
		v = pop(f, st, insn);
		write_operand(f, st, insn, 0, v, record);
		break;
	case OP_LEAVE:
		st->reg[R_SP] = st->reg[R_BP];
		st->reg[R_BP] = pop(f, st, insn);
		break;
	case OP_CALL:
		apply_call(f, st, insn, record);
		break;
	case OP_JMP:
	case OP_JCC:
		apply_jump(f, st, insn, record);
		break;
	case OP_RET:
		if (record)
			record_return(f, st->reg[R_AX]);
		break;
	case OP_STOP:
		if (record && insn->imm && insn->nr && !insn->indirect)
			record_call(f, st, insn, image_target(f->im, insn->imm), (struct value){});
		break;
	default:
		apply_other(f, st, insn, record);
	}
}
