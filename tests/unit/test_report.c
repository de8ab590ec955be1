// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reports against the files of tests/golden. UPDATE_GOLDEN=1 writes them anew;
 * what changed is then to be read, side by side with lockdep's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <jansson.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "finding/select.h"
#include "finding/silence.h"
#include "replay/replay.h"
#include "report/frame.h"
#include "report/report.h"
#include "test_finding_cases.h"

CLEANUP_DEFINE(replay, struct replay *, replay_free)
CLEANUP_DEFINE(scenario, struct scenario *, scenario_free)

/* A capture and what is to be known beyond it. */
struct scene {
	struct capture *c;
	enum finding_event event;
	uint32_t event_edge;
	struct report_opts opts;
	const char *suppressions;
};

static struct scene scene(struct capture *c)
{
	return (struct scene){.c = c, .opts = REPORT_OPTS_DEFAULT};
}

static struct scene founding(void)
{
	return scene(case_founding(&(struct case_founding){0}));
}

static struct scene founding_no_cancel(void)
{
	return scene(case_founding(&(struct case_founding){.no_cancel = true}));
}

static struct scene founding_fixed(void)
{
	struct scene s = scene(case_founding(&(struct case_founding){.fixed = true}));

	case_loss(s.c, "stale_holders", "held entries found not to be held", 12);
	case_loss(s.c, "nmi", "events in NMI, not traced", 3);
	return s;
}

static struct scene founding_by_safe_use(void)
{
	struct scene s = founding();

	s.event = FINDING_BY_SAFE_USE;
	return s;
}

static struct scene founding_by_edge(void)
{
	struct scene s = founding();

	s.event = FINDING_BY_EDGE;
	s.event_edge = 1;
	return s;
}

/* As a kernel with merged slabs and inlined unlocks shows it. */
static struct scene founding_inferred(void)
{
	struct scene s = founding();

	s.c->classes[0].certainty = CAPTURE_INFERRED;
	s.c->classes[1].certainty = CAPTURE_INFERRED;
	s.c->unlocks_hidden = true;
	s.c->irqs_unseen = true;
	free(s.c->tainted);
	s.c->tainted = NULL;
	return s;
}

static struct scene suppressed(void)
{
	struct scene s = founding_no_cancel();

	s.suppressions = "# in tests/golden\n"
			 "irq-inversion: ... --> *.fault_pending_wqh ; our own module, see notes\n"
			 "circular: a --> b ; long gone\n";
	s.opts.list_suppressed = true;
	return s;
}

static struct scene abba_of(bool third)
{
	struct scene s = scene(case_new());
	struct capture *c = s.c;
	uint32_t ab = case_stack(c, "mount", 211,
				 "down_write+0x1a/0x70|alloc_super+0x40/0x2c0|"
				 "sget_fc+0x5a/0x210|vfs_get_tree+0x25/0xb0");
	uint32_t ba = case_stack(c, "umount", 214,
				 "mutex_lock+0x15/0x50|sb_prepare_remount+0x2c/"
				 "0x90|path_umount+0x88/0x3e0");
	uint32_t held = case_stack(c, "umount", 214,
				   "down_write+0x1a/0x70|deactivate_super+0x30/"
				   "0x60|path_umount+0x40/0x3e0");
	uint32_t a = case_class(c, "namespace_sem", LV_RWSEM);
	uint32_t b = case_class(c, third ? "super_block.s_lock" : "super_block.s_umount", LV_RWSEM);
	uint32_t last = b, edge;

