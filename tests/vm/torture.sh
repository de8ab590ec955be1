#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What a kernel must survive, under load on all CPUs: lockvane killed at any moment, hooks that
# come and go, and modules, CPUs and memory that do so meanwhile. The environment says how often:
#   KILLS    kill -9 of lockvane, anywhere from its start to its end
#   CYCLES   hooks attached and detached, programs loaded once
#   RUNS     whole traces
#   STIRRED  as CYCLES, while a module and a CPU come and go
#   OOMS     memory taken until the kernel kills lockvane, wherever it is by then
#   MODULES  a module loaded, used and unloaded, all in the last trace;
#   CPUS     in the same trace, a CPU taken away and brought back;
#   HOGS     in the same trace, memory taken until the kernel kills who takes it
# Nothing or 0 leaves a case out. The last trace must then find the founding bug as ever. SEED
# repeats a run, JOBS is how many processes the load has, ARGS go to lockvane trace.
. ./lib.sh
set -o pipefail
state=${SEED:=$(date +%s)}
BPF_SETTLES=60 # under load, on a busy machine

cases=
wants() { [ "${2:-0}" -gt 0 ] && cases="$cases $1"; }
wants kills "$KILLS"
wants cycles "$CYCLES"
wants runs "$RUNS"
wants stirred "$STIRRED"
wants ooms "$OOMS"
plan $cases last

notes() { while read -r line; do echo "::note $line"; done; }

# A number below $1, in $drawn.
draw()
{
	state=$(((state * 1103515245 + 12345) % 2147483648))
	drawn=$((state / 65536 % $1))
}

# Whatever happens to it (memory runs out), there is some load again.
load()
{
	while :; do
		mixed -b -j "${JOBS:-4}" -s 1000000
		say 'the load begins anew'
		sleep 0.2
	done &
	loader=$!
}

unload()
{
	kill $loader
	killall mixed
	wait $loader
} 2>/dev/null

start()
{
	rm -f /tmp/running
	lockvane trace $ARGS -- sh -c 'touch /tmp/running; exec sleep 100000' \
		>"$OUT/$1.out" 2>"$OUT/$1.err" &
	tracer=$!
}

# reaches NAME WHAT COMMAND...: until COMMAND succeeds. Emulated and under load, that takes minutes.
reaches()
{
	name=$1 what=$2
	shift 2
	await 3000 "$what" ended_or "$@"
	"$@" || fail "it ended before it had $what: $(tail -n 2 "$OUT/$name.err")"
}

ended_or() { "$@" || ! kill -0 $tracer 2>/dev/null; }

unhooked()
{
	hooked=$(head -n 1 /sys/kernel/tracing/enabled_functions)
	[ -z "$hooked" ] || fail "$1: still hooked: $hooked"
}

# Under load there may be something to find.
ended()
{
	[ "$1" -eq 0 ] || [ "$1" -eq 3 ] || fail "$2: status $1: $(tail -n 2 "$OUT/$2.err")"
	has "$2.out" 'lockvane: summary'
	clean "$2"
	unhooked "$2"
}

# Its words on standard error are why it failed.
case_kills() { kills "$KILLS" "$SEED" $ARGS 2>/tmp/why | notes; }

case_cycles() { cycles "$CYCLES" "$SEED" 2>/tmp/why | notes; }

case_runs()
{
	for i in $(seq "$RUNS"); do
		lockvane trace $ARGS -- true >$OUT/runs.out 2>$OUT/runs.err
		ended $? runs
		echo "run $i of $RUNS" | notes
	done
}

# With the bug fixed: finding it in the last trace is then all that trace's own.
module_comes_and_goes()
{
	insmod lv_uffd.ko fixed=1 || fail 'the module does not load'
	uffd_aio -n 2 --device /dev/lv_uffd >/dev/null || fail 'the module does not work'
	rmmod lv_uffd || fail 'the module does not unload'
}

cpu_goes_and_comes()
{
	online=/sys/devices/system/cpu/cpu1/online
	echo 0 >$online || fail 'the CPU does not go'
	draw 10
	sleep 0.$drawn
	echo 1 >$online || fail 'the CPU does not come back'
}

case_stirred()
{
	cycles "$STIRRED" "$SEED" 2>/tmp/why | notes &
	cycler=$!
	while kill -0 $cycler 2>/dev/null; do
		module_comes_and_goes
		cpu_goes_and_comes
	done
	wait $cycler
}

# Until it loads, attaches or traces: chance chooses.
await_somewhere()
{
	draw 3
	case $drawn in
	0) somewhere=loading; reaches ooms programs has_fds $tracer bpf-prog 3 ;;
	1) somewhere=attaching; reaches ooms hooks has_fds $tracer bpf_link 3 ;;
	2) somewhere=tracing; reaches ooms 'its command' test -e /tmp/running ;;
	esac
}

case_ooms()
{
	for i in $(seq "$OOMS"); do
		start ooms
		await_somewhere
		echo 1000 >/proc/$tracer/oom_score_adj
		hog 0 || fail 'the hog was not killed'
		wait $tracer
		got=$?
		[ $got -eq 137 ] || fail "out of memory, but lockvane is not killed: status $got"
		clean ooms
		unhooked ooms
		echo "out of memory $i of $OOMS: $somewhere" | notes
	done
	killall sleep
	return 0
}

# "[bpf]": the kernel has functions of its own that begin so.
no_trampolines() { ! grep -q '\[bpf\]' /proc/kallsyms; }

case_last()
{
	await 300 'trampolines to go' no_trampolines
	start last
	reaches last 'its command' test -e /tmp/running
	for i in $(seq "${MODULES:-0}"); do
		module_comes_and_goes
	done
	for i in $(seq "${CPUS:-0}"); do
		cpu_goes_and_comes
	done
	for i in $(seq "${HOGS:-0}"); do
		hog 1000 || fail 'the hog was not killed'
	done
	taskset -c 1 true || fail 'CPU 1 is not there again'
	unload
	insmod lv_uffd.ko || fail 'the module does not load'
	uffd_aio --device /dev/lv_uffd >/dev/null || fail 'the module does not work'
	kill -INT $tracer
	wait $tracer
	ended $? last
	has last.out 'kioctx.ctx_lock --> lv_uffd_ctx.fd_wqh --> lv_uffd_ctx.fault_pending_wqh'
}

# Out of memory, nothing of this may be killed: the exceptions are made where they are wanted.
echo -900 >/proc/self/oom_score_adj
echo "seed $SEED" | notes
load
for name in $cases last; do
	try $name
done
