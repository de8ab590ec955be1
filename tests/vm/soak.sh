#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The monitor under load for SOAK seconds: after the first twelfth nothing of it grows.
. ./lib.sh
BPF_SETTLES=60
SOAK=${SOAK:-3600}
STATE=/tmp/state
plan soaked bounded found ended

rss() { awk '/^VmRSS/ { print $2 }' /proc/"$monitor"/status; }
fds() { ls /proc/"$monitor"/fd | wc -l; }
pinned() { bpftool map | sed -n 's/.*memlock \([0-9]*\)B.*/\1/p' | awk '{ sum += $1 } END { print sum + 0 }'; }
database() { du -sk $STATE | cut -f1; }
numbers() { echo "RSS $(rss) kB, descriptors $(fds), pinned $(pinned) B, state $(database) kB"; }
alive() { kill -0 "$monitor" || fail 'the monitor is gone'; }
armed() { grep -q 'lockvane: armed' $OUT/monitor.err || ! kill -0 "$monitor"; }

insmod lv_uffd.ko
lockvane monitor --state $STATE --locks spin,rw --budget "${BUDGET:-20%}" --log-level debug \
	--metrics 127.0.0.1:9464 >$OUT/monitor.out 2>$OUT/monitor.err &
monitor=$!
await 300 'the monitor to arm' armed
mixed -s $((SOAK + 600)) -j 4 >/dev/null 2>&1 &
load=$!

case_soaked()
{
	alive
	left=$((SOAK - SOAK / 12))
	sleep $((SOAK / 12))
	rss=$(rss) fds=$(fds) pinned=$(pinned)
	echo "::note at first: $(numbers)"
	while [ $left -gt 0 ]; do
		sleep $((left < 60 ? left : 60))
		left=$((left - 60))
		wget -q -O /dev/null http://127.0.0.1:9464/metrics || fail 'no metrics'
		uffd_aio --device /dev/lv_uffd -n 5 >/dev/null
		alive
		say "$(numbers)"
	done
	echo "::note at last: $(numbers)"
	[ "$(rss)" -le $((rss + rss / 10)) ] || fail "RSS: $rss kB, then $(rss)"
	[ "$(fds)" -le $((fds + 1)) ] || fail "descriptors: $fds, then $(fds)"
	[ "$(pinned)" -le "$pinned" ] || fail "pinned: $pinned B, then $(pinned)"
}

case_bounded()
{
	alive
	[ "$(database)" -lt 65536 ] || fail "the state takes $(database) kB"
}

case_found()
{
	lockvane findings --state $STATE >$OUT/findings.out 2>$OUT/findings.err
	has findings.out 'irq-inversion'
	has_not monitor.err 'STOPPED'
	has_not monitor.err 'cannot'
}

case_ended()
{
	kill -TERM "$monitor"
	await 120 'its end' gone
	clean ended
}
gone() { ! kill -0 "$monitor" 2>/dev/null; }

try soaked
try bounded
try found
try ended
kill $load 2>/dev/null
exit 0
