#!/host/bash
# SPDX-License-Identifier: GPL-2.0-only
# bcache's attributes take bch_register_lock; the last of a cache set drops its cache's object under that
# lock, which waits until nobody holds the attributes.
set -u
[ -b /dev/loop7 ] || mknod /dev/loop7 b 7 7
for round in 1 2 3; do
	truncate -s 64M /tmp/cache
	make-bcache -C --bucket 64k /tmp/cache >/tmp/made 2>&1 || { cat /tmp/made >&2; exit 1; }
	set=$(sed -n 's/^Set UUID:[[:space:]]*//p' /tmp/made)
	losetup /dev/loop7 /tmp/cache || exit 1
	echo /dev/loop7 >/sys/fs/bcache/register || exit 1
	sleep 1
	for file in /sys/block/loop7/bcache/*; do
		[ -f "$file" ] && cat "$file"
	done >/dev/null
	[ -s /sys/block/loop7/bcache/priority_stats ] || { echo 'no cache' >&2; exit 1; }
	echo 1 >"/sys/fs/bcache/$set/unregister" || exit 1
	sleep 2
	losetup -d /dev/loop7
	rm -f /tmp/cache
done