	case_use(c, a, LV_USED, 0xffffffff82a10040, ab);
	case_use(c, a, LV_ENABLED_HARDIRQ, 0xffffffff82a10040, ab);
	case_use(c, a, LV_ENABLED_SOFTIRQ, 0xffffffff82a10040, ab);
	case_use(c, b, LV_ENABLED_HARDIRQ_READ, 0xff11000001020070, held);
	case_use(c, b, LV_USED_READ, 0xff11000001020070, held);
	edge = case_edge(c, a, b, LV_DEP_EN, ab);
	case_instances(c, edge, 0xffffffff82a10040, 0xff11000001020070);
	if (third) {
		last = case_class(c, "inode.i_size_sem", LV_RWSEM);
		edge = case_edge(c, b, last, LV_DEP_SN, held);
	}
	edge = case_edge(c, last, a, third ? LV_DEP_EN : LV_DEP_SN, ba);
	case_instances(c, edge, third ? 0 : 0xff11000001020070, 0xffffffff82a10040);
	return s;
}

static struct scene circular(void)
{
	return abba_of(false);
}

static struct scene circular_of_three(void)
{
	return abba_of(true);
}

/* Two superblocks: lockdep has a class for each filesystem type, and a subclass for new ones. */
static struct scene graded_down(void)
{
	struct scene s = abba_of(false);

	s.c->edges[1].from_addr = 0xff11000001030070;
	s.opts.least = FINDING_WEAK;
	return s;
}

static struct scene circular_by_edge(void)
{
	struct scene s = abba_of(true);

	s.event = FINDING_BY_EDGE;
	s.event_edge = 0;
	return s;
}

/* As the recorder makes one, with all that it keeps. */
static struct scene replayed(const char *name)
{
	CLEANUP(cleanup_replay) struct replay *r = replay_new();
	CLEANUP(cleanup_scenario) struct scenario *s = NULL;
	struct error err = {};
	struct capture *c;
	char path[512];

	assert_non_null(r);
	snprintf(path, sizeof(path), "tests/scenarios/%s.lv", name);
	if (scenario_load(path, &s, &err) || replay_run(r, s, path, true, &c, &err))
		fail_msg("%s", err.text);
	return scene(c);
}

static struct scene circular_replayed(void)
{
	return replayed("abba");
}

static struct scene wait_context_replayed(void)
{
	return replayed("sleep-under-spin");
}

static struct scene inconsistent(void)
{
	struct scene s = scene(case_new());
	uint32_t irq = case_stack(s.c, "swapper/0", 0,
				  "_raw_read_lock+0x18/0x40|send_sigio+0x3c/0x110|"
				  "kill_fasync+0x70/0xc0|input_event+0x4a/0x80");
	uint32_t task = case_stack(s.c, "sh", 91,
				   "_raw_write_lock+0x18/0x40|f_modown+0x20/0xb0|"
				   "f_setown+0x60/0xa0|do_fcntl+0x2c0/0x6e0");
	uint32_t class = case_slab(s.c, "file.f_owner.lock", "&f->f_owner.lock", "filp+0x58");

	s.c->classes[class].family = LV_RWLOCK;
	case_use(s.c, class, LV_USED_IN_HARDIRQ_READ, 0xff11000001303058, irq);
	case_use(s.c, class, LV_ENABLED_HARDIRQ, 0xff11000001303058, task);
	case_use(s.c, class, LV_ENABLED_SOFTIRQ, 0xff11000001303058, task);
	case_use(s.c, class, LV_USED, 0xff11000001303058, task);
	return s;
}

static struct scene inconsistent_by_safe_use(void)
{
	struct scene s = inconsistent();

	s.event = FINDING_BY_SAFE_USE;
	return s;
}

static struct scene self_nesting(void)
{
	struct scene s = scene(case_new());
	uint32_t where = case_stack(s.c, "mv", 77, "_raw_spin_lock+0x30/0x3a|d_move+0x1c/0x80");
	uint32_t class = case_class(s.c, "dentry.d_lock", LV_SPIN);
	uint32_t edge = case_edge(s.c, class, class, LV_DEP_EN, where);

	case_instances(s.c, edge, 0xff11000001404058, 0xff11000001404118);
	return s;
}

static struct scene recursive_annotated(void)
{
	struct scene s = self_nesting();

	s.c->annotated = true;
	return s;
}

