#!/host/bash
# SPDX-License-Identifier: GPL-2.0-only
# Plain use of the file systems there are, of overlayfs, and of swap on zram. What a kernel does not
# have is said, and left out.
set -u
. /host/disk.sh
EACH=dentry,dir,rename,link,symlink,xattr,fallocate,fsize,hdd,iomix,aiol,readahead,copy-file,sync-file
EACH=$EACH,mmapfork,file-ioctl,chmod,getdent,inode-flags,locka,lockofd,flock,lease,inotify,dnotify,fanotify
EACH=$EACH,open,touch,utime,sendfile,splice,revio,seek,fpunch,metamix,unlink
say() { echo "files: $*" >&2; }

# use FOLDER: each stressor for a second, then some at a time.
use()
{
	stress-ng --sequential 1 -t 1s --temp-path "$1" --with $EACH >/dev/null 2>&1
	stress-ng --hdd 1 --dentry 1 --rename 1 --mmapfork 1 --xattr 1 --temp-path "$1" -t 4s >/dev/null 2>&1
}

# on TYPE MB MKFS...
on()
{
	grep -qw "$1" /proc/filesystems || { say "no $1"; return; }
	say "$1"
	(
		make_disk "$@"
		use /tmp/m
		sync
		mount -o remount,ro /tmp/m
		drop_disk
	) || say "$1 failed"
}

overlay()
{
	grep -qw overlay /proc/filesystems || { say 'no overlay'; return; }
	say overlay
	mkdir -p /tmp/lower /tmp/upper /tmp/work /tmp/o
	mount -t overlay overlay -o lowerdir=/tmp/lower,upperdir=/tmp/upper,workdir=/tmp/work /tmp/o || return
	stress-ng --dentry 1 --rename 1 --hdd 1 --temp-path /tmp/o -t 3s >/dev/null 2>&1
	umount /tmp/o
}

swap()
{
	[ -b /dev/zram0 ] || { say 'no zram'; return; }
	say zram
	echo 64M >/sys/block/zram0/disksize
	mkswap /dev/zram0 >/dev/null 2>&1 && swapon /dev/zram0 || return
	stress-ng --vm 2 --vm-bytes 60% -t 4s >/dev/null 2>&1
	swapoff /dev/zram0
	echo 1 >/sys/block/zram0/reset
}

on ext4 160 mkfs.ext4 -q -F
on xfs 320 mkfs.xfs -q -f
on btrfs 160 mkfs.btrfs -q -f
on f2fs 160 mkfs.f2fs -q -f
overlay
swap
