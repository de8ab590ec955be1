// SPDX-License-Identifier: GPL-2.0-only
/* What must be found, what must stay silent, and that order and chance do not matter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "finding/finding.h"
#include "finding/suppress.h"
#include "test_finding_cases.h"

static struct findings *analyse(const struct capture *c)
{
	struct findings *f;

	assert_int_equal(finding_analyse(c, &f), 0);
	return f;
}

/* "a b c" against the chain's names. */
static void assert_chain(const struct capture *c, const struct finding_chain *chain,
			 const char *names)
{
	char got[512] = "";

	for (uint32_t i = 0; i < chain->nr_classes; i++) {
		strcat(got, i ? " " : "");
		strcat(got, c->classes[chain->classes[i]].name);
	}
	assert_string_equal(got, names);
}

static void assert_one(const struct capture *c, enum finding_rule rule,
		       enum finding_confidence confidence, const char *names)
{
	struct findings *f = analyse(c);

	assert_int_equal(f->nr, 1);
	assert_int_equal(f->items[0].rule, rule);
	assert_chain(c, &f->items[0].chain, names);
	assert_int_equal(f->items[0].confidence, confidence);
	findings_free(f);
}

static void assert_silent(const struct capture *c)
{
	struct findings *f = analyse(c);

	assert_int_equal(f->nr, 0);
	findings_free(f);
}

static void test_founding(void **state)
{
	struct capture *c = case_founding(&(struct case_founding){0});
	struct findings *f = analyse(c);

	assert_int_equal(f->nr, 1);
	assert_int_equal(f->items[0].rule, FINDING_IRQ_INVERSION);
	assert_int_equal(f->items[0].confidence, FINDING_CONFIRMED);
	assert_int_equal(f->items[0].nr_also, 0);
	assert_chain(c, &f->items[0].chain,
		     "kioctx.ctx_lock userfaultfd_ctx.fd_wqh userfaultfd_ctx.fault_pending_wqh");
	assert_int_equal(f->items[0].chain.safe, LV_USED_IN_SOFTIRQ);
	assert_int_equal(f->items[0].chain.unsafe, LV_ENABLED_SOFTIRQ);
	findings_free(f);
	capture_free(c);
}

static void test_founding_without_cancel(void **state)
{
	struct capture *c = case_founding(&(struct case_founding){.no_cancel = true});
	struct findings *f = analyse(c);

	assert_int_equal(f->nr, 1);
	assert_chain(c, &f->items[0].chain,
		     "userfaultfd_ctx.fd_wqh userfaultfd_ctx.fault_pending_wqh");
	assert_int_equal(f->items[0].nr_also, 1);
	assert_chain(c, &f->items[0].also[0],
		     "kioctx.ctx_lock userfaultfd_ctx.fd_wqh userfaultfd_ctx.fault_pending_wqh");
	findings_free(f);
	capture_free(c);
}

static void test_founding_fixed(void **state)
{
	struct capture *c = case_founding(&(struct case_founding){.fixed = true});

	assert_int_equal(c->nr_edges, 2);
	assert_silent(c);
	capture_free(c);
	c = case_founding(&(struct case_founding){.fixed = true, .no_cancel = true});
	assert_silent(c);
	capture_free(c);
}

static void founding_id(const struct case_founding *how, char *ret_id)
{
	struct capture *c = case_founding(how);
	struct findings *f = analyse(c);

	assert_int_equal(f->nr, 1);
	memcpy(ret_id, f->items[0].id, FINDING_ID_LEN);
	findings_free(f);
	capture_free(c);
}

/* Order, addresses and the extra safe class of some runs leave the id alone. */
static void test_id_is_stable(void **state)
{
	const struct case_founding runs[] = {
		{.backwards = true},
		{.shift = 0x1000},
		{.no_cancel = true},
		{.no_cancel = true, .backwards = true, .shift = 0x88000},
	};
	char first[FINDING_ID_LEN], id[FINDING_ID_LEN];

	founding_id(&(struct case_founding){0}, first);
	assert_int_equal(strlen(first), FINDING_ID_LEN - 1);
	assert_int_equal(strspn(first, "0123456789abcdef"), FINDING_ID_LEN - 1);
	for (size_t i = 0; i < sizeof(runs) / sizeof(*runs); i++) {
		founding_id(&runs[i], id);
		assert_string_equal(id, first);
	}
}

static void test_id_knows_the_kernel(void **state)
{
	struct capture *c = case_founding(&(struct case_founding){0});
	struct findings *f, *g;

	f = analyse(c);
	c->build[1] = '3';
	g = analyse(c);
	assert_string_not_equal(f->items[0].id, g->items[0].id);
	findings_free(g);
	free(c->classes[2].name);
	c->classes[2].name = case_copy("other.lock");
	c->build[1] = '2';
	g = analyse(c);
	assert_string_not_equal(f->items[0].id, g->items[0].id);
	findings_free(g);
	findings_free(f);
	capture_free(c);
}

/* Of another build the fingerprint is the same, and what is kept of a chain tells it, too. */
static void test_fingerprint(void **state)
{
	struct capture *c = case_founding(&(struct case_founding){0});
	struct findings *f = analyse(c), *g;
	char of_chain[FINDING_ID_LEN];

	c->build[1] = '3';
	g = analyse(c);
	assert_string_equal(f->items[0].fingerprint, g->items[0].fingerprint);
	assert_string_not_equal(f->items[0].fingerprint, f->items[0].id);
	findings_free(g);
	finding_fingerprint_of(FINDING_IRQ_INVERSION, "a --> b --> userfaultfd_ctx.fault_pending_wqh",
			       of_chain);
	assert_string_equal(of_chain, f->items[0].fingerprint);
	finding_fingerprint_of(FINDING_CIRCULAR, "userfaultfd_ctx.fault_pending_wqh", of_chain);
	assert_string_not_equal(of_chain, f->items[0].fingerprint);
	findings_free(f);
	capture_free(c);
}

