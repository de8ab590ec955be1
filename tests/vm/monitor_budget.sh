#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# On a machine that is busy all the time: hooks are let go of and taken again, with what rights
# the monitor has left, the budget is kept by its own account, and metrics say so.
. ./lib.sh
BPF_SETTLES=60
BUDGET=${BUDGET:-2.5} # less than hooks at rest cost under this load
plan windows kept scraped ended

metric() { sed -n "s/^lockvane_$1 //p" $OUT/metrics.txt; }
scrape() { wget -q -O $OUT/metrics.txt http://127.0.0.1:9464/metrics; }
alive() { kill -0 "$monitor" || fail 'the monitor is gone'; }
count() { grep -c -e "$1" $OUT/monitor.err; }
more() { [ "$(count "$1")" -ge "$2" ] || ! kill -0 "$monitor"; }

lockvane monitor --state /tmp/state --locks spin,rw --budget "$BUDGET%" --window 2s \
	--log-level debug --metrics 127.0.0.1:9464 >$OUT/monitor.out 2>$OUT/monitor.err &
monitor=$!
mixed -s 400 -j 4 >/dev/null 2>&1 &
load=$!

case_windows()
{
	await 240 'the first window' more 'lockvane: armed' 1
	alive
	await 300 'a rest without hooks' more 'rests, detached' 1
	await 3000 'the next window' more 'lockvane: armed' 3
	alive
	has_not monitor.err 'cannot attach'
	has_not monitor.err 'STOPPED'
}

case_kept()
{
	sleep 6
	scrape || fail 'no metrics'
	echo "::note $(grep 'a lock event costs' $OUT/monitor.err)"
	echo "::note of $BUDGET %: used $(metric budget_used_ratio), windows $(metric windows_total), time seen $(metric coverage_time_ratio), events $(metric coverage_events_ratio)"
	used=$(metric budget_used_ratio)
	[ -n "$used" ] || fail 'it does not say what it uses'
	[ "$(echo "$used $BUDGET" | awk '{ print ($1 <= 1.1 * $2 / 100) }')" = 1 ] ||
		fail "the budget of $BUDGET % is not kept: $used"
}

case_scraped()
{
	scrape || fail 'no metrics'
	[ "$(metric classes)" -gt 20 ] || fail "classes: $(metric classes)"
	has_not metrics.txt ffff
}

case_ended()
{
	kill -TERM "$monitor"
	await 120 'its end' gone
	clean ended
}
gone() { ! kill -0 "$monitor" 2>/dev/null; }

try windows
try kept
try scraped
try ended
kill $load 2>/dev/null
exit 0