static struct scene recursive_same(void)
{
	struct scene s = self_nesting();

	s.c->edges[0].to_addr = s.c->edges[0].from_addr;
	return s;
}

static struct scene recursive_both_orders(void)
{
	struct scene s = self_nesting();

	s.c->classes[0].flags = LV_CLASS_SELF_ORDER;
	/* Not dentries' locks, nor d_move(), which takes them as the kernel's sources tell. */
	free(s.c->classes[0].name);
	s.c->classes[0].name = strdup("some_node.lock");
	free(s.c->stacks[s.c->edges[0].stack].frames[1].text);
	s.c->stacks[s.c->edges[0].stack].frames[1].text = strdup("some_move+0x1c/0x80");
	return s;
}

static struct scene wait_context(void)
{
	struct scene s = scene(case_new());
	uint32_t where = case_stack(s.c, "kworker/0:1", 9,
				    "mutex_lock+0x15/0x50|bad_driver_poll+0x31/0x60 [bad]");
	uint32_t held = case_stack(s.c, "kworker/0:1", 9,
				   "_raw_spin_lock+0x30/0x3a|bad_driver_poll+0x20/0x60 [bad]");
	uint32_t spin = case_class(s.c, "bad_state.lock", LV_SPIN);
	uint32_t mutex = case_class(s.c, "bad_mutex", LV_MUTEX);
	uint32_t edge = case_edge(s.c, spin, mutex, LV_DEP_EN, where);

	case_use(s.c, spin, LV_USED, 0xff11000001505000, held);
	case_instances(s.c, edge, 0xff11000001505000, 0xffffffffc0201000);
	return s;
}

static struct scene wait_context_in_irq(void)
{
	struct scene s = scene(case_new());
	uint32_t where =
		case_stack(s.c, "swapper/0", 0, "mutex_lock+0x15/0x50|bad_timer+0x12/0x40 [bad]");
	uint32_t mutex = case_class(s.c, "bad_mutex", LV_MUTEX);

	case_use(s.c, mutex, LV_USED_IN_SOFTIRQ, 0xffffffffc0201000, where);
	return s;
}

static struct scene fact(enum capture_fact_kind kind)
{
	struct scene s = scene(case_new());
	uint32_t where = case_stack(s.c, "sh", 80,
				    "_raw_spin_unlock+0x5/0x20|"
				    "bad_ioctl+0x40/0x90 [bad]|"
				    "__x64_sys_ioctl+0x8a/0xc0");
	struct capture_fact *f = capture_add_fact(s.c);

	f->kind = kind;
	f->class = case_class(s.c, "bad_state.lock", LV_SPIN);
	f->stack = where;
	f->addr = 0xff11000001505000;
	return s;
}

static struct scene bad_unlock(void)
{
	return fact(CAPTURE_BAD_UNLOCK);
}

/* A reader waits for a mutex, whose holder waits to write. */
static struct scene deadlock(void)
{
	struct scene s = scene(case_new());
	uint32_t reader = case_stack(s.c, "lv_hang_reader", 121,
				     "__schedule+0x3a0/0xb20|schedule+0x27/0xd0|"
				     "schedule_preempt_disabled+0x15/0x30|"
				     "__mutex_lock.constprop.0+0x391/0x690|"
				     "lv_hang_reader+0x41/0x60 [lv_hang]|kthread+0xcf/0x100");
	uint32_t writer = case_stack(s.c, "lv_hang_writer", 122,
				     "__schedule+0x3a0/0xb20|schedule+0x27/0xd0|"
				     "schedule_preempt_disabled+0x15/0x30|"
				     "rwsem_down_write_slowpath+0x20c/0x6d0|down_write+0x5b/0x60|"
				     "lv_hang_writer+0x41/0x60 [lv_hang]|kthread+0xcf/0x100");
	uint32_t rwsem = case_class(s.c, "lv_hang_rwsem [lv_hang]", LV_RWSEM);
	uint32_t mutex = case_class(s.c, "lv_hang_mutex [lv_hang]", LV_MUTEX);

