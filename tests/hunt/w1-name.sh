#!/host/bash
# SPDX-License-Identifier: GPL-2.0-only
# The attributes of a 1-wire master take its mutex; a master that goes removes them under that mutex, and
# waits until nobody holds them. The master is a DS2482 that i2c-stub plays: all it is asked at the
# start is its status after a reset (0xf0), 0x18.
set -u
rmmod i2c_stub 2>/dev/null
insmod /lv/modules/i2c_stub.ko chip_addr=0x18 || exit 1
bus=$(grep -l 'SMBus stub' /sys/bus/i2c/devices/i2c-*/name) || { echo 'no stub' >&2; exit 1; }
bus=${bus%/name}
number=${bus##*i2c-}
[ -c "/dev/i2c-$number" ] || mknod "/dev/i2c-$number" c 89 "$number"
busybox i2cset -y "$number" 0x18 0xf0 0x18 b || exit 1
for round in 1 2 3; do
	echo ds2482 0x18 >"$bus/new_device" || exit 1
	for file in name max_slave_count attempts slaves; do
		cat "/sys/bus/w1/devices/w1_bus_master1/w1_master_$file" || exit 1
	done
	echo 0x18 >"$bus/delete_device" || exit 1
done
