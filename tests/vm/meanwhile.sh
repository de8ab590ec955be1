#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What else happens on a host while it is traced: other tracers, ftrace switched off and on, a live patch, sleep,
# memory and CPUs that come, and a task that lets nobody go on. One trace, under load, sees all of that; it finds
# the one bug there is, it ends, nothing is left, and the next one does the same. TIMES says how often,
# ARGS go to lockvane trace, JOBS is how many processes the load has.
. ./lib.sh
BPF_SETTLES=60
plan begin tracers ftrace_off livepatch suspend memory cpus stalled after stalled_monitor

TRACING=/sys/kernel/tracing
PATCHED=/sys/kernel/livepatch/lv_patch
HOOKED='_raw_spin_lock _raw_spin_lock_irqsave _raw_spin_unlock _raw_spin_unlock_irqrestore _raw_spin_lock_bh'

rounds() { seq "${TIMES:-3}"; }
tell() { echo "$1" >/dev/lv_torture || fail "the module does not know $1"; }

# Events come within a second: lockvane records.
come() { before=$(events) && sleep 1 && [ "$(events)" -gt "$before" ]; }
recording() { await 20 "events after $1" come; }

ours() { cat /tmp/ours; }
running() { [ -e /tmp/running ] || ! kill -0 "$(ours)" 2>/dev/null; }

# Begin a trace as $1; its command runs for as long as it may.
start()
{
	rm -f /tmp/running
	lockvane trace $ARGS -o $OUT/"$1".db -- sh -c 'touch /tmp/running; exec sleep 100000' >$OUT/"$1".out 2>$OUT/"$1".err &
	echo $! >/tmp/ours
	await 1200 'the trace to begin' running
	[ -e /tmp/running ] || fail "the trace did not begin: $(tail -n 2 $OUT/"$1".err)"
}

# end NAME: it has a report, and leaves nothing behind.
end()
{
	began=$(now)
	kill -INT "$(ours)"
	await 300 'the end of the trace' gone_with_report "$1"
	echo "::note $1: ended in $(echo "$began $(now)" | awk '{ printf "%.0f", $2 - $1 }') s"
	clean "$1"
	hooked=$(head -n 1 $TRACING/enabled_functions)
	[ -z "$hooked" ] || fail "still hooked: $hooked"
}
gone_with_report() { ! kill -0 "$(ours)" 2>/dev/null && grep -q 'lockvane: summary' "$OUT/$1.out"; }

case_begin()
{
	insmod lv_torture.ko || fail 'the module does not load'
	mixed -b -j "${JOBS:-2}" -s 1000000 >/dev/null 2>&1 &
	echo $! >/tmp/load
	start meanwhile
	recording 'the beginning'
	tell lock
}

# All the time, until the trace has ended: what others have at the functions that are hooked.
case_tracers()
{
	tracer $HOOKED mutex_lock mutex_unlock >$OUT/others.out 2>&1 &
	echo $! >/tmp/other
	await 120 'the other tracer' grep -q attached $OUT/others.out
	echo 'p:lv_torture _raw_spin_lock_irq' >$TRACING/kprobe_events || fail 'no kprobe'
	echo 1 >$TRACING/events/kprobes/lv_torture/enable || fail 'the kprobe cannot be switched on'
	recording 'other tracers came'
	for i in $(rounds); do
		echo $HOOKED | tr ' ' '\n' >$TRACING/set_ftrace_filter
		for tracer in function function_graph; do
			echo $tracer >$TRACING/current_tracer || fail "no tracer $tracer"
			sleep 0.5
			echo nop >$TRACING/current_tracer
		done
		echo >$TRACING/set_ftrace_filter
	done
	recording 'the function tracers went'
}

case_ftrace_off()
{
	for i in $(rounds); do
		echo 0 >/proc/sys/kernel/ftrace_enabled || fail 'ftrace cannot be switched off'
		sleep 0.5
		echo 1 >/proc/sys/kernel/ftrace_enabled || fail 'ftrace cannot be switched on'
		recording 'ftrace was off'
	done
}

is_patched() { [ "$(cat $PATCHED/transition 2>/dev/null)" = 0 ]; }
is_unpatched() { [ ! -e $PATCHED ]; }

