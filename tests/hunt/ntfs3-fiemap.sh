#!/host/bash
# SPDX-License-Identifier: GPL-2.0-only
# ntfs_fiemap() copies to user space under the inode's ni_lock; the page is one of a file of the same
# file system that is not cached, whose read takes ni_lock where the file's data is in its record or
# compressed. With one file for both, a task waits for itself.
set -u
. /host/disk.sh
make_disk ntfs3 64 mkntfs -F -Q
for round in 1 2 3; do
	copyout /tmp/m/mapped /tmp/m/asked fiemap || exit 1
done
drop_disk
