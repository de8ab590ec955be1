// SPDX-License-Identifier: GPL-2.0-only
/* One finding's part of a capture: smaller, and the same finding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "knowledge/excerpt.h"
#include "report/report.h"
#include "test_finding_cases.h"

static void check(const struct capture *c, const struct finding *f)
{
	struct excerpt e;

	assert_int_equal(excerpt_make(c, f, &e), 0);
	assert_string_equal(e.f.id, f->id);
	assert_int_equal(e.f.chain.nr_classes, f->chain.nr_classes);
	for (uint32_t i = 0; i < f->chain.nr_classes; i++)
		assert_string_equal(e.c.classes[e.f.chain.classes[i]].name,
				    c->classes[f->chain.classes[i]].name);
	for (uint32_t i = 0; i < f->chain.nr_edges; i++) {
		const struct capture_edge *from = &c->edges[f->chain.edges[i]];
		const struct capture_edge *to = &e.c.edges[e.f.chain.edges[i]];

		assert_int_equal(from->stack, to->stack);
		assert_string_equal(e.c.classes[to->from].name, c->classes[from->from].name);
		assert_string_equal(e.c.classes[to->to].name, c->classes[from->to].name);
	}
	assert_int_equal(e.f.nr_also, f->nr_also);
	assert_true(e.c.nr_classes < c->nr_classes);
	excerpt_done(&e);
}

static void test_founding(void **state)
{
	struct case_founding how = { .no_cancel = true };
	struct capture *c = case_founding(&how);
	struct findings *all;

	/* Others that have nothing to do with it, on both sides. */
	case_edge(c, case_class(c, "other", LV_SPIN), case_class(c, "another", LV_SPIN), LV_DEP_EN,
		  LV_NONE);
	assert_int_equal(finding_analyse(c, &all), 0);
	assert_true(all->nr > 0);
	for (uint32_t i = 0; i < all->nr; i++)
		check(c, &all->items[i]);
	findings_free(all);
	capture_free(c);
}

static void test_json(void **state)
{
	struct case_founding how = {};
	struct capture *c = case_founding(&how);
	struct findings *all, one = { .nr = 1 };
	struct report_opts opts = REPORT_OPTS_DEFAULT;
	struct excerpt e;
	char *text = NULL;
	size_t len;
	FILE *out;

	case_class(c, "a stranger", LV_SPIN);
	assert_int_equal(finding_analyse(c, &all), 0);
	assert_int_equal(excerpt_make(c, &all->items[0], &e), 0);
	out = open_memstream(&text, &len);
	one.items = &e.f;
	assert_int_equal(report_json(out, &e.c, &one, &opts), 0);
	fclose(out);
	assert_non_null(strstr(text, "userfaultfd_ctx.fd_wqh"));
	assert_non_null(strstr(text, "free_ioctx_users"));
	assert_null(strstr(text, "a stranger"));
	free(text);
	excerpt_done(&e);
	findings_free(all);
	capture_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_founding),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
