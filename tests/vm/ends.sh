#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# However a trace is ended, and whenever, nothing is left in the kernel and the next one works.
. ./lib.sh
BPF_SETTLES=60 # seconds: the kernel lets go of the hooks
LOCKS=spin,rw  # however many hooks there are, they go in one way; few come sooner
plan sigint sigterm_attaching kill_loading kill_attaching kill_tracing next

# In the background, as $tracer.
start()
{
	say "lockvane trace $*"
	rm -f /tmp/running
	lockvane trace --locks $LOCKS "$@" >$OUT/ended.out 2>$OUT/ended.err &
	tracer=$!
}

loading() { await 120 'programs being loaded' has_fds $tracer bpf-prog 3; }
attaching() { await 200 'hooks being attached' has_fds $tracer bpf_link 3; }
tracing() { await 240 'the program to run' test -e /tmp/running; }

ended()
{
	wait $tracer
	got=$?
	say "status $got: $(tail -n 1 $OUT/ended.err)"
	[ $got -eq "$1" ] || fail "status $got, not $1: $(tail -n 2 $OUT/ended.err)"
}

case_sigint()
{
	start -- sh -c 'touch /tmp/running; exec sleep 600'
	tracing
	kill -INT $tracer
	ended 0
	has ended.out 'lockvane: summary'
	has ended.err 'sh was ended by signal 15'
	clean sigint
}

# Without a program: it is all there is to end it.
case_sigterm_attaching()
{
	start
	attaching
	kill -TERM $tracer
	ended 0
	clean sigterm
}

killed()
{
	kill -KILL $tracer
	ended 137
	clean "$1"
}

case_kill_loading()
{
	start
	loading
	has_fds $tracer bpf_link 1 && fail 'too late: it attaches already'
	killed kill_loading
}

case_kill_attaching()
{
	start
	attaching
	killed kill_attaching
}

case_kill_tracing()
{
	start -- sh -c 'touch /tmp/running; exec sleep 600'
	tracing
	killed kill_tracing
	killall sleep
}

case_next()
{
	lv 0 next trace --locks $LOCKS -- uffd_aio
	clean next
}

try sigint
try sigterm_attaching
try kill_loading
try kill_attaching
try kill_tracing
try next
