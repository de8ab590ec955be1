#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Tasks that wait for each other are told while they hang, in five seconds; who is only slow is not.
# The tasks hang until the guest goes. One trace sees the innocents first.
. ./lib.sh
BPF_SETTLES=60
# They hang by intent: the kernel's own watchdog would make a splat of it.
echo 0 >/proc/sys/kernel/hung_task_timeout_secs 2>/dev/null
plan slow mutex rwsem self flush report watched innocent_watch

DEADLOCKS='^lockvane: finding .*: deadlock,'
deadlocks() { grep -c "$DEADLOCKS" "$OUT/$1"; }
# Each telling lists all of them.
told() { grep -q "^lockvane: finding .* of $2: deadlock," "$OUT/$1"; }

hang() { echo "$1" >/dev/lv_hang || fail "the module does not know $1"; }

# after WORD NR: it hangs, and deadlock number NR is told in time.
after()
{
	hang "$1"
	begin=$(now)
	await 30 "the deadlock of $1" told trace.err "$2"
	took=$(echo "$begin $(now)" | awk '{ printf "%.1f", $2 - $1 }')
	echo "::note $1 told after $took s"
	[ "$(echo "$took" | awk '{ print ($1 <= 5) }')" = 1 ] || fail "$1 told after $took s"
}

case_slow()
{
	insmod lv_hang.ko || fail 'the module does not load'
	lockvane trace -o $OUT/hang.db -- sh -c 'touch /tmp/running; exec sleep 600' \
		>$OUT/trace.out 2>$OUT/trace.err &
	echo $! >/tmp/tracer
	await 600 'the program to run' test -e /tmp/running
	hang slow
	hang chain
	sleep 10
	[ "$(deadlocks trace.err)" -eq 0 ] || fail 'a slow holder is told as a deadlock'
}

case_mutex()
{
	after mutex 1
	has trace.err "BUG: tasks wait for each other's locks"
	has trace.err '^lv_hang_ab/.* has been waiting for'
	has trace.err '^lv_hang_ba/.* has been waiting for'
	has trace.err 'which is held exclusively by lv_hang_ab/'
	has trace.err 'stack backtrace of lv_hang_ba/'
	has trace.err '(lv_hang_a \[lv_hang\])'
	has trace.err 'lockvane: confidence: observed'
}

case_rwsem()
{
	after rwsem 2
	has trace.err '(lv_hang_rwsem \[lv_hang\])'
	has trace.err 'which is held as a reader by lv_hang_reader/'
}

case_self()
{
	after self 3
	has trace.err 'which it holds exclusively itself'
}

case_flush()
{
	after flush 4
	has trace.err '((work) lv_hang_work_fn \[lv_hang\])'
	has trace.err 'lv_hang_flusher/.* has been waiting for'
}

# The trace ends although they hang; what it found is in the report and in the capture.
case_report()
{
	kill -INT "$(cat /tmp/tracer)"
	await 60 'the end of the trace' has_ended
	[ "$(deadlocks trace.out)" -eq 4 ] || fail "$(deadlocks trace.out) deadlocks in the report"
	lv 3 report report $OUT/hang.db
	[ "$(deadlocks report.out)" -eq 4 ] || fail "$(deadlocks report.out) deadlocks in the capture"
	has_not report.out 'lv_hang_slow'
	has_not report.out 'lv_hang_links'
	lv 3 json report --format json $OUT/hang.db
	has json.out '"rule": "deadlock"'
	has json.out '"confidence": "observed"'
	has json.out '"held": "shared"'
}
has_ended() { ! kill -0 "$(cat /tmp/tracer)" 2>/dev/null && grep -q '^findings' $OUT/trace.out; }

case_watched()
{
	watch monitor --metrics 127.0.0.1:9464
	await 600 'the monitor' says monitor 'lockvane: watching'
	sleep 5
	hang again
	begin=$(now)
	await 30 'the deadlock' says monitor 'finding .*: deadlock, observed: lv_hang_c.*lv_hang_d'
	took=$(echo "$begin $(now)" | awk '{ printf "%.1f", $2 - $1 }')
	echo "::note the monitor told it after $took s"
	[ "$(echo "$took" | awk '{ print ($1 <= 5) }')" = 1 ] || fail "told after $took s"
	await 20 'the metric' in_metrics
}
in_metrics() { scrape; grep -q '^lockvane_findings{rule="deadlock",confidence="observed"} 1' $OUT/metrics.txt; }

# Nothing was told but that: those of before had begun to wait unseen.
case_innocent_watch()
{
	alive
	[ "$(lines monitor 'finding .*: deadlock')" -eq 1 ] || fail 'more deadlocks than there are'
	end_watch monitor
}

try slow
try mutex
try rwsem
try self
try flush
try report
try watched
try innocent_watch
