// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parses what the fuzzer made up and runs it, both ways, through the recorder
 * and the rules. Text is taken as it is; input that begins with a control
 * character is a list of words by number, which gets much further.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "must.h"
#include "replay/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct replay *replay;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	replay = replay_new();
	must(replay, "no memory");
	return 0;
}

/* One a byte, by its remainder. Lock names are declared before all. */
static const char *const words[] = {
	"\nlock A",	 "\nlock B",	"\nread R",	"\nlock R",	 "\nlock M",
	"\nunlock A",	 "\nunlock B",	"\nunlock R",	"\nunlock M",	 "\nhardirq",
	"\nsoftirq",	 "\nend",	" irq",		" irqsave",	 " irqrestore",
	" bh",		 "\nirq off",	"\nirq on",	"\nbh off",	 "\nbh on",
	"\ntrylock A",	 "\nlock X1",	"\nlock X2",	"\nunlock X1",	 "\nunlock X2",
	" subclass 1",	 " nest A",	" recursive",	"\ntask one",	 "\ntask two",
	"\ncpu 0",	 "\ncpu 1",	"\nfree A",	"\nuser",	 "\nlock S",
	"\nread S",	 "\nunlock S",	"\nfree X1",	"\ntryread R",	 "\nlock K1",
	"\nunlock K1",	 "\nlock K2",	"\nunlock K2",	"\nhardirq two", "\nexpect nothing",
	"\nexpect circular A --> B",	"\nproduction something ; why",	 "\nexpect something",
};

static void text_of(const uint8_t *data, size_t size, struct strbuf *ret)
{
	if (size && (data[0] >= ' ' || data[0] == '\n')) {
		strbuf_add_bytes(ret, data, size);
		return;
	}
	strbuf_add(ret, "spin A\nspin B\nrwlock R\nmutex M\nspin X1 X2 : X\nrwsem S\n"
			"spin K1 at kmalloc-64+0x8\nrwlock K2 at kmalloc-64+0x8");
	for (size_t i = 1; i < size; i++)
		strbuf_add(ret, words[data[i] % (sizeof(words) / sizeof(words[0]))]);
}

/* What a run must be like, whatever the scenario. */
static void check_capture(const struct capture *c)
{
	must(c->annotated == !strcmp(c->build, "annotated"), "which mode was it?");
	for (size_t i = 0; i < c->nr_edges; i++)
		must(c->edges[i].from < c->nr_classes && c->edges[i].to < c->nr_classes,
		     "an edge without its classes");
	for (size_t i = 0; i < c->nr_facts; i++)
		must(c->facts[i].class < c->nr_classes, "a fact without its class");
	for (size_t i = 0; i < c->nr_classes; i++)
		must(c->classes[i].name && c->classes[i].name[0], "a class without a name");
}

static void run(const struct scenario *s, bool production)
{
	struct findings *found = NULL;
	struct capture *c = NULL;
	struct error err = {};
	bool as_expected;
	char *why = NULL;

	if (replay_run(replay, s, "fuzz", production, &c, &err)) {
		must(err.code && !strncmp(err.text, "fuzz:", 5), "an error without its place");
		return;
	}
	check_capture(c);
	must(!finding_analyse(c, &found), "no analysis");
	must(!replay_judge(s, c, found, production, FINDING_WEAK, &as_expected, &why),
	     "no judgement");
	must(as_expected == !why[0], "a verdict without its reason");
	free(why);
	findings_free(found);
	capture_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf text = STRBUF_INIT;
	struct scenario *s = NULL;
	struct error err = {};
	int code;

	text_of(data, size, &text);
	code = scenario_parse(text.text ? text.text : "", text.len, "fuzz", &s, &err);
	if (code) {
		must(err.code == code && !strncmp(err.text, "fuzz:", 5),
		     "an error without its place");
	} else {
		run(s, false);
		run(s, true);
	}
	scenario_free(s);
	strbuf_free(&text);
	return 0;
}
