#!/host/bash
# SPDX-License-Identifier: GPL-2.0-only
# fs.sh TYPE MB MKFS...: plain use of one file system, by each of these stressors and then some at a time;
# its ioctls into mapped pages; frozen and thawed; full; and then read-only.
set -u
. /host/disk.sh
EACH=dentry,dir,dirdeep,dirmany,rename,link,symlink,xattr,fallocate,fsize,hdd,iomix,aiol,readahead,copy-file,sync-file
EACH=$EACH,mmapfork,file-ioctl,chmod,chown,getdent,inode-flags,locka,lease,open,touch,utime,sendfile,splice,fpunch,metamix
EACH=$EACH,unlink,verity,fiemap,mmaphuge,filename,acl,sync-file,io

make_disk "$@"
stress-ng --sequential 1 -t 1s --temp-path /tmp/m --with $EACH >/dev/null 2>&1
stress-ng --hdd 1 --dentry 1 --rename 1 --mmapfork 1 --xattr 1 --fallocate 1 --temp-path /tmp/m -t 6s >/dev/null 2>&1
for request in version fiemap; do
	copyout /tmp/m/mapped /tmp/m/asked $request 2>/dev/null
done
freeze /tmp/m 2>/dev/null
dd if=/dev/zero of=/tmp/m/full bs=64k >/dev/null 2>&1
rm -f /tmp/m/full
sync
echo 3 >/proc/sys/vm/drop_caches
mount -o remount,ro /tmp/m
drop_disk
