// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/features.h"

#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "kernel/kconfig.h"

static enum features_answer answer(bool yes)
{
	return yes ? FEATURES_YES : FEATURES_NO;
}

static void copy(char *dst, size_t room, const char *src)
{
	strbuf_copy_clean(dst, room, src, room);
}

/* A fixture brings the names of its own kernel; on a real one uname is right. */
static void probe_uname(const char *root, struct features *f)
{
	struct utsname u;

	if (!uname(&u)) {
		copy(f->release, sizeof(f->release), u.release);
		copy(f->version, sizeof(f->version), u.version);
		copy(f->machine, sizeof(f->machine), u.machine);
	}
	if (root && root[0]) {
		file_line(root, "/proc/sys/kernel/osrelease", f->release, sizeof(f->release));
		file_line(root, "/proc/sys/kernel/version", f->version, sizeof(f->version));
		file_line(root, "/proc/sys/kernel/arch", f->machine, sizeof(f->machine));
	}
	f->known_machine = !strcmp(f->machine, "x86_64") || !strcmp(f->machine, "aarch64");
	f->page_bytes = sysconf(_SC_PAGESIZE);
}

uint32_t features_parse_cpus(const char *list)
{
	unsigned long cpu, max = 0;
	char *end;

	for (;; list = end + 1) {
		if (*list < '0' || *list > '9')
			return 0;
		cpu = strtoul(list, &end, 10);
		if (cpu >= INT_MAX)
			return 0;
		if (cpu > max)
			max = cpu;
		if (!*end || *end == '\n')
			return max + 1;
		if (*end != ',' && *end != '-')
			return 0;
	}
}

static void probe_config(const char *root, struct features *f)
{
	struct kconfig *k;

	if (kconfig_load(root, f->release, &k))
		return;
	copy(f->config_path, sizeof(f->config_path), kconfig_path(k));
#define X(name, option) f->config_##name = answer(kconfig_get(k, option) == 'y');
	FEATURES_OPTIONS(X)
#undef X
	if (!f->preempt_mode[0]) {
		const char *mode = kconfig_get(k, "CONFIG_PREEMPT_LAZY") == 'y'	     ? "lazy" :
				   kconfig_get(k, "CONFIG_PREEMPT") == 'y'	     ? "full" :
				   kconfig_get(k, "CONFIG_PREEMPT_VOLUNTARY") == 'y' ? "voluntary" :
										       "none";
		copy(f->preempt_mode, sizeof(f->preempt_mode), mode);
	}
	kconfig_free(k);
}

/* The word in parentheses or brackets: "none (voluntary) full". */
static bool chosen_word(const char *line, char open, char close, char *ret, size_t room)
{
	const char *start = strchr(line, open);
	const char *end = start ? strchr(start, close) : NULL;

	if (!end || end == start + 1)
		return false;
	strbuf_copy_clean(ret, room, start + 1, end - start - 1);
	return true;
}

/* The last "key=value" or bare "key" on the command line; NULL: not there. */
static const char *cmdline_find(const char *cmdline, const char *key)
{
	size_t len = strlen(key);
	const char *found = NULL, *p;

	for (p = cmdline; (p = strstr(p, key)); p += len)
		if ((p == cmdline || p[-1] == ' ') && strchr(" =\n", p[len]))
			found = p[len] == '=' ? p + len + 1 : p + len;
	return found;
}

static void probe_preempt_mode(const char *root, const char *cmdline, struct features *f)
{
	const char *mode = cmdline_find(cmdline, "preempt");
	char line[128];

	if (!file_line(root, "/sys/kernel/debug/sched/preempt", line, sizeof(line)) &&
	    chosen_word(line, '(', ')', f->preempt_mode, sizeof(f->preempt_mode)))
		return;
	/* other kernels do not know the parameter */
	if (mode && strstr(f->version, "PREEMPT_DYNAMIC"))
		strbuf_copy_clean(f->preempt_mode, sizeof(f->preempt_mode), mode,
				  strcspn(mode, " \n"));
}

