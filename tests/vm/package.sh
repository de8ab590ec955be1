#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The package's whole life on a Debian with systemd: installed, started, upgraded, removed, purged.
# All that it runs is the installed program; what is in /host is not looked at.
. ./lib.sh
plan installed sandbox started found again metrics reloaded upgraded conf_kept removed purged

OLD=$(echo lockvane_0.1_*.deb) NEW=$(echo lockvane_0.1+1_*.deb)
CONF=/etc/lockvane/lockvane.conf
STATE=/var/lib/lockvane
ID='[0-9a-f]\{12\}'
rm -f /host/lockvane

# systemd has programs of its own in the kernel.
bpf_objects() { { bpftool prog; bpftool link; } 2>/dev/null | grep '^[0-9]*: tracing'; }

# Every file there is, but for what changes by itself.
everything()
{
	find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp \
		-o -path /host -o -path /lv -o -path /var/log -o -path /var/tmp \
		-o -path '/var/lib/dpkg*' -o -path /var/cache -o -path /var/lib/systemd \
		-o -path /var/backups \) -prune -o -print | sort
}

dpkg_does()
{
	as=$1
	shift
	DEBIAN_FRONTEND=noninteractive dpkg "$@" >"$OUT/$as.out" 2>&1 ||
		fail "dpkg $*: $(tail -n 2 "$OUT/$as.out")"
	has_not "$as.out" 'warning\|error'
}

state_of() { systemctl show -P "$1" lockvane; }
is() { [ "$(state_of "$1")" = "$2" ]; }
is_active() { is ActiveState active; }

journal() { journalctl -u lockvane -o cat --no-pager; }
lines_with() { journal | grep -c -e "$1"; }

# http PATH: the answer of the listener.
http()
{
	bash -c "exec 3<>/dev/tcp/127.0.0.1/9464 && printf 'GET $1 HTTP/1.0\r\n\r\n' >&3 && cat <&3"
}

case_installed()
{
	everything >$OUT/before.list
	[ -d /usr/share/man/man8 ] || fail 'a folder is missing that dpkg would be blamed for'
	dpkg_does install -i "$OLD"
	[ -x /usr/sbin/lockvane ] || fail 'no program'
	[ "$(stat -c %a $CONF)" = 644 ] || fail "$CONF has mode $(stat -c %a $CONF)"
	[ -e /usr/share/man/man8/lockvane.8.gz ] || fail 'no manual page'
	is LoadState loaded || fail 'systemd has not read the unit'
	is ActiveState inactive || fail 'it started by itself'
	is UnitFileState disabled || fail 'it is enabled by itself'
	lockvane --version >/dev/null || fail 'the program does not run'
}

# In the unit's own sandbox: a kernel that looks as it does from outside, and can be traced.
sandboxed()
{
	mkdir -p /run/systemd/system/lockvane.service.d
	printf '[Service]\nType=oneshot\nExecStart=\nExecStart=%s\nStandardOutput=file:%s\nRestart=no\nSuccessExitStatus=3\n' \
		"$2" "/var/lib/$1" >/run/systemd/system/lockvane.service.d/test.conf
	systemctl daemon-reload
	systemctl start lockvane
	got=$?
	cp "/var/lib/$1" $OUT/
	rm -f "/var/lib/$1"
	rm -r /run/systemd/system/lockvane.service.d
	systemctl daemon-reload
	[ $got -eq 0 ] || fail "$2: $(journal | grep '^lockvane: ' | tail -n 2)"
}

case_sandbox()
{
	/usr/sbin/lockvane check >$OUT/outside.out
	sandboxed inside.out '/usr/sbin/lockvane check'
	cmp -s $OUT/outside.out $OUT/inside.out ||
		fail "the kernel looks different in there: $(diff $OUT/outside.out $OUT/inside.out | head -n 4)"
	sandboxed trace.out '/usr/sbin/lockvane trace -d 2 --locks spin'
	has trace.out 'lockvane: summary'
	has_not trace.out ' 0 events'
	clean sandbox
}

