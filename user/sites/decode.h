/* SPDX-License-Identifier: GPL-2.0-only */
/* x86-64 instructions, reduced to what moves pointers about. */
#ifndef LOCKVANE_SITES_DECODE_H
#define LOCKVANE_SITES_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum decode_reg { R_AX, R_CX, R_DX, R_BX, R_SP, R_BP, R_SI, R_DI, R_8, R_NR = 16, R_NONE = 0xff };

enum decode_op {
	OP_OTHER, /* `written` become unknown */
	OP_NOP,
	OP_TEST, /* sets flags only */
	OP_MOV,
	OP_EXTEND, /* movzx, movsx, movsxd */
	OP_LEA,
	OP_ADD,
	OP_SUB,
	OP_INC,
	OP_DEC,
	OP_NEG,
	OP_SHL,
	OP_SHR,
	OP_IMUL,
	OP_AND,
	OP_XOR,
	OP_CMOV,
	OP_XCHG,
	OP_PUSH,
	OP_POP,
	OP_LEAVE,
	OP_CALL,
	OP_JMP,
	OP_JCC,
	OP_RET,
	OP_STOP, /* ud2, hlt */
};

enum decode_operand_kind { OPERAND_NONE, OPERAND_REG, OPERAND_MEM, OPERAND_IMM };

struct decode_operand {
	uint8_t kind; /* enum decode_operand_kind */
	uint8_t reg;  /* REG: 64-bit register; R_NONE: none of these, or a high byte */
	uint8_t size; /* bytes */
};

struct decode_insn {
	uint64_t ip, next; /* this instruction's, and the next one's */
	uint8_t op;	   /* enum decode_op */
	uint8_t nr;	   /* operands in use, explicit ones */
	struct decode_operand operand[3];
	uint8_t base, index, scale; /* the memory operand's */
	bool gs;		    /* per-CPU */
	uint16_t written, read;	    /* registers, one bit each, also implicit */
	int64_t disp;		    /* with the ip added if it is relative to it */
	int64_t imm;		    /* also a jump's target */
	bool if_zero, if_not_zero;  /* JCC: that condition */
	bool indirect;		    /* JMP, CALL: the target is an operand, not imm */
};

/* Instruction at ip in so many bytes. False: none. */
bool decode_insn(const uint8_t *code, size_t len, uint64_t ip, struct decode_insn *ret);

#endif
