// SPDX-License-Identifier: GPL-2.0-only
#include "report/frame.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define INLINE " [inline]"

/* "0x9/0x30" at *at, which moves behind it. */
static bool take_offset(const char **at, struct frame *f)
{
	char *end;

	if (strncmp(*at, "0x", 2) || !isxdigit((unsigned char)(*at)[2]))
		return false;
	f->offset = strtoull(*at, &end, 16);
	if (strncmp(end, "/0x", 3) || !isxdigit((unsigned char)end[3]))
		return false;
	f->size = strtoull(end + 1, &end, 16);
	*at = end;
	return true;
}

/* " [module]", or " [module buildid]". */
static void take_module(const char **at, struct frame *f)
{
	const char *end = strncmp(*at, " [", 2) ? NULL : strchr(*at, ']');

	if (!end)
		return;
	f->module = (struct frame_part){*at + 2, strcspn(*at + 2, " ]")};
	*at = end + 1;
}

/* " file:line" to the end. */
static void take_source(const char *at, size_t len, struct frame *f)
{
	const char *colon = len > 1 && *at == ' ' ? memrchr(at, ':', len) : NULL;
	unsigned long line;
	char *end;

	if (!colon || !isdigit((unsigned char)colon[1]))
		return;
	errno = 0;
	line = strtoul(colon + 1, &end, 10);
	if (errno || line > UINT32_MAX || end != at + len)
		return;
	f->line = line;
	f->file = (struct frame_part){at + 1, (size_t)(colon - at - 1)};
}

struct frame frame_parse(const char *text)
{
	size_t len = strlen(text), tail = strlen(INLINE);
	const char *at = text + strcspn(text, "+ ");
	struct frame f = {};

	if (!strncmp(text, "0x", 2))
		return f;
	f.symbol = (struct frame_part){text, (size_t)(at - text)};
	if (at > text && at[-1] == ':') /* a remark, no function */
		f.symbol.len = 0;
	f.inlined = len > tail && !strcmp(text + len - tail, INLINE);
	if (f.inlined)
		len -= tail;
	if (*at == '+') {
		at++;
		if (!take_offset(&at, &f))
			return f;
		take_module(&at, &f);
	}
	if (at < text + len)
		take_source(at, (size_t)(text + len - at), &f);
	return f;
}
