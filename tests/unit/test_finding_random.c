// SPDX-License-Identifier: GPL-2.0-only
/*
 * Small random captures, judged by definitions written out plainly: what
 * finding_analyse() says must be those, and a watch must agree with it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "finding/fault.h"
#include "finding/finding.h"
#include "finding/watch.h"
#include "test_finding_cases.h"
#include "test_random.h"

#define MAX_CLASSES 6
#define MAX_EDGES 14
#define ROUNDS 6000

static struct capture *random_capture(bool graded)
{
	struct capture *c = case_new();
	uint32_t nr = 2 + draw(MAX_CLASSES - 1);
	char name[16];

	for (uint32_t i = 0; i < nr; i++) {
		/* names in no order of the indices */
		snprintf(name, sizeof(name), "%c%u", 'a' + (char)draw(26), i);
		case_class(c, name, LV_RWLOCK);
		if (graded)
			c->classes[i].certainty = draw(4) ? 0 : draw(3);
		for (uint32_t n = draw(3); n; n--) {
			uint32_t bit = draw(LV_USAGES);

			case_use(c, i, bit, draw(3) * 16, LV_NONE);
		}
	}
	for (uint32_t n = draw(MAX_EDGES); n; n--) {
		uint32_t from = draw(nr), to = draw(nr);

		uint32_t edge, addr;

		if (from == to)
			continue;
		edge = case_edge(c, from, to, BIT(draw(4)), LV_NONE);
		addr = draw(3) * 16;
		case_instances(c, edge, addr, draw(3) * 16);
	}
	return c;
}

static bool is_r(const struct capture_edge *e)
{
	return e->dep & (LV_DEP_SR | LV_DEP_ER);
}

static bool is_s(const struct capture_edge *e)
{
	return e->dep & (LV_DEP_SR | LV_DEP_SN);
}

/* reach[a][b]: edges on the shortest strong path that begins with a and ends with b. */
struct paths {
	uint32_t reach[MAX_EDGES][MAX_EDGES];
};

#define NO_KIND 8
#define ANY_ON 0xcc

/*
 * Is there an inversion, in this kind of irq (0 hard, 4 soft), that ends between
 * these two edges already? What goes on from it is no finding of its own.
 */
static bool ends_between(const struct capture *c, uint32_t before, uint32_t after, uint32_t kind)
{
	uint32_t on = c->classes[c->edges[before].to].usage >> kind;

	if (kind == NO_KIND)
		return false;
	return (on & 4) || ((on & 8) && is_s(&c->edges[after]));
}

static void find_paths(const struct capture *c, uint32_t grade, uint32_t kind, struct paths *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (uint32_t a = 0; a < c->nr_edges; a++) {
		if (c->classes[c->edges[a].from].certainty > grade ||
		    c->classes[c->edges[a].to].certainty > grade)
			continue;
		ret->reach[a][a] = 1;
		for (uint32_t round = 1; round <= c->nr_edges; round++)
			for (uint32_t b = 0; b < c->nr_edges; b++)
				for (uint32_t d = 0; ret->reach[a][b] == round && d < c->nr_edges;
				     d++)
					if (!ret->reach[a][d] &&
					    c->edges[b].to == c->edges[d].from &&
					    c->classes[c->edges[d].to].certainty <= grade &&
					    !ends_between(c, b, d, kind) &&
					    !(is_r(&c->edges[b]) && is_s(&c->edges[d])))
						ret->reach[a][d] = round + 1;
	}
}

/* Edges on the shortest chain by which a safe class reaches an unsafe one; 0: none. */
static uint32_t inversion(const struct capture *c, const struct paths *by_kind, uint32_t safe,
			  uint32_t unsafe)
{
	uint32_t best = 0;

	for (uint32_t a = 0; a < c->nr_edges; a++)
		for (uint32_t b = 0; b < c->nr_edges; b++)
			for (uint32_t kind = 0; kind < 8; kind += 4) {
				const struct paths *p = &by_kind[kind / 4];
				uint32_t in = c->classes[safe].usage >> kind;
				uint32_t on = c->classes[unsafe].usage >> kind;
				bool fits_in = (in & 1) || ((in & 2) && !is_s(&c->edges[a]));
				bool fits_on = (on & 4) || ((on & 8) && !is_r(&c->edges[b]));

				if (c->edges[a].from != safe || c->edges[b].to != unsafe ||
				    !p->reach[a][b] || !fits_in || !fits_on)
					continue;
				if (!best || p->reach[a][b] < best)
					best = p->reach[a][b];
			}
	return best;
}

