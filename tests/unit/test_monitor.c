// SPDX-License-Identifier: GPL-2.0-only
/* What the monitor tells: each finding once, suppressed ones not, known ones never again. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "daemon/monitor_internal.h"
#include "daemon/tell.h"
#include "test_finding_cases.h"

static char path[] = "/tmp/lockvane-monitor-XXXXXX";

struct fixture {
	struct monitor_setup setup;
	struct monitor m;
	struct plan plan;
};

static void begin(struct fixture *x, struct capture *known)
{
	memset(x, 0, sizeof(*x));
	assert_int_equal(config_init(&x->setup.config), 0);
	x->setup.config.json = true;
	x->setup.plan = &x->plan;
	x->m.setup = &x->setup;
	tell_as(&x->setup.config);
	assert_int_equal(knowledge_new(known, &x->m.knowledge), 0);
}

static void end(struct fixture *x)
{
	knowledge_free(x->m.knowledge);
	known_done(&x->m.known);
	suppressions_free(x->m.suppressions);
	config_done(&x->setup.config);
}

/* Into the file $LINES_TO if that is set, for tests/readers/run. */
static void keep_line(const char *text)
{
	const char *path = getenv("LINES_TO");
	FILE *out = path ? fopen(path, "a") : NULL;

	if (!out)
		return;
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
}

static int complaints; /* lines at level error, of the last review */

/* Review, and the findings it tells. */
static json_t *review(struct fixture *x)
{
	json_t *told = json_array(), *line;
	FILE *out = tmpfile();
	char text[4096];
	int own;

	assert_non_null(out);
	fflush(stdout);
	own = dup(1);
	dup2(fileno(out), 1);
	monitor_review(&x->m);
	fflush(stdout);
	dup2(own, 1);
	close(own);
	rewind(out);
	complaints = 0;
	while (fgets(text, sizeof(text), out)) {
		line = json_loads(text, 0, NULL);
		assert_non_null(line);
		keep_line(text);
		complaints += !strcmp(json_string_value(json_object_get(line, "level")), "error");
		if (json_object_get(line, "finding"))
			json_array_append(told, json_object_get(line, "finding"));
		json_decref(line);
	}
	fclose(out);
	return told;
}

static size_t told(struct fixture *x)
{
	json_t *list = review(x);
	size_t nr = json_array_size(list);

	json_decref(list);
	return nr;
}

static struct capture *founding(void)
{
	struct case_founding how = {};

	return case_founding(&how);
}

/* As if its classes stood in the tables' second place and so on. */
static void take_in(struct fixture *x, const struct capture *seen)
{
	static uint32_t classes[LV_MAX_CLASSES];

	memset(classes, 0xff, sizeof(classes));
	for (uint32_t i = 0; i < seen->nr_classes; i++)
		classes[1 + i] = i;
	assert_int_equal(knowledge_add(x->m.knowledge, seen, classes), 0);
}

static void test_once(void **state)
{
	struct capture *seen = founding();
	struct fixture x;
	json_t *list;

	begin(&x, case_new());
	assert_int_equal(told(&x), 0);
	take_in(&x, seen);
	list = review(&x);
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "rule")),
			    "irq-inversion");
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "id")),
			    x.m.known.items[0].id);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(list, 0), "fingerprint")),
		knowledge_findings(x.m.knowledge)->items[0].fingerprint);
	json_decref(list);
	assert_true(x.m.urgent);
	assert_true(x.m.known.items[0].told);
	assert_non_null(strstr(x.m.known.items[0].text, "irq-inversion"));
	assert_non_null(strstr(x.m.known.items[0].json, "irq-inversion"));
	assert_int_equal(x.m.known.items[0].count, 3);
	/* Seen more often: counted, in silence. */
	for (size_t i = 0; i < seen->nr_edges; i++)
		seen->edges[i].count = 1003;
	take_in(&x, seen);
	assert_int_equal(told(&x), 0);
	assert_int_equal(x.m.known.nr, 1);
	assert_int_equal(x.m.known.items[0].count, 1003);
	end(&x);
	capture_free(seen);
}

/* The clock was set back since: what was seen last stays, until time has passed it. */
static void test_clock_back(void **state)
{
	const uint64_t future = (uint64_t)4e12;
	struct capture *seen = founding();
	struct fixture x;

	begin(&x, founding());
	assert_int_equal(told(&x), 1);
	x.m.known.items[0].last_ms = future;
	take_in(&x, seen);
	assert_int_equal(told(&x), 0);
	assert_int_equal(x.m.known.items[0].count, 3 + 3);
	assert_int_equal(x.m.known.items[0].last_ms, future);
	end(&x);
	capture_free(seen);
}

static void suppress(struct fixture *x, const char *text)
{
	struct suppress_error wrong;

	suppressions_free(x->m.suppressions);
	x->m.suppressions = NULL;
	if (text)
		assert_int_equal(suppress_parse(text, strlen(text), &x->m.suppressions, &wrong), 0);
}