case_started()
{
	printf 'budget = 100%%\nwindow = 1h\nlocks = spin\nmetrics = 127.0.0.1:9464\n' >>$CONF
	cp $CONF /tmp/conf
	systemctl enable --now lockvane >$OUT/enable.out 2>&1 || fail "$(journal | tail -n 3)"
	is_active || fail "it is $(state_of ActiveState)"
	pid=$(state_of MainPID)
	[ "$(readlink "/proc/$pid/exe")" = /usr/sbin/lockvane ] || fail "$pid runs something else"
	[ "$(count_fds "$pid" bpf-prog)" -gt 5 ] || fail 'no programs'
	[ "$(stat -c %a $STATE)" = 700 ] || fail "$STATE has mode $(stat -c %a $STATE)"
	grep -q '^NoNewPrivs:.*1' "/proc/$pid/status" || fail 'it could gain privileges'
	# BPF, PERFMON and SYSLOG: what it needed for loading is gone.
	grep '^Cap[EP]' "/proc/$pid/status" >$OUT/caps.out
	[ "$(grep -c '000000c400000000$' $OUT/caps.out)" -eq 2 ] || fail "$(cat $OUT/caps.out)"
}

case_found()
{
	http /metrics >$OUT/metrics-before.out
	insmod lv_uffd.ko || fail 'the module does not load'
	sleep 8 # what it brings, symbols and types, is read in the five seconds after
	# The last lock of a round is that of its end, so nothing can be known before.
	uffd_aio --device /dev/lv_uffd -n 1 || fail 'the workload failed'
	ended=$(date +%s%N)
	await 4 'a finding in the journal' eval 'journal | grep -q irq-inversion'
	id=$(journal | grep irq-inversion | grep -o "$ID" | head -n 1)
	[ -n "$id" ] || fail 'a finding without an id'
	lockvane findings >$OUT/findings.out
	has findings.out "$id"
	told=$(told_at "$id")
	echo "::note told $(echo "$ended $told" | awk '{ printf "%.2f", $2 / 1e6 - $1 / 1e9 }') s after the event"
	[ "$(echo "$ended $told" | awk '{ print ($2 / 1e6 - $1 / 1e9 < 1) }')" = 1 ] || fail 'told too late'
	http /metrics >$OUT/metrics-found.out
	[ "$(inversions metrics-found.out)" -gt "$(inversions metrics-before.out)" ] ||
		fail 'the metric does not rise'
	lockvane show "$id" >$OUT/show.out || fail 'not shown'
	has show.out 'kioctx.ctx_lock'
}

# When the journal got the finding's record, in microseconds since 1970.
told_at()
{
	journalctl -o export --no-pager LOCKVANE_EVENT=finding "LOCKVANE_FINDING_ID=$1" |
		sed -n 's/^__REALTIME_TIMESTAMP=//p' | head -n 1
}

# inversions FILE: findings of the rule, of any confidence.
inversions() { awk '/^lockvane_findings{rule="irq-inversion"/ { sum += $2 } END { print sum + 0 }' "$OUT/$1"; }

# A thousand times more: one record, and a count.
case_again()
{
	id=$(grep -o "^$ID" $OUT/findings.out | head -n 1)
	before=$(seen "$id")
	begin=$(now)
	uffd_aio --device /dev/lv_uffd -n 1000 || fail 'the workload failed'
	echo "::note a thousand rounds in $(echo "$begin $(now)" | awk '{ printf "%.0f", $2 - $1 }') s"
	await 30 'the count' counted "$id" $((before + 1000))
	echo "::note seen $before times, then $(seen "$id")"
	[ "$(journalctl -o cat --no-pager LOCKVANE_EVENT=finding "LOCKVANE_FINDING_ID=$id" | wc -l)" -eq 1 ] ||
		fail "told $(lines_with "$id") times"
	[ "$(lines_with "$id")" -eq 1 ] || fail "named in $(lines_with "$id") lines"
	lockvane findings >$OUT/findings.out
	[ "$(grep -c "^$id " $OUT/findings.out)" -eq 1 ] || fail 'recorded more than once'
}
seen() { lockvane findings | sed -n "/^$1 /,/seen/s/.*seen \([0-9]*\) time.*/\1/p"; }
counted() { [ "$(seen "$1")" -ge "$2" ]; }