/* Is the edge on a strong path that closes? */
static bool on_cycle(const struct capture *c, const struct paths *p, uint32_t edge)
{
	for (uint32_t b = 0; b < c->nr_edges; b++)
		if (p->reach[edge][b] && c->edges[b].to == c->edges[edge].from &&
		    !(is_r(&c->edges[b]) && is_s(&c->edges[edge])))
			return true;
	return false;
}

static const struct finding *inversion_of(const struct findings *f, uint32_t unsafe)
{
	for (uint32_t i = 0; i < f->nr; i++) {
		const struct finding_chain *chain = &f->items[i].chain;

		if (f->items[i].rule == FINDING_IRQ_INVERSION &&
		    chain->classes[chain->nr_classes - 1] == unsafe)
			return &f->items[i];
	}
	return NULL;
}

static const struct finding_chain *chain_from(const struct finding *f, uint32_t safe)
{
	if (!f || f->chain.classes[0] == safe)
		return f ? &f->chain : NULL;
	for (uint32_t i = 0; i < f->nr_also; i++)
		if (f->also[i].classes[0] == safe)
			return &f->also[i];
	return NULL;
}

/* The chain's own words: strong, and its ends' usages fit its ends' edges. */
static void check_evidence(const struct capture *c, const struct finding_chain *chain, bool closed)
{
	uint32_t last = chain->nr_edges - 1;

	assert_int_equal(chain->nr_edges, chain->nr_classes - !closed);
	for (uint32_t i = 0; i < chain->nr_edges; i++) {
		const struct capture_edge *e = &c->edges[chain->edges[i]];
		const struct capture_edge *next = &c->edges[chain->edges[i < last ? i + 1 : 0]];

		assert_int_equal(e->from, chain->classes[i]);
		assert_int_equal(e->to, chain->classes[(i + 1) % chain->nr_classes]);
		if (i < last || closed)
			assert_false(is_r(e) && is_s(next));
	}
	if (closed)
		return;
	assert_true(c->classes[chain->classes[0]].usage & BIT(chain->safe));
	assert_true(c->classes[chain->classes[last + 1]].usage & BIT(chain->unsafe));
	assert_int_equal(chain->safe / 4, chain->unsafe / 4);
	assert_false((chain->safe & 1) && is_s(&c->edges[chain->edges[0]]));
	assert_false((chain->unsafe & 1) && is_r(&c->edges[chain->edges[last]]));
}

static bool is_beyond(const struct findings *f, uint32_t class)
{
	for (uint32_t i = 0; i < f->nr; i++)
		for (uint32_t j = 0; j < f->items[i].nr_beyond; j++)
			if (f->items[i].beyond[j] == class)
				return true;
	return false;
}

/* By grade: paths that pass no end of an inversion, hard and soft, and all paths. */
struct all_paths {
	struct paths own[3][2];
	struct paths any[3][2];
};

static void check_inversion(const struct capture *c, const struct findings *f,
			    const struct all_paths *p, uint32_t safe, uint32_t unsafe)
{
	const struct finding *found = inversion_of(f, unsafe);
	const struct finding_chain *chain = chain_from(found, safe);
	uint32_t want = 0;

	for (uint32_t grade = 0; !want && grade < 3; grade++)
		want = inversion(c, p->own[grade], safe, unsafe);
	assert_int_equal(chain ? chain->nr_edges : 0, want);
	if (chain)
		check_evidence(c, chain, false);
	/*
	 * Nothing is hidden: it is a finding, or named with one. A safe class
	 * that is unsafe too is one itself.
	 */
	if (inversion(c, p->any[2], safe, unsafe) && !(c->classes[safe].usage & ANY_ON))
		assert_true(found || is_beyond(f, unsafe));
	assert_false(found && is_beyond(f, unsafe));
}

