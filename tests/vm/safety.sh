#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What lockvane must not do to a host: read where a device may be, stay armed while it does not run
# itself, be in the way of others. Most of it needs no more than the spinning locks, which load in a few seconds.
. ./lib.sh
plan places stopped ctrl_z monitor_stopped beside contention contention_ignored

SILENT=2.2 # seconds until the hooks have disarmed themselves, and a scheduler's whim

case_places()
{
	insmod lv_safety.ko || fail 'the module does not load'
	lv 0 places trace -o $OUT/places.db -- sh -c 'echo decoy >/dev/lv_safety; echo wake >/dev/lv_safety'
	clean places
}

# Under load, in the background, as $tracer; recording has begun.
start()
{
	rm -f /tmp/running
	lockvane trace --locks spin,rw -o $OUT/"$1".db -- sh -c 'touch /tmp/running; exec mixed -s 25 -j 2' >$OUT/"$1".out 2>$OUT/"$1".err &
	tracer=$!
	await 240 'the load to run' test -e /tmp/running
	sleep 2
}

# counts_for NAME: events come, or they do not, within a second.
come() { before=$(events) && sleep 1 && [ "$(events)" -gt "$before" ]; }
none_come() { before=$(events) && sleep 2 && [ "$(events)" -eq "$before" ]; }

ended()
{
	wait $tracer
	got=$?
	[ $got -eq 0 ] || fail "status $got: $(tail -n 3 "$OUT/$1.err")"
	has "$1.out" 'milliseconds not recorded'
	clean "$1"
}

case_stopped()
{
	start stopped
	come || fail 'no events although armed'
	kill -STOP $tracer
	sleep $SILENT
	none_come || fail 'events although it is stopped'
	kill -CONT $tracer
	await 10 'events again' come
	ended stopped
	has stopped.err 'the hooks disarmed themselves: [0-9.]* s were not recorded'
}

is_stopped() { grep -q '^State:.*T' /proc/$tracer/status; }

case_ctrl_z()
{
	start ctrl_z
	kill -TSTP $tracer
	await 10 'it to stop' is_stopped
	none_come || fail 'events although it is stopped'
	kill -CONT $tracer
	await 10 'events again' come
	ended ctrl_z
	has ctrl_z.err 'continued: [0-9.]* s were not recorded'
}

case_monitor_stopped()
{
	rm -rf $STATE
	watch lapse --locks spin,rw --budget 100% --metrics 127.0.0.1:9464
	await 300 'a window' armed lapse
	mixed -s 30 -j 2 >/dev/null 2>&1 &
	load=$!
	await 20 'events' come
	kill -STOP "$(pid)"
	sleep $SILENT
	none_come || fail 'events although it is stopped'
	kill -CONT "$(pid)"
	await 20 'events again' come
	await 20 'words of it' says lapse 'the hooks disarmed themselves'
	sleep 6
	scrape
	[ "$(metric lapses_total)" -ge 1 ] || fail "lapses: $(metric lapses_total)"
	[ "$(metric 'lost_total{kind="lapsed_ms"}')" -ge 1500 ] || fail 'the gap is not counted'
	wait $load
}

# The same monitor: it makes room for a trace, and goes on afterwards.
case_beside()
{
	alive
	lv 0 beside trace --locks spin -d 8
	has beside.err 'a monitor is at work: it rests while this traces'
	says lapse 'rests: a trace is at work' || fail 'it did not rest'
	await 20 'the end of its rest' says lapse 'the trace has ended'
	armed_before=$(lines lapse 'lockvane: armed')
	await 60 'another window' armed lapse $((armed_before + 1))
	end_watch lapse
}

# Nobody waits before, many do as soon as recording has begun: as if it were for that.
case_contention()
{
	lockvane trace --locks mutex -d 60 -- sh -c 'sleep 1; echo contend >/dev/lv_safety; touch /tmp/whole' >$OUT/contention.out \
		2>$OUT/contention.err
	got=$?
	[ $got -eq 1 ] || fail "status $got, not 1: $(tail -n 2 $OUT/contention.err)"
	has contention.err 'times as often as is usual here: recording ends'
	has contention.err 'sh exited with status 0'
	[ -e /tmp/whole ] || fail 'the program did not run to its end'
	has contention.out '^findings *none'
	clean contention
}

case_contention_ignored()
{
	lv 0 ignored trace --locks mutex --contention 0 -- sh -c 'sleep 1; echo contend >/dev/lv_safety'
	has_not ignored.err 'as often as is usual'
	clean ignored
}

try places
try stopped
try ctrl_z
try monitor_stopped
try beside
try contention
try contention_ignored
