#!/host/bash
# SPDX-License-Identifier: GPL-2.0-only
# The attributes of a clock that tell its time take its ops_lock; a clock that goes is removed under
# ops_lock, and waits until nobody holds its attributes.
set -u
driver=$(readlink -f /sys/class/rtc/rtc0/device/driver) || exit 1
device=$(basename "$(readlink -f /sys/class/rtc/rtc0/device)")
for round in 1 2 3; do
	clock=$(echo /sys/class/rtc/rtc*)
	for file in time date since_epoch; do
		cat "$clock/$file" || exit 1
	done
	echo "$device" >"$driver/unbind" || exit 1
	echo "$device" >"$driver/bind" || exit 1
	sleep 1
done
