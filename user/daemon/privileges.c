// SPDX-License-Identifier: GPL-2.0-only
#include "daemon/privileges.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"

static const int kept[] = {CAP_BPF, CAP_PERFMON, CAP_SYSLOG};

static int keep_only(const int *caps, size_t nr)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3], now[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, now))
		return -errno;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		data[i] = (struct __user_cap_data_struct){};
	for (size_t i = 0; i < nr; i++)
		data[CAP_TO_INDEX(caps[i])].permitted |= CAP_TO_MASK(caps[i]);
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].permitted &= now[i].permitted;
		data[i].effective = data[i].permitted;
	}
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

/*
 * A capability that is not in the bounding set does not come back by exec, should that ever happen.
 */
static void empty_bounding_set(void)
{
	int64_t last = CAP_LAST_CAP;

	file_number(NULL, "/proc/sys/kernel/cap_last_cap", &last);
	for (int cap = 0; cap <= last; cap++)
		prctl(PR_CAPBSET_DROP,
		      cap); /* wants CAP_SETPCAP: under systemd it is done already */
}

int privileges_lock(struct error *err)
{
	empty_bounding_set();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return error_set_errno(err, -errno, "cannot refuse privileges");
	return 0;
}

int privileges_drop(struct error *err)
{
	int code = keep_only(kept, sizeof(kept) / sizeof(kept[0]));

	return code ? error_set_errno(err, code, "cannot drop privileges") : 0;
}
