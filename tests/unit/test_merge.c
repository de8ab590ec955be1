// SPDX-License-Identifier: GPL-2.0-only
/* Captures put together: which classes are one, who saw what, and how sure that can be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "capture/db.h"
#include "capture/merge.h"
#include "capture/place.h"
#include "finding/finding.h"
#include "replay/replay.h"
#include "report/diff.h"
#include "report/report.h"
#include "test_finding_cases.h"

#define INVERSION "kioctx.ctx_lock --> userfaultfd_ctx.fd_wqh --> userfaultfd_ctx.fault_pending_wqh"

static char folder[] = "/tmp/lockvane-merge-XXXXXX";

static const char *in_folder(const char *name)
{
	static char path[4][128];
	static unsigned int n;

	n = (n + 1) % 4;
	snprintf(path[n], sizeof(path[n]), "%s/%s", folder, name);
	return path[n];
}

/* What a host sees on which nobody closes a userfaultfd. */
static struct capture *first_half(uint64_t shift)
{
	struct capture *c = case_founding(&(struct case_founding){.fixed = true, .shift = shift});

	c->nr_edges = 1; /* ctx_lock --> fd_wqh */
	return c;
}

/* And one on which nobody uses aio. */
static struct capture *second_half(uint64_t shift)
{
	struct capture *c = case_founding(&(struct case_founding){.shift = shift});

	c->edges[0] = c->edges[1];
	c->nr_edges = 1; /* fd_wqh --> fault_pending_wqh */
	c->classes[0].usage &= ~BIT(LV_USED_IN_SOFTIRQ);
	return c;
}

/* Put together, and freed. */
static struct capture *merged(struct capture *const *captures, size_t nr)
{
	static const char *const names[] = {"one.lv", "two.lv", "three.lv"};
	struct capture_merge *m = capture_merge_new();
	struct error err = {};
	struct capture *c;

	assert_non_null(m);
	for (size_t i = 0; i < nr; i++) {
		if (capture_merge_add(m, captures[i], names[i], &err))
			fail_msg("%s", err.text);
		capture_free(captures[i]);
	}
	c = capture_merge_take(m);
	capture_merge_free(m);
	return c;
}

static struct capture *merged_two(struct capture *a, struct capture *b)
{
	return merged((struct capture *[]){a, b}, 2);
}

static struct findings *analysed(const struct capture *c)
{
	struct findings *f = NULL;

	assert_int_equal(finding_analyse(c, &f), 0);
	return f;
}

/* The one finding of a capture, which goes away; "rule confidence[ joined][ mixed]". */
static char *verdict(struct capture *c)
{
	struct findings *f = analysed(c);
	char *text;

	assert_true(f->nr <= 1);
	if (!f->nr)
		text = strdup("nothing");
	else
		assert_true(asprintf(&text, "%s %s%s%s", finding_rule_name(f->items[0].rule),
				     finding_confidence_name(f->items[0].confidence),
				     f->items[0].chain.joined ? " joined" : "",
				     f->items[0].chain.mixed ? " mixed" : "") > 0);
	findings_free(f);
	capture_free(c);
	return text;
}

static void assert_verdict(struct capture *c, const char *wanted)
{
	AUTO_FREE char *text = verdict(c);

	assert_string_equal(text, wanted);
}

static char *report(const struct capture *c, bool json)
{
	struct report_opts opts = REPORT_OPTS_DEFAULT;
	struct findings *f = analysed(c);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal((json ? report_json : report_text)(out, c, f, &opts), 0);
	fclose(out);
	findings_free(f);
	return text;
}

/* Neither half says anything; together they are likely, whatever instances say. */
static void test_halves(void **state)
{
	assert_verdict(first_half(0), "nothing");
	assert_verdict(second_half(0), "nothing");
	assert_verdict(merged_two(first_half(0), second_half(0x40000)),
		       "irq-inversion likely joined mixed");
	assert_verdict(merged_two(second_half(0x40000), first_half(0)),
		       "irq-inversion likely joined mixed");
	/* On machines alike the same addresses are other locks. */
	assert_verdict(merged_two(first_half(0), second_half(0)),
		       "irq-inversion likely joined mixed");
}