	case_wait(s.c, 0, rwsem, 0xffffffffc0202040, writer);
	s.c->waits[0].held = LV_READ;
	case_wait(s.c, 0, mutex, 0xffffffffc0202080, reader);
	s.c->waits[1].ends = CAPTURE_WAIT_FATAL_SIGNAL;
	return s;
}

static struct scene deadlock_alone(void)
{
	struct scene s = scene(case_new());
	uint32_t where = case_stack(s.c, "lv_hang_twice", 123,
				    "__schedule+0x3a0/0xb20|__mutex_lock.constprop.0+0x391/0x690|"
				    "lv_hang_twice+0x2a/0x40 [lv_hang]|kthread+0xcf/0x100");

	case_wait(s.c, 0, case_class(s.c, "lv_hang_self [lv_hang]", LV_MUTEX), 0xffffffffc02020c0,
		  where);
	return s;
}

static struct scene held_freed(void)
{
	return fact(CAPTURE_HELD_FREED);
}

static struct scene held_at_exit(void)
{
	return fact(CAPTURE_HELD_AT_EXIT);
}

static struct scene held_at_death(void)
{
	return fact(CAPTURE_HELD_AT_DEATH);
}

static struct scene wait_context_atomic(void)
{
	return fact(CAPTURE_WAIT_ATOMIC);
}

/* Names that would like to rule the terminal, or to break the columns. */
static struct scene hostile(void)
{
	struct scene s = scene(case_new());
	uint32_t evil =
		case_stack(s.c, "\033[2Jrm -rf\n", 666,
			   "_raw_spin_lock+0x5/0x20|evil\r\nlockvane: nothing found [\xff]");
	uint32_t class = case_slab(s.c, "a b\tc\n{+.+.}", "\033]0;title\007", "key\x7f\x80");

	case_use(s.c, class, LV_USED_IN_HARDIRQ, 0, evil);
	case_use(s.c, class, LV_ENABLED_HARDIRQ, 0, LV_NONE);
	s.c->command = case_copy("sh -c '\033c'");
	s.c->kernel[0] = '\a';
	case_loss(s.c, "\002", "lost\nlosses      none", 1);
	return s;
}

static struct scene weak_withheld(void)
{
	struct scene s = founding();

	s.c->classes[2].certainty = CAPTURE_AMBIGUOUS;
	return s;
}

static struct scene weak_shown(void)
{
	struct scene s = weak_withheld();

	s.opts.least = FINDING_WEAK;
	return s;
}

static struct scene empty(void)
{
	return scene(case_new());
}

static const struct {
	const char *name;
	struct scene (*build)(void);
} scenes[] = {
#define SCENE(name)                                                                                \
	{                                                                                          \
#name, name                                                                        \
	}
	SCENE(founding),
	SCENE(founding_no_cancel),
	SCENE(founding_fixed),
	SCENE(founding_by_safe_use),
	SCENE(founding_by_edge),
	SCENE(founding_inferred),
	SCENE(circular),
	SCENE(circular_of_three),
	SCENE(graded_down),
	SCENE(circular_by_edge),
	SCENE(inconsistent),
	SCENE(inconsistent_by_safe_use),
	SCENE(recursive_annotated),
	SCENE(recursive_same),
	SCENE(recursive_both_orders),
	SCENE(self_nesting),
	SCENE(wait_context),
	SCENE(wait_context_in_irq),
	SCENE(circular_replayed),
	SCENE(wait_context_replayed),
	SCENE(bad_unlock),
	SCENE(deadlock),
	SCENE(deadlock_alone),
	SCENE(held_freed),
	SCENE(held_at_exit),
	SCENE(held_at_death),
	SCENE(wait_context_atomic),
	SCENE(suppressed),
	SCENE(hostile),
	SCENE(weak_withheld),
	SCENE(weak_shown),
	SCENE(empty),
#undef SCENE
};