static void probe_slab_merge(const char *cmdline, struct features *f)
{
	f->slab_merge = f->config_slab_merge;
	if (cmdline_find(cmdline, "slab_nomerge") || cmdline_find(cmdline, "slub_nomerge"))
		f->slab_merge = FEATURES_NO;
	else if (cmdline_find(cmdline, "slab_merge") || cmdline_find(cmdline, "slub_merge"))
		f->slab_merge = FEATURES_YES;
}

static void probe_lockdown(const char *root, struct features *f)
{
	char line[128], word[32];

	if (file_line(root, "/sys/kernel/security/lockdown", line, sizeof(line)) ||
	    !chosen_word(line, '[', ']', word, sizeof(word)))
		return;
	if (!strcmp(word, "none"))
		f->lockdown = FEATURES_LOCKDOWN_NONE;
	else if (!strcmp(word, "integrity"))
		f->lockdown = FEATURES_LOCKDOWN_INTEGRITY;
	else if (!strcmp(word, "confidentiality"))
		f->lockdown = FEATURES_LOCKDOWN_CONFIDENTIALITY;
}

static void probe_capabilities(const char *root, struct features *f)
{
	AUTO_FREE char *text = NULL;
	char path[PATH_MAX];
	const char *line;

	if (file_path(root, "/proc/self/status", path, sizeof(path)) ||
	    file_read(path, 1 << 20, &text, NULL))
		return;
	line = strstr(text, "\nCapEff:");
	if (line)
		f->capabilities = strtoull(line + strlen("\nCapEff:"), NULL, 16);
	f->may_trace = f->capabilities & 1ULL << CAP_SYS_ADMIN ||
		       (f->capabilities & 1ULL << CAP_BPF &&
			f->capabilities & 1ULL << CAP_PERFMON);
}

static enum features_answer probe_switch(const char *root, const char *path)
{
	int64_t value;

	return file_number(root, path, &value) ? FEATURES_UNKNOWN : answer(value);
}

static void probe_sysctls(const char *root, struct features *f)
{
	int64_t value;

	f->kptr_restrict = -1;
	if (!file_number(root, "/proc/sys/kernel/kptr_restrict", &value))
		f->kptr_restrict = value;
	f->jit_harden = -1;
	if (!file_number(root, "/proc/sys/net/core/bpf_jit_harden", &value))
		f->jit_harden = value;
	f->jit = probe_switch(root, "/proc/sys/net/core/bpf_jit_enable");
	f->ftrace = probe_switch(root, "/proc/sys/kernel/ftrace_enabled");
}

/* A list that is empty has a newline, or "(null)" (nohz_full= without CPUs). */
static void probe_cpu_list(const char *root, const char *path, char *ret, size_t room)
{
	char line[4096] = "";

	if (!file_line(root, path, line, sizeof(line)) && line[0] >= '0' && line[0] <= '9')
		copy(ret, room, line);
}

static void probe_cpus(const char *root, struct features *f)
{
	char line[4096] = "";

	if (!file_line(root, "/sys/devices/system/cpu/possible", line, sizeof(line)))
		f->possible_cpus = features_parse_cpus(line);
	probe_cpu_list(root, "/sys/devices/system/cpu/isolated", f->isolated,
		       sizeof(f->isolated));
	probe_cpu_list(root, "/sys/devices/system/cpu/nohz_full", f->nohz_full,
		       sizeof(f->nohz_full));
}

static void probe_rt(const char *root, const struct kbtf *btf, struct features *f)
{
	int64_t value;

	if (btf)
		f->rt = answer(kbtf_is_rt(btf));
	else if (!file_number(root, "/sys/kernel/realtime", &value))
		f->rt = answer(value);
	else if (strstr(f->version, "PREEMPT_RT"))
		f->rt = FEATURES_YES;
	else if (f->version[0])
		f->rt = FEATURES_NO;
}

/* Both tables are asked: a function may be in one only. */
static bool has_function(const struct kbtf *btf, const struct ksyms *ksyms, const char *name)
{
	return (btf && kbtf_has_func(btf, name)) || (ksyms && ksyms_address(ksyms, name));
}