/* One that has all of it says it as surely as by itself. */
static void test_whole(void **state)
{
	const struct case_founding how = {.shift = 0};

	assert_verdict(case_founding(&how), "irq-inversion confirmed");
	assert_verdict(merged_two(case_founding(&how), second_half(0x40000)),
		       "irq-inversion confirmed");
	assert_verdict(merged_two(case_founding(&how), case_founding(&how)),
		       "irq-inversion confirmed");
	/* What is shown of it is of two, though the second has it all. */
	assert_verdict(merged_two(first_half(0), case_founding(&how)),
		       "irq-inversion likely mixed");
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void assert_names_both(const struct capture *c)
{
	AUTO_FREE char *text = report(c, false), *json = report(c, true);

	assert_has(text, "confidence: likely; no one capture has all of it");
	assert_has(text, "kioctx.ctx_lock IN-SOFTIRQ-W: one.lv\n");
	assert_has(text, "kioctx.ctx_lock --> userfaultfd_ctx.fd_wqh: one.lv\n");
	assert_has(text, "fd_wqh --> userfaultfd_ctx.fault_pending_wqh: two.lv\n");
	assert_has(text, "fault_pending_wqh SOFTIRQ-ON-W: two.lv\n");
	assert_has(text, "captures    one.lv: ");
	assert_has(json, "\"joined\": true");
	assert_has(json, "\"captures\": [\n            \"one.lv\"\n          ]");
}

/* Saved and loaded it says the same. */
static void test_report(void **state)
{
	struct capture *c = merged_two(first_half(0), second_half(0x40000)), *back = NULL;
	struct error err = {};

	for (size_t i = 0; i < c->nr_classes; i++)
		if (!c->classes[i].key)
			c->classes[i].key = strdup("?");
	assert_names_both(c);
	if (capture_db_save(c, in_folder("both.lv"), &err) ||
	    capture_db_load(in_folder("both.lv"), &back, &err))
		fail_msg("%s", err.text);
	assert_names_both(back);
	capture_free(back);
	capture_free(c);
}

/* A file's name is its maker's choice. */
static void test_hostile_names(void **state)
{
	struct capture *c = merged_two(first_half(0), second_half(0x40000));
	AUTO_FREE char *text, *json;

	free(c->sources[0].name);
	c->sources[0].name = strdup("a\x1b[31m\n<b>\"\xff");
	text = report(c, false);
	json = report(c, true);
	for (const char *at = text; *at; at++)
		assert_true(*at == '\n' || (*at >= ' ' && *at <= '~'));
	assert_has(text, "captures    a\\x1b[31m\\x0a<b>\"\\xff: ");
	assert_has(text, "fd_wqh: a\\x1b[31m\\x0a<b>\"\\xff\n");
	assert_has(json, "\"a\\\\x1b[31m\\\\x0a<b>\\\"\\\\xff\"");
	capture_free(c);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* All that one capture holds, of 64 sources that saw the same again and again. */
static void test_made_to_hurt(void **state)
{
	struct capture *c = merged_two(first_half(0), second_half(0));
	double start = seconds();
	char *text;

	while (c->nr_sources < CAPTURE_MAX_SOURCES)
		capture_add_source(c)->name = strdup("the same name for all of them");
	while (c->nr_edges < 10 * LV_MAX_EDGES) {
		const struct capture_edge like = c->edges[c->nr_edges % 2];
		struct capture_edge *edge = capture_add_edge(c);

		*edge = like;
		edge->source = 1ull << c->nr_edges % CAPTURE_MAX_SOURCES;
	}
	text = report(c, false);
	assert_has(text, "fault_pending_wqh");
	print_message("%zu edges of %zu captures: %.1f s\n", c->nr_edges, c->nr_sources,
		      seconds() - start);
	assert_true(seconds() - start < 30);
	free(text);
	capture_free(c);
}

/* What was put together goes on to be. */
static void test_again(void **state)
{
	struct capture *none = case_founding(&(struct case_founding){.fixed = true}), *c;
	AUTO_FREE char *text = NULL;

	none->nr_edges = 0;
	c = merged_two(none, merged_two(first_half(0), second_half(0)));
	assert_int_equal(c->nr_sources, 3);
	assert_string_equal(c->sources[0].name, "one.lv");
	assert_string_equal(c->sources[1].name, "one.lv"); /* as it was called */
	assert_string_equal(c->sources[2].name, "two.lv");
	assert_true(c->edges[0].source == 2 && c->edges[1].source == 4);
	assert_true(c->edges[0].to_addr != c->edges[1].from_addr);
	assert_int_equal(c->events, 3 * 48211);
	text = verdict(c);
	assert_string_equal(text, "irq-inversion likely joined mixed");
}

/* A capture that names its host is called so; a second one of that host by its file, too. */
static void test_hosts(void **state)
{
	struct capture *first = first_half(0), *second = second_half(0), *third = second_half(0), *c;

	first->host = case_copy("web1");
	second->host = case_copy("web1");
	c = merged((struct capture *[]){ first, second, third }, 3);
	assert_string_equal(c->sources[0].name, "web1");
	assert_string_equal(c->sources[1].name, "web1 (two.lv)");
	assert_string_equal(c->sources[2].name, "three.lv");
	assert_null(c->host);
	capture_free(c);
}

/* The halves as scenarios, each recorded by itself, as a production kernel shows them. */
static struct capture *replayed(const char *path, const char *save_as)
{
	struct replay *r = replay_new();
	struct capture *c = NULL, *back = NULL;
	struct scenario *s = NULL;
	struct error err = {};

	assert_non_null(r);
	if (scenario_load(path, &s, &err) || replay_run(r, s, path, true, &c, &err) ||
	    capture_db_save(c, save_as, &err) || capture_db_load(save_as, &back, &err))
		fail_msg("%s", err.text);
	assert_verdict(c, "nothing");
	scenario_free(s);
	replay_free(r);
	return back;
}

static void test_scenarios(void **state)
{
	struct capture *c = merged_two(
		replayed("tests/scenarios/founding-host-one.lv", in_folder("one.lv")),
		replayed("tests/scenarios/founding-host-two.lv", in_folder("two.lv")));
	AUTO_FREE char *text = report(c, false);

	assert_has(text, "kioctx+0x140 --> userfaultfd_ctx+0x58 --> userfaultfd_ctx+0x0\n");
	assert_has(text, "kioctx+0x140 --> userfaultfd_ctx+0x58: one.lv\n");
	assert_has(text, "userfaultfd_ctx+0x58 --> userfaultfd_ctx+0x0: two.lv\n");
	assert_verdict(c, "irq-inversion likely joined mixed");
}

/* --- which classes are one ------------------------------------------------ */

static struct capture_class place(const char *name, const char *kind, const char *key)
{
	return (struct capture_class){.name = (char *)name, .kind = (char *)kind, .key = (char *)key};
}

/* Both ways to ask agree. */
static bool are_same(const struct capture_class *a, const struct capture_class *b)
{
	char one[CAPTURE_PLACE_LEN], other[CAPTURE_PLACE_LEN];
	bool same = capture_same_class(a, b);

	assert_int_equal(!capture_place(a, one) && !capture_place(b, other) && !strcmp(one, other), same);
	return same;
}

static void test_same_class(void **state)
{
	static const struct {
		const char *name, *kind, *a, *b;
		bool same;
	} cases[] = {
		{"kioctx.ctx_lock", "slab", "kioctx+0x140", "kioctx+0x140", true},
		{"kioctx.ctx_lock", "slab", "kioctx+0x140", "kioctx+0x148", false},
		{"tasklist_lock", "static", "[<ffffffff82a0a040>]", "[<ffffffff9ba0a040>]", true},
		{"lock", "static", "[<ffffffff82a0a040>]", "[<ffffffff9ba0a080>]", false},
		{"lock", "static", "[<ffffffff82a0a040>]", "[<ffffffff82a0b040>]", false},
		{"lock [m]", "static", "[<ffffffffc012b040>]", "[<ffffffffc077c040>]", true},
		{"lock [m]", "static", "[<ffffffffc012b040>]", "[<ffffffffc077c060>]", false},
		{"lock", "static", "[<ffffffff82a0a040>]", "[<ffffffffc2a0a040>]", false},
		/* arm64 puts both beside each other, anywhere */
		{"lock", "static", "[<ffffd0fb9c60a040>]", "[<ffffad9dcb80a040>]", true},
		{"lock", "static", "[<ffffd0fb9c60a040>]", "[<ffffad9dcb80b040>]", false},
		{"lock [m]", "static", "[<ffffd0fb7c12b040>]", "[<ffffad9dab77c040>]", true},
		{"lock [m]", "static", "[<ffffd0fb7c12b040>]", "[<ffffad9dab77c060>]", false},
		{"0xffffffffc012b040", "static", "[<ffffffffc012b040>]", "[<ffffffffc012b040>]", false},
		{"runqueues.__lock", "percpu", "percpu+0x2c40", "percpu+0x2c40", true},
		{"runqueues.__lock", "percpu", "percpu+0x2c40", "percpu+0x2c80", false},
		{"wait", "stack", "stack, [<ffffffff82a0a040>]", "stack, [<ffffffff9ba0a040>]", true},
		{"wait", "stack", "stack, [<ffffffff82a0a040>]", "stack, [<ffffffff9ba0a080>]", false},
		{"wait", "stack", "stack, [<ffffffff82a0a040>]", "other, [<ffffffff82a0a040>]", false},
		{"table[]", "static", "[<ffffffff82a0a040>]", "[<ffffffff9ba0a080>]", true},
		{"table[]", "static", "[<ffffffff82a0a040>]", "[<ffffffffc012b040>]", false},
		{"mm_struct.rss[].lock", "slab", "mm_struct+0x140", "mm_struct+0x168", true},
		{"mm_struct.rss[].lock", "slab", "mm_struct+0x140", "mm_struc+0x140", false},
		{"nodes.lock", "table", "*ffffffff82a0a040+0x18", "*ffffffff9ba0a040+0x18", true},
		{"nodes.lock", "table", "*ffffffff82a0a040+0x18", "*ffffffff9ba0a040+0x20", false},
		{"nodes[].lock", "table", "*ffffffff82a0a040+0x18", "*ffffffff9ba0a040+0x20", true},
		{"nodes.lock", "table", "*ffffffff82a0a040+0x18", "nodes+0x18", false},
		{"sock.sk_lock", "slab", "UDP+0x90 (UDP, cred)", "UDP+0x90 (PING, UDP)", true},
		{"sock.sk_lock", "slab", "UDP+0x90 (UDP, cred)", "UDP+0x98 (UDP, cred)", false},
		{"sock.sk_lock", "slab", "UDP+0x90", "UDP+0x900", false},
		{"sock.sk_lock", "slab", "UDP+0x90", "UDP+0x90 (PING, UDP)", true},
		{"(wq) events", "pseudo", "[<ffff888100012340>]", "[<ffff888100099900>]", true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct capture_class a = place(cases[i].name, cases[i].kind, cases[i].a);
		struct capture_class b = place(cases[i].name, cases[i].kind, cases[i].b);

		if (are_same(&a, &b) != cases[i].same)
			fail_msg("%s at %s and %s", a.name, a.key, b.key);
		b.family = LV_MUTEX;
		assert_false(are_same(&a, &b));
	}
}

/* Two places of one name stay two, and no order is made of halves that do not belong together. */
static void test_namesakes(void **state)
{
	struct capture *two = second_half(0), *c;

	free(two->classes[1].key);
	two->classes[1].key = strdup("another_cache+0x30");
	c = merged_two(first_half(0), two);
	assert_int_equal(c->nr_classes, 4);
	assert_string_equal(c->classes[3].name, "userfaultfd_ctx.fd_wqh#2");
	assert_verdict(c, "nothing");
}

/* The less sure of two names counts. */
static void test_certainty(void **state)
{
	struct capture *two = second_half(0), *c;

	two->classes[1].certainty = CAPTURE_AMBIGUOUS;
	c = merged_two(first_half(0), two);
	assert_int_equal(c->classes[1].certainty, CAPTURE_AMBIGUOUS);
	assert_verdict(c, "irq-inversion weak joined mixed");
}

/* Numbers that each capture gave by itself make two classes one at their own risk. */
static void test_numbered(void **state)
{
	struct capture *one = first_half(0), *two = second_half(0), *c;

	for (int i = 0; i < 2; i++) {
		struct capture *half = i ? two : one;

		free(half->classes[1].name);
		half->classes[1].name = strdup("userfaultfd_ctx.fd_wqh#2");
	}
	assert_verdict(merged_two(one, two), "irq-inversion weak joined mixed");
	/* The other of them, which has the number in one capture only. */
	one = first_half(0);
	case_slab(one, "userfaultfd_ctx.fd_wqh#2", NULL, "userfaultfd_ctx_cache+0x30");
	c = merged_two(one, second_half(0));
	assert_int_equal(c->nr_classes, 4);
	assert_verdict(c, "irq-inversion weak joined mixed");
}

/* An element of an array stands for all of them. */
static void test_arrays(void **state)
{
	struct capture *one = first_half(0), *two = second_half(0), *c;

	for (int i = 0; i < 2; i++) {
		struct capture *half = i ? two : one;

		free(half->classes[1].name);
		half->classes[1].name = strdup("userfaultfd_ctx.wqhs[]");
		free(half->classes[1].key);
		half->classes[1].key = strdup(i ? "ctx+0x30" : "ctx+0x48");
	}
	c = merged_two(one, two);
	assert_int_equal(c->classes[1].certainty, CAPTURE_INFERRED);
	assert_verdict(c, "irq-inversion likely joined mixed");
}

/* --- what is refused ------------------------------------------------------- */

/* NULL: refused in other words, or not at all. Both go away. */
static void assert_refused(struct capture *a, struct capture *b, const char *words)
{
	struct capture_merge *m = capture_merge_new();
	struct error err = {};

	assert_int_equal(capture_merge_add(m, a, "a", &err), 0);
	assert_int_equal(capture_merge_add(m, b, "b", &err), -EINVAL);
	assert_has(err.text, words);
	capture_merge_free(m);
	capture_free(a);
	capture_free(b);
}

static void set_image(struct capture *c, const char *module, const char *build_id)
{
	struct capture_image *image = capture_add_image(c);

	image->module = case_copy(module);
	image->build_id = case_copy(build_id);
}

static void test_refused(void **state)
{
	struct capture *a, *b = case_new();

	free(b->build);
	b->build = strdup("#3 SMP");
	assert_refused(case_new(), b, "is of kernel 6.12.117 #3 SMP, not 6.12.117 #2 SMP");
	b = case_new();
	b->annotated = true;
	assert_refused(case_new(), b, "was recorded otherwise");
	b = case_new();
	b->preempts = true;
	assert_refused(case_new(), b, "did not ask for missed releases");
	a = case_new();
	b = case_new();
	set_image(a, "m", "aa");
	set_image(b, "m", "bb");
	assert_refused(a, b, "module m is of another build");
	a = case_new();
	b = case_new();
	set_image(a, NULL, "aa");
	set_image(b, NULL, "bb");
	assert_refused(a, b, "the kernel is of another build");
}

static void test_too_many(void **state)
{
	struct capture_merge *m = capture_merge_new();
	struct capture *c = case_new();
	struct error err = {};

	for (int i = 0; i < CAPTURE_MAX_SOURCES; i++)
		assert_int_equal(capture_merge_add(m, c, "a", &err), 0);
	assert_int_equal(capture_merge_add(m, c, "a", &err), -EINVAL);
	assert_has(err.text, "more than 64 captures");
	capture_merge_free(m);
	capture_free(c);
}

/* Losses add up by kind. */
static void test_losses(void **state)
{
	struct capture *a = case_new(), *b = case_new(), *c;

	case_loss(a, "guard", "text", 3);
	case_loss(b, "nmi", "text", 4);
	case_loss(b, "guard", "text", 5);
	c = merged_two(a, b);
	assert_int_equal(c->nr_losses, 2);
	assert_int_equal(c->losses[0].count, 8);
	assert_int_equal(c->sources[0].lost, 3);
	assert_int_equal(c->sources[1].lost, 9);
	capture_free(c);
}

/* --- diff ------------------------------------------------------------------ */

/* What a comparison prints; both go away. */
static char *compared(struct capture *old, struct capture *new, bool json, bool *ret_new,
		      bool *ret_findings)
{
	struct findings *a = analysed(old), *b = analysed(new);
	const struct diff_side sides[2] = {{"old\x1b.lv", old, a}, {"new.lv", new, b}};
	struct diff *d = NULL;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(diff_new(&sides[0], &sides[1], FINDING_LIKELY, &d), 0);
	assert_int_equal((json ? diff_json : diff_text)(out, d), 0);
	fclose(out);
	*ret_new = diff_has_new(d);
	*ret_findings = diff_has_new_findings(d);
	diff_free(d);
	findings_free(a);
	findings_free(b);
	capture_free(old);
	capture_free(new);
	return text;
}

static void test_diff(void **state)
{
	const struct case_founding whole = {.backwards = true};
	AUTO_FREE char *text, *same, *back, *json;
	bool new, findings;

	text = compared(first_half(0), case_founding(&whole), false, &new, &findings);
	assert_true(new && findings);
	assert_has(text, "old\\x1b.lv: kernel 6.12.117, ");
	assert_has(text, "findings     1 new, 0 gone, 0 in both\n");
	assert_has(text, "classes      0 new, 0 gone, 3 in both\n");
	assert_has(text, "dependencies 1 new, 0 gone, 1 in both\n");
	assert_has(text, " irq-inversion, confirmed: " INVERSION "\n");
	assert_has(text, "+ dependency  EN userfaultfd_ctx.fd_wqh --> userfaultfd_ctx.fault_pending_wqh\n");
	same = compared(case_founding(&whole), case_founding(&(struct case_founding){.shift = 64}),
			false, &new, &findings);
	assert_true(!new && !findings);
	assert_has(same, "findings     0 new, 0 gone, 1 in both\n");
	assert_null(strstr(same, "gone means"));
	back = compared(case_founding(&whole), first_half(0), false, &new, &findings);
	assert_true(!new && !findings);
	assert_has(back, "- finding     ");
	assert_has(back, "gone means: not seen");
	json = compared(first_half(0), case_founding(&whole), true, &new, &findings);
	assert_has(json, "\"in_both\": 3");
	assert_has(json, "\"name\": \"old\\\\x1b.lv\"");
}

/* Another kernel build: said, and findings are compared by what all builds share. */
static void test_diff_builds(void **state)
{
	struct capture *new = case_founding(&(struct case_founding){.shift = 64});
	bool any, findings;
	AUTO_FREE char *text = NULL;

	free(new->kernel);
	new->kernel = strdup("6.12.118");
	text = compared(case_founding(&(struct case_founding){.shift = 0}), new, false, &any,
			&findings);
	assert_true(!any && !findings);
	assert_has(text, "of two kernel builds");
	assert_has(text, "findings     0 new, 0 gone, 1 in both\n");
}

static int setup(void **state)
{
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	static const char *const names[] = {"both.lv", "one.lv", "two.lv"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(in_folder(names[i]));
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_halves),	   cmocka_unit_test(test_whole),
		cmocka_unit_test(test_report),	   cmocka_unit_test(test_again),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_hostile_names), cmocka_unit_test(test_made_to_hurt),
		cmocka_unit_test(test_scenarios),  cmocka_unit_test(test_same_class),
		cmocka_unit_test(test_namesakes),  cmocka_unit_test(test_certainty),
		cmocka_unit_test(test_numbered),   cmocka_unit_test(test_arrays),
		cmocka_unit_test(test_refused),	   cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_losses),	   cmocka_unit_test(test_diff),
		cmocka_unit_test(test_diff_builds),
	};

	return cmocka_run_group_tests_name("merge", tests, setup, teardown);
}
