/* SPDX-License-Identifier: GPL-2.0-only */
/* A stack's frame, taken apart: "function+0xoffset/0xsize [module] file:line". */
#ifndef LOCKVANE_REPORT_FRAME_H
#define LOCKVANE_REPORT_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A piece of the frame's text; len 0: there is none. */
struct frame_part {
	const char *at;
	size_t len;
};

struct frame {
	struct frame_part symbol, module, file;
	uint64_t offset, size; /* in the function; size 0: neither is known */
	uint32_t line;	       /* 0: not known */
	bool inlined;
};

/* Parts that the text does not have stay empty. */
struct frame frame_parse(const char *text);

#endif
