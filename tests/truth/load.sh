#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The judge's workload: all that `make bench` measures and more, several at a time.
# SECONDS_OF_MIXED: how long the mix runs. WIDE: rounds of a little of everything, too.
set -u
mixed -s "${SECONDS_OF_MIXED:-40}" -j 3 &
mixed=$!

# Mounts, with something in them that is made, moved, read and removed.
mounts()
{
	mkdir -p /tmp/mounts
	for type in tmpfs proc sysfs ramfs devpts; do
		mount -t $type none /tmp/mounts 2>/dev/null || continue
		case $type in
		tmpfs | ramfs)
			mkdir -p /tmp/mounts/a/b
			echo text >/tmp/mounts/a/f
			mv /tmp/mounts/a/f /tmp/mounts/a/b/g
			ln /tmp/mounts/a/b/g /tmp/mounts/h
			ln -s h /tmp/mounts/i
			cat /tmp/mounts/i >/dev/null
			mount -o remount,ro /tmp/mounts
			mount -o remount,rw /tmp/mounts
			mkdir /tmp/mounts/n && mount --bind /tmp/mounts/a /tmp/mounts/n && umount /tmp/mounts/n
			rm -r /tmp/mounts/a ;;
		*)
			ls -R /tmp/mounts 2>/dev/null | head -n 50 >/dev/null ;;
		esac
		umount /tmp/mounts
	done
}

cgroups()
{
	[ -e /sys/fs/cgroup/cgroup.procs ] || return 0
	for i in 1 2 3; do
		mkdir -p /sys/fs/cgroup/truth/$i
		sh -c "echo \$\$ >/sys/fs/cgroup/truth/$i/cgroup.procs; ls -l /proc/self >/dev/null"
		cat /sys/fs/cgroup/truth/$i/* >/dev/null 2>&1
		rmdir /sys/fs/cgroup/truth/$i
	done
	rmdir /sys/fs/cgroup/truth
}

programs()
{
	for i in 1 2 3 4 5; do
		find /sys/class /proc/$$ -type f 2>/dev/null | head -n 300 | sort | wc -l >/dev/null
		ps >/dev/null
		cat /proc/interrupts /proc/meminfo /proc/slabinfo /proc/net/* >/dev/null 2>&1
		dd if=/dev/zero of=/tmp/block bs=64k count=20 2>/dev/null
		cat /tmp/block | gzip | gunzip | md5sum >/dev/null
		rm -f /tmp/block
		ifconfig lo down 2>/dev/null
		ifconfig lo 127.0.0.1 up 2>/dev/null
		sh -c 'sleep 0.1 & kill $!; wait' 2>/dev/null
	done
}

mounts
cgroups
programs
[ -z "${WIDE:-}" ] || wide "$WIDE"
mounts
wait $mixed || exit 1
# Last, for the kernel has the bug of 2019: lockdep reports it, and then looks no more.
uffd_aio -n 10
