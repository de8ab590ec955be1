#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A trace that is asked to end, whenever, reports what it has and leaves nothing in the kernel.
# (torture.sh has the ends that nobody asks for.)
. ./lib.sh
plan sigint sigterm_attaching

# In the background, as $tracer.
start()
{
	say "lockvane trace $*"
	rm -f /tmp/running
	lockvane trace "$@" >$OUT/ended.out 2>$OUT/ended.err &
	tracer=$!
}

attaching() { await 90 'hooks being attached' has_fds $tracer bpf_link 3; }
tracing() { await 120 'the program to run' test -e /tmp/running; }

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

try sigint
try sigterm_attaching
