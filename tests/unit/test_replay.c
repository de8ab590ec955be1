// SPDX-License-Identifier: GPL-2.0-only
/* Scenario files: bad ones are refused with their line, good ones are as they expect. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "replay/replay.h"

struct bad {
	const char *text;
	const char *error; /* how it begins */
};

/* What the parser refuses. */
static const struct bad unreadable[] = {
	{ "", "t:0: nothing happens in it" },
	{ "spin A\n", "t:1: nothing happens in it" },
	{ "spin A\nlok A\n", "t:2: no statement \"lok\"" },
	{ "lock A\n", "t:1: no lock \"A\": declare it first" },
	{ "spin A\nlock\n", "t:2: lock what?" },
	{ "spin A\nunlock\n", "t:2: unlock what?" },
	{ "spin\n", "t:1: which locks?" },
	{ "spin A A\n", "t:1: lock \"A\" is there already" },
	{ "spin A\nmutex A\n", "t:2: lock \"A\" is there already" },
	{ "spin A1 : A\nmutex A2 : A\n", "t:2: class \"A\" has locks of another kind" },
	{ "spin 1A\n", "t:1: \"1A\" is no name" },
	{ "spin A at nowhere\n", "t:1: \"nowhere\" is no place" },
	{ "spin A at +0x10\n", "t:1: \"+0x10\" is no place" },
	{ "spin A at cache+ten\n", "t:1: \"ten\" is no number" },
	{ "spin A\nlock A\nspin B\n", "t:3: locks are declared before the first step" },
	{ "spin A\nlock A quickly\n", "t:2: \"quickly\" is no way to take this lock" },
	{ "spin A\nlock A recursive\n", "t:2: \"recursive\" is no way to take this lock" },
	{ "mutex M\nlock M irq\n", "t:2: \"irq\" is no way to take this lock" },
	{ "spin A\nlock A subclass 8\n", "t:2: \"8\" is no number from 0 to 7" },
	{ "spin A\nlock A nest B\n", "t:2: no lock \"B\"" },
	{ "spin A\nread A\n", "t:2: \"A\" has no readers" },
	{ "spin A\nlock A\nunlock A irqsave\n", "t:3: \"irqsave\" is no way to give this" },
	{ "spin A\nhardirq\nlock A\n", "t:3: an interrupt on CPU 0 has no \"end\"" },
	{ "spin A\nend\n", "t:2: \"end\" without a hardirq or softirq on CPU 0" },
	{ "spin A\nhardirq a b\n", "t:2: one name for the handler" },
	{ "spin A\ntask\n", "t:2: which task?" },
	{ "spin A\nhardirq\ntask one\n", "t:3: no task runs before the interrupt's \"end\"" },
	{ "spin A\ntask x\nhardirq x\n", "t:3: \"x\" was something else in line 2" },
	{ "spin A\ncpu 4\n", "t:2: \"4\" is no number from 0 to 3" },
	{ "spin A\nirq maybe\n", "t:2: \"irq\" goes \"on\" or \"off\"" },
	{ "spin A\nuser now\n", "t:2: nothing follows \"user\"" },
	{ "spin A\nfree\n", "t:2: free what?" },
	{ "percpu-rwsem P\nlock P\nhandover P\n", "t:3: nothing follows \"handover\"" },
	{ "rwsem R\nlock R ww\n", "t:2: \"ww\" is no way to take this lock" },
	{ "spin A\nlock A\nexpect\n", "t:3: \"\" is neither a rule nor" },
	{ "spin A\nlock A\nexpect trouble\n", "t:3: \"trouble\" is neither a rule nor" },
	{ "spin A\nlock A\nexpect nothing A\n", "t:3: nothing follows \"nothing\"" },
	{ "spin A\nlock A\nexpect circular A -->\n", "t:3: a chain is written" },
	{ "spin A\nlock A\nexpect circular A B\n", "t:3: a chain is written" },
	{ "spin A\nlock A\nproduction nothing\n", "t:3: why does production differ?" },
	{ "spin A\nlock A\nproduction nothing ; \n", "t:3: why does production differ?" },
	{ "kernel fast\n", "t:1: \"kernel rt\"" },
	{ "title\n", "t:1: one title" },
	{ "title a\ntitle b\n", "t:2: one title" },
	{ "spin \xc3\xa4\n", "t:1: character 6 is neither ASCII nor a blank" },
};

