#!/host/bash
# SPDX-License-Identifier: GPL-2.0-only
# A change of a disk's scheduler freezes its queue, then allocates memory that may be reclaimed for;
# reclaim swaps out to that disk, and enters its queue. The disk is a loop device on zram, so that it has
# a scheduler and the memory is enough.
set -u
[ -b /dev/loop6 ] || mknod /dev/loop6 b 7 6
echo 1G >/sys/block/zram0/disksize || exit 1
losetup /dev/loop6 /dev/zram0 || exit 1
mkswap /dev/loop6 >/dev/null || exit 1
swapon /dev/loop6 || exit 1
stress-ng --vm 2 --vm-bytes 110% --vm-method zero-one --vm-keep -t "${1:-20}s" --oomable >/dev/null 2>&1 &
hog=$!
while kill -0 $hog 2>/dev/null; do
	for scheduler in mq-deadline bfq kyber none; do
		echo $scheduler >/sys/block/loop6/queue/scheduler
	done
done
swapoff /dev/loop6
losetup -d /dev/loop6
