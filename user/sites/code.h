/* SPDX-License-Identifier: GPL-2.0-only */
/* A function's machine code as basic blocks, with its .cold part. */
#ifndef LOCKVANE_SITES_CODE_H
#define LOCKVANE_SITES_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sites/decode.h"
#include "sites/image.h"

#define CODE_PARTS 3
#define CODE_SUCCESSORS 6

struct code_part {
	uint64_t start, end;
	uint8_t *bytes;
	uint32_t *at; /* by offset: number of the instruction that begins there, plus one */
};

struct code_block {
	uint32_t first, nr; /* instructions, of `order` */
	uint32_t next[CODE_SUCCESSORS];
	uint8_t nr_next;
	uint16_t live; /* registers that are read before they are written, one bit each */
	bool entry;    /* the function's */
	bool orphan;   /* no known way leads here: an exception's, or a patched jump's target */
};

struct code {
	struct code_part part[CODE_PARTS];
	size_t nr_parts;
	struct decode_insn *insn; /* as they were found */
	uint32_t nr, room;
	uint8_t *leader; /* by instruction: begins a block */
	uint32_t *order; /* instructions by address */
	struct code_block *block;
	uint32_t nr_blocks;
};

/* The function of that symbol. -ENOENT: no text; -E2BIG; -ENOMEM. */
int code_read(struct image *im, const struct ksym *sym, struct code *ret);
/* Fill in what is live at each block's entry. */
void code_find_live(struct image *im, struct code *c);
void code_free(struct code *c);

#endif
