// SPDX-License-Identifier: GPL-2.0-only
/*
 * What strangers can hand to the listener, and a kernel to its text: an Accept
 * header, an address, and labels, which must come out as whole lines.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "must.h"
#include "publish/address.h"
#include "publish/metrics.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The line of lockvane_build_info: one label, closed, with nothing raw in it. */
static void check_label(const char *text)
{
	static const char start[] = "\nlockvane_build_info{version=\"";
	const char *at = strstr(text, start);

	must(at, "no label");
	for (at += strlen(start); *at != '"'; at++) {
		must(*at >= 0x20 && *at <= 0x7e, "a raw byte in a label");
		if (*at == '\\')
			at++;
		must(*at, "a label without an end");
	}
	must(!strncmp(at, "\"} 1\n", 5), "a label that ended early");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf sb = STRBUF_INIT;
	struct error err = {};
	struct address address;
	struct metrics m;
	char *text = strndup((const char *)data, size);

	must(text, "no memory");
	metrics_negotiate(text);
	if (address_parse(text, &address, &err))
		must(err.text[0], "an error without words");
	else
		must(address.len <= sizeof(address.sa), "an address that is too long");
	metrics_init(&m);
	m.version = text;
	metrics_print(&m, size & 1 ? METRICS_OPENMETRICS : METRICS_PROMETHEUS, &sb);
	must(!sb.failed, "no memory");
	check_label(sb.text);
	strbuf_free(&sb);
	free(text);
	return 0;
}