static void test_fingerprint_of_a_whole_chain(void **state)
{
	struct capture *c = case_new();
	uint32_t a = case_class(c, "a.lock", LV_SPIN), b = case_class(c, "b.lock", LV_SPIN);
	char of_chain[FINDING_ID_LEN];
	struct findings *f;

	case_edge(c, a, b, LV_DEP_EN, LV_NONE);
	case_edge(c, b, a, LV_DEP_EN, LV_NONE);
	f = analyse(c);
	finding_fingerprint_of(FINDING_CIRCULAR, "a.lock --> b.lock", of_chain);
	assert_string_equal(of_chain, f->items[0].fingerprint);
	findings_free(f);
	capture_free(c);
}

/* Two classes in both orders, each dependency seen so often, with these instances. */
static struct findings *judge_abba(uint64_t count, uint64_t seen_to, uint64_t seen_from, bool lossy,
				   bool gated)
{
	struct capture *c = case_new();
	uint32_t a = case_class(c, "a.lock", LV_SPIN), b = case_class(c, "b.lock", LV_SPIN);
	uint32_t g = case_class(c, "gate", LV_MUTEX);
	struct findings *f;

	case_edge(c, a, b, LV_DEP_EN, LV_NONE);
	case_edge(c, b, a, LV_DEP_EN, LV_NONE);
	c->edges[0].seen_to = seen_to;
	c->edges[1].seen_from = seen_from;
	for (int i = 0; i < 2; i++) {
		c->edges[i].count = count;
		c->edges[i].gate_class[i] = gated ? g : LV_NONE;
		c->edges[i].gate_addr[i] = 0xffffffff82000000;
	}
	if (lossy)
		case_loss(c, "guard", "events skipped", 3);
	f = analyse(c);
	assert_int_equal(f->nr, 1);
	capture_free(c);
	return f;
}

static void abba_is(struct findings *f, enum finding_confidence confidence, bool apart, bool once,
		    bool gated)
{
	assert_int_equal(f->items[0].confidence, confidence);
	assert_int_equal(f->items[0].chain.apart != LV_NONE, apart);
	assert_int_equal(f->items[0].chain.once, once);
	assert_int_equal(f->items[0].chain.gate != LV_NONE, gated);
	findings_free(f);
}

static void test_sightings(void **state)
{
	abba_is(judge_abba(2, 0xffff, 0xffff, true, false), FINDING_CERTAIN, 0, 0, 0);
	abba_is(judge_abba(2, 0xffff, 0xffff0000, true, false), FINDING_LIKELY, 1, 0, 0);
	abba_is(judge_abba(2, 0xffff, 0x7fff0000, true, false), FINDING_CERTAIN, 0, 0, 0);
	abba_is(judge_abba(1, 0, 0, true, false), FINDING_LIKELY, 0, 1, 0);
	abba_is(judge_abba(1, 0, 0, false, false), FINDING_CERTAIN, 0, 0, 0);
	abba_is(judge_abba(2, 0, 0, true, true), FINDING_CERTAIN, 0, 0, 1);
}

/* Hard and soft together are one finding, under the stronger. */
static void test_hard_and_soft_are_one(void **state)
{
	struct capture *c = case_founding(&(struct case_founding){0});
	struct findings *f;
	char soft[FINDING_ID_LEN];

	f = analyse(c);
	memcpy(soft, f->items[0].id, sizeof(soft));
	findings_free(f);
	case_use(c, 0, LV_USED_IN_HARDIRQ, c->classes[0].usage_addr[LV_USED_IN_SOFTIRQ], LV_NONE);
	f = analyse(c);
	assert_int_equal(f->nr, 1);
	assert_int_equal(f->items[0].nr_also, 0);
	assert_int_equal(f->items[0].chain.safe, LV_USED_IN_HARDIRQ);
	assert_string_equal(f->items[0].id, soft);
	findings_free(f);
	capture_free(c);
}

struct two_locks {
	struct capture *c;
	uint32_t a, b;
};

static struct two_locks two_locks(void)
{
	struct two_locks t = {.c = case_new()};

	t.a = case_class(t.c, "a", LV_RWLOCK);
	t.b = case_class(t.c, "b", LV_RWLOCK);
	return t;
}

/* One kind each way: a strong cycle or not, as the lockdep design page has it. */
static void test_abba_kinds(void **state)
{
	static const uint32_t deps[] = {LV_DEP_SR, LV_DEP_ER, LV_DEP_SN, LV_DEP_EN};

	for (int i = 0; i < 4; i++)
		for (int j = 0; j < 4; j++) {
			struct two_locks t = two_locks();
			bool r1 = deps[i] & (LV_DEP_SR | LV_DEP_ER);
			bool r2 = deps[j] & (LV_DEP_SR | LV_DEP_ER);
			bool s1 = deps[i] & (LV_DEP_SR | LV_DEP_SN);
			bool s2 = deps[j] & (LV_DEP_SR | LV_DEP_SN);

			case_edge(t.c, t.a, t.b, deps[i], LV_NONE);
			case_edge(t.c, t.b, t.a, deps[j], LV_NONE);
			if ((r1 && s2) || (r2 && s1))
				assert_silent(t.c);
			else
				assert_one(t.c, FINDING_CIRCULAR, FINDING_CERTAIN, "a b");
			capture_free(t.c);
		}
}

/* The same with instances that join, and one that does not. */
static void test_abba_instances(void **state)
{
	struct two_locks t = two_locks();
	uint32_t ab = case_edge(t.c, t.a, t.b, LV_DEP_EN, LV_NONE);
	uint32_t ba = case_edge(t.c, t.b, t.a, LV_DEP_EN, LV_NONE);

	case_instances(t.c, ab, 0x10, 0x20);
	case_instances(t.c, ba, 0x20, 0x10);
	assert_one(t.c, FINDING_CIRCULAR, FINDING_CONFIRMED, "a b");
	case_instances(t.c, ba, 0x20, 0x11);
	assert_one(t.c, FINDING_CIRCULAR, FINDING_CERTAIN, "a b");
	capture_free(t.c);
}