# Its transition waits for tasks that sleep in what is hooked: none of them sleeps for ever.
case_livepatch()
{
	for i in $(rounds); do
		insmod lv_patch.ko || fail 'the live patch does not load'
		await 120 'all tasks to be patched' is_patched
		tell lock
		recording 'the live patch came'
		echo 0 >$PATCHED/enabled || fail 'the live patch cannot be taken back'
		await 120 'no task to be patched' is_unpatched
		rmmod lv_patch || fail 'the live patch does not go'
	done
	recording 'the live patch went'
}

# To idle and back, as far as the test goes.
case_suspend()
{
	echo 1 >/sys/module/suspend/parameters/pm_test_delay
	for i in $(rounds); do
		for test in freezer devices; do
			echo $test >/sys/power/pm_test || fail "no test of $test"
			echo freeze >/sys/power/state || fail "cannot go to sleep: $test"
		done
	done
	recording 'sleep'
}

total() { awk '/^MemTotal/ { print $2 }' /proc/meminfo; }
more_memory() { [ "$(total)" -ge $((before + 100000)) ]; }

case_memory()
{
	before=$(total)
	echo online_kernel >/sys/devices/system/memory/auto_online_blocks
	insmod virtio_mem.ko || fail 'the driver does not load'
	await 60 'more memory' more_memory
	recording 'memory came'
	sleep 6 # until that is known
	founding
}

# The founding bug, once more: the chain that must be found.
founding()
{
	insmod lv_uffd.ko || fail 'the module does not load'
	uffd_aio --device /dev/lv_uffd >/dev/null || fail 'the module does not work'
}

# Nothing else, but that memory which comes takes locks in both orders; the report says what keeps them apart.
GATES='device_hotplug_lock\|(work) virtio_mem_run_wq'
found()
{
	has "$1.out" 'kioctx.ctx_lock --> lv_uffd_ctx.fd_wqh --> lv_uffd_ctx.fault_pending_wqh'
	all=$(finding_ids "$1.out" | wc -l)
	by_memory=$(grep -c "^lockvane: gated by \($GATES\)" "$OUT/$1.out")
	[ $((all - by_memory)) -eq 1 ] || fail "$all findings, of which $by_memory are of memory that comes"
}

case_cpus()
{
	for i in $(rounds); do
		echo 0 >/sys/devices/system/cpu/cpu1/online || fail 'the CPU does not go'
		sleep 0.3
		echo 1 >/sys/devices/system/cpu/cpu1/online || fail 'the CPU does not come back'
	done
	recording 'the CPU came back'
}

# A task that does not sleep holds up each hook that is let go of: the trace ends, late.
case_stalled()
{
	tell stall
	end_others
	end meanwhile
	found meanwhile
	lv 0 classes classes $OUT/meanwhile.db
	want=$((100 + 100 * $(rounds | wc -l)))
	got=$(awk '$6 ~ /^lv_torture_lock/ { print $4 }' $OUT/classes.out)
	# Some are lost to interrupts in the hook's own trampoline, and counted as such.
	[ "${got:-0}" -ge $((want * 9 / 10)) ] && [ "$got" -le $want ] || fail "lv_torture_lock: $got of $want"
}

# The tracer's own end waits for all tasks likewise.
end_others()
{
	kill "$(cat /tmp/other)"
	echo 0 >$TRACING/events/kprobes/lv_torture/enable
	echo >$TRACING/kprobe_events
}

case_after()
{
	rmmod lv_uffd
	start after
	founding
	end after
	found after
	kill "$(cat /tmp/load)"
	killall mixed sleep
	return 0
}

# The monitor lets go of its hooks for the first time when it knows what they cost.
case_stalled_monitor()
{
	watch stalled --budget 1% --metrics 127.0.0.1:9464
	await 600 'its hooks' has_fds "$(pid)" bpf_link 20
	while ! says stalled 'the hooks stay in place' && [ "${tries:=0}" -lt 20 ]; do
		tell stall
		sleep 15
		tries=$((tries + 1))
	done
	says stalled 'the hooks stay in place' || fail 'it does not say that a hook was slow'
	scrape
	metric slowest_move_seconds | awk '{ exit !($1 > 2) }' || fail "slowest: $(metric slowest_move_seconds)"
	end_watch stalled
}

for name in begin tracers ftrace_off livepatch suspend memory cpus stalled after stalled_monitor; do
	try $name
done
