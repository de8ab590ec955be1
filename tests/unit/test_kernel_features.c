// SPDX-License-Identifier: GPL-2.0-only
/* Kernels we do not have, as folders of /proc and /sys files. */
#include "test_kernel_btf.h"

#include <errno.h>
#include <zlib.h>

#include "kernel/features.h"
#include "kernel/kconfig.h"

static struct features probe(const struct kbtf *btf, const struct ksyms *ksyms)
{
	struct features f;

	memset(&f, 0xaa, sizeof(f));
	features_probe(fixture_dir, btf, ksyms, &f);
	return f;
}

static void write_debian(void)
{
	fixture_write("proc/sys/kernel/osrelease", "6.12.117+deb12-cloud-amd64\n");
	fixture_write("proc/sys/kernel/version", "#1 SMP PREEMPT_DYNAMIC Debian\n");
	fixture_write("proc/sys/kernel/arch", "x86_64\n");
	fixture_write("proc/sys/kernel/kptr_restrict", "1\n");
	fixture_write("proc/sys/kernel/ftrace_enabled", "1\n");
	fixture_write("proc/sys/net/core/bpf_jit_enable", "1\n");
	fixture_write("proc/cmdline", "root=/dev/vda quiet preempt=full slab_nomerge\n");
	fixture_write("proc/self/status", "Name:\tlockvane\nCapInh:\t0000000000000000\n"
					  "CapEff:\t000001ffffffffff\n");
	fixture_write("sys/devices/system/cpu/possible", "0-63\n");
	fixture_write("sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	fixture_write("boot/config-6.12.117+deb12-cloud-amd64",
		      "# comment\nCONFIG_PREEMPTION=y\nCONFIG_PREEMPT_VOLUNTARY=y\n"
		      "CONFIG_PREEMPT_DYNAMIC=y\n# CONFIG_DEBUG_SPINLOCK is not set\n"
		      "CONFIG_SLAB_MERGE_DEFAULT=y\nCONFIG_PREEMPT_RCU=y\n"
		      "CONFIG_BPF_JIT_ALWAYS=m\nCONFIG_HZ=250\n");
}

static void test_debian(void **state)
{
	struct features f;

	(void)state;
	write_debian();
	f = probe(NULL, NULL);
	assert_string_equal(f.release, "6.12.117+deb12-cloud-amd64");
	assert_true(f.known_machine);
	assert_int_equal(f.possible_cpus, 64);
	assert_string_equal(f.config_path, "/boot/config-6.12.117+deb12-cloud-amd64");
	assert_int_equal(f.config_preemption, FEATURES_YES);
	assert_int_equal(f.config_debug_spinlock, FEATURES_NO);
	assert_int_equal(f.config_bpf_jit, FEATURES_NO); /* not a longer option's prefix */
	assert_string_equal(f.preempt_mode, "full");	 /* the command line's */
	assert_int_equal(f.config_slab_merge, FEATURES_YES);
	assert_int_equal(f.slab_merge, FEATURES_NO);
	assert_int_equal(f.lockdown, FEATURES_LOCKDOWN_INTEGRITY);
	assert_true(f.may_trace);
	assert_int_equal(f.kptr_restrict, 1);
	assert_int_equal(f.jit, FEATURES_YES);
	assert_int_equal(f.rt, FEATURES_NO);
	assert_int_equal(f.debug_kernel, FEATURES_NO);
	assert_false(f.btf);
	assert_false(f.symbols);
	assert_int_equal(f.rcu, FEATURES_RCU_UNKNOWN); /* PREEMPT_RCU, and no BTF to look in */
	assert_int_equal(f.nr_hidden, 0);
}

/* What the scheduler says outdoes the command line, which outdoes the configuration. */
static void test_preempt_mode(void **state)
{
	(void)state;
	write_debian();
	fixture_write("sys/kernel/debug/sched/preempt", "none (voluntary) full\n");
	assert_string_equal(probe(NULL, NULL).preempt_mode, "voluntary");
	assert_false(probe(NULL, NULL).preempts);
	fixture_write("sys/kernel/debug/sched/preempt", "garbage\n");
	assert_string_equal(probe(NULL, NULL).preempt_mode, "full");
	assert_true(probe(NULL, NULL).preempts);
	fixture_write("proc/cmdline", "quiet nopreempt=full xpreempt=none\n");
	assert_string_equal(probe(NULL, NULL).preempt_mode, "voluntary");
	fixture_write("proc/cmdline", "preempt=none\n");
	fixture_write("proc/sys/kernel/version", "#1 SMP\n"); /* not a dynamic kernel */
	assert_string_equal(probe(NULL, NULL).preempt_mode, "voluntary");
}

