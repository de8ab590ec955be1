// SPDX-License-Identifier: GPL-2.0-only
#include "sites/code.h"

#define ROUNDS 64 /* loops in loops; a bound, no more */

static const uint8_t arg_regs[] = {R_DI, R_SI, R_DX, R_CX, R_8, R_8 + 1};

/* Registers that a call reads: as many as the function has parameters, if that is known. */
static uint16_t call_reads(struct image *im, const struct decode_insn *insn)
{
	const struct target *to = insn->indirect ? NULL : image_target(im, insn->imm);
	uint32_t nr = sizeof(arg_regs);
	uint16_t mask = insn->read;

	if (to && to->kind == TARGET_THUNK)
		mask |= 1 << to->reg;
	if (to && to->proto)
		nr = btf_vlen(btf__type_by_id(to->btf, to->proto));
	for (uint32_t i = 0; i < nr && i < sizeof(arg_regs); i++)
		mask |= 1 << arg_regs[i];
	return mask;
}

static uint16_t reads_of(struct image *im, const struct code *c, const struct code_block *b,
			 const struct decode_insn *insn)
{
	if (insn->op == OP_CALL || (insn->op == OP_JMP && !b->nr_next) ||
	    (insn->op == OP_STOP && insn->imm))
		return call_reads(im, insn);
	if (insn->op == OP_RET)
		return 1 << R_AX;
	return insn->read;
}

static uint16_t written_by(const struct decode_insn *insn)
{
	if (insn->op == OP_CALL)
		return 1 << R_AX;
	return insn->op == OP_CMOV ? 0 : insn->written;
}

static uint16_t live_at_entry(struct image *im, const struct code *c, const struct code_block *b)
{
	uint16_t live = 1 << R_SP;

	for (uint8_t i = 0; i < b->nr_next; i++)
		live |= c->block[b->next[i]].live;
	for (uint32_t i = b->nr; i-- > 0;) {
		const struct decode_insn *insn = &c->insn[c->order[b->first + i]];

		live &= ~written_by(insn);
		live |= reads_of(im, c, b, insn);
	}
	return live;
}

void code_find_live(struct image *im, struct code *c)
{
	bool changed = true;

	for (int round = 0; changed && round < ROUNDS; round++) {
		changed = false;
		for (uint32_t i = c->nr_blocks; i-- > 0;) {
			uint16_t live = live_at_entry(im, c, &c->block[i]);

			changed |= live != c->block[i].live;
			c->block[i].live = live;
		}
	}
	for (uint32_t i = 0; changed && i < c->nr_blocks; i++)
		c->block[i].live = UINT16_MAX;
}
