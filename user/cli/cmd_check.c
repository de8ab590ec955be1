// SPDX-License-Identifier: GPL-2.0-only
#include <argp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "sites/text.h"
#include "trace/plan.h"

/* What was learnt, and how bad it is. */
struct verdict {
	bool degraded;
};

static void line(const char *what, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void line(const char *what, const char *format, ...)
{
	va_list ap;

	printf("%-16s", what);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
}

static void advice(struct verdict *verdict, const char *text)
{
	verdict->degraded = true;
	printf("%-16s! %s\n", "", text);
}

static const char *yes_no(enum features_answer answer)
{
	return answer == FEATURES_UNKNOWN ? "unknown" : answer == FEATURES_YES ? "yes" : "no";
}

static void check_kernel(const struct features *f, struct verdict *verdict)
{
	line("kernel", "%s %s", f->release, f->machine);
	line("preemption", "%s%s", f->preempt_mode[0] ? f->preempt_mode : "unknown",
	     f->rt == FEATURES_YES ? ", PREEMPT_RT" : "");
	if (f->rt == FEATURES_YES)
		line("", "spinlocks sleep here, and are judged as what they are");
	if (f->preempts)
		advice(verdict, "this kernel preempts itself, hooks of sleeping locks, too: readers of "
				"such locks are forgotten when a release may have been missed");
	line("debug kernel", "%s", yes_no(f->debug_kernel));
	if (f->debug_kernel == FEATURES_YES)
		advice(verdict, "lockdep runs on this kernel and knows more: read its reports");
	line("BTF", "%s", f->btf ? "yes" : "no");
	line("privileges", "%s", f->may_trace ? "enough" : "missing");
}

/* What is found of a call site's lock is read from the kernel's code. */
static void check_text(struct verdict *verdict)
{
	struct text *text = NULL;
	int code = text_open(NULL, &text);
	char why[64];

	text_close(text);
	line("call sites", code ? "not typed" : "typed, from the kernel's code in /proc/kcore");
	if (!code)
		return;
	snprintf(why, sizeof(why), "/proc/kcore cannot be read: %s", strerror(-code));
	advice(verdict, why);
	advice(verdict, "so which lock a call takes is not known from its code, and more classes are "
			"ambiguous: it takes root with CAP_SYS_RAWIO, a kernel with "
			"CONFIG_PROC_KCORE, and no container or unit that hides it");
}

static void check_hazards(const struct features *f, struct verdict *verdict)
{
	switch (f->rcu) {
	case FEATURES_RCU_SAFE:
		line("hazards", "none known");
		break;
	case FEATURES_RCU_HAZARD:
		line("hazards", "rcu_read_unlock_special() can loop when traced in irq exit");
		advice(verdict, "update the kernel (fixed in 6.1.192, 6.12.117 and later); until "
				"then trace wants --accept-hazard");
		break;
	default:
		line("hazards", "unknown: the kernel does not show which RCU code it has");
		advice(verdict, "tracing could hang a kernel with the old rcu_read_unlock_special()");
	}
}

/* Hooks that come or go are felt there, each time by each of these CPUs. */
static void check_quiet_cpus(const char *what, const char *cpus, struct verdict *verdict)
{
	if (!cpus[0])
		return;
	line(what, "%s", cpus);
	advice(verdict, "each hook that comes or goes interrupts these CPUs some times, and makes them "
			"switch tasks once: trace by hand when that does no harm, or give the monitor a "
			"budget that its hooks can stay in place with");
}

/* What is dearer here than it looks, or felt where nothing is to be felt. */
static void check_cost(const struct features *f, struct verdict *verdict)
{
	check_quiet_cpus("isolated CPUs", f->isolated, verdict);
	if (strcmp(f->isolated, f->nohz_full))
		check_quiet_cpus("nohz_full CPUs", f->nohz_full, verdict);
	if (f->rt == FEATURES_YES)
		advice(verdict, "what is seen for the first time takes tens of microseconds, with "
				"interrupts off: not for a machine that has latencies to guarantee");
	if (f->jit_harden != 2)
		return;
	line("JIT hardening", "for all programs (net.core.bpf_jit_harden=2)");
	advice(verdict, "constants are blinded in our programs: an event costs two to three times as "
			"much. With 1, those of root's programs are not");
}

static void check_hooks(const struct plan *plan, struct verdict *verdict)
{
	printf("\nhooks\n");
	for (int i = 0; i < LV_HOOKS; i++)
		printf("  %-34s%s\n", plan->hooks[i].function,
		       plan->hooks[i].present ? plan->hooks[i].way : "absent");
	if (plan->unlocks_hidden)
		advice(verdict, "some unlocks are inlined: releases are not seen, holders are "
				"inferred, findings are graded lower");
	putchar('\n');
	line("irq state", "%s", plan_irq_source(plan->irq_source));
	if (plan->irq_source == LV_IRQ_SOURCE_NONE)
		advice(verdict, "no way to read the irq flag: only what functions and interrupts "
				"imply is known");
	printf("%-16s%s\n", "out of sight",
	       "seqcounts, bit spinlocks, lockref's lockless path, arch_spin locks, "
	       "percpu-rwsem readers, rt_mutexes, semaphores");
}

static void check_memory(const struct plan *plan)
{
	size_t fixed = plan_pinned_fixed(), each = plan_pinned_per_cpu();

	line("pinned memory", "%.1f MiB: %zu KiB + %zu KiB x %u possible CPUs",
	     (fixed + each * plan->nr_cpus) / 1048576.0, fixed >> 10, each >> 10, plan->nr_cpus);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	if (key == ARGP_KEY_ARG)
		argp_error(state, "no argument wanted: \"%s\"", arg);
	return key == ARGP_KEY_ARG ? 0 : ARGP_ERR_UNKNOWN;
}

static const struct argp check_argp = {
	.parser = parse,
	.doc = "Say what this kernel lets lockvane see, and what to do about the rest. Nothing is "
	       "loaded into the kernel.\v"
	       "Exit status: 0 all of it, 3 less (each ! line says why), 1 tracing is impossible, "
	       "2 wrong usage.",
};

int cmd_check(int argc, char **argv)
{
	struct verdict verdict = {};
	struct ksyms *ksyms = NULL;
	struct kbtf *btf = NULL;
	struct features features;
	struct error err = {};
	struct plan plan;
	int code;

	cli_parse(&check_argp, argc, argv, 0, NULL, NULL);
	kbtf_load(NULL, &btf);
	ksyms_load(NULL, &ksyms);
	features_probe(NULL, btf, ksyms, &features);
	check_kernel(&features, &verdict);
	check_text(&verdict);
	check_hazards(&features, &verdict);
	check_cost(&features, &verdict);
	code = cli_may_trace(&features, &err);
	code = code ? code : plan_make(btf, ksyms, &features, PLAN_ALL_LOCKS, &plan, &err);
	if (!code) {
		check_hooks(&plan, &verdict);
		check_memory(&plan);
	}
	kbtf_free(btf);
	ksyms_free(ksyms);
	if (code) {
		printf("\nimpossible: %s\n", err.text);
		return EXIT_FAILED;
	}
	printf("\n%s\n", verdict.degraded ? "works, with less: see the lines marked !" :
					    "works, and sees all it can");
	return verdict.degraded ? EXIT_FINDINGS : EXIT_NOTHING;
}