static void test_nothing_readable(void **state)
{
	struct features f = probe(NULL, NULL);

	(void)state;
	assert_string_equal(f.config_path, "");
	assert_string_equal(f.preempt_mode, "");
	assert_int_equal(f.possible_cpus, 0);
	assert_int_equal(f.kptr_restrict, -1);
	assert_int_equal(f.lockdown, FEATURES_LOCKDOWN_UNKNOWN);
	assert_int_equal(f.jit, FEATURES_UNKNOWN);
	assert_int_equal(f.config_prove_locking, FEATURES_UNKNOWN);
	assert_int_equal(f.debug_kernel, FEATURES_UNKNOWN);
	assert_false(f.may_trace);
}

static void test_quiet_cpus(void **state)
{
	struct features f;

	(void)state;
	f = probe(NULL, NULL);
	assert_string_equal(f.isolated, "");
	assert_int_equal(f.jit_harden, -1);
	fixture_write("sys/devices/system/cpu/isolated", "2-5,8\n");
	fixture_write("sys/devices/system/cpu/nohz_full", "(null)\n");
	fixture_write("proc/sys/net/core/bpf_jit_harden", "2\n");
	f = probe(NULL, NULL);
	assert_string_equal(f.isolated, "2-5,8");
	assert_string_equal(f.nohz_full, "");
	assert_int_equal(f.jit_harden, 2);
	fixture_write("sys/devices/system/cpu/isolated", "\n");
	fixture_write("sys/devices/system/cpu/nohz_full", "1\n");
	f = probe(NULL, NULL);
	assert_string_equal(f.isolated, "");
	assert_string_equal(f.nohz_full, "1");
}

static void test_capabilities(void **state)
{
	(void)state;
	fixture_write("proc/self/status", "Name:\tx\nCapEff:\t0000000000200000\n");
	assert_true(probe(NULL, NULL).may_trace); /* SYS_ADMIN */
	fixture_write("proc/self/status", "Name:\tx\nCapEff:\t000000c000000000\n");
	assert_true(probe(NULL, NULL).may_trace); /* BPF and PERFMON */
	fixture_write("proc/self/status", "Name:\tx\nCapEff:\t0000008000000000\n");
	assert_false(probe(NULL, NULL).may_trace); /* BPF alone */
	fixture_write("proc/self/status", "garbage");
	assert_false(probe(NULL, NULL).may_trace);
}

static void test_cpus(void **state)
{
	(void)state;
	assert_int_equal(features_parse_cpus("0"), 1);
	assert_int_equal(features_parse_cpus("0-1"), 2);
	assert_int_equal(features_parse_cpus("0-1,4,6-7\n"), 8);
	assert_int_equal(features_parse_cpus("0,2"), 3); /* slots for the gaps too */
	assert_int_equal(features_parse_cpus(""), 0);
	assert_int_equal(features_parse_cpus("\n"), 0);
	assert_int_equal(features_parse_cpus("0-"), 0);
	assert_int_equal(features_parse_cpus("-1"), 0);
	assert_int_equal(features_parse_cpus("0 1"), 0);
	assert_int_equal(features_parse_cpus("99999999999999999999"), 0);
}

static void test_config_gz(void **state)
{
	static const char text[] = "CONFIG_PREEMPT=y\nCONFIG_PREEMPT_RT=y\n";
	struct kconfig *k = NULL;
	gzFile gz;

	(void)state;
	write_debian();
	fixture_write("proc/config.gz", "");
	gz = gzopen(fixture_path("proc/config.gz"), "w");
	assert_non_null(gz);
	assert_int_equal(gzwrite(gz, text, strlen(text)), strlen(text));
	assert_int_equal(gzclose(gz), Z_OK);
	assert_int_equal(kconfig_load(fixture_dir, "6.12", &k), 0);
	assert_string_equal(kconfig_path(k), "/proc/config.gz");
	assert_int_equal(kconfig_get(k, "CONFIG_PREEMPT"), 'y');
	assert_int_equal(kconfig_get(k, "CONFIG_PREEMPT_RT"), 'y');
	assert_int_equal(kconfig_get(k, "CONFIG_PREEMPT_R"), 'n');
	kconfig_free(k);
	/* damaged: the next place is asked */
	fixture_write_bytes("proc/config.gz", "\x1f\x8b\x08garbage", 10);
	assert_int_equal(kconfig_load(fixture_dir, "6.12.117+deb12-cloud-amd64", &k), 0);
	assert_string_equal(kconfig_path(k), "/boot/config-6.12.117+deb12-cloud-amd64");
	assert_int_equal(kconfig_get(k, "CONFIG_HZ"), 'v');
	assert_int_equal(kconfig_get(k, "CONFIG_BPF_JIT_ALWAYS"), 'm');
	kconfig_free(k);
	fixture_write("boot/config-6.12.117+deb12-cloud-amd64", "");
	k = NULL;
	assert_int_equal(kconfig_load(fixture_dir, "6.12.117+deb12-cloud-amd64", &k), -ENOENT);
	assert_null(k);
}

/* BTF of a kernel with or without PREEMPT_RCU, the old rcu_read_unlock_special() or the fix. */
static enum features_rcu rcu(bool preempt, const char *field, bool is_bool)
{
	struct mini m;
	struct kbtf *k;
	struct features f;

