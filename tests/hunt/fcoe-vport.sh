#!/host/bash
# SPDX-License-Identifier: GPL-2.0-only
# Writing to `vport_create` of a Fibre Channel host over Ethernet holds the attribute and takes
# fcoe_config_mutex and rtnl_mutex; a host that goes is removed under both, and waits until nobody holds
# its attributes.
set -u
ip link add fcoe0 type dummy || exit 1
ip link set fcoe0 up
for round in 1 2 3; do
	echo fcoe0 >/sys/bus/fcoe/ctlr_create || exit 1
	sleep 1
	for file in /sys/bus/fcoe/devices/ctlr_*/enabled; do
		echo 1 >"$file"
	done
	host=$(echo /sys/class/fc_host/host*)
	echo 2001001122334455:1001001122334455 >"$host/vport_create" || exit 1
	sleep 1
	echo fcoe0 >/sys/bus/fcoe/ctlr_destroy || exit 1
	sleep 3
done
