// SPDX-License-Identifier: GPL-2.0-only
#include "sites/code.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PART (256u << 10) /* bytes */
#define MAX_INSNS 40000
#define PENDING 4096
#define ADOPT_ROUNDS 2	/* an orphan may lead to another */
#define ADOPT_BLOCKS 64 /* that are looked at for the way back */

struct build {
	struct image *im;
	const struct ksym *sym;
	struct code *c;
	uint64_t pending[PENDING]; /* addresses to decode from */
	size_t nr_pending;
	int err;
};

static struct code_part *part_of(const struct code *c, uint64_t ip)
{
	for (size_t i = 0; i < c->nr_parts; i++)
		if (ip >= c->part[i].start && ip < c->part[i].end)
			return (struct code_part *)&c->part[i];
	return NULL;
}

static uint32_t insn_at(const struct code *c, uint64_t ip)
{
	const struct code_part *p = part_of(c, ip);

	return p ? p->at[ip - p->start] : 0;
}

static int add_part(struct build *b, const struct ksym *sym)
{
	struct code *c = b->c;
	struct code_part *p = &c->part[c->nr_parts];
	uint32_t size = sym->size;

	if (!size || size > MAX_PART || c->nr_parts == CODE_PARTS)
		return -E2BIG;
	p->bytes = malloc(size);
	p->at = calloc(size, sizeof(*p->at));
	if (!p->bytes || !p->at) {
		free(p->bytes);
		free(p->at);
		return -ENOMEM;
	}
	p->start = sym->addr;
	p->end = sym->addr + size;
	c->nr_parts++;
	return b->im->src.read(b->im->src.arg, sym->addr, p->bytes, size) ? -ENOENT : 0;
}

/* Is the target in the function? Its .cold part becomes one of its own when a jump leads there. */
static bool is_inside(struct build *b, uint64_t target)
{
	const struct ksym *sym;

	if (part_of(b->c, target))
		return true;
	sym = ksyms_find(b->im->src.ksyms, target);
	if (!sym || image_whole(b->im, sym) == sym || b->c->nr_parts == CODE_PARTS ||
	    strncmp(sym->name, b->sym->name, strlen(b->sym->name)))
		return false;
	return !add_part(b, sym);
}

static void add_pending(struct build *b, uint64_t ip)
{
	uint32_t nr = insn_at(b->c, ip);

	if (nr)
		b->c->leader[nr - 1] = true;
	else if (b->nr_pending < PENDING)
		b->pending[b->nr_pending++] = ip;
	else
		b->err = -E2BIG;
}

static struct decode_insn *add_insn(struct build *b, struct code_part *p, uint64_t ip)
{
	struct code *c = b->c;

	if (c->nr == c->room) {
		uint32_t room = c->room ? c->room * 2 : 512;
		struct decode_insn *insn = realloc(c->insn, room * sizeof(*insn));
		uint8_t *leader;

		if (insn)
			c->insn = insn;
		leader = realloc(c->leader, room);
		if (leader)
			c->leader = leader;
		if (!insn || !leader || c->nr >= MAX_INSNS) {
			b->err = insn && leader ? -E2BIG : -ENOMEM;
			return NULL;
		}
		c->room = room;
	}
	if (!decode_insn(p->bytes + (ip - p->start), p->end - ip, ip, &c->insn[c->nr]))
		return NULL;
	c->leader[c->nr] = false;
	p->at[ip - p->start] = ++c->nr;
	return &c->insn[c->nr - 1];
}

/* A jump that leads out of the function is its end; one to the return thunk is a return. */
static void settle_jump(struct build *b, struct decode_insn *insn)
{
	const struct target *t;

	if (insn->indirect)
		return;
	if (is_inside(b, insn->imm)) {
		add_pending(b, insn->imm);
		return;
	}
	t = image_target(b->im, insn->imm);
	if (t && t->kind == TARGET_RETURN)
		insn->op = OP_RET;
}

static bool never_returns(struct build *b, const struct decode_insn *insn)
{
	const struct target *t = insn->indirect ? NULL : image_target(b->im, insn->imm);

	return t && t->kind == TARGET_NORETURN;
}

static bool ends_block(const struct decode_insn *insn)
{
	return insn->op == OP_JMP || insn->op == OP_JCC || insn->op == OP_RET ||
	       insn->op == OP_STOP;
}

