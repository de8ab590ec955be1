#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A kernel that tracing can hang: told of, and traced only if the user insists.
. ./lib.sh
plan check trace

case_check()
{
	lv 3 check check
	has check.out 'hazards  *rcu_read_unlock_special'
	has check.out '! update the kernel'
	has check.out 'works, with less'
}

case_trace()
{
	refused 1 trace 'accept-hazard' trace -o /tmp/a.db -- true
	[ ! -e /tmp/a.db ] || fail 'a capture is left'
}

try check
try trace
