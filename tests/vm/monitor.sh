#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The monitor: finds the founding case once, counts it from then on, outlives a kill and a broken
# configuration, and does not grow.
. ./lib.sh
BPF_SETTLES=60
CONF=/tmp/lockvane.conf
plan found listed read again alone broken_reload suppressed killed known clock_back full_disk flat ended

configure() { printf 'locks = spin,rw\nbudget = 100%%\nlog-level = debug\n%s\n' "$*" >$CONF; }

start()
{
	watch "$1" --config $CONF
	await 240 'the monitor to arm' armed "$1"
	say 'armed'
}

trigger() { uffd_aio --device /dev/lv_uffd "$@" >/dev/null || fail 'the workload fails'; }

listed() { lockvane findings --state $STATE >"$OUT/$1.out" 2>"$OUT/$1.err"; }
count() { sed -n "/^$ID /,/seen/s/.*seen \([0-9]*\) time.*/\1/p" "$OUT/$1.out"; }

case_found()
{
	umask 0
	insmod lv_uffd.ko || fail 'the module does not load'
	alive
	sleep 10 # what the module brings, symbols and types, is read in the five seconds after
	trigger
	begin=$(now)
	await 30 'the finding' says first 'finding [0-9a-f]*: irq-inversion'
	echo "::note $(grep -m 1 'finding ' $OUT/first.err)"
	echo "::note told $(echo "$begin $(now)" | awk '{ printf "%.2f", $2 - $1 }') s after the workload's end"
	# The whole is done within a second, and this guest is many times slower than a machine.
	[ "$(echo "$begin $(now)" | awk '{ print ($2 - $1 < 2) }')" = 1 ] || fail 'told too late'
	has first.err 'irq-inversion.*--> lv_uffd_ctx.fault_pending_wqh '
}

case_listed()
{
	await 5 'the state' listed_id
	[ "$(stat -c %a $STATE)" = 700 ] || fail "the folder's mode is $(stat -c %a $STATE)"
	[ "$(stat -c %a $STATE/lockvane.db)" = 600 ] || fail "the database's mode"
	lv 0 show show --state $STATE "$ID"
	has show.out "irq-inversion, id $ID"
	has show.out 'WARNING: .* detected'
	has show.out 'lv_uffd_ctx.fault_pending_wqh'
	lv 0 show_json show --state $STATE --format json "$ID"
	has show_json.out '"irq-inversion"'
	lv 1 show_none show --state $STATE 0123456789ab
}

# What reads its state reads it while it is at work.
case_read()
{
	await 60 'the status' told_status
	has status.out '^mode  *armed, as of'
	has status.out '^findings  *[1-9][0-9]*, and 0 suppressed'
	lv 3 state_report report --state $STATE --brief
	has state_report.out "$ID"
	lv 0 state_edges edges --state $STATE --lock '*.fd_wqh'
	has state_edges.out 'lv_uffd_ctx.fault_pending_wqh'
	lv 0 show_page show --state $STATE --format html "$ID"
	has show_page.out '<h3>Waits</h3>'
	lv 0 silence suppress --state $STATE "$ID" --why 'a test'
	has silence.out '^irq-inversion: .*lv_uffd_ctx.fault_pending_wqh ; a test$'
	[ "$(stat -c %a $STATE/status.json)" = 600 ] || fail "the status' mode"
	alive
}
# It is written twice a minute: the first one may be from before the finding.
told_status()
{
	lockvane status --state $STATE >$OUT/status.out 2>/dev/null || [ $? -eq 3 ] || return
	grep -q '^findings  *[1-9]' $OUT/status.out
}

listed_id() { listed findings; grep -q "^$ID " $OUT/findings.out; }

case_again()
{
	before=$(count findings)
	trigger -n "${AGAIN:-300}"
	await 60 'the count' counted "$((before + ${AGAIN:-300} * 9 / 10))"
	[ "$(lines first "finding $ID:")" -eq 1 ] || fail 'told again'
	[ "$(grep -c "^$ID " $OUT/counted.out)" -eq 1 ] || fail 'recorded more than once'
}
counted() { listed counted; [ "$(count counted)" -ge "$1" ]; }

