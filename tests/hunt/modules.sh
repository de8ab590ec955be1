#!/host/bash
# SPDX-License-Identifier: GPL-2.0-only
# modules.sh MODULE...: these go and come twice. Of what is new in sysfs each time, all attributes are read,
# and what can be read and written is written back; network devices are set up and down, and each device
# in /dev is opened. What cannot be loaded, or is in use, is passed over.
set -u

attributes() { find /sys/devices /sys/module /sys/fs /sys/bus /sys/class -type f ! -path '*/cgroup/*' 2>/dev/null | sort; }

unload()
{
	for module in $(tac /lv/modules/list); do
		case " $* " in
		*" ${module%.ko} "*) rmmod "${module%.ko}" 2>/dev/null ;;
		esac
	done
}

# A module may need a moment until nobody uses it.
unload_all()
{
	for try in 1 2 3; do
		unload "$@"
		sleep 1
	done
}

load()
{
	for module in $(cat /lv/modules/list); do
		case " $* " in
		*" ${module%.ko} "*) insmod "/lv/modules/$module" 2>/dev/null ;;
		esac
	done
}

use_attribute()
{
	IFS= read -r -N 4096 value <"$1" || [ -n "$value" ] || return
	# Only who may write it as well; 'uevent' tells the world that the device has come.
	[ -w "$1" ] && [ "${1##*/}" != uevent ] && printf '%s' "$value" >"$1"
}

use_network()
{
	for link in /sys/class/net/*; do
		[ "${link##*/}" = lo ] || ip link set "${link##*/}" "$1"
	done
}

use_devices()
{
	for device in $(find /dev -newer /tmp/before \( -type c -o -type b \) ! -path '/dev/watchdog*'); do
		timeout 2 dd if="$device" of=/dev/null bs=512 count=1 iflag=nonblock
	done
}

unload_all "$@"
attributes >/tmp/before
for round in 1 2; do
	load "$@"
	sleep 1
	attributes | comm -13 /tmp/before - >/tmp/new
	echo "modules.sh: round $round: $(wc -l </tmp/new) attributes" >&2
	use_network up
	while read -r file; do
		use_attribute "$file"
	done </tmp/new
	use_devices
	use_network down
	unload_all "$@"
done >/dev/null 2>/tmp/modules.err
grep '^modules.sh' /tmp/modules.err >&2
true
