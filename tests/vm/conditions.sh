#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Conditions that users of such tools met, and that no other guest has. Each trace has several of them.
. ./lib.sh
BPF_SETTLES=60
plan hidden_symbols many_cpus no_jit crowded little_memory odd integrity

# impossible NAME TEXT: check and trace both say so.
impossible()
{
	lv 1 "check_$1" check
	has "check_$1.out" "impossible: .*$2"
	refused 1 "trace_$1" "$2" trace -- true
}

# A unit that hides /proc/kallsyms (ProtectKernelTunables=, ProcSubset=pid), or a container.
case_hidden_symbols()
{
	mount --bind /dev/null /proc/kallsyms || fail 'cannot hide the symbols'
	(impossible no_kallsyms 'kallsyms')
	got=$?
	umount /proc/kallsyms
	return $got
}

case_many_cpus()
{
	echo 0-1999 >/tmp/possible
	mount --bind /tmp/possible /sys/devices/system/cpu/possible || fail 'cannot pretend'
	(impossible many_cpus '2000 possible CPUs')
	got=$?
	umount /sys/devices/system/cpu/possible
	return $got
}

case_no_jit()
{
	echo 0 >/proc/sys/net/core/bpf_jit_enable || fail 'cannot switch it off'
	(impossible no_jit 'bpf_jit_enable')
	got=$?
	echo 1 >/proc/sys/net/core/bpf_jit_enable
	return $got
}

# As many programs at a function as the kernel allows, 38: ours is one too many.
case_crowded()
{
	tracer $(yes _raw_spin_lock | head -n 19) >$OUT/crowd.out 2>&1 &
	crowd=$!
	await 60 'the others' grep -q attached $OUT/crowd.out
	lockvane trace --locks spin -- true >$OUT/crowded.out 2>$OUT/crowded.err
	got=$?
	kill $crowd
	wait $crowd
	[ $got -eq 1 ] || fail "status $got"
	has crowded.err 'refused a hook on _raw_spin_lock: it has too many BPF programs'
	clean crowded
}

# Less than it wants: it is refused, or killed, and nothing is left.
case_little_memory()
{
	echo +memory >/sys/fs/cgroup/cgroup.subtree_control || fail 'no control of memory'
	mkdir /sys/fs/cgroup/little
	echo 20M >/sys/fs/cgroup/little/memory.max
	echo 0 >/sys/fs/cgroup/little/memory.swap.max 2>/dev/null
	sh -c 'echo $$ >/sys/fs/cgroup/little/cgroup.procs; exec lockvane trace --locks spin -- true' \
		>$OUT/little.out 2>$OUT/little.err
	got=$?
	echo "::note with 20 MiB: status $got, $(tail -n 1 $OUT/little.err)"
	[ $got -eq 1 ] || [ $got -eq 137 ] || fail "status $got"
	clean little
	rmdir /sys/fs/cgroup/little
}

# No names of slab caches, no tracefs, no BTF for the module, blinded constants; a task with an odd name in a
# PID namespace of its own; locks that nobody initialised; the clock is set; whoever reads the report goes away.
case_odd()
{
	odd=$(printf '/tmp/\377"\n<')
	cp /host/uffd_aio "$odd"
	objcopy --remove-section=.BTF lv_uffd.ko /tmp/lv_uffd.ko || fail 'BTF stays in the module'
	insmod /tmp/lv_uffd.ko || fail 'the module does not load'
	insmod lv_torture.ko || fail 'the other module does not load'
	echo 2 >/proc/sys/net/core/bpf_jit_harden
	mount -t tmpfs tmpfs /sys/kernel/slab
	umount /sys/kernel/tracing /sys/kernel/debug/tracing 2>/dev/null
	cat >/tmp/odd.sh <<-E
		date -s '2001-01-01 00:00:00' >/dev/null
		"\$1" --device /dev/lv_uffd
		echo zeroed >/dev/lv_torture
		date -s '2030-01-01 00:00:00' >/dev/null
	E
	unshare -p -f lockvane trace --locks spin,mutex -o $OUT/odd.db -- sh /tmp/odd.sh "$odd" 2>$OUT/odd.err | :
	mount -t tracefs tracefs /sys/kernel/tracing
	umount /sys/kernel/slab
	lv 3 odd report $OUT/odd.db
	has odd.out 'kioctx.ctx_lock --> '
	has odd.out '?"?<'
	lv 3 odd_json report --format json $OUT/odd.db
	lv 0 odd_classes classes $OUT/odd.db
	clean odd
}

case_integrity()
{
	mount -t securityfs securityfs /sys/kernel/security 2>/dev/null
	echo integrity >/sys/kernel/security/lockdown || fail 'no lockdown'
	lv 0 integrity trace --locks spin -- true
	clean integrity
}

for name in hidden_symbols many_cpus no_jit crowded little_memory odd integrity; do
	try $name
done