/* The edge that joins is taken though another of its kind came first. */
static void test_joining_edge_is_chosen(void **state)
{
	struct two_locks t = two_locks();
	uint32_t ab = case_edge(t.c, t.a, t.b, LV_DEP_EN, LV_NONE);
	uint32_t other = case_edge(t.c, t.b, t.a, LV_DEP_EN, LV_NONE);
	uint32_t ba = case_edge(t.c, t.b, t.a, LV_DEP_SN, LV_NONE);
	struct findings *f;

	case_instances(t.c, ab, 0x10, 0x20);
	case_instances(t.c, other, 0x30, 0x40);
	case_instances(t.c, ba, 0x20, 0x10);
	f = analyse(t.c);
	assert_int_equal(f->nr, 1);
	assert_int_equal(f->items[0].confidence, FINDING_CONFIRMED);
	assert_int_equal(f->items[0].chain.edges[1], ba);
	findings_free(f);
	capture_free(t.c);
}

static void test_circular_id_ignores_direction_of_recording(void **state)
{
	struct two_locks t = two_locks(), u = {.c = case_new()};
	struct findings *f, *g;

	case_edge(t.c, t.a, t.b, LV_DEP_EN, LV_NONE);
	case_edge(t.c, t.b, t.a, LV_DEP_EN, LV_NONE);
	u.b = case_class(u.c, "b", LV_RWLOCK);
	u.a = case_class(u.c, "a", LV_RWLOCK);
	case_edge(u.c, u.b, u.a, LV_DEP_EN, LV_NONE);
	case_edge(u.c, u.a, u.b, LV_DEP_EN, LV_NONE);
	f = analyse(t.c);
	g = analyse(u.c);
	assert_string_equal(f->items[0].id, g->items[0].id);
	findings_free(f);
	findings_free(g);
	capture_free(t.c);
	capture_free(u.c);
}

/* Without the one dependency that two cycles have in common there would be none of them: one finding. */
static void test_cycles_of_one_dependency_are_one(void **state)
{
	struct two_locks t = two_locks();
	uint32_t c = case_class(t.c, "c", LV_MUTEX);
	struct findings *f;

	t.c->classes[t.a].family = LV_MUTEX;
	t.c->classes[t.b].family = LV_MUTEX;
	case_edge(t.c, t.a, t.b, LV_DEP_EN, LV_NONE);
	case_edge(t.c, t.b, t.a, LV_DEP_EN, LV_NONE);
	case_edge(t.c, t.b, c, LV_DEP_EN, LV_NONE);
	case_edge(t.c, c, t.a, LV_DEP_EN, LV_NONE);
	f = analyse(t.c);
	assert_int_equal(f->nr, 1);
	assert_chain(t.c, &f->items[0].chain, "a b");
	assert_int_equal(f->items[0].nr_also, 1);
	assert_chain(t.c, &f->items[0].also[0], "a b c");
	findings_free(f);
	capture_free(t.c);
}

/* Cycles that have a lock in common, but no dependency, are findings of their own. */
static void test_cycles_do_not_hide_each_other(void **state)
{
	struct capture *c = case_new();
	struct findings *f;

	for (int i = 0; i < 6; i++)
		case_class(c, (const char *[]){"a", "b", "c", "d", "e", "f"}[i], LV_MUTEX);
	case_edge(c, 0, 1, LV_DEP_EN, LV_NONE);
	case_edge(c, 1, 2, LV_DEP_EN, LV_NONE);
	case_edge(c, 2, 3, LV_DEP_EN, LV_NONE);
	case_edge(c, 1, 0, LV_DEP_EN, LV_NONE);
	case_edge(c, 2, 1, LV_DEP_EN, LV_NONE);
	case_edge(c, 3, 2, LV_DEP_EN, LV_NONE);
	f = analyse(c);
	assert_int_equal(f->nr, 3);
	for (uint32_t i = 0; i < f->nr; i++)
		assert_int_equal(f->items[i].nr_also, 0);
	findings_free(f);
	capture_free(c);
}

/* A weak cycle elsewhere does not make two findings of one. */
static void test_weak_cycle_does_not_unfold(void **state)
{
	struct two_locks t = two_locks();
	uint32_t c = case_class(t.c, "c", LV_RWLOCK);
	uint32_t fog = case_class(t.c, "kmalloc-64+0x8", LV_RWLOCK);
	struct findings *f;

	t.c->classes[fog].certainty = CAPTURE_AMBIGUOUS;
	case_edge(t.c, t.a, t.b, LV_DEP_EN, LV_NONE);
	case_edge(t.c, t.b, t.a, LV_DEP_EN, LV_NONE);
	case_edge(t.c, t.b, c, LV_DEP_EN, LV_NONE);
	case_edge(t.c, c, t.a, LV_DEP_EN, LV_NONE);
	case_edge(t.c, c, fog, LV_DEP_EN, LV_NONE);
	case_edge(t.c, fog, c, LV_DEP_EN, LV_NONE);
	f = analyse(t.c);
	assert_int_equal(findings_shown(f, FINDING_LIKELY), 1);
	assert_chain(t.c, &f->items[0].chain, "a b");
	assert_int_equal(f->items[0].nr_also, 1);
	findings_free(f);
	capture_free(t.c);
}

static uint32_t faulted(struct capture *c, uint32_t from, uint32_t to, uint32_t outer)
{
	uint32_t in_fault = case_stack(c, "filler", 7,
				       "filemap_fault+0x1f4/0x8a0|handle_mm_fault+0xb3/0x2d0|"
				       "asm_exc_page_fault+0x26/0x30|filler_ioctl+0x2c/0x90");
	uint32_t edge = case_edge(c, from, to, LV_DEP_EN, in_fault);

	c->edges[edge].from_stack = outer;
	return edge;
}

