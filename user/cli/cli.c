// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cli.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "capture/sources.h"
#include "report/report.h"

static const struct argp_option show_options[] = {
	{ "format", CLI_KEY_FORMAT, "FORMAT", 0,
	  "text (default), json or, not of findings, html: one page that needs nothing else", 1 },
	{ "confidence", CLI_KEY_CONFIDENCE, "LEVEL", 0,
	  "show findings of this confidence or better: observed, confirmed, certain, likely "
	  "(default) or weak", 1 },
	{ "suppress", CLI_KEY_SUPPRESS, "FILE", 0,
	  "do not report the findings this file lists; they are counted", 1 },
	{ "list-suppressed", CLI_KEY_LIST_SUPPRESSED, NULL, 0, "name what was suppressed", 1 },
	{ "brief", CLI_KEY_BRIEF, NULL, 0, "one line a finding, no reports", 1 },
	{ "id", CLI_KEY_ID, "ID", 0, "only findings whose id or fingerprint begins so", 2 },
	{ "rule", CLI_KEY_RULE, "RULE", 0, "only findings of this rule: circular, irq-inversion, ...",
	  2 },
	{ "lock", CLI_KEY_LOCK, "PATTERN", 0,
	  "only findings with such a lock; * stands for any characters, ? for one", 2 },
	{ "module", CLI_KEY_MODULE, "NAME", 0, "only findings with code of this module in a stack", 2 },
	{}
};

void cli_parse_confidence(const struct argp_state *state, const char *name,
			  enum finding_confidence *ret)
{
	if (finding_confidence_parse(name, ret))
		argp_error(state, "--confidence is observed, confirmed, certain, likely or weak, not \"%s\"", name);
}

enum cli_format cli_parse_format(const struct argp_state *state, const char *name,
				 unsigned int allowed)
{
	static const char *const names[CLI_FORMATS] = {
		[CLI_TEXT] = "text", [CLI_JSON] = "json", [CLI_HTML] = "html", [CLI_DOT] = "dot",
	};
	AUTO_STRBUF known = STRBUF_INIT;

	for (int i = 0; i < CLI_FORMATS; i++) {
		if (!(allowed & 1u << i))
			continue;
		if (!strcmp(name, names[i]))
			return i;
		strbuf_addf(&known, "%s%s", known.len ? ", " : "", names[i]);
	}
	argp_error(state, "--format is one of %s, not \"%s\"", known.text ? known.text : "", name);
	return CLI_TEXT;
}

static void parse_rule(struct argp_state *state, const char *name, struct cli_show *show)
{
	AUTO_STRBUF known = STRBUF_INIT;

	show->select.rule = finding_rule_of(name, strlen(name));
	if (show->select.rule != FINDING_RULES)
		return;
	for (int i = 0; i < FINDING_RULES; i++)
		strbuf_addf(&known, "%s%s", i ? ", " : "", finding_rule_name(i));
	argp_error(state, "--rule is one of %s, not \"%s\"", known.text ? known.text : "", name);
}

