// SPDX-License-Identifier: GPL-2.0-only
#include "sites/decode.h"

#include <Zydis/Zydis.h>
#include <string.h>

struct mnemonic {
	ZydisMnemonic mnemonic;
	enum decode_op op;
};

static const struct mnemonic mnemonics[] = {
	{ZYDIS_MNEMONIC_NOP, OP_NOP},	   {ZYDIS_MNEMONIC_ENDBR64, OP_NOP},
	{ZYDIS_MNEMONIC_CMP, OP_NOP},	   {ZYDIS_MNEMONIC_TEST, OP_TEST},
	{ZYDIS_MNEMONIC_BT, OP_NOP},	   {ZYDIS_MNEMONIC_PAUSE, OP_NOP},
	{ZYDIS_MNEMONIC_MOV, OP_MOV},	   {ZYDIS_MNEMONIC_MOVZX, OP_EXTEND},
	{ZYDIS_MNEMONIC_MOVSX, OP_EXTEND}, {ZYDIS_MNEMONIC_MOVSXD, OP_EXTEND},
	{ZYDIS_MNEMONIC_CDQE, OP_EXTEND},
	{ZYDIS_MNEMONIC_LEA, OP_LEA},	   {ZYDIS_MNEMONIC_ADD, OP_ADD},
	{ZYDIS_MNEMONIC_SUB, OP_SUB},	   {ZYDIS_MNEMONIC_INC, OP_INC},
	{ZYDIS_MNEMONIC_DEC, OP_DEC},	   {ZYDIS_MNEMONIC_NEG, OP_NEG},
	{ZYDIS_MNEMONIC_SHL, OP_SHL},	   {ZYDIS_MNEMONIC_SHR, OP_SHR},
	{ZYDIS_MNEMONIC_SAR, OP_SHR},	   {ZYDIS_MNEMONIC_IMUL, OP_IMUL},
	{ZYDIS_MNEMONIC_AND, OP_AND},	   {ZYDIS_MNEMONIC_XOR, OP_XOR},
	{ZYDIS_MNEMONIC_XCHG, OP_XCHG},	   {ZYDIS_MNEMONIC_PUSH, OP_PUSH},
	{ZYDIS_MNEMONIC_POP, OP_POP},	   {ZYDIS_MNEMONIC_LEAVE, OP_LEAVE},
	{ZYDIS_MNEMONIC_CALL, OP_CALL},	   {ZYDIS_MNEMONIC_JMP, OP_JMP},
	{ZYDIS_MNEMONIC_RET, OP_RET},	   {ZYDIS_MNEMONIC_UD2, OP_STOP},
	{ZYDIS_MNEMONIC_UD1, OP_STOP},	   {ZYDIS_MNEMONIC_HLT, OP_STOP},
	{ZYDIS_MNEMONIC_INT3, OP_STOP},
};

static enum decode_op op_of(const ZydisDecodedInstruction *insn)
{
	if (insn->meta.category == ZYDIS_CATEGORY_COND_BR)
		return OP_JCC;
	if (insn->meta.category == ZYDIS_CATEGORY_CMOV)
		return OP_CMOV;
	for (size_t i = 0; i < sizeof(mnemonics) / sizeof(*mnemonics); i++)
		if (mnemonics[i].mnemonic == insn->mnemonic)
			return mnemonics[i].op;
	return OP_OTHER;
}

static uint8_t reg_of(ZydisRegister reg)
{
	ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);

	if (whole < ZYDIS_REGISTER_RAX || whole > ZYDIS_REGISTER_R15)
		return R_NONE;
	return whole - ZYDIS_REGISTER_RAX;
}

static bool is_high_byte(ZydisRegister reg)
{
	return reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH;
}

static void take_memory(const ZydisDecodedOperand *o, struct decode_insn *ret)
{
	ret->base = reg_of(o->mem.base);
	ret->index = reg_of(o->mem.index);
	ret->scale = ret->index == R_NONE ? 0 : o->mem.scale;
	ret->gs = o->mem.segment == ZYDIS_REGISTER_GS;
	ret->disp = o->mem.disp.has_displacement ? o->mem.disp.value : 0;
	if (o->mem.base == ZYDIS_REGISTER_RIP)
		ret->disp += ret->next;
}