/* What it understands, and no kernel could do. */
static const struct bad impossible[] = {
	{ "spin A\nirq off\nhardirq\nend\n", "t:3: no hardirq can come here" },
	{ "spin A\nbh off\nsoftirq\nend\n", "t:3: no softirq can come here" },
	{ "spin A\nhardirq\nsoftirq\nend\nend\n", "t:3: no softirq can come here" },
	{ "spin A\nhardirq a\nhardirq b\nend\nend\n", "t:3: no hardirq can come here" },
	{ "spin A\nbh on\n", "t:2: softirqs are not off" },
	{ "spin A\ntask one\nlock A\ntask two\n", "t:4: one cannot sleep here" },
	{ "spin A\nirq off\ntask two\n", "t:3: start cannot sleep here" },
	{ "spin A\ntask one\ncpu 1\ntask one\n", "t:4: one is running on CPU 0" },
	{ "mutex M\ntask one\nlock M\ntask two\nlock M\n",
	  "t:5: two would wait here for M, which one holds" },
	{ "spin A\nlock A\ntrylock A\n", "t:3: this fails: A is held" },
	{ "spin A\nhardirq\nuser\nend\n", "t:3: an interrupt's handler does not return" },
};

static void refuse(const struct bad *bad, const struct error *err)
{
	if (strncmp(err->text, bad->error, strlen(bad->error)))
		fail_msg("\"%s\"\nshould be: %s\nis: %s", bad->text, bad->error, err->text);
}

static void test_unreadable(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(unreadable) / sizeof(unreadable[0]); i++) {
		struct error err = {};
		struct scenario *s = NULL;

		assert_true(scenario_parse(unreadable[i].text, strlen(unreadable[i].text), "t",
					   &s, &err) < 0);
		assert_null(s);
		refuse(&unreadable[i], &err);
	}
}

static struct scenario *parse(const char *text)
{
	struct error err = {};
	struct scenario *s = NULL;

	if (scenario_parse(text, strlen(text), "t", &s, &err))
		fail_msg("%s", err.text);
	return s;
}

static void test_impossible(void **state)
{
	for (size_t i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++) {
		struct scenario *s = parse(impossible[i].text);
		struct capture *c = NULL;
		struct error err = {};

		assert_int_equal(replay_run(*state, s, "t", false, &c, &err), -EINVAL);
		refuse(&impossible[i], &err);
		scenario_free(s);
	}
}

/* Bounds: what is too much is said, and costs no more. */
static void refuse_repeated(const char *head, const char *line, int times, const char *error)
{
	char *text = malloc(strlen(head) + strlen(line) * times + 1 + 16 * times);
	struct bad bad = { .text = line, .error = error };
	struct scenario *s = NULL;
	struct error err = {};
	size_t len = sprintf(text, "%s", head);

	for (int i = 0; i < times; i++)
		len += sprintf(text + len, line, i);
	assert_true(scenario_parse(text, len, "t", &s, &err) < 0);
	refuse(&bad, &err);
	free(text);
}

static void test_bounds(void **state)
{
	(void)state;
	refuse_repeated("", "spin L%d\n", SCENARIO_MAX_LOCKS + 1, "t:201: more than 200 locks");
	refuse_repeated("spin A\n", "irq off\n", SCENARIO_MAX_STEPS + 1,
			"t:16386: more than 16384 steps");
	refuse_repeated("spin A\n", "task t%d\n", SCENARIO_MAX_CONTEXTS + 1,
			"t:66: more than 64 tasks");
	refuse_repeated("spin A\nlock A\n", "expect nothing\n", SCENARIO_MAX_EXPECTS + 1,
			"t:35: more than 32 expectations");
	refuse_repeated("", "spin A ", 200, "t:1: a line of more than 1023 characters");
	refuse_repeated("", "# a comment, and another one\n", 10000, "t: more than 262144 bytes");
	refuse_repeated("spin A\nlock A\nexpect circular A", " --> A", 20,
			"t:3: a chain of more than 16");
}

/* Comments, blanks, line ends of another system, no line end at all. */
static void test_lenient(void **state)
{
	struct scenario *s = parse("# about it \xc3\xa4\n\n  title   two  words # not this\r\n"
				   "\tspin A\t# a lock\n lock A\r\nunlock A\n"
				   "expect nothing # ;\n"
				   "production circular A --> B ; why; and how\n"
				   "expect circular");

	(void)state;
	assert_string_equal(s->title, "two  words");
	assert_int_equal(s->nr_steps, 2);
	assert_int_equal(s->nr_expects, 3);
	assert_string_equal(s->expects[1].reason, "why; and how");
	assert_int_equal(s->expects[1].nr_chain, 2);
	assert_true(scenario_expects(s, true));
	scenario_free(s);
}

static bool judge(struct replay *r, const char *text, bool production, char **ret_why)
{
	struct scenario *s = parse(text);
	struct findings *found = NULL;
	struct capture *c = NULL;
	struct error err = {};
	bool as_expected;

	assert_int_equal(replay_run(r, s, "t", production, &c, &err), 0);
	assert_int_equal(finding_analyse(c, &found), 0);
	assert_int_equal(replay_judge(s, c, found, production, FINDING_LIKELY, &as_expected,
				      ret_why),
			 0);
	findings_free(found);
	capture_free(c);
	scenario_free(s);
	return as_expected;
}

