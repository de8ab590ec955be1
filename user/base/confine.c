// SPDX-License-Identifier: GPL-2.0-only
#include "base/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/arch.h"
#include "base/cleanup.h"

/* The C library's needs for memory, time, threads' locks, and to end. */
static const int always[] = {
	SYS_read,	   SYS_write,	     SYS_writev,	SYS_readv,
	SYS_close,	   SYS_lseek,	     SYS_fstat,		SYS_fcntl,
	SYS_mmap,	   SYS_munmap,	     SYS_mremap,	SYS_mprotect,
	SYS_madvise,	   SYS_brk,	     SYS_futex,		SYS_poll,
	SYS_ppoll,	   SYS_clock_gettime, SYS_clock_nanosleep, SYS_nanosleep,
	SYS_gettimeofday,  SYS_getrandom,    SYS_getpid,	SYS_gettid,
	SYS_tgkill,	   SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn,
	SYS_sigaltstack,   SYS_sched_yield,  SYS_restart_syscall, SYS_exit,
	SYS_exit_group,
};

static const int reading[] = {
	SYS_pread64, SYS_newfstatat, SYS_statx,	  SYS_access,	  SYS_faccessat, SYS_faccessat2,
	SYS_readlink, SYS_readlinkat, SYS_getdents64, SYS_fstatfs, SYS_stat,	 SYS_lstat,
	SYS_fadvise64, SYS_getcwd,
};

#define NR(array) (sizeof(array) / sizeof((array)[0]))
#define MOST_INSTRUCTIONS 512
#define WRITES (O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND)

struct filter {
	struct sock_filter code[MOST_INSTRUCTIONS];
	unsigned short nr;
};

static void add(struct filter *f, uint16_t code, uint32_t k, uint8_t if_so, uint8_t if_not)
{
	if (f->nr < MOST_INSTRUCTIONS)
		f->code[f->nr++] = (struct sock_filter){ code, if_so, if_not, k };
}

static void load(struct filter *f, size_t offset)
{
	add(f, BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
}

static void give(struct filter *f, uint32_t verdict)
{
	add(f, BPF_RET | BPF_K, verdict, 0, 0);
}

static void allow(struct filter *f, const int *calls, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if (calls[i] == ARCH_NO_CALL)
			continue;
		add(f, BPF_JMP | BPF_JEQ | BPF_K, calls[i], 0, 1);
		give(f, SECCOMP_RET_ALLOW);
	}
}

/* openat() with flags that only read; open() is the same with another argument. */
static void allow_open(struct filter *f, int call, int argument)
{
	add(f, BPF_JMP | BPF_JEQ | BPF_K, call, 0, 4);
	load(f, offsetof(struct seccomp_data, args) + 8 * argument);
	add(f, BPF_JMP | BPF_JSET | BPF_K, WRITES, 1, 0);
	give(f, SECCOMP_RET_ALLOW);
	give(f, SECCOMP_RET_ERRNO | EPERM);
}

static int filter_calls(const struct confine *how)
{
	struct filter f = { .nr = 0 };
	struct sock_fprog program = { .filter = f.code };

	load(&f, offsetof(struct seccomp_data, arch));
	add(&f, BPF_JMP | BPF_JEQ | BPF_K, ARCH_AUDIT, 1, 0);
	give(&f, SECCOMP_RET_ERRNO | EPERM);
	/* The numbers of the x32 ABI have a bit more, so they are none of those. */
	load(&f, offsetof(struct seccomp_data, nr));
	allow(&f, always, NR(always));
	allow(&f, how->calls, how->nr_calls);
	if (how->reads_files) {
		allow(&f, reading, NR(reading));
		allow_open(&f, SYS_openat, 2);
		load(&f, offsetof(struct seccomp_data, nr));
		allow_open(&f, SYS_open, 1);
	}
	give(&f, SECCOMP_RET_ERRNO | EPERM);
	if (f.nr == MOST_INSTRUCTIONS)
		return -E2BIG;
	program.len = f.nr;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) ? -errno : 0;
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static int close_others(const struct confine *how)
{
	AUTO_FREE int *kept = calloc(how->nr_fds + 1, sizeof(*kept));
	unsigned int first = STDERR_FILENO + 1;

	if (!kept)
		return -ENOMEM;
	for (size_t i = 0; i < how->nr_fds; i++)
		kept[i] = how->fds[i];
	qsort(kept, how->nr_fds, sizeof(*kept), by_number);
	for (size_t i = 0; i < how->nr_fds; i++) {
		if (kept[i] < (int)first)
			continue;
		if (kept[i] > (int)first && close_range(first, kept[i] - 1, 0))
			return -errno;
		first = kept[i] + 1;
	}
	return close_range(first, ~0u, 0) ? -errno : 0;
}

static int set_limit(int what, uint64_t most)
{
	const struct rlimit limit = { most, most };

	return setrlimit(what, &limit) ? -errno : 0;
}

static int set_limits(const struct confine *how)
{
	int code = set_limit(RLIMIT_CORE, 0);

	if (!code && how->cpu_seconds)
		code = set_limit(RLIMIT_CPU, how->cpu_seconds);
#ifndef __SANITIZE_ADDRESS__ /* its shadow takes terabytes of address space */
	if (!code && how->memory_bytes)
		code = set_limit(RLIMIT_AS, how->memory_bytes);
#endif
	return code;
}

/*
 * A service that was not given CAP_SETUID stays who it is: it cannot open a file then,
 * unless it reads, nor ever get a capability.
 */
static int change_user(const struct confine *how)
{
	if (geteuid())
		return 0;
	if (setgroups(0, NULL) || setresgid(how->gid, how->gid, how->gid) ||
	    setresuid(how->uid, how->uid, how->uid))
		return errno == EPERM ? 0 : -errno;
	return 0;
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};

	return syscall(SYS_capset, &header, none) ? -errno : 0;
}

int confine(const struct confine *how, struct error *err)
{
	int code = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0;

	code = code ? code : close_others(how);
	code = code ? code : set_limits(how);
	code = code ? code : change_user(how);
	code = code ? code : drop_capabilities();
	if (!code && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		code = -errno;
	code = code ? code : filter_calls(how);
	return code ? error_set_errno(err, code, "cannot give up privileges") : 0;
}
