# SPDX-License-Identifier: GPL-2.0-only
# What all guest scripts share. A script names its cases first (plan), then runs them (try);
# a case is a function, run in a shell of its own, that ends at its first `fail WHY`. What it
# leaves in /host/out comes back to the host.
OUT=/host/out
BPF_SETTLES=10 # seconds after the end of a trace in which the kernel must be clean again
mkdir -p $OUT

plan() { echo "::plan $*"; }

now() { cut -d' ' -f1 /proc/uptime; }

try()
{
	name=$1
	begin=$(now)
	: >/tmp/why
	("case_$name")
	status=$? verdict=ok
	if [ $status -ne 0 ]; then
		verdict=no
		[ -s /tmp/why ] || echo "ended with status $status" >/tmp/why
	fi
	echo "::$verdict $name $(echo "$begin $(now)" | awk '{ printf "%.1f", $2 - $1 }') $(head -c 300 /tmp/why | tr '\n' ' ')"
}

fail()
{
	echo "$*" >/tmp/why
	exit 1
}

say() { echo "$(now) $*" >&2; }

# lv STATUS NAME ARG...: run lockvane; its output goes to NAME.out and NAME.err in $OUT.
lv()
{
	want=$1 as=$2
	shift 2
	say "lockvane $*"
	lockvane "$@" >"$OUT/$as.out" 2>"$OUT/$as.err"
	got=$?
	say "status $got"
	[ $got -eq "$want" ] || fail "lockvane $*: status $got, not $want: $(tail -n 2 "$OUT/$as.err")"
}

# refused STATUS NAME TEXT ARG...: lockvane says TEXT in one line of stderr, nothing on stdout,
# and leaves nothing behind.
refused()
{
	want=$1 as=$2 text=$3
	shift 3
	lv "$want" "$as" "$@"
	[ -s "$OUT/$as.out" ] && fail "$as: output although refused: $(head -n 1 "$OUT/$as.out")"
	lines=$(wc -l <"$OUT/$as.err")
	[ "$lines" -eq 1 ] || fail "$as: $lines lines of error, not 1: $(head -n 3 "$OUT/$as.err")"
	has "$as.err" "lockvane: .*$text"
	clean "$as"
}

# has FILE PATTERN: a line of $OUT/FILE matches.
has() { grep -q -e "$2" "$OUT/$1" || fail "$1 does not say \"$2\""; }

has_not()
{
	grep -q -e "$2" "$OUT/$1" && fail "$1 says \"$(grep -m 1 -e "$2" "$OUT/$1")\""
	return 0
}

# What BPF is in the kernel, one object a line. There is nobody's but ours in a guest.
bpf_objects() { { bpftool prog; bpftool link; bpftool map; } 2>/dev/null | grep '^[0-9]*:'; }

# Nothing is left, in a moment: the kernel frees programs and maps by RCU, by itself.
clean()
{
	deadline=$(($(now | cut -d. -f1) + BPF_SETTLES))
	while left=$(bpf_objects); [ -n "$left" ]; do
		[ "$(now | cut -d. -f1)" -le $deadline ] || fail "$1: left in the kernel: $left"
		sleep 0.2
	done
}

# How many file descriptors of a kind (bpf-prog, bpf_link) process $1 has.
count_fds() { ls -l "/proc/$1/fd" 2>/dev/null | grep -c "$2"; }

# await SECONDS WHAT COMMAND...: until COMMAND succeeds.
await()
{
	left=$(($1 * 10)) what=$2
	shift 2
	until "$@"; do
		left=$((left - 1))
		[ $left -gt 0 ] || fail "waited in vain for $what"
		sleep 0.1
	done
}

has_fds() { [ "$(count_fds "$1" "$2")" -ge "$3" ]; }

finding_ids() { sed -n 's/^lockvane: finding .*, id \([0-9a-f]*\), fingerprint.*$/\1/p' "$OUT/$1"; }

# --- a monitor in the background ------------------------------------------------
STATE=/tmp/state

# watch NAME ARG...: begin it; its lines are in NAME.err of $OUT. By pid file, as cases are subshells.
watch()
{
	as=$1
	shift
	say "lockvane monitor as $as"
	lockvane monitor --state $STATE --log-level debug "$@" >"$OUT/$as.out" 2>"$OUT/$as.err" &
	echo $! >/tmp/pid
}

pid() { cat /tmp/pid; }
alive() { kill -0 "$(pid)" || fail 'the monitor is gone'; }
gone() { ! kill -0 "$(pid)" 2>/dev/null; }
lines() { grep -c -e "$2" "$OUT/$1.err"; } # NAME PATTERN
says() { [ "$(lines "$1" "$2")" -ge "${3:-1}" ]; } # NAME PATTERN [TIMES]
armed() { says "$1" 'lockvane: armed' "${2:-1}" || gone; }
rss() { awk '/^VmRSS/ { print $2 }' "/proc/$(pid)/status"; }
fds() { ls -l "/proc/$(pid)/fd" | grep -vc bpf_link; } # its hooks come and go
scrape() { wget -q -O $OUT/metrics.txt http://127.0.0.1:9464/metrics || fail 'no metrics'; }
metric() { sed -n "s/^lockvane_$1 //p" $OUT/metrics.txt; }

# The capabilities that are left: BPF, PERFMON, SYSLOG; and no way to more.
has_dropped()
{
	[ "$(grep CapEff "/proc/$(pid)/status" | cut -f2)" = 000000c400000000 ] ||
		fail "capabilities: $(grep CapEff "/proc/$(pid)/status")"
	grep -q 'NoNewPrivs:.*1' "/proc/$(pid)/status" || fail 'new privileges'
}

# end_watch NAME: on SIGTERM it leaves, with a word, and leaves nothing. Busy machines let go slowly.
end_watch()
{
	begin=$(now)
	kill -TERM "$(pid)"
	(sleep 60; cat "/proc/$(pid)/stack" "/proc/$(pid)/status"; dmesg | tail; ps) >$OUT/late.out 2>&1 &
	await 240 'its end' gone
	kill $! 2>/dev/null
	echo "::note ended in $(echo "$begin $(now)" | awk '{ printf "%.0f", $2 - $1 }') s"
	has "$1.err" 'ends; '
	clean ended
}
