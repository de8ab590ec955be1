// SPDX-License-Identifier: GPL-2.0-only
#include "base/strbuf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool strbuf_grow(struct strbuf *sb, size_t more)
{
	size_t room = sb->room ? sb->room : 64;
	char *text;

	if (sb->failed)
		return false;
	while (room - sb->len <= more) {
		if (room > (size_t)-1 / 2)
			goto fail;
		room *= 2;
	}
	if (room == sb->room)
		return true;
	text = realloc(sb->text, room);
	if (!text)
		goto fail;
	sb->text = text;
	sb->room = room;
	return true;
fail:
	sb->failed = true;
	return false;
}

void strbuf_add_bytes(struct strbuf *sb, const void *bytes, size_t len)
{
	if (!strbuf_grow(sb, len))
		return;
	if (len)
		memcpy(sb->text + sb->len, bytes, len);
	sb->len += len;
	sb->text[sb->len] = '\0';
}

void strbuf_add(struct strbuf *sb, const char *text)
{
	strbuf_add_bytes(sb, text, strlen(text));
}

void strbuf_vaddf(struct strbuf *sb, const char *fmt, va_list ap)
{
	va_list again;
	int len;

	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (len < 0)
		sb->failed = true;
	if (len < 0 || !strbuf_grow(sb, len))
		return;
	vsnprintf(sb->text + sb->len, len + 1, fmt, ap);
	sb->len += len;
}

void strbuf_addf(struct strbuf *sb, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(sb, fmt, ap);
	va_end(ap);
}

void strbuf_reset(struct strbuf *sb)
{
	sb->len = 0;
	if (sb->text)
		sb->text[0] = '\0';
	sb->failed = false;
}

char *strbuf_take(struct strbuf *sb)
{
	struct strbuf empty = STRBUF_INIT;
	char *text;

	strbuf_add_bytes(sb, "", 0);
	if (sb->failed) {
		strbuf_free(sb);
		return NULL;
	}
	text = sb->text;
	*sb = empty;
	return text;
}

void strbuf_free(struct strbuf *sb)
{
	struct strbuf empty = STRBUF_INIT;

	free(sb->text);
	*sb = empty;
}

size_t strbuf_copy_clean(char *dst, size_t room, const char *src, size_t max)
{
	size_t i;

	if (!room)
		return 0;
	for (i = 0; i < room - 1 && i < max && src[i]; i++) {
		unsigned char c = src[i];

		dst[i] = c < 0x20 || c > 0x7e ? '?' : (char)c;
	}
	dst[i] = '\0';
	return i;
}
