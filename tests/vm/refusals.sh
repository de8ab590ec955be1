#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A stock kernel on which something is missing: one line that says what, the right status, and
# nothing left behind.
. ./lib.sh
plan check usage no_command output no_root no_btf no_symbols no_ftrace refused_hooks silent_hooks full_disk

case_check()
{
	lv 0 check check -v
	has check.out 'pinned memory.* KiB + .* KiB x 2 possible CPUs'
	has check.out 'hazards  *none known'
	has check.out '_raw_spin_lock_irqsave  *f[a-z]*'
	head -n 1 $OUT/check.out | grep -q '^works' || fail 'the verdict does not come first'
	[ ! -s $OUT/check.err ] || fail "check complains: $(head -n 1 $OUT/check.err)"
	mib=$(sed -n 's/^pinned memory *\([0-9]*\)[.0-9]* MiB.*/\1/p' $OUT/check.out)
	[ "$mib" -lt 64 ] || fail "$mib MiB pinned for 2 CPUs"
	clean check
}

# Wrong usage has status 2; argp adds where to read on.
misused()
{
	lv 2 misused "$@"
	[ ! -s $OUT/misused.out ] || fail "output although misused: $*"
	lines=$(wc -l <$OUT/misused.err)
	[ "$lines" -ge 1 ] && [ "$lines" -le 3 ] || fail "$lines lines of error: $*"
}

case_usage()
{
	misused trace -d 0 -- true
	misused trace -d x -- true
	misused trace --format xml -- true
	misused trace --confidence sure -- true
	misused trace --nonsense
	misused check everything
	misused report one.db two.db
	misused report --state /tmp one.db
	misused nonsense
	clean usage
}

case_no_command()
{
	refused 1 absent 'no such program' trace -- no-such-program
	refused 1 absent2 'no such program' trace -- /no/such/program
	echo text >/tmp/file
	refused 1 plain 'not an executable' trace -- /tmp/file
	refused 1 folder 'not an executable' trace -- /tmp
}

case_output()
{
	mkdir -p /mnt/ro
	mount -t tmpfs -o ro tmpfs /mnt/ro || fail 'cannot mount'
	refused 1 out_missing '/no/such/folder' trace -o /no/such/folder/a.db -- true
	refused 1 out_readonly '/mnt/ro' trace -o /mnt/ro/a.db -- true
	refused 1 out_folder '/tmp' trace -o /tmp -- true
	refused 1 out_device '/dev/null' trace -o /dev/null -- true
	[ -c /dev/null ] || fail 'lockvane replaced /dev/null'
}

case_no_root()
{
	cp /host/lockvane /bin/lockvane
	for command in 'trace -- true' 'trace -o /tmp/nobody.db -- true'; do
		su nobody -s /bin/sh -c "lockvane $command" >$OUT/nobody.out 2>$OUT/nobody.err
		got=$?
		[ $got -eq 1 ] || fail "status $got without root, not 1: $(head -n 1 $OUT/nobody.err)"
		[ "$(wc -l <$OUT/nobody.err)" -eq 1 ] || fail "no one-line error: $(cat $OUT/nobody.err)"
		has nobody.err 'run as root'
	done
	[ ! -e /tmp/nobody.db ] || fail 'a capture is left'
	su nobody -s /bin/sh -c 'lockvane check' >$OUT/nobody_check.out 2>&1
	[ $? -eq 1 ] || fail 'check is content without root'
	has nobody_check.out 'impossible: .*run as root'
	clean no_root
}

# impossible NAME TEXT: check and trace both say so.
impossible()
{
	lv 1 "check_$1" check
	has "check_$1.out" "impossible: .*$2"
	refused 1 "trace_$1" "$2" trace -o "/tmp/$1.db" -- true
	[ ! -e "/tmp/$1.db" ] || fail "$1: a capture is left"
}

case_no_btf()
{
	mount -t tmpfs tmpfs /sys/kernel/btf || fail 'cannot hide BTF'
	(impossible no_btf BTF)
	got=$?
	umount /sys/kernel/btf
	return $got
}

case_no_symbols()
{
	sysctl -q -w kernel.kptr_restrict=2
	(impossible no_symbols kptr_restrict)
	got=$?
	sysctl -q -w kernel.kptr_restrict=0
	return $got
}

case_no_ftrace()
{
	sysctl -q -w kernel.ftrace_enabled=0
	(impossible no_ftrace ftrace_enabled)
	got=$?
	sysctl -q -w kernel.ftrace_enabled=1
	return $got
}

# was_refused STATUS NAME TEXT: what a trace that got far must come to, CMD's end aside.
was_refused()
{
	got=$1
	shift
	[ $got -eq 1 ] || fail "status $got, not 1: $(tail -n 1 "$OUT/$1.err")"
	[ "$(grep -vc 'exited with status' "$OUT/$1.err")" -eq 1 ] ||
		fail "no one-line error: $(head -n 3 "$OUT/$1.err")"
	has "$1.err" "^lockvane: .*$2"
	[ ! -s "$OUT/$1.out" ] || fail 'a report although refused'
	[ ! -e "/tmp/$1.db" ] || fail 'a capture is left'
	clean "$1"
}

# In the midst of attaching, the kernel has no more: what was attached must go.
case_refused_hooks()
{
	(ulimit -n 105 && exec lockvane trace --locks spin,rw,mutex,rwsem,sock -o /tmp/hooks.db -- true) \
		>$OUT/hooks.out 2>$OUT/hooks.err
	was_refused $? hooks 'refused a hook on'
}

# ftrace is switched off when it has been looked at: hooks attach, but never fire.
case_silent_hooks()
{
	lockvane trace --locks spin,rw -o /tmp/silent.db -- true >$OUT/silent.out 2>$OUT/silent.err &
	tracer=$!
	await 60 'programs being loaded' has_fds $tracer bpf-prog 3
	sysctl -q -w kernel.ftrace_enabled=0
	wait $tracer
	got=$?
	sysctl -q -w kernel.ftrace_enabled=1
	was_refused $got silent 'ftrace_enabled'
}

# The disk fills up at the end: the report is out all the same, and no half capture stays.
case_full_disk()
{
	mkdir -p /mnt/small
	mount -t tmpfs -o size=64k tmpfs /mnt/small || fail 'cannot mount'
	lv 1 full trace --locks spin,rw -o /mnt/small/a.db -- uffd_aio
	has full.out 'lockvane: summary'
	has full.err '^lockvane: .*/mnt/small/a.db'
	[ -z "$(ls -A /mnt/small)" ] || fail "left: $(ls -A /mnt/small)"
	clean full_disk
}

try check
try usage
try no_command
try output
try no_root
try no_btf
try no_symbols
try no_ftrace
try refused_hooks
try silent_hooks
try full_disk
