// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attach all hooks, arm, disarm and detach, again and again, by the code that lockvane traces
 * with. The programs are loaded once: the verifier is most of a run, and has no part in this.
 * Each time all hooks must fire while they are armed, be silent when not, and be gone after.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <bpf/bpf.h>

#include "capture/tables.h"
#include "kernel/features.h"
#include "kernel/kbtf.h"
#include "kernel/ksyms.h"
#include "left.h"
#include "trace/plan.h"
#include "trace/programs.h"
#include "trace/retire.h"

static int look(struct kbtf **ret_btf, struct plan *ret_plan, struct error *err)
{
	struct ksyms *ksyms = NULL;
	struct features features;
	int code = kbtf_load(NULL, ret_btf);

	if (code)
		return error_set_errno(err, code, "cannot read the kernel's BTF");
	ksyms_load(NULL, &ksyms);
	features_probe(NULL, *ret_btf, ksyms, &features);
	code = plan_make(*ret_btf, ksyms, &features, PLAN_ALL_LOCKS, ret_plan, err);
	ksyms_free(ksyms);
	return code;
}

static uint64_t events(struct programs *programs)
{
	struct tables tables;

	programs_tables(programs, &tables);
	return tables_events(tables.cpus, tables.nr_cpus);
}

static int count_links(void)
{
	__u32 id = 0;
	int links = 0;

	while (!bpf_link_get_next_id(id, &id))
		links++;
	return links;
}

/* Armed for a random while; must be fired at then, and only then. */
static int record(struct programs *programs, struct error *err)
{
	uint64_t before = events(programs), after;

	left_nap(0.05 * drand48());
	if (events(programs) != before)
		return error_set(err, -EIO, "events although disarmed");
	programs_start(programs);
	left_nap(0.01 + 0.2 * drand48());
	programs_stop(programs);
	after = events(programs);
	left_nap(0.01);
	if (after == before)
		return error_set(err, -EIO, "no events although armed");
	if (events(programs) != after)
		return error_set(err, -EIO, "events after disarming");
	return 0;
}

static int cycle(struct programs *programs, const struct plan *plan, int links, struct error *err)
{
	int code;

	if (count_links() != links)
		return error_set(err, -EIO, "%d hooks attached, not %d", count_links(), links);
	code = record(programs, err);
	if (code)
		return code;
	while (!programs_detach(programs, 0, NULL, NULL))
		; /* a slow one ends it */
	if (count_links() > RETIRE_HOOKS)
		return error_set(err, -EIO, "%d hooks left", count_links());
	return programs_attach(programs, plan, NULL, NULL, err);
}

static int run(int rounds, const struct plan *plan, struct error *err)
{
	struct programs *programs = NULL;
	int code = programs_prepare(plan, NULL, NULL, &programs, err);
	double start = left_clock();
	int links = count_links();

	for (int i = 0; !code && i < rounds; i++) {
		code = cycle(programs, plan, links, err);
		printf("cycle %d of %d: %d hooks, %.1f s\n", i + 1, rounds, links,
		       left_clock() - start);
		fflush(stdout);
	}
	programs_finish(programs);
	return code;
}

int main(int argc, char **argv)
{
	int rounds = argc == 3 ? atoi(argv[1]) : 0;
	struct kbtf *btf = NULL;
	struct error err = {};
	struct plan plan;
	char left[200];
	int code;

	if (rounds < 1)
		return fprintf(stderr, "usage: cycles ROUNDS SEED\n"), 2;
	srand48(atol(argv[2]));
	code = look(&btf, &plan, &err);
	code = code ? code : run(rounds, &plan, &err);
	kbtf_free(btf);
	if (code)
		return fprintf(stderr, "cycles: %s\n", err.text), 1;
	if (left_settle(left, sizeof(left)) < 0)
		return fprintf(stderr, "cycles: left: %s\n", left), 1;
	return 0;
}
