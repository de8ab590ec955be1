#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# On a machine that is busy all the time: hooks are let go of and taken again, with what rights
# the monitor has left, the budget is kept by its own account, and metrics say so.
. ./lib.sh
BPF_SETTLES=60
BUDGET=${BUDGET:-2.5} # less than hooks at rest cost under this load
plan windows dropped kept scraped ended

watch monitor --locks spin,rw --budget "$BUDGET%" --window 2s --metrics 127.0.0.1:9464
mixed -s 3000 -j 4 >/dev/null 2>&1 &
load=$!

case_windows()
{
	await 900 'the first window' armed monitor
	alive
	await 300 'a rest without hooks' says monitor 'rests, detached'
	await 1500 'the next windows' armed monitor 3
	alive
	has_not monitor.err 'cannot attach'
	has_not monitor.err 'STOPPED'
}

# It has attached again since.
case_dropped() { has_dropped; }

case_kept()
{
	sleep 6
	scrape
	echo "::note $(grep 'a lock event costs' $OUT/monitor.err)"
	echo "::note of $BUDGET %: used $(metric budget_used_ratio), windows $(metric windows_total), time seen $(metric coverage_time_ratio), events $(metric coverage_events_ratio)"
	used=$(metric budget_used_ratio)
	[ -n "$used" ] || fail 'it does not say what it uses'
	[ "$(echo "$used $BUDGET" | awk '{ print ($1 <= 1.1 * $2 / 100) }')" = 1 ] ||
		fail "the budget of $BUDGET % is not kept: $used"
}

case_scraped()
{
	scrape
	[ "$(metric classes)" -gt 20 ] || fail "classes: $(metric classes)"
	has_not metrics.txt ffff
}

case_ended() { end_watch monitor; }

try windows
try dropped
try kept
try scraped
try ended
kill $load 2>/dev/null
exit 0
