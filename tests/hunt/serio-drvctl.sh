#!/host/bash
# SPDX-License-Identifier: GPL-2.0-only
# Writing to a serio port's `drvctl` holds the attribute and takes serio_mutex; a port that goes is
# removed under serio_mutex, and waits until nobody holds its attributes.
set -u
cd /sys/bus/platform/drivers/i8042 || exit 1
for round in 1 2 3; do
	for port in /sys/bus/serio/devices/serio*; do
		echo -n rescan >"$port/drvctl" || exit 1
	done
	echo i8042 >unbind || exit 1
	echo i8042 >bind || exit 1
	sleep 2
done
