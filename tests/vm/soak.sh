#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The monitor under load for SOAK seconds: after the first twelfth nothing of it grows.
. ./lib.sh
BPF_SETTLES=60
SOAK=${SOAK:-3600}
plan soaked bounded found ended

pinned() { bpftool map | sed -n 's/.*memlock \([0-9]*\)B.*/\1/p' | awk '{ sum += $1 } END { print sum + 0 }'; }
database() { du -sk $STATE | cut -f1; }
numbers() { echo "RSS $(rss) kB, descriptors $(fds), pinned $(pinned) B, state $(database) kB"; }

insmod lv_uffd.ko
watch monitor --locks spin,rw --budget "${BUDGET:-20%}" --metrics 127.0.0.1:9464
await 600 'the monitor to arm' armed monitor
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
		for _ in 1 2 3 4 5 6; do # as it rests most of the time
			uffd_aio --device /dev/lv_uffd -n 5 >/dev/null
			sleep 10
		done
		left=$((left - 60))
		scrape
		alive
		say "$(numbers)"
		say "used $(metric budget_used_ratio), windows $(metric windows_total), armed $(metric coverage_time_ratio); classes $(metric classes), edges $(metric edges)"
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

case_ended() { end_watch monitor; }

try soaked
try bounded
try found
try ended
kill $load 2>/dev/null
exit 0