/* What a holder is held over is the page fault, whatever the fault then takes. */
static void test_locks_of_one_fault_are_one_finding(void **state)
{
	struct capture *c = case_new();
	uint32_t lock = case_class(c, "filler.lock", LV_MUTEX);
	uint32_t mmap = case_class(c, "mm_struct.mmap_lock", LV_RWSEM);
	uint32_t page = case_class(c, "filler.page_lock", LV_MUTEX);
	uint32_t data = case_class(c, "filler.z_data_lock", LV_MUTEX);
	uint32_t outside = case_stack(c, "filler", 7, "mutex_lock+0x9/0x30|filler_ioctl+0x10/0x90");
	struct findings *f;

	for (uint32_t i = 0; i < 3; i++)
		faulted(c, lock, (uint32_t[]){mmap, page, data}[i], outside);
	case_edge(c, mmap, lock, LV_DEP_EN, LV_NONE);
	case_edge(c, page, lock, LV_DEP_EN, LV_NONE);
	case_edge(c, data, lock, LV_DEP_EN, LV_NONE);
	f = analyse(c);
	assert_int_equal(f->nr, 1);
	assert_int_equal(f->items[0].nr_also, 2);
	/* any fault takes mmap_lock: it says least, and comes last */
	assert_chain(c, &f->items[0].chain, "filler.lock filler.page_lock");
	assert_chain(c, &f->items[0].also[1], "filler.lock mm_struct.mmap_lock");
	findings_free(f);
	capture_free(c);
}

/* A lock held and taken in the fault is no lock held over the fault. */
static void test_locks_beside_a_fault_are_their_own(void **state)
{
	struct capture *c = case_new();
	uint32_t lock = case_class(c, "filler.lock", LV_MUTEX);
	uint32_t page = case_class(c, "filler.page_lock", LV_MUTEX);
	uint32_t data = case_class(c, "filler.z_data_lock", LV_MUTEX);
	uint32_t outside = case_stack(c, "filler", 7, "mutex_lock+0x9/0x30|filler_ioctl+0x10/0x90");
	struct findings *f;
	uint32_t inner;

	faulted(c, lock, page, outside);
	/* held and taken in one fault */
	inner = faulted(c, lock, data, LV_NONE);
	c->edges[inner].from_stack = c->edges[0].stack;
	case_edge(c, page, lock, LV_DEP_EN, LV_NONE);
	case_edge(c, data, lock, LV_DEP_EN, LV_NONE);
	f = analyse(c);
	assert_int_equal(f->nr, 2);
	findings_free(f);
	capture_free(c);
}

/* One wrong edge under many ways through a layered graph is not a flood. */
static void test_one_wrong_edge_is_few_findings(void **state)
{
	struct capture *c = case_new();
	char name[16];
	struct findings *f;
	uint32_t nr_also = 0;

	for (int i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "lock%02d", i);
		case_class(c, name, LV_MUTEX);
	}
	for (uint32_t i = 0; i < 60; i++)
		for (uint32_t j = i + 1; j < 60 && j < i + 5; j++)
			case_edge(c, i, j, LV_DEP_EN, LV_NONE);
	case_edge(c, 59, 0, LV_DEP_EN, LV_NONE);
	f = analyse(c);
	assert_in_range(f->nr, 1, 3);
	for (uint32_t i = 0; i < f->nr; i++)
		nr_also += f->items[i].nr_also;
	assert_true(nr_also > 0);
	findings_free(f);
	capture_free(c);
}

/* An exact cycle is found although an ambiguous class offers a shorter one. */
static void test_ambiguous_does_not_mask_exact(void **state)
{
	struct two_locks t = two_locks();
	uint32_t c = case_class(t.c, "c", LV_RWLOCK);
	uint32_t fog = case_class(t.c, "kmalloc-64+0x8", LV_RWLOCK);
	struct findings *f;

	t.c->classes[fog].certainty = CAPTURE_AMBIGUOUS;
	case_edge(t.c, t.a, t.b, LV_DEP_EN, LV_NONE);
	case_edge(t.c, t.b, c, LV_DEP_EN, LV_NONE);
	case_edge(t.c, c, t.a, LV_DEP_EN, LV_NONE);
	case_edge(t.c, t.b, fog, LV_DEP_EN, LV_NONE);
	case_edge(t.c, fog, t.b, LV_DEP_EN, LV_NONE);
	case_edge(t.c, fog, t.a, LV_DEP_EN, LV_NONE);
	f = analyse(t.c);
	assert_int_equal(f->items[0].confidence, FINDING_CERTAIN);
	assert_chain(t.c, &f->items[0].chain, "a b c");
	for (uint32_t i = 1; i < f->nr; i++)
		assert_int_equal(f->items[i].confidence, FINDING_WEAK);
	assert_int_equal(findings_shown(f, FINDING_LIKELY), 1);
	findings_free(f);
	capture_free(t.c);
}

static void test_exact_inversion_is_preferred(void **state)
{
	struct capture *c = case_founding(&(struct case_founding){0});
	uint32_t fog = case_class(c, "kmalloc-64+0x8", LV_SPIN);
	struct findings *f;

	c->classes[fog].certainty = CAPTURE_AMBIGUOUS;
	case_use(c, fog, LV_USED_IN_SOFTIRQ, 0, LV_NONE);
	case_edge(c, fog, 2, LV_DEP_EN, LV_NONE);
	f = analyse(c);
	assert_int_equal(f->nr, 1);
	assert_chain(c, &f->items[0].chain,
		     "kioctx.ctx_lock userfaultfd_ctx.fd_wqh userfaultfd_ctx.fault_pending_wqh");
	assert_int_equal(f->items[0].nr_also, 1);
	assert_int_equal(f->items[0].also[0].confidence, FINDING_WEAK);
	findings_free(f);
	capture_free(c);
}

