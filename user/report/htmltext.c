// SPDX-License-Identifier: GPL-2.0-only
#include "report/htmltext.h"

void htmltext_put(FILE *out, const char *text)
{
	for (const unsigned char *c = (const unsigned char *)(text ? text : "?"); *c; c++) {
		if (*c == '&')
			fputs("&amp;", out);
		else if (*c == '<')
			fputs("&lt;", out);
		else if (*c == '>')
			fputs("&gt;", out);
		else if (*c == '"')
			fputs("&quot;", out);
		else if (*c == '\'')
			fputs("&#39;", out);
		else if ((*c < ' ' && *c != '\n') || *c > '~')
			fprintf(out, "\\x%02x", *c);
		else
			putc(*c, out);
	}
}
