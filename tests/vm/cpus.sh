#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Many possible CPUs, two of them online, and one more that comes while lockvane traces.
. ./lib.sh
plan check hotplug

case_check()
{
	lv 0 check check
	has check.out 'pinned memory.* KiB + .* KiB x 64 possible CPUs'
}

# -d must end a program that does not end by itself.
case_hotplug()
{
	online=/sys/devices/system/cpu/cpu9/online
	[ -e $online ] || fail 'there is no CPU 9 to bring online'
	lv 0 hotplug trace -d 8 -o $OUT/hotplug.db -- sh -c "echo 1 >$online && taskset -c 9 uffd_aio;
		echo work on CPU 9: status \$?; exec sleep 600"
	has hotplug.err 'work on CPU 9: status 0'
	has hotplug.err 'sh was ended by signal 15'
	has_not hotplug.out 'was not planned for'
	lv 0 edges edges $OUT/hotplug.db
	has edges.out 'kioctx.ctx_lock userfaultfd_ctx.fd_wqh'
	clean hotplug
}

try check
try hotplug