static void test_inferred_and_hidden_are_likely(void **state)
{
	struct capture *c = case_founding(&(struct case_founding){0});
	struct findings *f;

	c->classes[1].certainty = CAPTURE_INFERRED;
	f = analyse(c);
	assert_int_equal(f->items[0].confidence, FINDING_LIKELY);
	findings_free(f);
	c->classes[1].certainty = CAPTURE_EXACT;
	c->unlocks_hidden = true;
	f = analyse(c);
	assert_int_equal(f->items[0].confidence, FINDING_LIKELY);
	findings_free(f);
	for (size_t i = 0; i < c->nr_edges; i++)
		c->edges[i].sure = true; /* the holders were the only ones */
	f = analyse(c);
	assert_true(f->items[0].confidence >= FINDING_CERTAIN);
	findings_free(f);
	capture_free(c);
}

/* A kernel that preempts itself loses releases; who only writes a rwsem can be asked. */
static void test_readers_are_weak_where_releases_get_lost(void **state)
{
	struct two_locks t = two_locks();

	t.c->classes[t.a].family = t.c->classes[t.b].family = LV_RWSEM;
	case_edge(t.c, t.a, t.b, LV_DEP_EN, LV_NONE);
	case_edge(t.c, t.b, t.a, LV_DEP_EN, LV_NONE);
	t.c->preempts = true;
	assert_one(t.c, FINDING_CIRCULAR, FINDING_CERTAIN, "a b");
	t.c->classes[t.b].usage |= 1u << LV_USED_READ;
	assert_one(t.c, FINDING_CIRCULAR, FINDING_WEAK, "a b");
	t.c->preempts = false;
	assert_one(t.c, FINDING_CIRCULAR, FINDING_CERTAIN, "a b");
	capture_free(t.c);
}

/* Where unlocks are hidden, who holds a lock on a stack may have returned from there. */
static void test_stacks_are_weak_where_unlocks_are_hidden(void **state)
{
	struct two_locks t = two_locks();

	case_edge(t.c, t.a, t.b, LV_DEP_EN, LV_NONE);
	case_edge(t.c, t.b, t.a, LV_DEP_EN, LV_NONE);
	free(t.c->classes[t.a].kind);
	t.c->classes[t.a].kind = strdup("stack");
	assert_one(t.c, FINDING_CIRCULAR, FINDING_CERTAIN, "a b");
	t.c->unlocks_hidden = true;
	assert_one(t.c, FINDING_CIRCULAR, FINDING_WEAK, "a b");
	capture_free(t.c);
}

static void test_cycle_through_self_nesting_is_weak(void **state)
{
	struct two_locks t = two_locks();
	uint32_t self;

	case_edge(t.c, t.a, t.b, LV_DEP_EN, LV_NONE);
	case_edge(t.c, t.b, t.a, LV_DEP_EN, LV_NONE);
	self = case_edge(t.c, t.b, t.b, LV_DEP_EN, LV_NONE);
	case_instances(t.c, self, 0x10, 0x20);
	assert_one(t.c, FINDING_CIRCULAR, FINDING_WEAK, "a b");
	capture_free(t.c);
}

/* Usages of one class: which pairs exclude each other. */
static void test_inconsistent_pairs(void **state)
{
	for (uint32_t in = 0; in < 8; in++)
		for (uint32_t on = 0; on < 8; on++) {
			struct capture *c = case_new();
			uint32_t a = case_class(c, "a", LV_RWLOCK);
			bool bad = (in & 2) == 0 && (on & 2) && in / 4 == on / 4 &&
				   !((in & 1) && (on & 1));

			case_use(c, a, in, 0x10, LV_NONE);
			case_use(c, a, on, 0x20, LV_NONE);
			if (bad)
				assert_one(c, FINDING_INCONSISTENT, FINDING_CERTAIN, "a");
			else if (!(on & 2) || (in & 2) || in / 4 != on / 4)
				; /* not a pair of in and on; the other order may be */
			else
				assert_silent(c);
			capture_free(c);
		}
}

static void test_inconsistent_instance(void **state)
{
	struct capture *c = case_new();
	uint32_t a = case_class(c, "a", LV_SPIN);

	case_use(c, a, LV_USED_IN_HARDIRQ, 0x10, LV_NONE);
	case_use(c, a, LV_ENABLED_HARDIRQ, 0x10, LV_NONE);
	assert_one(c, FINDING_INCONSISTENT, FINDING_CONFIRMED, "a");
	c->classes[a].certainty = CAPTURE_AMBIGUOUS;
	assert_one(c, FINDING_INCONSISTENT, FINDING_WEAK, "a");
	capture_free(c);
}

/* Every kind of edge between every IN and every ON, by the four block rules. */
static void test_inversion_kinds(void **state)
{
	static const uint32_t deps[] = {LV_DEP_SR, LV_DEP_ER, LV_DEP_SN, LV_DEP_EN};

	for (int i = 0; i < 4; i++)
		for (uint32_t reads = 0; reads < 4; reads++) {
			struct two_locks t = two_locks();
			uint32_t in = LV_USED_IN_SOFTIRQ + (reads & 1);
			uint32_t on = LV_ENABLED_SOFTIRQ + (reads >> 1);
			bool s = deps[i] & (LV_DEP_SR | LV_DEP_SN);
			bool r = deps[i] & (LV_DEP_SR | LV_DEP_ER);

			case_use(t.c, t.a, in, 0, LV_NONE);
			case_use(t.c, t.b, on, 0, LV_NONE);
			case_edge(t.c, t.a, t.b, deps[i], LV_NONE);
			/* The irq's reader meets the chain's reader; the chain's reader ON's. */
			if (((reads & 1) && s) || ((reads & 2) && r))
				assert_silent(t.c);
			else
				assert_one(t.c, FINDING_IRQ_INVERSION, FINDING_CERTAIN, "a b");
			capture_free(t.c);
		}
}

