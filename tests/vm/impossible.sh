#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A kernel that cannot be traced at all. $WORDS is what it must be refused for.
. ./lib.sh
plan check trace
mount -t securityfs securityfs /sys/kernel/security 2>/dev/null

case_check()
{
	lv 1 check check
	has check.out "impossible: .*$WORDS"
}

case_trace()
{
	refused 1 trace "$WORDS" trace -o /tmp/a.db -- true
	[ ! -e /tmp/a.db ] || fail 'a capture is left'
}

try check
try trace
