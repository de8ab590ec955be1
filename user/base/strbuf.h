/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A string that grows. A failed allocation is remembered, later additions do
 * nothing: check once, at the end.
 */
#ifndef LOCKVANE_BASE_STRBUF_H
#define LOCKVANE_BASE_STRBUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct strbuf {
	char *text; /* NUL-terminated, or NULL while nothing was added */
	size_t len;
	size_t room;
	bool failed;
};

#define STRBUF_INIT { NULL, 0, 0, false }

void strbuf_add(struct strbuf *sb, const char *text);
void strbuf_add_bytes(struct strbuf *sb, const void *bytes, size_t len);
void strbuf_addf(struct strbuf *sb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strbuf_vaddf(struct strbuf *sb, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

/* Forget the content, keep the memory. */
void strbuf_reset(struct strbuf *sb);

/* The string, to be freed by the caller ("" if nothing was added); NULL: no memory. */
char *strbuf_take(struct strbuf *sb);

void strbuf_free(struct strbuf *sb);

#define AUTO_STRBUF __attribute__((cleanup(strbuf_free))) struct strbuf

/*
 * Copy at most max bytes of a string we do not trust, not necessarily
 * terminated, into dst: control characters and bytes over 0x7e become '?'.
 * dst is always terminated. Returns the length.
 */
size_t strbuf_copy_clean(char *dst, size_t room, const char *src, size_t max);

#endif
