#!/host/bash
# SPDX-License-Identifier: GPL-2.0-only
# A change of a disk's scheduler freezes its queue, then allocates memory that may be reclaimed for;
# reclaim swaps out to that disk, and enters its queue. The disk is a loop device on zram, so that it has
# a scheduler and the memory is enough; what is swapped out is a file of zeros on tmpfs.
set -u
[ -b /dev/loop6 ] || mknod /dev/loop6 b 7 6
echo 1G >/sys/block/zram0/disksize || exit 1
losetup /dev/loop6 /dev/zram0 || exit 1
mkswap /dev/loop6 >/dev/null || exit 1
swapon /dev/loop6 || exit 1
mount -o remount,size=4G /tmp
free=$(sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo)
dd if=/dev/zero of=/tmp/hog bs=1M count=$((free / 1024 + 200)) 2>/dev/null
used=$(sed -n 's/.*loop6.*partition[^0-9]*[0-9]*[^0-9]*\([0-9]*\).*/\1/p' /proc/swaps)
[ "${used:-0}" -gt 0 ] || { echo 'nothing was swapped out' >&2; exit 1; }
for round in 1 2 3 4 5 6 7 8 9 10; do
	for scheduler in mq-deadline bfq kyber none; do
		echo $scheduler >/sys/block/loop6/queue/scheduler
	done
done
rm /tmp/hog
swapoff /dev/loop6
losetup -d /dev/loop6
