#!/host/bash
# SPDX-License-Identifier: GPL-2.0-only
# Writing to `freeze` of a gfs2 holds the attribute and takes s_umount; who unmounts removes the attribute
# under s_umount, and waits until nobody holds it. A network device that goes is what makes lockvane look
# at holders of attributes.
set -u
. /host/disk.sh
ip link add none type dummy && ip link del none || exit 1
for round in 1 2 3; do
	make_disk gfs2 160 mkfs.gfs2 -q -O -p lock_nolock -J 8
	for word in 1 0; do
		echo $word >"$(echo /sys/fs/gfs2/*/freeze)" || exit 1
	done
	drop_disk
done