#define ABBA "spin A B\nlock A\nlock B\nunlock B\nunlock A\nlock B\nlock A\nunlock A\nunlock B\n"

static void test_judge(void **state)
{
	static const struct {
		const char *text;
		const char *why; /* "": as expected */
	} cases[] = {
		{ ABBA, "" }, /* says nothing, so nothing is amiss */
		{ ABBA "expect something\n", "" },
		{ ABBA "expect circular\n", "" },
		{ ABBA "expect circular A --> B\n", "" },
		{ ABBA "expect circular B --> A\n", "" }, /* a circle has no first */
		{ ABBA "expect nothing\n", "circular A --> B was found and is not expected" },
		{ ABBA "expect circular A --> B --> C\n",
		  "line 10 expects circular A --> B --> C, which was not found" },
		{ ABBA "expect circular\nexpect recursive A\n",
		  "line 11 expects recursive A, which was not found" },
		{ ABBA "unlock A\nexpect bad-unlock\n",
		  "circular A --> B was found and is not expected" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO_FREE char *why = NULL;

		assert_int_equal(judge(*state, cases[i].text, false, &why), !cases[i].why[0]);
		assert_string_equal(why, cases[i].why);
	}
}

static bool is_scenario(const char *name)
{
	size_t len = strlen(name);

	return len > 3 && !strcmp(name + len - 3, ".lv");
}

/* Every scenario of the tree, in both modes. */
/* Where the holder of each dependency had been taken is kept, if it is a lock. */
static void assert_holders_places(const struct capture *c)
{
	for (size_t i = 0; i < c->nr_edges; i++) {
		const struct capture_edge *edge = &c->edges[i];

		/* A hold is no function that returns, and what was told has no place. */
		if (c->classes[edge->from].family == LV_PSEUDO)
			continue;
		assert_true(edge->from_stack < c->nr_stacks);
		assert_int_equal(c->stacks[edge->from_stack].nr_frames, 1);
	}
}

static void test_scenarios(void **state)
{
	AUTO_CLOSEDIR DIR *dir = opendir("tests/scenarios");
	struct dirent *entry;
	int nr = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		char path[320];

		if (!is_scenario(entry->d_name))
			continue;
		snprintf(path, sizeof(path), "tests/scenarios/%s", entry->d_name);
		for (int production = 0; production < 2; production++) {
			struct scenario *s = NULL;
			struct findings *found = NULL;
			struct capture *c = NULL;
			struct error err = {};
			AUTO_FREE char *why = NULL;
			bool as_expected;

			if (scenario_load(path, &s, &err) ||
			    replay_run(*state, s, path, production, &c, &err))
				fail_msg("%s", err.text);
			assert_true(scenario_expects(s, production));
			assert_holders_places(c);
			assert_int_equal(finding_analyse(c, &found), 0);
			assert_int_equal(replay_judge(s, c, found, production, FINDING_LIKELY,
						      &as_expected, &why),
					 0);
			if (!as_expected)
				fail_msg("%s, %s: %s", path, c->build, why);
			findings_free(found);
			capture_free(c);
			scenario_free(s);
		}
		nr++;
	}
	assert_true(nr >= 30);
}

/* What a production kernel calls the classes, and how sure that is. */
static void test_production_names(void **state)
{
	static const struct {
		const char *name, *kind;
		enum capture_certainty certainty;
	} expected[] = { { "A", "static", CAPTURE_EXACT },
			 { "node", "slab", CAPTURE_EXACT },
			 { "kioctx+0x140", "slab", CAPTURE_EXACT },
			 { "kmalloc-64+0x8", "kmalloc", CAPTURE_AMBIGUOUS } };
	struct scenario *s = parse("spin A\nspin X Y : node\nspin K at kioctx+0x140\n"
				   "spin F G : drv at kmalloc-64+0x8\n"
				   "lock A\nunlock A\nlock X\nunlock X\nlock Y\nunlock Y\n"
				   "lock K\nunlock K\nlock F\nunlock F\n");
	struct capture *c = NULL;
	struct error err = {};

	assert_int_equal(replay_run(*state, s, "t", true, &c, &err), 0);
	assert_int_equal(c->nr_classes, 4);
	for (size_t i = 0; i < 4; i++) {
		size_t at = 0;

		while (at < 4 && strcmp(c->classes[at].name, expected[i].name))
			at++;
		assert_true(at < 4);
		assert_string_equal(c->classes[at].kind, expected[i].kind);
		assert_int_equal(c->classes[at].certainty, expected[i].certainty);
	}
	capture_free(c);
	scenario_free(s);
}

static int setup(void **state)
{
	*state = replay_new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	replay_free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_impossible),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_lenient),
		cmocka_unit_test(test_judge),
		cmocka_unit_test(test_scenarios),
		cmocka_unit_test(test_production_names),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
