#!/host/bash
# SPDX-License-Identifier: GPL-2.0-only
# blk_trace_setup() reads its request from user space under the queue's debugfs_mutex; the page is one of
# a file on that disk that is not cached, so the read enters the queue. A change of the scheduler freezes
# the queue, then takes debugfs_mutex.
set -u
. /host/disk.sh
make_disk ext4 64 mkfs.ext4 -q -F
for scheduler in mq-deadline none mq-deadline none; do
	copyout /tmp/m/mapped /dev/loop7 blktrace || exit 1
	echo $scheduler >/sys/block/loop7/queue/scheduler || exit 1
done
drop_disk
