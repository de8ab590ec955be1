// SPDX-License-Identifier: GPL-2.0-only
/* Settings: what is taken, what is refused, and that the refusal names the line. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/config.h"
#include "trace/plan.h"

static int parse(const char *text, struct config *ret, struct error *err)
{
	assert_int_equal(config_init(ret), 0);
	return config_parse(ret, "a.conf", text, strlen(text), err);
}

static void test_defaults(void **state)
{
	struct error err = {};
	struct config c;

	assert_int_equal(parse("", &c, &err), 0);
	assert_true(c.budget == 0.005);
	assert_int_equal(c.window_ns, 10000000000ull);
	assert_int_equal(c.locks, PLAN_ALL_LOCKS);
	assert_int_equal(c.confidence, FINDING_LIKELY);
	assert_string_equal(c.state, "/var/lib/lockvane");
	assert_null(c.metrics);
	assert_null(c.suppress);
	assert_false(c.json);
	config_done(&c);
}

static void test_all(void **state)
{
	struct error err = {};
	struct config c;

	assert_int_equal(parse("# settings\n\n  budget = 2.5 %\nwindow=500ms\r\n"
			       "locks = spin,rw\nconfidence = certain\n\tsuppress = /etc/x\n"
			       "state = /tmp/s\nstate-max = 1G\nmetrics = 127.0.0.1:9464\n"
			       "metrics-mode = 0660\njson = yes\nlog-level = debug\n"
			       "accept-hazard = yes", &c, &err), 0);
	assert_true(c.budget > 0.02499 && c.budget < 0.02501);
	assert_int_equal(c.window_ns, 500000000);
	assert_int_equal(c.locks, 1u << PLAN_LOCKS_spin | 1u << PLAN_LOCKS_rw);
	assert_int_equal(c.confidence, FINDING_CERTAIN);
	assert_string_equal(c.suppress, "/etc/x");
	assert_string_equal(c.state, "/tmp/s");
	assert_int_equal(c.state_max, 1u << 30);
	assert_string_equal(c.metrics, "127.0.0.1:9464");
	assert_int_equal(c.metrics_mode, 0660);
	assert_true(c.json);
	assert_int_equal(c.log_level, CONFIG_DEBUG);
	assert_true(c.accept_hazard);
	config_done(&c);
}

/* Each is wrong in its second line, and only there. */
static void test_wrong(void **state)
{
	static const struct {
		const char *line, *words;
	} cases[] = {
		{ "bugdet = 1%", "there is no key \"bugdet\"" },
		{ "budget", "is no KEY = VALUE" },
		{ "= 1%", "there is no key \"\"" },
		{ "Budget = 1%", "there is no key" },
		{ "budget =", "budget cannot be \"\"" },
		{ "budget = 1", "budget cannot be" },
		{ "budget = 0%", "budget cannot be" },
		{ "budget = 101%", "budget cannot be" },
		{ "budget = -1%", "budget cannot be" },
		{ "budget = nan%", "budget cannot be" },
		{ "budget = 1e1%", NULL }, /* a number all the same */
		{ "budget = 0x1%", "budget cannot be" },
		{ "budget = 1%%", "budget cannot be" },
		{ "budget = 1% # of all", "budget cannot be" },
		{ "window = 10x", "window cannot be" },
		{ "budget = 5", "(it needs a %)" },
		{ "state-max = 64", "(it needs a unit)" },
		{ "state = there", "(it must be an absolute path)" },
		{ "metrics = 0.0.0.0:9464", "loopback" },
		{ "window = 1ms", "window cannot be" },
		{ "window = 2h", "window cannot be" },
		{ "locks = spin,sleep", "locks cannot be" },
		{ "locks =", "locks cannot be" },
		{ "confidence = sure", "confidence cannot be" },
		{ "suppress = relative", "suppress cannot be" },
		{ "state = none", "state cannot be" },
		{ "state-max = 1M", "state-max cannot be" },
		{ "state-max = 5G", "state-max cannot be" },
		{ "metrics = 0.0.0.0:9464", "metrics cannot be" },
		{ "metrics = localhost", "metrics cannot be" },
		{ "metrics-mode = 0666", "metrics-mode cannot be" },
		{ "json = true", "json cannot be" },
		{ "log-level = loud", "log-level cannot be" },
		{ "accept-hazard = 1", "accept-hazard cannot be" },
		{ "window = 1s\nwindow = 1s", "a.conf:3: window is given twice" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error err = {};
		struct config c;
		char text[128];
		int code;

		snprintf(text, sizeof(text), "# first\n%s\njson = no\n", cases[i].line);
		code = parse(text, &c, &err);
		config_done(&c);
		if (!cases[i].words) {
			assert_int_equal(code, 0);
			continue;
		}
		if (code != -EINVAL || !strstr(err.text, cases[i].words))
			fail_msg("%s: %d, %s", cases[i].line, code, err.text);
		if (strncmp(err.text, "a.conf:2: ", 10) && strncmp(err.text, "a.conf:3: ", 10))
			fail_msg("%s: no line: %s", cases[i].line, err.text);
	}
}

static void test_no_text(void **state)
{
	struct error err = {};
	struct config c;

	assert_int_equal(config_init(&c), 0);
	assert_int_equal(config_parse(&c, "a.conf", "json = yes\0budget", 17, &err), -EINVAL);
	assert_non_null(strstr(err.text, "not a text file"));
	config_done(&c);
	assert_int_equal(config_init(&c), 0);
	assert_int_equal(config_read(&c, "/nonexistent/a.conf", &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent/a.conf"));
	config_done(&c);
}

/* Nothing that is no setting crashes it; whatever is refused is refused with words. */
static void test_garbage(void **state)
{
	uint32_t seed = 1;

	for (int i = 0; i < 20000; i++) {
		static const char some[] = "budget=window#\n\n\r =%.,0159msGhyes\xff\x01-";
		struct error err = {};
		struct config c;
		char text[48];

		for (size_t at = 0; at < sizeof(text); at++) {
			seed = seed * 1664525 + 1013904223;
			text[at] = some[(seed >> 16) % (sizeof(some) - 1)];
		}
		assert_int_equal(config_init(&c), 0);
		if (config_parse(&c, "x", text, sizeof(text), &err))
			assert_true(err.text[0] == 'x' && err.text[1] == ':');
		config_done(&c);
	}
}

static void test_restart(void **state)
{
	struct error err = {};
	struct config a, b;

	assert_int_equal(parse("", &a, &err), 0);
	assert_int_equal(parse("budget = 1%\nmetrics = [::1]:9\nstate = /x\njson = yes", &b, &err),
			 0);
	assert_int_equal(config_needs_restart(&a, &b), 1u << CONFIG_METRICS | 1u << CONFIG_STATE);
	assert_int_equal(config_needs_restart(&a, &a), 0);
	for (int i = 0; i < CONFIG_KEYS; i++)
		assert_non_null(config_about[i].help);
	config_done(&a);
	config_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_all),
		cmocka_unit_test(test_wrong),	 cmocka_unit_test(test_no_text),
		cmocka_unit_test(test_garbage),	 cmocka_unit_test(test_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