static void check_inversions(const struct capture *c, const struct findings *f)
{
	static struct all_paths p;

	for (uint32_t grade = 0; grade < 3; grade++)
		for (uint32_t kind = 0; kind < 2; kind++) {
			find_paths(c, grade, kind * 4, &p.own[grade][kind]);
			find_paths(c, grade, NO_KIND, &p.any[grade][kind]);
		}
	for (uint32_t unsafe = 0; unsafe < c->nr_classes; unsafe++)
		for (uint32_t safe = 0; safe < c->nr_classes; safe++)
			if (safe != unsafe)
				check_inversion(c, f, &p, safe, unsafe);
}

static bool in_chain(const struct capture *c, const struct finding_chain *chain, uint32_t edge)
{
	for (uint32_t i = 0; i < chain->nr_edges; i++)
		if (c->edges[chain->edges[i]].from == c->edges[edge].from &&
		    c->edges[chain->edges[i]].to == c->edges[edge].to)
			return true;
	return false;
}

static bool in_some_cycle(const struct capture *c, const struct findings *f, uint32_t edge)
{
	for (uint32_t i = 0; i < f->nr; i++) {
		if (f->items[i].rule != FINDING_CIRCULAR)
			continue;
		if (in_chain(c, &f->items[i].chain, edge))
			return true;
		for (uint32_t j = 0; j < f->items[i].nr_also; j++)
			if (in_chain(c, &f->items[i].also[j], edge))
				return true;
	}
	return false;
}

/* Every dependency that lies on a strong cycle is named by a finding. */
static void check_cycles(const struct capture *c, const struct findings *f)
{
	struct paths p;
	bool any = false, found = false;

	find_paths(c, CAPTURE_AMBIGUOUS, NO_KIND, &p);
	for (uint32_t e = 0; e < c->nr_edges; e++) {
		bool cyclic = on_cycle(c, &p, e);

		any |= cyclic;
		if (cyclic)
			assert_true(in_some_cycle(c, f, e));
	}
	for (uint32_t i = 0; i < f->nr; i++) {
		if (f->items[i].rule != FINDING_CIRCULAR)
			continue;
		found = true;
		check_evidence(c, &f->items[i].chain, true);
	}
	assert_int_equal(found, any);
}

static void test_against_definitions(void **state)
{
	uint32_t inversions = 0, cycles = 0, silent = 0;

	seed = 5201;
	for (int round = 0; round < ROUNDS; round++) {
		struct capture *c = random_capture(round % 2);
		struct findings *f;

		assert_int_equal(finding_analyse(c, &f), 0);
		check_inversions(c, f);
		check_cycles(c, f);
		for (uint32_t i = 0; i < f->nr; i++) {
			inversions += f->items[i].rule == FINDING_IRQ_INVERSION;
			cycles += f->items[i].rule == FINDING_CIRCULAR;
			for (uint32_t j = 0; j < i; j++)
				assert_string_not_equal(f->items[i].id, f->items[j].id);
		}
		silent += !f->nr;
		findings_free(f);
		capture_free(c);
	}
	print_message("%u inversions, %u cycles, %u silent\n", inversions, cycles, silent);
	assert_true(inversions > ROUNDS / 10 && cycles > ROUNDS / 10 && silent > ROUNDS / 10);
}

/* The same things recorded in another order: same ids, same chains. */
static struct capture *shuffled(const struct capture *c, uint32_t *at)
{
	struct capture *copy = case_new();
	uint32_t nr = (uint32_t)c->nr_classes, edges[MAX_EDGES];