static error_t parse_show(int key, char *arg, struct argp_state *state)
{
	struct cli_show *show = state->input;

	switch (key) {
	case CLI_KEY_FORMAT:
		show->format = cli_parse_format(state, arg, CLI_REPORTS);
		return 0;
	case CLI_KEY_CONFIDENCE:
		cli_parse_confidence(state, arg, &show->least);
		return 0;
	case CLI_KEY_SUPPRESS:
		show->suppressions = arg;
		return 0;
	case CLI_KEY_LIST_SUPPRESSED:
		show->list_suppressed = true;
		return 0;
	case CLI_KEY_BRIEF:
		show->brief = true;
		return 0;
	case CLI_KEY_ID:
		show->select.id = arg;
		return 0;
	case CLI_KEY_RULE:
		parse_rule(state, arg, show);
		return 0;
	case CLI_KEY_LOCK:
		show->select.lock = arg;
		return 0;
	case CLI_KEY_MODULE:
		show->select.module = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp cli_show_argp = { .options = show_options, .parser = parse_show };

int cli_fail(const struct error *err)
{
	fprintf(stderr, "lockvane: %s\n", err->text);
	return EXIT_FAILED;
}

void cli_parse(const struct argp *argp, int argc, char **argv, unsigned int flags, int *ret_index,
	       void *input)
{
	argp_err_exit_status = EXIT_MISUSED;
	argp_parse(argp, argc, argv, flags, ret_index, input);
}

int cli_find(const struct capture *c, const struct cli_show *show, struct findings **ret,
	     struct suppressions **ret_suppressions, struct error *err)
{
	int code;

	*ret = NULL;
	*ret_suppressions = NULL;
	if (show->suppressions) {
		code = suppress_read(show->suppressions, ret_suppressions, err);
		if (code)
			return code;
	}
	code = finding_analyse(c, ret);
	if (code) {
		suppressions_free(*ret_suppressions);
		*ret_suppressions = NULL;
		return error_set_errno(err, code, "cannot analyse the capture");
	}
	if (*ret_suppressions)
		suppress_apply(*ret_suppressions, c, *ret);
	finding_select_apply(&show->select, c, *ret);
	return 0;
}

cli_report_fn cli_report(enum cli_format format)
{
	return format == CLI_JSON ? report_json : format == CLI_HTML ? report_html : report_text;
}

int cli_show_capture(const struct capture *c, const struct cli_show *show)
{
	struct suppressions *suppressions;
	struct findings *found;
	struct error err = {};
	struct report_opts opts = {
		.least = show->least,
		.list_suppressed = show->list_suppressed,
		.brief = show->brief,
	};
	int code = cli_find(c, show, &found, &suppressions, &err);

	if (code)
		return cli_fail(&err);
	opts.suppressions = suppressions;
	code = cli_report(show->format)(stdout, c, found, &opts);
	if (!code && fflush(stdout))
		code = -errno;
	if (code)
		error_set_errno(&err, code, "cannot write the report");
	else
		code = findings_shown(found, show->least) ? EXIT_FINDINGS : EXIT_NOTHING;
	findings_free(found);
	suppressions_free(suppressions);
	return code < 0 ? cli_fail(&err) : code;
}

int cli_add_sources(struct capture *c, const char *vmlinux, const struct debugfiles_where *modules,
		    struct error *err)
{
	const struct sources_where where = { vmlinux, *modules };
	struct error ignored = {};
	int code = sources_add_confined(c, &where, vmlinux ? err : &ignored);

	return vmlinux ? code : 0; /* else nobody asked for it */
}

int cli_may_trace(const struct features *f, struct error *err)
{
	if (!f->known_machine)
		return error_set(err, -ENOTSUP, "this machine is %s: lockvane knows x86-64 and "
				 "arm64", f->machine);
	if (f->page_bytes != FEATURES_PAGE_BYTES)
		return error_set(err, -ENOTSUP,
				 "pages of this kernel have %u bytes: lockvane knows those of %u",
				 f->page_bytes, FEATURES_PAGE_BYTES);
	if (!f->may_trace)
		return error_set(err, -EPERM,
				 "no permission to trace: run as root (CAP_BPF and CAP_PERFMON)");
	if (f->lockdown == FEATURES_LOCKDOWN_CONFIDENTIALITY)
		return error_set(err, -EPERM,
				 "kernel lockdown is set to confidentiality, which forbids BPF to "
				 "read kernel memory: boot without lockdown=confidentiality");
	if (!f->btf)
		return error_set(err, -ENOTSUP,
				 "this kernel has no BTF (/sys/kernel/btf/vmlinux): it needs "
				 "CONFIG_DEBUG_INFO_BTF=y");
	if (!f->bpf_func_arg)
		return error_set(err, -ENOTSUP,
				 "kernel %s is too old: its BPF lacks bpf_get_func_arg; lockvane "
				 "needs 6.1 or later", f->release);
	if (f->jit == FEATURES_NO)
		return error_set(err, -ENOTSUP,
				 "the BPF JIT is off: set net.core.bpf_jit_enable=1");
	if (!f->symbols)
		return error_set(err, -EPERM,
				 "/proc/kallsyms shows no addresses: set kernel.kptr_restrict=0 or "
				 "1 and run as root with CAP_SYSLOG");
	if (f->ftrace == FEATURES_NO)
		return error_set(err, -ENOTSUP,
				 "ftrace is off, so nothing can be hooked: set "
				 "kernel.ftrace_enabled=1");
	return 0;
}