#define NR_SCENES (sizeof(scenes) / sizeof(*scenes))

/* The whole of a file in new memory, or "" when there is none. */
static char *read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = calloc(1, 1 << 20);

	assert_non_null(text);
	if (file) {
		text[fread(text, 1, (1 << 20) - 1, file)] = '\0';
		fclose(file);
	}
	return text;
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fputs(text, file) < 0, 0);
	assert_int_equal(fclose(file), 0);
}

/* Beside this file's folder, wherever the test is run from. */
static void golden_path(char *ret_path, size_t size, const char *name, const char *suffix)
{
	const char *slash = strrchr(__FILE__, '/');
	int folder = slash ? (int)(slash - __FILE__) : 1;

	snprintf(ret_path, size, "%.*s/../golden/%s.%s", folder, slash ? __FILE__ : ".", name,
		 suffix);
}

static void assert_golden(const char *name, const char *suffix, const char *got)
{
	char path[512];
	char *want;
	size_t same = 0;

	golden_path(path, sizeof(path), name, suffix);
	if (getenv("UPDATE_GOLDEN")) {
		write_file(path, got);
		return;
	}
	want = read_file(path);
	while (got[same] && got[same] == want[same])
		same++;
	if (got[same] != want[same])
		print_error("%s differs at byte %zu: wanted\n%.200s\ngot\n%.200s\n", path, same,
			    want + same, got + same);
	assert_int_equal(got[same], want[same]);
	free(want);
}

static struct findings *findings_of(const struct scene *s)
{
	struct findings *f;

	assert_int_equal(finding_analyse(s->c, &f), 0);
	for (uint32_t i = 0; i < f->nr; i++) {
		f->items[i].event = s->event;
		f->items[i].event_edge = s->event_edge;
	}
	return f;
}

static struct suppressions *suppress(struct scene *s, struct findings *f)
{
	struct suppress_error error;
	struct suppressions *entries = NULL;

	if (!s->suppressions)
		return NULL;
	assert_int_equal(suppress_parse(s->suppressions, strlen(s->suppressions), &entries, &error),
			 0);
	suppress_apply(entries, s->c, f);
	s->opts.suppressions = entries;
	return entries;
}

static void check_scene(const char *name, struct scene s, bool json)
{
	struct findings *f = findings_of(&s);
	struct suppressions *entries = suppress(&s, f);
	char *got = NULL;
	size_t size;
	FILE *out = open_memstream(&got, &size);

	assert_non_null(out);
	if (json)
		assert_int_equal(report_json(out, s.c, f, &s.opts), 0);
	else
		assert_int_equal(report_text(out, s.c, f, &s.opts), 0);
	fclose(out);
	for (size_t i = 0; i < size; i++)
		assert_true(got[i] == '\n' || (got[i] >= ' ' && got[i] <= '~'));
	assert_golden(name, json ? "json" : "txt", got);
	free(got);
	suppressions_free(entries);
	findings_free(f);
	capture_free(s.c);
}

static void test_text(void **state)
{
	for (size_t i = 0; i < NR_SCENES; i++)
		check_scene(scenes[i].name, scenes[i].build(), false);
}

static void test_json(void **state)
{
	for (size_t i = 0; i < NR_SCENES; i++)
		check_scene(scenes[i].name, scenes[i].build(), true);
}

/* A page of each scene, into the folder $PAGES if that is set: tests/pages/run looks at them. */
static void check_page(const char *name, struct scene s)
{
	struct findings *f = findings_of(&s);
	struct suppressions *entries = suppress(&s, f);
	const char *folder = getenv("PAGES");
	char path[512], *got = NULL;
	size_t size;
	FILE *out = open_memstream(&got, &size);

	assert_non_null(out);
	assert_int_equal(report_html(out, s.c, f, &s.opts), 0);
	fclose(out);
	for (size_t i = 0; i < size; i++)
		assert_true(got[i] == '\n' || (got[i] >= ' ' && got[i] <= '~'));
	assert_null(strstr(got, "<script"));
	for (uint32_t i = 0; i < f->nr; i++)
		assert_int_equal(!!strstr(got, f->items[i].id), finding_shown(&f->items[i], s.opts.least));
	assert_non_null(strstr(got, "</html>"));
	snprintf(path, sizeof(path), "%s/%s.html", folder ? folder : "", name);
	if (folder)
		write_file(path, got);
	free(got);
	suppressions_free(entries);
	findings_free(f);
	capture_free(s.c);
}