static void take_operand(const ZydisDecodedOperand *o, struct decode_insn *ret)
{
	struct decode_operand *to = &ret->operand[ret->nr];

	to->size = o->size / 8;
	to->reg = R_NONE;
	switch (o->type) {
	case ZYDIS_OPERAND_TYPE_REGISTER:
		to->kind = OPERAND_REG;
		if (!is_high_byte(o->reg.value))
			to->reg = reg_of(o->reg.value);
		break;
	case ZYDIS_OPERAND_TYPE_MEMORY:
		to->kind = OPERAND_MEM;
		take_memory(o, ret);
		break;
	case ZYDIS_OPERAND_TYPE_IMMEDIATE:
		to->kind = OPERAND_IMM;
		ret->imm = o->imm.value.s + (o->imm.is_relative ? (int64_t)ret->next : 0);
		break;
	default:
		return;
	}
	ret->nr++;
}

static void note_register(const ZydisDecodedOperand *o, struct decode_insn *ret)
{
	uint8_t reg, base = reg_of(o->mem.base), index = reg_of(o->mem.index);

	if (o->type == ZYDIS_OPERAND_TYPE_MEMORY) {
		ret->read |= base != R_NONE ? 1 << base : 0;
		ret->read |= index != R_NONE ? 1 << index : 0;
	}
	if (o->type != ZYDIS_OPERAND_TYPE_REGISTER)
		return;
	reg = reg_of(o->reg.value);
	if (reg == R_NONE)
		return;
	if (o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)
		ret->written |= 1 << reg;
	if (o->actions & ZYDIS_OPERAND_ACTION_MASK_READ || o->size < 32)
		ret->read |= 1 << reg;
}

/* A register xor-ed with, or subtracted from, itself is no use of it. */
static bool zeroes(const struct decode_insn *insn)
{
	return (insn->op == OP_XOR || insn->op == OP_SUB) && insn->operand[0].kind == OPERAND_REG &&
	       insn->operand[1].kind == OPERAND_REG &&
	       insn->operand[0].reg == insn->operand[1].reg && insn->operand[0].size >= 4;
}

/* The accumulator of the short forms of arithmetic, and a shift by one, are implied; both registers of cltq are hidden. */
static bool is_known_operand(const ZydisDecodedOperand *o, enum decode_op op)
{
	return o->visibility == ZYDIS_OPERAND_VISIBILITY_EXPLICIT ||
	       (o->visibility == ZYDIS_OPERAND_VISIBILITY_IMPLICIT && op != OP_OTHER) ||
	       (o->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN && op == OP_EXTEND);
}

bool decode_insn(const uint8_t *code, size_t len, uint64_t ip, struct decode_insn *ret)
{
	static ZydisDecoder decoder;
	static bool ready;
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction insn;

	if (!ready) /* the same each time */
		ready = ZYAN_SUCCESS(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64,
						      ZYDIS_STACK_WIDTH_64));
	if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code, len, &insn, operands)))
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->ip = ip;
	ret->next = ip + insn.length;
	ret->base = ret->index = R_NONE;
	ret->op = op_of(&insn);
	for (uint8_t i = 0; i < insn.operand_count; i++) {
		if (is_known_operand(&operands[i], ret->op) && ret->nr < 3)
			take_operand(&operands[i], ret);
		note_register(&operands[i], ret);
	}
	ret->if_zero = insn.mnemonic == ZYDIS_MNEMONIC_JZ;
	ret->if_not_zero = insn.mnemonic == ZYDIS_MNEMONIC_JNZ;
	if (zeroes(ret))
		ret->read = 0;
	ret->indirect =
		(ret->op == OP_CALL || ret->op == OP_JMP) && ret->operand[0].kind != OPERAND_IMM;
	return true;
}