static void decode_from(struct build *b, uint64_t ip)
{
	bool first = true;

	while (!b->err) {
		struct code_part *p = part_of(b->c, ip);
		struct decode_insn *insn;

		if (!p)
			return;
		if (p->at[ip - p->start]) {
			if (first)
				b->c->leader[p->at[ip - p->start] - 1] = true;
			return;
		}
		insn = add_insn(b, p, ip);
		if (!insn)
			return;
		b->c->leader[b->c->nr - 1] = first;
		first = false;
		ip = insn->next;
		if (insn->op == OP_CALL && never_returns(b, insn))
			insn->op = OP_STOP;
		if (insn->op == OP_JMP || insn->op == OP_JCC)
			settle_jump(b, insn); /* may have moved insn's neighbours, not itself */
		insn = &b->c->insn[b->c->nr - 1];
		if (insn->op == OP_JCC)
			add_pending(b, ip);
		if (ends_block(insn))
			return;
	}
}

static void decode_pending(struct build *b)
{
	while (b->nr_pending && !b->err)
		decode_from(b, b->pending[--b->nr_pending]);
}

/* Code that no jump leads to, after padding: 0 if there is no more of it from ip on. */
static uint64_t next_gap(const struct code_part *p, const struct code *c, uint64_t ip)
{
	struct decode_insn insn;

	while (ip < p->end) {
		uint32_t nr = p->at[ip - p->start];

		if (nr) {
			ip = c->insn[nr - 1].next;
			continue;
		}
		if (p->bytes[ip - p->start] == 0xcc) {
			ip++;
			continue;
		}
		if (!decode_insn(p->bytes + (ip - p->start), p->end - ip, ip, &insn))
			return 0;
		if (insn.op != OP_NOP)
			return ip;
		ip = insn.next;
	}
	return 0;
}

static void decode_gaps(struct build *b)
{
	for (size_t i = 0; i < b->c->nr_parts && !b->err; i++) {
		uint64_t ip = b->c->part[i].start;

		while (!b->err && (ip = next_gap(&b->c->part[i], b->c, ip))) {
			uint32_t before = b->c->nr;

			add_pending(b, ip);
			decode_pending(b);
			if (b->c->nr == before)
				break;
		}
	}
}

static int compare_ip(const void *va, const void *vb, void *arg)
{
	const struct code *c = arg;
	uint64_t a = c->insn[*(const uint32_t *)va].ip;
	uint64_t b = c->insn[*(const uint32_t *)vb].ip;

	return a < b ? -1 : a > b;
}

static uint32_t block_of_insn(const struct code *c, const uint32_t *block_by_insn, uint64_t ip)
{
	uint32_t nr = insn_at(c, ip);

	return nr ? block_by_insn[nr - 1] : UINT32_MAX;
}

static void add_successor(struct code_block *from, uint32_t to)
{
	if (to != UINT32_MAX && from->nr_next < CODE_SUCCESSORS)
		from->next[from->nr_next++] = to;
}

static const struct decode_insn *last_insn(const struct code *c, const struct code_block *b)
{
	return &c->insn[c->order[b->first + b->nr - 1]];
}

/* No orphans: the block, and all that it leads to. */
static void reach(struct code *c, uint32_t block, uint32_t *stack)
{
	uint32_t nr = 0;

	c->block[block].orphan = false;
	stack[nr++] = block;
	while (nr) {
		const struct code_block *b = &c->block[stack[--nr]];

		for (uint8_t n = 0; n < b->nr_next; n++) {
			if (!c->block[b->next[n]].orphan)
				continue;
			c->block[b->next[n]].orphan = false;
			stack[nr++] = b->next[n];
		}
	}
}

/* A jump label that is off: static keys' are nops of 2 or 5 bytes. */
static bool is_label(const struct decode_insn *insn)
{
	uint64_t len = insn->next - insn->ip;

	return insn->op == OP_NOP && (len == 2 || len == 5);
}

/*
 * A way to a block that none is known to: from the jump label that it comes back behind, else
 * (exception handlers) from where it comes back to, as if nothing had happened before.
 */
