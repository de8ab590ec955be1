#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The oracle: the same program (uffd_aio, or $LOAD) on a kernel with lockdep, which reports on its
# console.
. ./lib.sh
plan workload

case_workload()
{
	${LOAD:-uffd_aio} $ARGS >$OUT/load.out 2>&1 || fail "the program: status $?"
	cat /proc/lockdep >$OUT/proc
	cat /proc/lockdep_stats >$OUT/stats
}

try workload