static void test_suppressed(void **state)
{
	struct fixture x;

	begin(&x, founding());
	suppress(&x, "irq-inversion: ... --> *fault_pending_wqh ; known\n");
	assert_int_equal(told(&x), 0);
	assert_int_equal(x.m.known.nr, 1);
	assert_true(x.m.known.items[0].suppressed);
	assert_false(x.m.known.items[0].told);
	/* The suppression is taken back: now it is news, once. */
	suppress(&x, NULL);
	assert_int_equal(told(&x), 1);
	assert_false(x.m.known.items[0].suppressed);
	assert_int_equal(told(&x), 0);
	suppress(&x, "*: * --> ... ; all\n");
	assert_int_equal(told(&x), 0);
	assert_true(x.m.known.items[0].suppressed);
	suppress(&x, NULL);
	assert_int_equal(told(&x), 0);
	end(&x);
}

static void test_confidence(void **state)
{
	struct fixture x;
	struct capture *c = founding();

	c->unlocks_hidden = true; /* likely, at best */
	begin(&x, c);
	x.setup.config.confidence = FINDING_CERTAIN;
	assert_int_equal(told(&x), 0);
	assert_int_equal(x.m.known.nr, 1);
	x.setup.config.confidence = FINDING_LIKELY;
	assert_int_equal(told(&x), 1);
	end(&x);
}

/* It was told by the process before: the state says so. */
static void test_known(void **state)
{
	struct capture *seen = founding();
	struct known_finding *k;
	struct fixture x;
	char id[FINDING_ID_LEN];

	begin(&x, founding());
	memcpy(id, knowledge_findings(x.m.knowledge)->items[0].id, sizeof(id));
	assert_int_equal(known_add(&x.m.known, id, "6.12.117", "#2", &k), 0);
	k->told = true;
	k->confidence = FINDING_CONFIRMED;
	k->chain = case_copy("as it was");
	k->count = 1000; /* newer than what is known of its dependencies */
	assert_int_equal(told(&x), 0);
	assert_int_equal(x.m.known.nr, 1);
	assert_int_equal(k->count, 1000);
	take_in(&x, seen);
	assert_int_equal(told(&x), 0);
	assert_int_equal(x.m.known.items[0].count, 1003);
	end(&x);
	capture_free(seen);
}

/* At a level of the log that has no findings, none is told, and none counts as told. */
static void test_log_level(void **state)
{
	struct fixture x;

	begin(&x, founding());
	x.setup.config.log_level = CONFIG_ERROR;
	tell_as(&x.setup.config);
	assert_int_equal(told(&x), 0);
	assert_int_equal(x.m.known.nr, 1);
	assert_false(x.m.known.items[0].told);
	x.setup.config.log_level = CONFIG_WARNING;
	tell_as(&x.setup.config);
	assert_int_equal(told(&x), 1);
	end(&x);
}

/* There is no room for a finding: that is told once, not at each review. */
static void test_no_room(void **state)
{
	struct known_finding *k;
	struct fixture x;
	char id[FINDING_ID_LEN];

	begin(&x, founding());
	for (int i = 0; i < KNOWN_MAX; i++) {
		const struct capture *c = knowledge_capture(x.m.knowledge);

		snprintf(id, sizeof(id), "%012x", i);
		assert_int_equal(known_add(&x.m.known, id, c->kernel, c->build, &k), 0);
		k->chain = case_copy("another");
	}
	assert_int_equal(told(&x), 0);
	assert_int_equal(complaints, 1);
	assert_int_equal(told(&x), 0);
	assert_int_equal(complaints, 0);
	end(&x);
}

static void test_suppressions_file(void **state)
{
	struct suppressions *s;
	struct error err = {};
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(suppress_read(NULL, &s, &err), 0);
	assert_null(s);
	assert_int_equal(write(fd, "# x\nnonsense\n", 13), 13);
	assert_int_equal(suppress_read(path, &s, &err), -EINVAL);
	assert_non_null(strstr(err.text, ":2: "));
	close(fd);
	unlink(path);
	assert_int_equal(suppress_read(path, &s, &err), -ENOENT);
}

static void test_coverage(void **state)
{
	char text[96];

	monitor_coverage(1, 4, 10, 90, text, sizeof(text));
	assert_string_equal(text, "watched 25% of the time, 10% of lock events");
	monitor_coverage(0, 0, 0, 0, text, sizeof(text));
	assert_string_equal(text, "watched 0% of the time, 0% of lock events");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once),	   cmocka_unit_test(test_clock_back),
		cmocka_unit_test(test_suppressed), cmocka_unit_test(test_confidence),
		cmocka_unit_test(test_known),	   cmocka_unit_test(test_suppressions_file),
		cmocka_unit_test(test_coverage),   cmocka_unit_test(test_log_level),
		cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
