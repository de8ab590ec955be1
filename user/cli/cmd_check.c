// SPDX-License-Identifier: GPL-2.0-only
#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arch.h"
#include "base/strbuf.h"
#include "cli/cli.h"
#include "report/jsonvalue.h"
#include "sites/text.h"
#include "trace/plan.h"

/* The facts that were learnt, in the order they are printed, and how bad they are. */
struct verdict {
	bool degraded;
	bool failed;  /* no memory for a fact */
	json_t *facts; /* {name, value, advice[]} each */
	json_t *hooks; /* {function, way} each; way null: absent */
};

static json_t *new_fact(struct verdict *verdict, const char *what, const char *value)
{
	json_t *fact = json_pack("{ss ss s[]}", "name", what, "value", value, "advice");

	if (json_array_append_new(verdict->facts, fact))
		verdict->failed = true;
	return fact;
}

static void print_line(struct verdict *verdict, const char *what, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void print_line(struct verdict *verdict, const char *what, const char *format, ...)
{
	char value[512], clean[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(value, sizeof(value), format, ap);
	va_end(ap);
	strbuf_copy_clean(clean, sizeof(clean), value, sizeof(value));
	new_fact(verdict, what, clean);
}

/* Advice on the last fact: why it means seeing less, and what to do. */
static void advice(struct verdict *verdict, const char *text)
{
	size_t nr = json_array_size(verdict->facts);
	json_t *fact = nr ? json_array_get(verdict->facts, nr - 1) : new_fact(verdict, "", "");

	verdict->degraded = true;
	if (json_array_append_new(json_object_get(fact, "advice"), json_string(text)))
		verdict->failed = true;
}

static const char *yes_no(enum features_answer answer)
{
	return answer == FEATURES_UNKNOWN ? "unknown" : answer == FEATURES_YES ? "yes" : "no";
}

/* The newest series that the tests run on (docs/kernels.md). */
#define TESTED_MAJOR 7
#define TESTED_MINOR 3

static bool is_untested(const char *release)
{
	int major, minor;

	return sscanf(release, "%d.%d", &major, &minor) == 2 &&
	       (major > TESTED_MAJOR || (major == TESTED_MAJOR && minor > TESTED_MINOR));
}

static void check_kernel(const struct features *f, struct verdict *verdict)
{
	print_line(verdict, "kernel", "%s %s", f->release, f->machine);
	if (is_untested(f->release))
		print_line(verdict, "", "newer than any that lockvane was tested on (%d.%d): it runs if its self-check passes",
			   TESTED_MAJOR, TESTED_MINOR);
	print_line(verdict, "preemption", "%s%s", f->preempt_mode[0] ? f->preempt_mode : "unknown",
		   f->rt == FEATURES_YES ? ", PREEMPT_RT" : "");
	if (f->rt == FEATURES_YES)
		print_line(verdict, "", "spinlocks sleep here, and are judged as what they are");
	if (f->preempts)
		advice(verdict, "this kernel preempts itself, hooks of sleeping locks, too: readers of "
				"such locks are forgotten when a release may have been missed");
	print_line(verdict, "debug kernel", "%s", yes_no(f->debug_kernel));
	if (f->debug_kernel == FEATURES_YES)
		advice(verdict, "lockdep runs on this kernel and knows more: read its reports");
	print_line(verdict, "BTF", "%s", f->btf ? "yes" : "no");
	print_line(verdict, "privileges", "%s", f->may_trace ? "enough" : "missing");
}

/* The lock of a call site is read from the kernel's code. */
static void check_text(struct verdict *verdict)
{
	struct text *text = NULL;
	int code = ARCH_TYPES_SITES ? text_open(NULL, &text) : 0;
	char why[64];

	text_close(text);
	if (!ARCH_TYPES_SITES) {
		print_line(verdict, "call sites", "not typed: lockvane reads the code of x86-64 only");
		advice(verdict, "so which lock a call takes is not known from its code, and more classes "
				"are ambiguous");
		return;
	}
	print_line(verdict, "call sites",
		   code ? "not typed" : "typed, from the kernel's code in /proc/kcore");
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
		print_line(verdict, "hazards", "none known");
		break;
	case FEATURES_RCU_HAZARD:
		print_line(verdict, "hazards",
			   "rcu_read_unlock_special() can loop when traced in irq exit");
		advice(verdict, "update the kernel (fixed in 6.1.192, 6.12.117 and later); until "
				"then trace wants --accept-hazard");
		break;
	default:
		print_line(verdict, "hazards",
			   "unknown: the kernel does not show which RCU code it has");
		advice(verdict, "tracing could hang a kernel with the old rcu_read_unlock_special()");
	}
}

/* Hooks that come or go are felt there, each time by each of these CPUs. */
static void check_quiet_cpus(const char *what, const char *cpus, struct verdict *verdict)
{
	if (!cpus[0])
		return;
	print_line(verdict, what, "%s", cpus);
	advice(verdict, "each hook that comes or goes interrupts these CPUs some times, and makes them "
			"switch tasks once: trace by hand when that does no harm, or give the monitor a "
			"budget that its hooks can stay in place with");
}

/* Says where a hook is dearer here than it looks, or is felt where nothing is to be felt. */
static void check_cost(const struct features *f, struct verdict *verdict)
{
	check_quiet_cpus("isolated CPUs", f->isolated, verdict);
	if (strcmp(f->isolated, f->nohz_full))
		check_quiet_cpus("nohz_full CPUs", f->nohz_full, verdict);
	if (f->rt == FEATURES_YES)
		advice(verdict, "a lock seen for the first time takes tens of microseconds, with "
				"interrupts off: not for a machine that has latencies to guarantee");
	if (f->jit_harden != 2)
		return;
	print_line(verdict, "JIT hardening", "for all programs (net.core.bpf_jit_harden=2)");
	advice(verdict, "constants are blinded in our programs: an event costs two to three times as "
			"much. With 1, those of root's programs are not");
}

static void check_hooks(const struct plan *plan, struct verdict *verdict)
{
	int present = 0;

	for (int i = 0; i < LV_HOOKS; i++) {
		const struct plan_hook *hook = &plan->hooks[i];

		present += hook->present;
		if (json_array_append_new(verdict->hooks,
					  json_pack("{ss ss?}", "function", hook->function, "way",
						    hook->present ? hook->way : NULL)))
			verdict->failed = true;
	}
	print_line(verdict, "hooks", "%d of %d functions are there (-v lists them)", present,
		   LV_HOOKS);
	if (plan->unlocks_hidden)
		advice(verdict, "some unlocks are inlined: releases are not seen, holders are "
				"inferred, findings are graded lower");
	print_line(verdict, "irq state", "%s", plan_irq_source(plan->irq_source));
	if (plan->irq_source == LV_IRQ_SOURCE_NONE)
		advice(verdict, "no way to read the irq flag: only what functions and interrupts "
				"imply is known");
	print_line(verdict, "out of sight", "%s",
		   "seqcounts, bit spinlocks, lockref's lockless path, arch_spin locks, "
		   "percpu-rwsem readers, rt_mutexes, semaphores");
}

static void check_memory(const struct plan *plan, struct verdict *verdict)
{
	size_t fixed = plan_pinned_fixed(), each = plan_pinned_per_cpu();

	print_line(verdict, "pinned memory", "%.1f MiB: %zu KiB + %zu KiB x %u possible CPUs",
		   (fixed + each * plan->nr_cpus) / 1048576.0, fixed >> 10, each >> 10,
		   plan->nr_cpus);
}

/* --- printing -------------------------------------------------------------- */

struct check_args {
	enum cli_format format;
	bool verbose;
};

static const struct argp_option options[] = {
	{ "verbose", 'v', NULL, 0, "list the hooks, and how each would be attached", 0 },
	{ "format", CLI_KEY_FORMAT, "FORMAT", 0, "text (default) or json", 0 },
	{}
};

static const char *words(const struct verdict *verdict, const struct error *impossible)
{
	if (impossible->code)
		return "impossible";
	return verdict->degraded ? "works, with less" : "works, and sees all it can";
}

static void put_hooks(const struct verdict *verdict)
{
	size_t i;
	json_t *hook;

	printf("\nhooks\n");
	json_array_foreach(verdict->hooks, i, hook) {
		const char *way = json_string_value(json_object_get(hook, "way"));

		printf("  %-34s%s\n", json_string_value(json_object_get(hook, "function")),
		       way ? way : "absent");
	}
}

static void put_text(const struct verdict *verdict, const struct error *impossible, bool verbose)
{
	size_t i, n;
	json_t *fact, *text;

	printf("%s%s%s\n\n", words(verdict, impossible),
	       impossible->code	   ? ": " :
	       verdict->degraded ? ": see the lines marked !" :
				     "",
	       impossible->code ? impossible->text : "");
	json_array_foreach(verdict->facts, i, fact) {
		printf("%-16s%s\n", json_string_value(json_object_get(fact, "name")),
		       json_string_value(json_object_get(fact, "value")));
		json_array_foreach(json_object_get(fact, "advice"), n, text)
			printf("%-16s! %s\n", "", json_string_value(text));
	}
	if (verbose)
		put_hooks(verdict);
}

static int put_json(const struct verdict *verdict, const struct error *impossible)
{
	return jsonvalue_print(stdout, json_pack("{si ss ss ss? sO sO}", "schema", JSONVALUE_SCHEMA,
						 "lockvane", LOCKVANE_VERSION, "verdict",
						 words(verdict, impossible), "why",
						 impossible->code ? impossible->text : NULL, "facts",
						 verdict->facts, "hooks", verdict->hooks));
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct check_args *args = state->input;

	switch (key) {
	case 'v':
		args->verbose = true;
		return 0;
	case CLI_KEY_FORMAT:
		args->format = cli_parse_format(state, arg, 1u << CLI_TEXT | 1u << CLI_JSON);
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "no argument wanted: \"%s\"", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp check_argp = {
	.options = options,
	.parser = parse,
	.doc = "Say what this kernel lets lockvane see, and what to do about the rest. Nothing is "
	       "loaded into the kernel.\v"
	       "Exit status: 0 all of it, 3 less (each ! line says why), 1 tracing is impossible, "
	       "2 wrong usage.",
};

static void look(struct verdict *verdict, struct error *impossible)
{
	struct ksyms *ksyms = NULL;
	struct kbtf *btf = NULL;
	struct features features;
	struct plan plan;
	int code;

	kbtf_load(NULL, &btf);
	ksyms_load(NULL, &ksyms);
	features_probe(NULL, btf, ksyms, &features);
	check_kernel(&features, verdict);
	check_text(verdict);
	check_hazards(&features, verdict);
	check_cost(&features, verdict);
	code = cli_may_trace(&features, impossible);
	code = code ? code : plan_make(btf, ksyms, &features, PLAN_ALL_LOCKS, &plan, impossible);
	if (!code) {
		check_hooks(&plan, verdict);
		check_memory(&plan, verdict);
	}
	kbtf_free(btf);
	ksyms_free(ksyms);
}

int cmd_check(int argc, char **argv)
{
	struct verdict verdict = { .facts = json_array(), .hooks = json_array() };
	struct check_args args = {};
	struct error impossible = {}, err = {};
	int code;

	cli_parse(&check_argp, argc, argv, 0, NULL, &args);
	look(&verdict, &impossible);
	code = verdict.failed ? -ENOMEM : 0;
	if (!code && args.format == CLI_JSON)
		code = put_json(&verdict, &impossible);
	else if (!code)
		put_text(&verdict, &impossible, args.verbose);
	if (!code && fflush(stdout))
		code = -errno;
	json_decref(verdict.facts);
	json_decref(verdict.hooks);
	if (code) {
		error_set_errno(&err, code, "cannot write");
		return cli_fail(&err);
	}
	if (impossible.code)
		return EXIT_FAILED;
	return verdict.degraded ? EXIT_FINDINGS : EXIT_NOTHING;
}