	for (uint32_t i = 0; i < nr; i++)
		at[i] = i;
	for (uint32_t i = 0; i < nr; i++) {
		uint32_t j = draw(nr), kept = at[i];

		at[i] = at[j];
		at[j] = kept;
	}
	for (uint32_t i = 0; i < nr; i++) {
		const struct capture_class *from = NULL;
		uint32_t added;

		for (uint32_t j = 0; j < nr; j++)
			from = at[j] == i ? &c->classes[j] : from;
		added = case_class(copy, from->name, from->family);
		copy->classes[added].certainty = from->certainty;
		copy->classes[added].usage = from->usage;
		memcpy(copy->classes[added].usage_addr, from->usage_addr, sizeof(from->usage_addr));
	}
	for (uint32_t i = 0; i < c->nr_edges; i++)
		edges[i] = i;
	for (uint32_t i = 0; i < c->nr_edges; i++) {
		uint32_t j = draw((uint32_t)c->nr_edges), kept = edges[i];

		edges[i] = edges[j];
		edges[j] = kept;
	}
	for (uint32_t i = 0; i < c->nr_edges; i++) {
		const struct capture_edge *e = &c->edges[edges[i]];

		case_instances(copy, case_edge(copy, at[e->from], at[e->to], e->dep, LV_NONE),
			       e->from_addr, e->to_addr);
	}
	return copy;
}

static void test_order_does_not_matter(void **state)
{
	seed = 77;
	for (int round = 0; round < ROUNDS / 4; round++) {
		struct capture *c = random_capture(round % 2), *other;
		struct findings *f, *g;
		uint32_t at[MAX_CLASSES];

		other = shuffled(c, at);
		assert_int_equal(finding_analyse(c, &f), 0);
		assert_int_equal(finding_analyse(other, &g), 0);
		assert_int_equal(f->nr, g->nr);
		for (uint32_t i = 0; i < f->nr; i++) {
			assert_string_equal(f->items[i].id, g->items[i].id);
			assert_int_equal(f->items[i].confidence, g->items[i].confidence);
			assert_int_equal(f->items[i].chain.nr_classes,
					 g->items[i].chain.nr_classes);
			for (uint32_t j = 0; j < f->items[i].chain.nr_classes; j++)
				assert_int_equal(at[f->items[i].chain.classes[j]],
						 g->items[i].chain.classes[j]);
		}
		findings_free(f);
		findings_free(g);
		capture_free(c);
		capture_free(other);
	}
}

static bool has_id(const struct findings *f, const struct finding *wanted)
{
	for (uint32_t i = 0; i < f->nr; i++)
		if (!strcmp(f->items[i].id, wanted->id))
			return true;
	return false;
}

static bool comes_twice(const struct finding_chain *chain)
{
	for (uint32_t i = 0; i < chain->nr_classes; i++)
		for (uint32_t j = 0; j < i; j++)
			if (chain->classes[i] == chain->classes[j])
				return true;
	return false;
}

/*
 * The grade of the surest chain told. One through a class twice is told weak
 * where another of its length, met later by the watch, may be sure.
 */
static uint8_t best_grade(const struct findings *f, const struct finding *wanted)
{
	uint8_t best = UINT8_MAX;

	for (uint32_t i = 0; i < f->nr; i++) {
		if (strcmp(f->items[i].id, wanted->id))
			continue;
		if (comes_twice(&f->items[i].chain))
			return CAPTURE_EXACT;
		if (f->items[i].chain.grade < best)
			best = f->items[i].chain.grade;
	}
	return best;
}

static bool has_rule(const struct findings *f, enum finding_rule rule)
{
	for (uint32_t i = 0; i < f->nr; i++)
		if (f->items[i].rule == rule)
			return true;
	return false;
}

/* Builds the capture again event by event, in a random order, telling a watch. */
static struct findings *watched(const struct capture *c)
{
	struct findings *told = calloc(1, sizeof(*told));
	struct capture *growing = case_new();
	struct finding_watch *w;
	uint32_t next_edge = 0;