static void probe_hidden(const struct kbtf *btf, const struct ksyms *ksyms, struct features *f)
{
	static const char *const unlocks[] = {
		"_raw_spin_unlock",	 "_raw_spin_unlock_irq", "_raw_read_unlock",
		"_raw_read_unlock_irq", "_raw_write_unlock",	 "_raw_write_unlock_irq",
	};
	size_t i, nr = sizeof(unlocks) / sizeof(*unlocks);

	if (!btf && !ksyms)
		return;
	if (f->rt == FEATURES_YES)
		nr = 2; /* rwlocks sleep: these functions are not inlined, there are none */
	for (i = 0; i < nr; i++)
		if (!has_function(btf, ksyms, unlocks[i]))
			f->hidden[f->nr_hidden++] = unlocks[i];
}

/*
 * The old rcu_read_unlock_special() notes a pending irq_work in a bool; the fix
 * made that an int of three states under another name.
 */
static void probe_rcu(const struct kbtf *btf, const struct ksyms *ksyms, struct features *f)
{
	struct kbtf_field field;

	if (f->config_preempt_rcu == FEATURES_NO)
		f->rcu = FEATURES_RCU_SAFE;
	if (f->rcu != FEATURES_RCU_UNKNOWN || !btf)
		return;
	if (!kbtf_field(btf, "rcu_data", "defer_qs_pending", &field) && !field.is_bool)
		f->rcu = FEATURES_RCU_SAFE;
	else if (!has_function(btf, ksyms, "__rcu_read_unlock")) /* only PREEMPT_RCU has it */
		f->rcu = FEATURES_RCU_SAFE;
	else if (!kbtf_field(btf, "rcu_data", "defer_qs_iw_pending", &field))
		f->rcu = FEATURES_RCU_HAZARD;
}

static void probe_btf(const struct kbtf *btf, struct features *f)
{
	struct kbtf_field field;
	struct kbtf_var var;

	if (!btf)
		return;
	f->btf = true;
	f->bpf_func_arg = kbtf_has_enumerator(btf, "BPF_FUNC_get_func_arg");
	f->irq_kfunc = kbtf_has_func(btf, "bpf_local_irq_save");
	f->irqsave_flags = kbtf_percpu(btf, "irqsave_flags", &var);
	if (!kbtf_field(btf, "pcpu_hot", "preempt_count", &field))
		f->preempt_count = FEATURES_PREEMPT_COUNT_PCPU_HOT;
	else if (kbtf_percpu(btf, "__preempt_count", &var))
		f->preempt_count = FEATURES_PREEMPT_COUNT_VAR;
	else if (!kbtf_field(btf, "thread_info", "preempt_count", &field))
		f->preempt_count = FEATURES_PREEMPT_COUNT_TASK;
}

static void probe_debug(const struct ksyms *ksyms, struct features *f)
{
	f->debug_kernel = f->config_prove_locking;
	if (ksyms)
		f->debug_kernel = answer(ksyms_address(ksyms, "lock_acquire") != 0);
}

void features_probe(const char *root, const struct kbtf *btf, const struct ksyms *ksyms,
		    struct features *ret)
{
	char line[4096] = "";

	memset(ret, 0, sizeof(*ret));
	probe_uname(root, ret);
	probe_cpus(root, ret);
	if (file_line(root, "/proc/cmdline", line, sizeof(line)))
		line[0] = '\0';
	probe_preempt_mode(root, line, ret);
	probe_config(root, ret);
	probe_slab_merge(line, ret);
	probe_lockdown(root, ret);
	probe_capabilities(root, ret);
	probe_sysctls(root, ret);
	probe_rt(root, btf, ret);
	ret->preempts = ret->rt == FEATURES_YES || (strcmp(ret->preempt_mode, "none") &&
						    strcmp(ret->preempt_mode, "voluntary"));
	probe_btf(btf, ret);
	probe_hidden(btf, ksyms, ret);
	probe_rcu(btf, ksyms, ret);
	probe_debug(ksyms, ret);
	ret->symbols = ksyms != NULL;
}