case_alone()
{
	lv 1 alone monitor --config $CONF --state $STATE
	has alone.err 'another lockvane monitor is at work'
	alive
}

case_broken_reload()
{
	echo 'bugdet = 1%' >$CONF
	kill -HUP "$(pid)"
	await 10 'the complaint' says first 'lockvane.conf:1: there is no key "bugdet".*stays as it was'
	alive
	configure
	kill -HUP "$(pid)"
	await 10 'the reload' says first 'configuration read again'
	alive
}

# Listed no more, without a restart; and told again to nobody when that is taken back.
case_suppressed()
{
	echo 'irq-inversion: ... --> lv_uffd_ctx.fault_pending_wqh ; a test module' >/tmp/suppressions
	configure 'suppress = /tmp/suppressions'
	kill -HUP "$(pid)"
	await 5 'the suppression' hidden
	configure
	kill -HUP "$(pid)"
	await 5 'its end' listed_id
	[ "$(lines first "finding $ID:")" -eq 1 ] || fail 'told again'
}
hidden() { listed hidden; ! grep -q "^$ID " $OUT/hidden.out && grep -q 'not listed' $OUT/hidden.out; }

case_killed()
{
	kill -KILL "$(pid)"
	await 60 'its end' gone
	clean killed
	listed after_kill
	[ "$(grep -c "^$ID " $OUT/after_kill.out)" -eq 1 ] || fail 'the finding is lost'
}

# Half of the sightings are waited for: on a busy machine interrupts hit programs, and such events are lost.
case_known()
{
	alive
	before=$(count after_kill)
	trigger -n 50
	await 60 'the count' counted "$((before + 25))"
	has_not second.err "finding $ID:"
	alive
}

# Times do not run backwards, and it goes on.
case_clock_back()
{
	listed before
	last=$(sed -n "/^$ID /,/seen/s/.*last \([-0-9 :]*\),.*/\1/p" $OUT/before.out)
	before=$(count before)
	date -s "@$(($(date +%s) - 86400))" >/dev/null
	trigger -n 50
	await 60 'the count' counted "$((before + 25))"
	has counted.out "last $last,"
	date -s "@$(($(date +%s) + 86400))" >/dev/null
	alive
}

# Something new makes it save: a module that was not there before.
case_full_disk()
{
	dd if=/dev/zero of=$STATE/filler bs=4k >/dev/null 2>&1
	before=$(count counted)
	trigger -n 50
	await 400 'the complaint' says second 'cannot save'
	alive
	rm $STATE/filler
	await 600 'the recovery' says second 'saved again'
	await 60 'the count' counted "$((before + 25))"
}

case_flat()
{
	mixed -s 20 -j 2 >/dev/null 2>&1
	sleep 12
	rss=$(rss) fds=$(fds)
	mixed -s 40 -j 2 >/dev/null 2>&1
	sleep 12
	echo "::note RSS $rss kB, then $(rss); descriptors $fds, then $(fds)"
	[ "$(rss)" -le $((rss + rss / 10)) ] || fail "it grows: $rss kB, then $(rss)"
	[ "$(fds)" -le "$fds" ] || fail "descriptors: $fds, then $(fds)"
	has_dropped
}

case_ended()
{
	end_watch second
	[ ! -s $STATE/lockvane.db-wal ] || fail 'a log is left'
	lv 0 state_classes classes $STATE/lockvane.db
	has state_classes.out kioctx.ctx_lock
	lv 1 status_ended status --state $STATE
	has status_ended.out 'not running'
}

configure
mkdir -m 700 $STATE
mount -t tmpfs -o size=16m,mode=700 none $STATE
start first
try found
ID=$(sed -n 's/.*finding \([0-9a-f]*\): irq-inversion.*/\1/p' $OUT/first.err | head -n 1)
[ -n "$ID" ] || ID=none
try listed
try read
try again
try alone
try broken_reload
try suppressed
try killed
start second
try known
try clock_back
try full_disk
try flat
try ended
