// SPDX-License-Identifier: GPL-2.0-only
/*
 * Load the programs as they would be for another kernel than the one that runs: the verifier looks only at
 * what the world's words leave of them. It ends before the first hook on a function is attached.
 *
 *	loads nopreempt  for a kernel that counts no preemption
 *	loads preempt    for one that preempts itself
 *	loads noirq      for one in which the interrupt flag cannot be read
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/features.h"
#include "kernel/kbtf.h"
#include "kernel/ksyms.h"
#include "trace/plan.h"
#include "trace/programs.h"

static bool pretend(const char *word, struct plan *plan)
{
	if (!strcmp(word, "nopreempt"))
		plan->counts_preemption = plan->shows_atomic = plan->preempts = false;
	else if (!strcmp(word, "preempt"))
		plan->counts_preemption = plan->shows_atomic = plan->preempts = true;
	else if (!strcmp(word, "noirq"))
		plan->irq_source = LV_IRQ_SOURCE_NONE;
	else
		return false;
	return true;
}

/* All are loaded when the first hook is to be attached. */
static void end(void *arg, size_t done, size_t all)
{
	exit(0);
}

int main(int argc, char **argv)
{
	struct programs *programs = NULL;
	struct ksyms *ksyms = NULL;
	struct kbtf *btf = NULL;
	struct features features;
	struct error err = {};
	struct plan plan;

	if (kbtf_load(NULL, &btf))
		return fprintf(stderr, "loads: cannot read the kernel's BTF\n"), 1;
	ksyms_load(NULL, &ksyms);
	features_probe(NULL, btf, ksyms, &features);
	if (plan_make(btf, ksyms, &features, PLAN_ALL_LOCKS, &plan, &err))
		return fprintf(stderr, "loads: %s\n", err.text), 1;
	if (argc != 2 || !pretend(argv[1], &plan))
		return fprintf(stderr, "usage: loads nopreempt|preempt|noirq\n"), 2;
	programs_prepare(&plan, end, NULL, &programs, &err);
	return fprintf(stderr, "loads: %s\n", err.text), 1;
}