static void test_pages(void **state)
{
	for (size_t i = 0; i < NR_SCENES; i++)
		check_page(scenes[i].name, scenes[i].build());
}

/* The fields that are promised, read back by a parser. */
static void test_json_fields(void **state)
{
	struct scene s = founding_no_cancel();
	struct findings *f = findings_of(&s);
	const char *id, *rule, *confidence, *first;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	json_t *root, *chain, *stacks, *also;
	json_int_t events;

	assert_int_equal(report_json(out, s.c, f, &s.opts), 0);
	fclose(out);
	root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	assert_int_equal(json_unpack(root, "{s:s, s:s, s:I, s:[{s:s, s:s, s:s, s:o, s:o, s:o}]}",
				     "lockvane", &first, "kernel", &first, "events", &events,
				     "findings", "id", &id, "rule", &rule, "confidence",
				     &confidence, "chain", &chain, "stacks", &stacks, "also",
				     &also),
			 0);
	assert_string_equal(rule, "irq-inversion");
	assert_string_equal(confidence, "confirmed");
	assert_string_equal(id, f->items[0].id);
	assert_int_equal(json_array_size(chain), 2);
	assert_int_equal(json_array_size(stacks), 3);
	assert_int_equal(json_array_size(also), 1);
	assert_int_equal(events, 48211);
	assert_int_equal(json_array_size(json_object_get(root, "classes")), 3);
	assert_int_equal(json_array_size(json_object_get(root, "edges")), 2);
	assert_true(json_is_object(json_object_get(root, "losses")));
	json_decref(root);
	free(text);
	findings_free(f);
	capture_free(s.c);
}

static void check_list(const char *name, struct scene s, const char *lock,
		       int (*list)(FILE *, const struct capture *, const char *))
{
	char *got = NULL;
	size_t size;
	FILE *out = open_memstream(&got, &size);

	assert_int_equal(list(out, s.c, lock), 0);
	fclose(out);
	assert_golden(name, "list", got);
	free(got);
	capture_free(s.c);
}

static int explain_all(FILE *out, const struct capture *c, const char *lock)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < c->nr_classes; i++)
		err = report_explain(out, c, i);
	return err;
}

static int proc(FILE *out, const struct capture *c, const char *lock)
{
	return report_proc(out, c);
}

static void test_lists(void **state)
{
	check_list("explain", circular_by_edge(), NULL, explain_all);
	check_list("explain_hostile", hostile(), NULL, explain_all);
	check_list("classes", founding_no_cancel(), NULL, report_classes);
	check_list("classes_some", founding_no_cancel(), "*.f*", report_classes);
	check_list("classes_json", founding_no_cancel(), "*.f*", report_classes_json);
	check_list("classes_hostile", hostile(), NULL, report_classes);
	check_list("proc", circular_of_three(), NULL, proc);
	check_list("proc_hostile", hostile(), NULL, proc);
	check_list("proc_empty", empty(), NULL, proc);
	check_list("edges", circular_of_three(), NULL, report_edges);
	check_list("edges_some", circular_of_three(), "inode.*", report_edges);
	check_list("edges_json", circular_of_three(), "inode.*", report_edges_json);
	check_list("edges_empty", empty(), NULL, report_edges);
	check_list("edges_dot", founding(), NULL, report_edges_dot);
}

