// SPDX-License-Identifier: GPL-2.0-only
/* The table as it stands in the tree. Make runs compilers in the tree's root. */
#include "finding/annotations_data.h"

__asm__(".pushsection .rodata\n"
	".global annotations_data\n"
	"annotations_data:\n"
	".incbin \"user/finding/annotations.tsv\"\n"
	".global annotations_data_end\n"
	"annotations_data_end:\n"
	".byte 0\n"
	".popsection\n");
