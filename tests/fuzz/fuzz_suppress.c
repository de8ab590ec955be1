// SPDX-License-Identifier: GPL-2.0-only
/* Parses suppressions that the fuzzer made up and applies them to some findings. */
#include <stdio.h>
#include <string.h>

#include "finding/suppress.h"
#include "report/report.h"
#include "sample.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct capture *capture;
static FILE *nowhere;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	capture = sample_capture();
	nowhere = fopen("/dev/null", "w");
	must(nowhere, "no /dev/null");
	return 0;
}

static void apply(struct suppressions *entries)
{
	const struct report_opts opts = { .suppressions = entries, .list_suppressed = true };
	struct findings *found = NULL;
	uint32_t suppressed = 0;

	must(!finding_analyse(capture, &found) && found->nr >= 4, "too little was found");
	suppress_apply(entries, capture, found);
	for (uint32_t i = 0; i < found->nr; i++) {
		uint32_t by = found->items[i].suppressed_by;

		must(by == LV_NONE || (by < entries->nr && entries->items[by].hits),
		     "suppressed by nobody");
		suppressed += by != LV_NONE;
	}
	must(suppressed == suppress_count(found), "suppressed, but not counted");
	must(!report_text(nowhere, capture, found, &opts), "no report");
	must(!report_json(nowhere, capture, found, &opts), "no report");
	findings_free(found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct suppressions *entries = NULL;
	struct suppress_error wrong = {};
	int code = suppress_parse((const char *)data, size, &entries, &wrong);

	if (code) {
		must(wrong.line && wrong.text[0], "an error without its place");
		return 0;
	}
	for (uint32_t i = 0; i < entries->nr; i++)
		must(entries->items[i].reason && entries->items[i].reason[0] &&
			     entries->items[i].nr_locks,
		     "an entry without its parts");
	apply(entries);
	suppressions_free(entries);
	return 0;
}
