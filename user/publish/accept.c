// SPDX-License-Identifier: GPL-2.0-only
/* The Accept header, RFC 9110 12.5.1, as far as two formats need it. */
#include "publish/metrics.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* One of the header's comma-separated entries, cut up at its semicolons. */
struct range {
	const char *text;
	size_t len;
};

/* Cut the next piece off, without blanks around it. False: there is none. */
static bool next_piece(struct range *rest, char separator, struct range *ret)
{
	const char *end;

	if (!rest->text)
		return false;
	end = memchr(rest->text, separator, rest->len);
	*ret = (struct range){rest->text, end ? (size_t)(end - rest->text) : rest->len};
	*rest = end ? (struct range){end + 1, rest->len - ret->len - 1} : (struct range){};
	while (ret->len && isspace((unsigned char)*ret->text))
		ret->text++, ret->len--;
	while (ret->len && isspace((unsigned char)ret->text[ret->len - 1]))
		ret->len--;
	return true;
}

static bool range_is(struct range r, const char *word)
{
	return r.len == strlen(word) && !strncasecmp(r.text, word, r.len);
}

/* "q=0.75" in thousandths; 0 for what is no number: then it is not wanted. */
static int quality(struct range r)
{
	char text[8] = "", *end;
	double q;

	if (r.len - 2 >= sizeof(text))
		return 0;
	memcpy(text, r.text + 2, r.len - 2);
	q = strtod(text, &end);
	return *end || end == text || !(q >= 0 && q <= 1) ? 0 : (int)(q * 1000);
}

/* A range's quality, 0 if it asks for a version other than ours. */
static int quality_of(struct range params, const char *version)
{
	struct range param;
	int q = 1000;

	while (next_piece(&params, ';', &param)) {
		if (param.len > 2 && !strncasecmp(param.text, "q=", 2))
			q = quality(param);
		else if (param.len > 8 && !strncasecmp(param.text, "version=", 8) &&
			 !range_is((struct range){param.text + 8, param.len - 8}, version))
			return 0;
	}
	return q;
}

enum metrics_format metrics_negotiate(const char *accept)
{
	struct range rest = {accept, accept ? strlen(accept) : 0}, entry, type;
	int open = 0, plain = 0;

	while (next_piece(&rest, ',', &entry)) {
		if (!next_piece(&entry, ';', &type))
			continue;
		if (range_is(type, "application/openmetrics-text")) {
			int q = quality_of(entry, "1.0.0");

			open = q > open ? q : open;
		} else if (range_is(type, "text/plain") || range_is(type, "text/*") ||
			   range_is(type, "*/*")) {
			int q = quality_of(entry, "0.0.4");

			plain = q > plain ? q : plain;
		}
	}
	return open && open >= plain ? METRICS_OPENMETRICS : METRICS_PROMETHEUS;
}