	assert_int_equal(finding_watch_new(growing, &w), 0);
	for (uint32_t i = 0; i < c->nr_classes; i++) {
		case_class(growing, c->classes[i].name, c->classes[i].family);
		growing->classes[i].certainty = c->classes[i].certainty;
		if (draw(2))
			growing->classes[i].usage = c->classes[i].usage;
		assert_int_equal(finding_watch_class(w, i, told), 0);
	}
	for (int step = 0; step < 60 || next_edge < c->nr_edges; step++) {
		uint32_t class = draw((uint32_t)c->nr_classes);

		if (draw(2) && next_edge < c->nr_edges) {
			const struct capture_edge *e = &c->edges[next_edge++];
			uint32_t added = case_edge(growing, e->from, e->to, e->dep, LV_NONE);

			case_instances(growing, added, e->from_addr, e->to_addr);
			assert_int_equal(finding_watch_edge(w, added, told), 0);
		}
		growing->classes[class].usage |= c->classes[class].usage & BIT(draw(LV_USAGES));
		assert_int_equal(finding_watch_usage(w, class, told), 0);
	}
	for (uint32_t i = 0; i < c->nr_classes; i++) {
		growing->classes[i].usage = c->classes[i].usage;
		assert_int_equal(finding_watch_usage(w, i, told), 0);
	}
	finding_watch_free(w);
	capture_free(growing);
	return told;
}

static void test_watch_agrees(void **state)
{
	seed = 4242;
	for (int round = 0; round < ROUNDS; round++) {
		struct capture *c = random_capture(round % 2);
		struct findings *told = watched(c), *f;

		assert_int_equal(finding_analyse(c, &f), 0);
		for (uint32_t i = 0; i < f->nr; i++) {
			if (f->items[i].rule == FINDING_CIRCULAR)
				continue;
			assert_true(has_id(told, &f->items[i]));
			/* told as surely as it ends up to be */
			if (f->items[i].rule == FINDING_IRQ_INVERSION)
				assert_true(best_grade(told, &f->items[i]) <=
					    f->items[i].chain.grade);
		}
		/* What was told stays true, though it may lie beyond another by now. */
		for (uint32_t i = 0; i < told->nr; i++) {
			const struct finding_chain *chain = &told->items[i].chain;

			if (told->items[i].rule != FINDING_CIRCULAR && !comes_twice(chain))
				assert_true(has_id(f, &told->items[i]) ||
					    is_beyond(f, chain->classes[chain->nr_classes - 1]));
		}
		assert_int_equal(has_rule(told, FINDING_CIRCULAR), has_rule(f, FINDING_CIRCULAR));
		findings_free(told);
		findings_free(f);
		capture_free(c);
	}
}

static void tell_class(struct finding_watch *w, uint32_t class, struct findings *told)
{
	assert_int_equal(finding_watch_class(w, class, told), 0);
}

static void tell_edge(struct finding_watch *w, struct capture *c, uint32_t from, uint32_t to,
		      struct findings *told)
{
	uint32_t edge = case_edge(c, from, to, LV_DEP_EN, LV_NONE);

	assert_int_equal(finding_watch_edge(w, edge, told), 0);
}

static void tell_use(struct finding_watch *w, struct capture *c, uint32_t class, enum lv_usage bit,
		     struct findings *told)
{
	case_use(c, class, bit, 0, LV_NONE);
	assert_int_equal(finding_watch_usage(w, class, told), 0);
}

/* What a class held over page faults closes is told once, whatever the faults take. */
static void test_watch_tells_faults_once(void **state)
{
	struct capture *c = case_new();
	struct findings *told = calloc(1, sizeof(*told));
	struct finding_watch *w;
	enum { LOCK, PAGE, DATA, OTHER };
	uint32_t outside = case_stack(c, "filler", 7, "filler_ioctl+0x10/0x90");
	uint32_t inside = case_stack(c, "filler", 7,
				     "handle_mm_fault+0xb3/0x2d0|asm_exc_page_fault+0x26/0x30|"
				     "filler_ioctl+0x2c/0x90");

	assert_int_equal(finding_watch_new(c, &w), 0);
	for (uint32_t i = LOCK; i <= OTHER; i++) {
		case_class(c, (char[]){(char)('a' + i), '\0'}, LV_MUTEX);
		tell_class(w, i, told);
	}
	for (uint32_t i = PAGE; i <= OTHER; i++) {
		uint32_t edge = case_edge(c, LOCK, i, LV_DEP_EN, i < OTHER ? inside : outside);

		c->edges[edge].from_stack = outside;
		assert_int_equal(finding_watch_edge(w, edge, told), 0);
	}
	tell_edge(w, c, PAGE, LOCK, told);
	assert_int_equal(told->nr, 1);
	tell_edge(w, c, DATA, LOCK, told);
	assert_int_equal(told->nr, 1);
	tell_edge(w, c, OTHER, LOCK, told);
	assert_int_equal(told->nr, 2);
	finding_watch_free(w);
	findings_free(told);
	capture_free(c);
}

