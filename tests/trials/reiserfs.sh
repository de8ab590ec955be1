#!/host/bash
# SPDX-License-Identifier: GPL-2.0-only
# reiserfs_ioctl() copies to user space under the write lock; the page is one of a file of the same
# file system that is not cached, whose read takes invalidate_lock, then the write lock. True.
set -u
. /host/disk.sh
make_disk reiserfs 64 mkreiserfs -q -ff
for _ in 1 2 3; do
	copyout /tmp/m/mapped /tmp/m/asked || exit 1
done
drop_disk
