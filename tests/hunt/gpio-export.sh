#!/host/bash
# SPDX-License-Identifier: GPL-2.0-only
# Writing to `export` of a GPIO chip holds the attribute and takes gpiolib's sysfs_lock; a chip that goes
# is removed under that lock, and waits until nobody holds its attributes. The chip is gpio-sim's.
set -u
mkdir -p /tmp/config
mount -t configfs configfs /tmp/config || exit 1
chip=/tmp/config/gpio-sim/chip
mkdir -p $chip/bank || exit 1
echo 4 >$chip/bank/num_lines
for round in 1 2 3; do
	echo 1 >$chip/live || exit 1
	for export in /sys/class/gpio/chip*/export; do
		echo 0 >"$export" || exit 1
		echo 0 >"${export%export}unexport" || exit 1
	done
	echo 0 >$chip/live || exit 1
done
umount /tmp/config