/* The answer is kept, but not beyond what is seen next. */
static void test_faults_are_asked_again(void **state)
{
	struct capture *c = case_new();
	struct finding_model *m;
	uint32_t outside = case_stack(c, "filler", 7, "filler_ioctl+0x10/0x90");
	uint32_t inside = case_stack(c, "filler", 7, "asm_exc_page_fault+0x26/0x30|filler_ioctl+0x2c/0x90");
	uint32_t edge;

	assert_int_equal(finding_model_new(c, &m), 0);
	for (uint32_t i = 0; i < 2; i++) {
		case_class(c, (char[]){(char)('a' + i), '\0'}, LV_MUTEX);
		assert_int_equal(finding_model_add_class(m, i), 0);
	}
	for (uint32_t i = 0; i < 2; i++) {
		edge = case_edge(c, 0, 1, LV_DEP_EN, i ? outside : inside);
		c->edges[edge].from_stack = outside;
		assert_true(finding_model_add_edge(m, edge, &edge) >= 0);
		assert_int_equal(fault_is_all_of(m, edge), !i);
		assert_int_equal(fault_is_all_of(m, edge), !i);
	}
	finding_model_free(m);
	capture_free(c);
}

static void test_watch_knows_the_event(void **state)
{
	struct capture *c = case_new();
	struct findings *told = calloc(1, sizeof(*told));
	struct finding_watch *w;
	enum { A, B, C, D };

	assert_int_equal(finding_watch_new(c, &w), 0);
	for (uint32_t i = A; i <= D; i++) {
		case_class(c, (char[]){(char)('a' + i), '\0'}, LV_SPIN);
		tell_class(w, i, told);
	}
	tell_edge(w, c, A, B, told);
	tell_use(w, c, B, LV_ENABLED_SOFTIRQ, told);
	assert_int_equal(told->nr, 0);
	tell_use(w, c, A, LV_USED_IN_SOFTIRQ, told);
	assert_int_equal(told->nr, 1);
	assert_int_equal(told->items[0].event, FINDING_BY_SAFE_USE);
	tell_edge(w, c, A, C, told);
	tell_use(w, c, D, LV_ENABLED_SOFTIRQ, told);
	assert_int_equal(told->nr, 1);
	tell_edge(w, c, C, D, told);
	assert_int_equal(told->nr, 2);
	assert_int_equal(told->items[1].event, FINDING_BY_EDGE);
	assert_int_equal(told->items[1].event_edge, 1);
	tell_edge(w, c, D, A, told);
	assert_int_equal(told->nr, 3);
	assert_int_equal(told->items[2].rule, FINDING_CIRCULAR);
	assert_int_equal(told->items[2].event, FINDING_BY_EDGE);
	assert_int_equal(told->items[2].event_edge, 2);
	assert_int_equal(finding_watch_usage(w, 4, told), -EINVAL);
	assert_int_equal(finding_watch_edge(w, 4, told), -EINVAL);
	assert_true(finding_watch_memory(w) > 0);
	finding_watch_free(w);
	finding_watch_free(NULL);
	findings_free(told);
	capture_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_definitions),
		cmocka_unit_test(test_order_does_not_matter),
		cmocka_unit_test(test_watch_agrees),
		cmocka_unit_test(test_watch_knows_the_event),
		cmocka_unit_test(test_watch_tells_faults_once),
		cmocka_unit_test(test_faults_are_asked_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