	mini_begin(&m);
	mini_spinlocks(&m, false);
	mini_struct(&m, "rcu_data", 64);
	if (field)
		mini_field(&m, field, is_bool ? m.boolean : m.u32, 16);
	else
		mini_field(&m, "gp_seq", m.u32, 0);
	if (preempt)
		mini_func(&m, "__rcu_read_unlock");
	k = mini_end(&m, NULL);
	f = probe(k, NULL);
	kbtf_free(k);
	return f.rcu;
}

static void test_rcu(void **state)
{
	(void)state;
	assert_int_equal(rcu(true, "defer_qs_iw_pending", true), FEATURES_RCU_HAZARD);
	assert_int_equal(rcu(true, "defer_qs_pending", false), FEATURES_RCU_SAFE);
	assert_int_equal(rcu(false, "defer_qs_iw_pending", true), FEATURES_RCU_SAFE);
	assert_int_equal(rcu(true, NULL, false), FEATURES_RCU_UNKNOWN);
	fixture_write("proc/config.gz", "CONFIG_SMP=y\n");
	assert_int_equal(rcu(true, "defer_qs_iw_pending", true), FEATURES_RCU_SAFE);
}

static void test_btf(void **state)
{
	struct kbtf *k = mini_kernel();
	struct features f = probe(k, NULL);
	struct mini m;
	int hot;

	(void)state;
	kbtf_free(k);
	assert_true(f.btf);
	assert_int_equal(f.rt, FEATURES_NO);
	assert_false(f.bpf_func_arg);
	assert_false(f.irq_kfunc);
	assert_int_equal(f.preempt_count, FEATURES_PREEMPT_COUNT_VAR);
	assert_int_equal(f.nr_hidden, 6); /* it has no unlocks at all */
	assert_string_equal(f.hidden[0], "_raw_spin_unlock");

	mini_begin(&m);
	mini_spinlocks(&m, true);
	hot = mini_struct(&m, "pcpu_hot", 64);
	mini_field(&m, "preempt_count", m.u32, 8);
	assert_true(hot > 0);
	assert_true(btf__add_enum(m.btf, "bpf_func_id", 4) > 0);
	assert_int_equal(btf__add_enum_value(m.btf, "BPF_FUNC_get_func_arg", 183), 0);
	mini_func(&m, "bpf_local_irq_save");
	mini_func(&m, "_raw_spin_unlock");
	k = mini_end(&m, NULL);
	f = probe(k, NULL);
	kbtf_free(k);
	assert_int_equal(f.rt, FEATURES_YES);
	assert_true(f.bpf_func_arg);
	assert_true(f.irq_kfunc);
	assert_int_equal(f.preempt_count, FEATURES_PREEMPT_COUNT_PCPU_HOT);
	assert_int_equal(f.nr_hidden, 1); /* on RT there are no raw rwlocks to inline */
	assert_string_equal(f.hidden[0], "_raw_spin_unlock_irq");
}

static void test_btf_arm64(void **state)
{
	struct features f;
	struct kbtf *k;
	struct mini m;

	(void)state;
	mini_begin(&m);
	mini_spinlocks(&m, true);
	assert_true(mini_struct(&m, "thread_info", 64) > 0);
	mini_field(&m, "preempt_count", m.u32, 8);
	k = mini_end(&m, NULL);
	f = probe(k, NULL);
	kbtf_free(k);
	assert_int_equal(f.preempt_count, FEATURES_PREEMPT_COUNT_TASK);
	fixture_write("proc/sys/kernel/arch", "aarch64\n");
	f = probe(NULL, NULL);
	assert_true(f.known_machine);
	fixture_write("proc/sys/kernel/arch", "riscv64\n");
	f = probe(NULL, NULL);
	assert_false(f.known_machine);
}

/* A function that is in the symbol table is there, whatever BTF leaves out. */
static void test_symbols(void **state)
{
	struct ksyms *k = NULL;
	struct features f;

	(void)state;
	fixture_write("kallsyms", "ffffffff81000000 T _raw_spin_unlock\n"
				  "ffffffff81000010 T _raw_spin_unlock_irq\n"
				  "ffffffff81000020 t lock_acquire\n"
				  "ffffffffc0000020 t _raw_read_unlock\t[odd]\n");
	assert_int_equal(ksyms_load(fixture_path("kallsyms"), &k), 0);
	f = probe(NULL, k);
	ksyms_free(k);
	assert_true(f.symbols);
	assert_int_equal(f.debug_kernel, FEATURES_YES);
	assert_int_equal(f.nr_hidden, 4);
	assert_string_equal(f.hidden[0], "_raw_read_unlock");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_debian),
		TEST(test_preempt_mode),
		TEST(test_nothing_readable),
		TEST(test_quiet_cpus),
		TEST(test_capabilities),
		TEST(test_cpus),
		TEST(test_config_gz),
		TEST(test_rcu),
		TEST(test_btf),
		TEST(test_btf_arm64),
		TEST(test_symbols),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