static bool adopt(struct code *c, uint32_t orphan)
{
	uint32_t seen[ADOPT_BLOCKS], nr = 1, back = UINT32_MAX;

	seen[0] = orphan;
	for (uint32_t at = 0; at < nr; at++) {
		uint32_t i = seen[at];

		if (at && i && !c->block[i - 1].orphan &&
		    is_label(last_insn(c, &c->block[i - 1])) &&
		    last_insn(c, &c->block[i - 1])->next ==
			    c->insn[c->order[c->block[i].first]].ip) {
			back = i - 1;
			break;
		}
		if (at && back == UINT32_MAX && !c->block[i].orphan)
			back = i;
		for (uint8_t n = 0; n < c->block[i].nr_next; n++) {
			uint32_t k = 0;

			while (k < nr && seen[k] != c->block[i].next[n])
				k++;
			if (k == nr && nr < ADOPT_BLOCKS)
				seen[nr++] = c->block[i].next[n];
		}
	}
	if (back == UINT32_MAX || c->block[back].nr_next == CODE_SUCCESSORS)
		return false;
	add_successor(&c->block[back], orphan);
	return true;
}

/*
 * Where a block leads. Behind ud2 (WARN goes on there) and behind a jump in the function (it may
 * be a jump label that was patched) is a way only if no other leads there.
 */
static void link_blocks(struct code *c, const uint32_t *by_insn, uint32_t *stack)
{
	for (uint32_t i = 0; i < c->nr_blocks; i++) {
		struct code_block *b = &c->block[i];
		const struct decode_insn *last = last_insn(c, b);

		b->orphan = true;
		if ((last->op == OP_JMP && !last->indirect) || last->op == OP_JCC)
			add_successor(b, block_of_insn(c, by_insn, last->imm));
		if (last->op == OP_JCC || !ends_block(last))
			add_successor(b, block_of_insn(c, by_insn, last->next));
	}
	for (uint32_t i = 0; i < c->nr_blocks; i++)
		if (c->block[i].entry)
			reach(c, i, stack);
	for (uint32_t i = 0; i < c->nr_blocks; i++) {
		const struct decode_insn *last = last_insn(c, &c->block[i]);
		uint32_t next = block_of_insn(c, by_insn, last->next);

		if (c->block[i].orphan || next == UINT32_MAX || !c->block[next].orphan ||
		    (last->op != OP_STOP && (last->op != OP_JMP || !c->block[i].nr_next)))
			continue;
		add_successor(&c->block[i], next);
		reach(c, next, stack);
	}
	for (int round = 0; round < ADOPT_ROUNDS; round++)
		for (uint32_t i = 0; i < c->nr_blocks; i++)
			if (c->block[i].orphan && adopt(c, i))
				reach(c, i, stack);
}

static int make_blocks(struct code *c)
{
	uint32_t *by_insn = calloc(c->nr + 1, sizeof(*by_insn));
	uint32_t *stack = calloc(c->nr + 1, sizeof(*stack));
	bool begins = true;

	c->order = calloc(c->nr + 1, sizeof(*c->order));
	c->block = calloc(c->nr + 1, sizeof(*c->block));
	if (!by_insn || !stack || !c->order || !c->block) {
		free(by_insn);
		free(stack);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < c->nr; i++)
		c->order[i] = i;
	qsort_r(c->order, c->nr, sizeof(*c->order), compare_ip, c);
	for (uint32_t i = 0; i < c->nr; i++) {
		const struct decode_insn *insn = &c->insn[c->order[i]];

		if (begins || c->leader[c->order[i]] || c->insn[c->order[i - 1]].next != insn->ip) {
			struct code_block *b = &c->block[c->nr_blocks++];

			b->first = i;
			b->entry = insn->ip == c->part[0].start;
		}
		c->block[c->nr_blocks - 1].nr++;
		by_insn[c->order[i]] = c->nr_blocks - 1;
		begins = ends_block(insn);
	}
	link_blocks(c, by_insn, stack);
	free(by_insn);
	free(stack);
	return 0;
}

int code_read(struct image *im, const struct ksym *sym, struct code *ret)
{
	struct build *b = calloc(1, sizeof(*b));
	int err;

	memset(ret, 0, sizeof(*ret));
	if (!b)
		return -ENOMEM;
	b->im = im;
	b->sym = sym;
	b->c = ret;
	err = add_part(b, sym);
	if (!err) {
		add_pending(b, sym->addr);
		decode_pending(b);
		decode_gaps(b);
		err = b->err ? b->err : ret->nr ? make_blocks(ret) : -ENOENT;
	}
	if (err)
		code_free(ret);
	free(b);
	return err;
}

void code_free(struct code *c)
{
	for (size_t i = 0; i < c->nr_parts; i++) {
		free(c->part[i].bytes);
		free(c->part[i].at);
	}
	free(c->insn);
	free(c->leader);
	free(c->order);
	free(c->block);
	memset(c, 0, sizeof(*c));
}