static void test_hard_does_not_meet_soft(void **state)
{
	struct two_locks t = two_locks();

	case_use(t.c, t.a, LV_USED_IN_HARDIRQ, 0, LV_NONE);
	case_use(t.c, t.b, LV_ENABLED_SOFTIRQ, 0, LV_NONE);
	case_edge(t.c, t.a, t.b, LV_DEP_EN, LV_NONE);
	case_edge(t.c, t.b, t.b, LV_DEP_SR, LV_NONE);
	assert_silent(t.c);
	capture_free(t.c);
}

static void test_rt_judges_raw_locks_only(void **state)
{
	struct capture *c = case_founding(&(struct case_founding){0});

	c->rt = true;
	assert_silent(c);
	capture_free(c);
	for (enum lv_family family = LV_SPIN; family < LV_FAMILIES; family++) {
		struct two_locks t = two_locks();

		t.c->rt = true;
		t.c->classes[t.a].family = family;
		t.c->classes[t.b].family = family;
		case_use(t.c, t.a, LV_ENABLED_HARDIRQ, 0, LV_NONE);
		case_use(t.c, t.b, LV_ENABLED_HARDIRQ, 0, LV_NONE);
		if (family == LV_RAWSPIN)
			case_use(t.c, t.a, LV_USED_IN_HARDIRQ, 0, LV_NONE);
		case_use(t.c, t.b, LV_USED_IN_SOFTIRQ, 0, LV_NONE);
		if (family == LV_RAWSPIN) {
			struct findings *f = analyse(t.c);

			assert_int_equal(f->nr, 1);
			assert_int_equal(f->items[0].rule, FINDING_INCONSISTENT);
			findings_free(f);
		} else {
			assert_silent(t.c);
		}
		capture_free(t.c);
	}
}

static void test_recursive(void **state)
{
	struct capture *c = case_new();
	uint32_t a = case_class(c, "a", LV_SPIN);
	uint32_t self = case_edge(c, a, a, LV_DEP_EN, LV_NONE);
	struct findings *f;

	/* Two locks of one class: production kernels do that all the time. */
	case_instances(c, self, 0x10, 0x20);
	assert_silent(c);
	c->annotated = true;
	assert_one(c, FINDING_RECURSIVE, FINDING_CERTAIN, "a");
	c->annotated = false;
	c->classes[a].flags = LV_CLASS_SELF_ORDER;
	assert_one(c, FINDING_RECURSIVE, FINDING_CONFIRMED, "a");
	free(c->classes[a].kind);
	c->classes[a].kind = case_copy("slab"); /* freed and come back in between? */
	assert_one(c, FINDING_RECURSIVE, FINDING_WEAK, "a");
	f = analyse(c);
	assert_non_null(strstr(f->items[0].chain.graded_down, "become other objects"));
	findings_free(f);
	c->classes[a].flags = 0;
	case_instances(c, self, 0x10, 0x10);
	assert_one(c, FINDING_RECURSIVE, FINDING_LIKELY, "a");
	c->edges[self].dep = LV_DEP_SR;
	assert_silent(c);
	capture_free(c);
}

static void test_wait_context(void **state)
{
	struct two_locks t = two_locks();

	case_edge(t.c, t.a, t.b, LV_DEP_EN, LV_NONE);
	assert_silent(t.c);
	t.c->classes[t.b].family = LV_MUTEX;
	assert_one(t.c, FINDING_WAIT_CONTEXT, FINDING_CERTAIN, "a b");
	t.c->classes[t.a].family = LV_RWSEM;
	assert_silent(t.c);
	case_use(t.c, t.a, LV_USED_IN_SOFTIRQ_READ, 0, LV_NONE);
	assert_one(t.c, FINDING_WAIT_CONTEXT, FINDING_CERTAIN, "a");
	t.c->rt = true;
	assert_silent(t.c);
	t.c->classes[t.a].family = LV_RAWSPIN;
	t.c->classes[t.b].family = LV_SPIN;
	assert_one(t.c, FINDING_WAIT_CONTEXT, FINDING_CERTAIN, "a b");
	capture_free(t.c);
}

static void test_facts(void **state)
{
	static const enum finding_rule rules[] = {FINDING_WAIT_CONTEXT, FINDING_BAD_UNLOCK,
						  FINDING_HELD_FREED, FINDING_HELD_AT_EXIT,
						  FINDING_WAIT_CONTEXT, FINDING_HELD_AT_EXIT};

	for (uint32_t kind = 0; kind < CAPTURE_FACT_KINDS; kind++) {
		struct two_locks t = two_locks();

		for (int twice = 0; twice < 2; twice++) {
			struct capture_fact *fact = capture_add_fact(t.c);

			fact->kind = kind;
			fact->class = t.b;
			fact->addr = 0x10;
		}
		assert_one(t.c, rules[kind], FINDING_CERTAIN, "b");
		capture_free(t.c);
	}
}

/* The recorder's word and the graph's on the same thing are one finding. */
static void test_fact_and_edge_are_one(void **state)
{
	struct two_locks t = two_locks();
	struct capture_fact *fact = capture_add_fact(t.c);

	t.c->classes[t.b].family = LV_MUTEX;
	case_edge(t.c, t.a, t.b, LV_DEP_EN, LV_NONE);
	fact->kind = CAPTURE_WAIT_CONTEXT;
	fact->class = t.b;
	fact->class2 = t.a;
	assert_one(t.c, FINDING_WAIT_CONTEXT, FINDING_CERTAIN, "a b");
	capture_free(t.c);
}

static void test_bad_captures(void **state)
{
	struct findings *f = NULL;
	struct two_locks t = two_locks();
	uint32_t edge = case_edge(t.c, t.a, t.b, LV_DEP_EN, LV_NONE);

	t.c->edges[edge].to = 2;
	assert_int_equal(finding_analyse(t.c, &f), -EINVAL);
	t.c->edges[edge].to = LV_NONE;
	assert_int_equal(finding_analyse(t.c, &f), -EINVAL);
	t.c->edges[edge].to = t.b;
	t.c->edges[edge].dep = 0;
	assert_int_equal(finding_analyse(t.c, &f), -EINVAL);
	t.c->edges[edge].dep = LV_DEP_EN;
	capture_add_fact(t.c); /* class LV_NONE */
	assert_int_equal(finding_analyse(t.c, &f), -EINVAL);
	assert_null(f);
	capture_free(t.c);
}

