# SPDX-License-Identifier: GPL-2.0-only
# Read by the trials that want a disk.

# make_disk TYPE MB MKFS...: a loop device with a new file system, mounted on /tmp/m.
make_disk()
{
	type=$1 megabytes=$2
	shift 2
	truncate -s "${megabytes}M" /tmp/disk
	"$@" /tmp/disk >/dev/null 2>&1 || { echo "$1 failed" >&2; exit 1; }
	mkdir -p /tmp/m
	[ -b /dev/loop7 ] || mknod /dev/loop7 b 7 7
	losetup /dev/loop7 /tmp/disk && mount -t "$type" /dev/loop7 /tmp/m || exit 1
}

drop_disk()
{
	umount /tmp/m || exit 1
	losetup -d /dev/loop7
	rm -f /tmp/disk
}
