#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A long mixed load. The host judges what was found; findings that are weak come along.
. ./lib.sh
plan load

case_load()
{
	say "lockvane trace -- $LOAD"
	# Some stressors do nothing but wait for locks: recording goes on all the same.
	lockvane trace --contention 0 -o $OUT/load.db -- $LOAD >$OUT/load.out 2>$OUT/load.err
	status=$?
	say "status $status"
	[ $status -eq 0 ] || [ $status -eq 3 ] || fail "status $status: $(tail -n 2 $OUT/load.err)"
	has load.err "${LOAD%% *} exited with status 0"
	lockvane report --format json --confidence weak $OUT/load.db >$OUT/load.json
	lockvane report --confidence weak $OUT/load.db >$OUT/weak.out
	lockvane check >$OUT/check.out
	clean load
}

try load