static void test_empty_capture(void **state)
{
	struct capture *c = capture_new();

	assert_silent(c);
	capture_free(c);
	findings_free(NULL);
}

/* Far more heads than are listed: the rest is counted. */
static void test_many_heads_are_counted(void **state)
{
	struct capture *c = case_new();
	uint32_t unsafe = case_class(c, "unsafe", LV_SPIN);
	struct findings *f;
	char name[16];

	case_use(c, unsafe, LV_ENABLED_HARDIRQ, 0, LV_NONE);
	case_use(c, unsafe, LV_ENABLED_SOFTIRQ, 0, LV_NONE);
	for (int i = 0; i < 200; i++) {
		uint32_t safe;

		snprintf(name, sizeof(name), "safe%03d", i);
		safe = case_class(c, name, LV_SPIN);
		case_use(c, safe, i % 2 ? LV_USED_IN_SOFTIRQ : LV_USED_IN_HARDIRQ, 0, LV_NONE);
		case_edge(c, safe, unsafe, LV_DEP_EN, LV_NONE);
	}
	f = analyse(c);
	assert_int_equal(f->nr, 1);
	assert_int_equal(1 + f->items[0].nr_also + f->items[0].nr_more, 200);
	findings_free(f);
	capture_free(c);
}

/* S -> U -> V, both ends unsafe: one dependency is wrong, one finding says so. */
static void test_beyond_an_unsafe_class(void **state)
{
	struct two_locks t = two_locks();
	uint32_t v = case_class(t.c, "v", LV_SPIN);
	struct findings *f;

	case_use(t.c, t.a, LV_USED_IN_HARDIRQ, 0, LV_NONE);
	case_use(t.c, t.b, LV_ENABLED_HARDIRQ, 0, LV_NONE);
	case_use(t.c, v, LV_ENABLED_HARDIRQ, 0, LV_NONE);
	case_edge(t.c, t.a, t.b, LV_DEP_EN, LV_NONE);
	case_edge(t.c, t.b, v, LV_DEP_EN, LV_NONE);
	f = analyse(t.c);
	assert_int_equal(f->nr, 1);
	assert_chain(t.c, &f->items[0].chain, "a b");
	assert_int_equal(f->items[0].nr_beyond, 1);
	assert_int_equal(f->items[0].beyond[0], v);
	findings_free(f);
	/* A way of its own makes it a finding of its own. */
	case_edge(t.c, t.a, v, LV_DEP_EN, LV_NONE);
	f = analyse(t.c);
	assert_int_equal(f->nr, 2);
	assert_int_equal(f->items[0].nr_beyond + f->items[1].nr_beyond, 0);
	findings_free(f);
	capture_free(t.c);
}

static struct suppressions *parse(const char *text)
{
	struct suppress_error error;
	struct suppressions *s;

	assert_int_equal(suppress_parse(text, strlen(text), &s, &error), 0);
	return s;
}

static void test_suppress(void **state)
{
	struct capture *c = case_founding(&(struct case_founding){.no_cancel = true});
	struct findings *f = analyse(c);
	struct suppressions *s = parse("# known\n"
				       "irq-inversion: *.fd_wqh --> &ctx->fault* ; one chain\n"
				       "circular: ... ; nothing like this\n");

	suppress_apply(s, c, f);
	/* The shorter chain is suppressed, so the longer one comes first. */
	assert_int_equal(suppress_count(f), 0);
	assert_int_equal(findings_shown(f, FINDING_LIKELY), 1);
	assert_chain(c, &f->items[0].chain,
		     "kioctx.ctx_lock userfaultfd_ctx.fd_wqh userfaultfd_ctx.fault_pending_wqh");
	assert_int_equal(s->items[0].hits, 1);
	assert_int_equal(s->items[1].hits, 0);
	suppressions_free(s);
	s = parse("*: ... --> userfaultfd_ctx.fault_pending_wqh ; all of it");
	suppress_apply(s, c, f);
	assert_int_equal(suppress_count(f), 1);
	assert_int_equal(findings_shown(f, FINDING_WEAK), 0);
	assert_int_equal(f->items[0].suppressed_by, 0);
	assert_int_equal(s->items[0].hits, 2);
	suppressions_free(s);
	findings_free(f);
	capture_free(c);
}

/* Entries against a chain "a b c d" of a cycle. */
static void test_suppress_fits(void **state)
{
	static const struct {
		const char *locks;
		bool fits;
	} cases[] = {
		{"a --> b --> c --> d", true},
		{"c --> d --> a --> b", true}, /* a cycle begins anywhere */
		{"a --> b --> c", false},
		{"a --> c --> b --> d", false},
		{"...", true},
		{"... --> ...", true},
		{"b --> ...", true},
		{"... --> b --> ... --> d --> ...", true},
		{"e --> ...", false},
		{"? --> * --> ?* --> d", true},
		{"?? --> * --> * --> *", false},
		{"a --> ... --> b --> c --> d --> ...", true},
	};
	struct capture *c = case_new();

	for (int i = 0; i < 4; i++)
		case_class(c, (char[]){(char)('a' + i), '\0'}, LV_SPIN);
	for (uint32_t i = 0; i < 4; i++)
		case_edge(c, i, (i + 1) % 4, LV_DEP_EN, LV_NONE);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct findings *f = analyse(c);
		struct suppressions *s;
		char text[128];

		snprintf(text, sizeof(text), "circular: %s ; test", cases[i].locks);
		s = parse(text);
		suppress_apply(s, c, f);
		assert_int_equal(suppress_count(f), cases[i].fits);
		suppressions_free(s);
		findings_free(f);
	}
	capture_free(c);
}