case_metrics()
{
	http /-/healthy >$OUT/healthy.out || fail 'nobody listens'
	http /metrics >$OUT/metrics.out
	has metrics.out '^lockvane_findings{rule="irq-inversion",confidence="[a-z]*"} [1-9]'
	has metrics.out '^lockvane_events_total [1-9]'
	has metrics.out '^lockvane_mode{mode="armed"} 1'
	# The process that answers has no privileges left, and cannot get any.
	for task in $(cat "/proc/$(state_of MainPID)/task"/*/children); do
		[ "$(cat "/proc/$task/comm")" = metrics ] || continue
		for line in 'CapEff:.*0000000000000000' 'CapPrm:.*0000000000000000' 'NoNewPrivs:.*1' \
			'Seccomp:.*2'; do
			grep -q "^$line" "/proc/$task/status" || fail "the listener has not $line"
		done
		return 0
	done
	fail 'no process of the listener'
}

case_reloaded()
{
	# All that the file says of defaults must be so.
	sed 's/^#\([a-z-]* = \)/\1/; /^[a-z].*100%/d; /^[a-z].*1h$/d; /9464$/d; /^locks = spin$/d' \
		/tmp/conf >$CONF
	systemctl reload lockvane || fail 'no reload'
	sleep 2
	is_active || fail "it is $(state_of ActiveState)"
	journal | grep -i -e 'cannot be' -e 'no key' -e 'given twice' && fail 'a default is wrong'
	cp /tmp/conf $CONF
	systemctl reload lockvane || fail 'no reload'
}

case_upgraded()
{
	pid=$(state_of MainPID)
	# The configuration was changed and the package's was not: dpkg has nothing to ask.
	is_active || fail "before it, it is $(state_of ActiveState): $(journal | tail -n 3)"
	dpkg_does upgrade -i "$NEW"
	journal >$OUT/journal.out
	is_active || fail "it is $(state_of ActiveState)"
	[ "$(state_of MainPID)" != "$pid" ] || fail 'the old program runs on'
	is UnitFileState enabled || fail 'it is no longer enabled'
	lockvane findings >$OUT/findings2.out
	cmp -s $OUT/findings2.out $OUT/findings.out || grep -q "$ID" $OUT/findings2.out ||
		fail 'what it found is gone'
	[ "$(dpkg-query -W -f '${Version}' lockvane)" = 0.1+1 ] || fail 'the old version is installed'
}

case_conf_kept() { cmp -s $CONF /tmp/conf || fail "the configuration changed"; }

case_removed()
{
	dpkg_does remove -r lockvane
	is LoadState not-found || is ActiveState inactive || fail "it is $(state_of ActiveState)"
	[ -z "$(pidof lockvane)" ] || fail 'it runs on'
	[ ! -e /usr/sbin/lockvane ] || fail 'the program is left'
	[ -d $STATE ] && [ -e $CONF ] || fail 'state or configuration went too early'
	clean removed
}

case_purged()
{
	echo '*: nothing ; where README has it' >/etc/lockvane/suppressions
	dpkg_does purge -P lockvane
	everything >$OUT/after.list
	left=$(diff $OUT/before.list $OUT/after.list)
	[ -z "$left" ] || fail "left: $left"
	systemctl list-unit-files --no-legend 'lockvane*' >$OUT/units.out
	[ ! -s $OUT/units.out ] || fail 'systemd knows it still'
	! systemctl is-failed -q lockvane || fail 'a failed unit is left'
	dpkg-query -W lockvane >/dev/null 2>&1 && fail 'dpkg knows it still'
	return 0
}

try installed
try sandbox
try started
try found
try again
try metrics
try reloaded
try upgraded
try conf_kept
try removed
try purged