/* What `suppress` writes is read again, takes this finding away, and of the others none by itself. */
static void check_silenced(struct scene s, uint32_t nth)
{
	struct findings *f = findings_of(&s);
	struct strbuf lines = STRBUF_INIT;
	struct suppressions *entries;
	struct suppress_error error;

	silence_finding(s.c, &f->items[nth], "we know; really", &lines);
	assert_false(lines.failed);
	assert_int_equal(suppress_parse(lines.text, lines.len, &entries, &error), 0);
	suppress_apply(entries, s.c, f);
	for (uint32_t i = 0; i < f->nr; i++)
		if ((f->items[i].suppressed_by != LV_NONE) != (i == nth))
			fail_msg("finding %u of %u by\n%s", i, f->nr, lines.text);
	assert_string_equal(entries->items[0].reason, "we know; really");
	suppressions_free(entries);
	strbuf_free(&lines);
	findings_free(f);
	capture_free(s.c);
}

static void test_silence(void **state)
{
	uint32_t checked = 0;

	for (size_t i = 0; i < NR_SCENES; i++) {
		struct scene s = scenes[i].build();
		struct findings *f = findings_of(&s);
		uint32_t nr = f->nr;

		findings_free(f);
		capture_free(s.c);
		for (uint32_t nth = 0; nth < nr; nth++, checked++)
			check_silenced(scenes[i].build(), nth);
	}
	assert_true(checked >= NR_SCENES / 2);
}