static void test_suppress_errors(void **state)
{
	static const struct {
		const char *text;
		uint32_t line;
		const char *error;
	} cases[] = {
		{"circular a ; r", 1, "no ':' after the rule"},
		{"# ok\n\n  deadlocks: a ; r\n", 3, "no such rule"},
		{": a ; r", 1, "no such rule"},
		{"circular: a --> b", 1, "no ';' and reason after the locks"},
		{"circular: a ; r\ncircular: b ;  \t\r\n", 2, "the reason is missing"},
		{"circular: ; r", 1, "a lock's name is missing"},
		{"circular: a --> --> b ; r", 1, "a lock's name is missing"},
		{"circular: a --> ; r", 1, "a lock's name is missing"},
		{"circular: a\033[2J ; r", 1, "a control character"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct suppress_error error = {0};
		struct suppressions *s = NULL;

		assert_int_equal(suppress_parse(cases[i].text, strlen(cases[i].text), &s, &error),
				 -EINVAL);
		assert_int_equal(error.line, cases[i].line);
		assert_string_equal(error.text, cases[i].error);
		assert_null(s);
	}
}

static void test_suppress_limits(void **state)
{
	struct suppress_error error;
	struct suppressions *s = NULL;
	char *text = calloc(1, 10000);

	memset(text, 'x', 9999);
	assert_int_equal(suppress_parse(text, 9999, &s, &error), -EINVAL);
	strcpy(text, "circular: a");
	for (int i = 0; i < 64; i++)
		strcat(text, " --> a");
	strcat(text, " ; r");
	assert_int_equal(suppress_parse(text, strlen(text), &s, &error), -EINVAL);
	assert_string_equal(error.text, "more than 64 locks in an entry");
	s = parse("");
	assert_int_equal(s->nr, 0);
	suppressions_free(s);
	suppressions_free(NULL);
	free(text);
}

/* A ring is one finding, wherever it was begun; it is as sure as what is seen. */
static void test_deadlock(void **state)
{
	char id[FINDING_ID_LEN] = "";

	for (int start = 0; start < 3; start++) {
		struct capture *c = case_new();
		struct findings *f;

		for (int i = 0; i < 3; i++)
			case_class(c, (char[]){'a' + i, '\0'}, LV_MUTEX);
		c->classes[1].certainty = CAPTURE_AMBIGUOUS;
		for (int i = 0; i < 3; i++)
			case_wait(c, 7, (start + i) % 3, 0x100 + i, LV_NONE);
		case_wait(c, 8, 2, 0x200, LV_NONE); /* and a task alone */
		assert_int_equal(finding_analyse(c, &f), 0);
		assert_int_equal(f->nr, 2);
		assert_int_equal(f->items[0].rule, FINDING_DEADLOCK);
		assert_int_equal(f->items[0].confidence, FINDING_OBSERVED);
		assert_int_equal(f->items[0].chain.nr_classes, 3);
		for (uint32_t i = 0; i < 3; i++)
			assert_int_equal(f->items[0].chain.classes[i], i);
		assert_int_equal(f->items[1].chain.nr_classes, 1);
		assert_int_equal(f->items[1].ring, 3);
		assert_true(!id[0] || !strcmp(id, f->items[0].id));
		memcpy(id, f->items[0].id, sizeof(id));
		findings_free(f);
		capture_free(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deadlock),
		cmocka_unit_test(test_founding),
		cmocka_unit_test(test_founding_without_cancel),
		cmocka_unit_test(test_founding_fixed),
		cmocka_unit_test(test_id_is_stable),
		cmocka_unit_test(test_id_knows_the_kernel),
		cmocka_unit_test(test_fingerprint),
		cmocka_unit_test(test_sightings),
		cmocka_unit_test(test_fingerprint_of_a_whole_chain),
		cmocka_unit_test(test_hard_and_soft_are_one),
		cmocka_unit_test(test_abba_kinds),
		cmocka_unit_test(test_abba_instances),
		cmocka_unit_test(test_joining_edge_is_chosen),
		cmocka_unit_test(test_circular_id_ignores_direction_of_recording),
		cmocka_unit_test(test_cycles_of_one_dependency_are_one),
		cmocka_unit_test(test_cycles_do_not_hide_each_other),
		cmocka_unit_test(test_weak_cycle_does_not_unfold),
		cmocka_unit_test(test_locks_of_one_fault_are_one_finding),
		cmocka_unit_test(test_locks_beside_a_fault_are_their_own),
		cmocka_unit_test(test_one_wrong_edge_is_few_findings),
		cmocka_unit_test(test_ambiguous_does_not_mask_exact),
		cmocka_unit_test(test_exact_inversion_is_preferred),
		cmocka_unit_test(test_inferred_and_hidden_are_likely),
		cmocka_unit_test(test_readers_are_weak_where_releases_get_lost),
		cmocka_unit_test(test_stacks_are_weak_where_unlocks_are_hidden),
		cmocka_unit_test(test_cycle_through_self_nesting_is_weak),
		cmocka_unit_test(test_inconsistent_pairs),
		cmocka_unit_test(test_inconsistent_instance),
		cmocka_unit_test(test_inversion_kinds),
		cmocka_unit_test(test_hard_does_not_meet_soft),
		cmocka_unit_test(test_rt_judges_raw_locks_only),
		cmocka_unit_test(test_recursive),
		cmocka_unit_test(test_wait_context),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_fact_and_edge_are_one),
		cmocka_unit_test(test_bad_captures),
		cmocka_unit_test(test_empty_capture),
		cmocka_unit_test(test_many_heads_are_counted),
		cmocka_unit_test(test_beyond_an_unsafe_class),
		cmocka_unit_test(test_suppress),
		cmocka_unit_test(test_suppress_fits),
		cmocka_unit_test(test_suppress_errors),
		cmocka_unit_test(test_suppress_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