/* Names that mean something in an entry, and chains too long for a line. */
static void test_silence_odd_names(void **state)
{
	static const char *const odd[] = { "...", " a ; b --> c ", "x:y", "*", "#" };
	const char *many[100];
	char longest[3000];
	struct strbuf lines = STRBUF_INIT;
	struct suppressions *entries;
	struct suppress_error error;

	memset(longest, 'n', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	for (int i = 0; i < 100; i++)
		many[i] = longest;
	silence_chain(FINDING_CIRCULAR, odd, 5, "why", &lines);
	assert_string_equal(lines.text, "circular: ?.. --> ?a ? b --? c? --> x:y --> * --> # ; why\n");
	silence_chain(FINDING_CIRCULAR, many, 100, "why", &lines);
	assert_int_equal(silence_text(FINDING_IRQ_INVERSION, "a --> b --> c", "why", &lines), 0);
	assert_int_equal(suppress_parse(lines.text, lines.len, &entries, &error), 0);
	assert_int_equal(entries->nr, 3);
	assert_int_equal(entries->items[0].nr_locks, 5);
	assert_int_equal(entries->items[1].nr_locks, 17);
	assert_string_equal(entries->items[2].text, "irq-inversion: ... --> c ; why");
	suppressions_free(entries);
	strbuf_free(&lines);
}

/* How many findings are left, of those that are there. */
static uint32_t selected(struct scene s, struct finding_select select)
{
	struct findings *f = findings_of(&s);
	uint32_t all = f->nr, nr;

	finding_select_apply(&select, s.c, f);
	nr = f->nr;
	assert_int_equal(all, nr + f->not_selected);
	findings_free(f);
	capture_free(s.c);
	return nr;
}

static void test_select(void **state)
{
	struct finding_select any = FINDING_SELECT_ALL, s;
	struct scene scene = founding();
	struct findings *f = findings_of(&scene);
	char id[FINDING_ID_LEN], fingerprint[FINDING_ID_LEN];

	memcpy(id, f->items[0].id, sizeof(id));
	memcpy(fingerprint, f->items[0].fingerprint, sizeof(fingerprint));
	findings_free(f);
	capture_free(scene.c);
	id[5] = '\0';

	assert_int_equal(selected(founding(), any), 1);
	s = any, s.id = id;
	assert_int_equal(selected(founding(), s), 1);
	s.id = fingerprint;
	assert_int_equal(selected(founding(), s), 1);
	s.id = "000000000000";
	assert_int_equal(selected(founding(), s), 0);
	s = any, s.rule = FINDING_IRQ_INVERSION;
	assert_int_equal(selected(founding(), s), 1);
	s.rule = FINDING_CIRCULAR;
	assert_int_equal(selected(founding(), s), 0);
	s = any, s.lock = "*.fd_wqh";
	assert_int_equal(selected(founding(), s), 1);
	s.lock = "*.fd_wq";
	assert_int_equal(selected(founding(), s), 0);
	s = any, s.module = "no_such";
	assert_int_equal(selected(founding(), s), 0);
}

static void test_select_module(void **state)
{
	struct finding_select s = FINDING_SELECT_ALL;
	struct scene scene = founding();

	free(scene.c->stacks[0].frames[1].text);
	scene.c->stacks[0].frames[1].text = strdup("f+0x1/0x2 [own_mod] a/b.c:12");
	s.module = "own_mod";
	assert_int_equal(selected(scene, s), 1);
	s.module = "own";
	scene = founding();
	free(scene.c->stacks[0].frames[1].text);
	scene.c->stacks[0].frames[1].text = strdup("f+0x1/0x2 [own_mod]");
	assert_int_equal(selected(scene, s), 0);
}

static void assert_part(struct frame_part part, const char *want)
{
	assert_int_equal(part.len, strlen(want));
	assert_memory_equal(part.at, want, part.len);
}

static void test_frames(void **state)
{
	struct frame f = frame_parse("do_it.part.0+0xa1/0xb0 [lv_uffd] drivers/a b.c:12");

	assert_part(f.symbol, "do_it.part.0");
	assert_part(f.module, "lv_uffd");
	assert_part(f.file, "drivers/a b.c");
	assert_true(f.offset == 0xa1 && f.size == 0xb0 && f.line == 12 && !f.inlined);
	f = frame_parse("spin_lock include/linux/spinlock.h:351 [inline]");
	assert_part(f.symbol, "spin_lock");
	assert_part(f.file, "include/linux/spinlock.h");
	assert_true(f.line == 351 && f.inlined && !f.size && !f.module.len);
	f = frame_parse("f+0x1/0x2 [m 0123abcd]");
	assert_part(f.module, "m");
	f = frame_parse("0xffffffff81000000");
	assert_true(!f.symbol.len && !f.size);
	f = frame_parse("told: lockdep is told so in mm/a.c:1");
	assert_int_equal(f.symbol.len, 0);
	/* Cut short anywhere, and nonsense: nothing is read beyond. */
	for (const char *text = "a+0x1/0x2 [m] f:1 [inline]"; *text; text++) {
		char *copy = strdup(text);

		for (size_t len = strlen(copy); len--; copy[len] = '\0')
			frame_parse(copy);
		free(copy);
	}
	f = frame_parse("f:99999999999999999999");
	assert_int_equal(f.line, 0);
	frame_parse("");
}

static void test_full_disk(void **state)
{
	struct scene s = founding();
	struct findings *f = findings_of(&s);
	FILE *out = fopen("/dev/full", "w");

	if (!out)
		skip();
	setvbuf(out, NULL, _IONBF, 0);
	assert_int_equal(report_text(out, s.c, f, &s.opts), -EIO);
	assert_int_equal(report_json(out, s.c, f, &s.opts), -EIO);
	assert_int_equal(report_html(out, s.c, f, &s.opts), -EIO);
	assert_int_equal(report_edges_dot(out, s.c, NULL), -EIO);
	assert_int_equal(report_classes(out, s.c, NULL), -EIO);
	assert_int_equal(report_edges(out, s.c, NULL), -EIO);
	fclose(out);
	findings_free(f);
	capture_free(s.c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),	    cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_fields), cmocka_unit_test(test_lists),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_silence),	    cmocka_unit_test(test_silence_odd_names),
		cmocka_unit_test(test_select),	    cmocka_unit_test(test_select_module),
		cmocka_unit_test(test_frames),	    cmocka_unit_test(test_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
