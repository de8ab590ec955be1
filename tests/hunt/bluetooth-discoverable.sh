#!/host/bash
# SPDX-License-Identifier: GPL-2.0-only
# A Bluetooth controller that goes waits, under its lock, for the work that ends its being discoverable;
# that work takes the controller's lock. The controllers are btvirt's, by /dev/vhci.
set -u
[ -c /dev/vhci ] || mknod /dev/vhci c 10 137
for round in 1 2; do
	btvirt -l1 >/dev/null 2>&1 &
	controllers=$!
	sleep 3
	discoverable 1 || exit 1
	kill $controllers
	wait $controllers 2>/dev/null
	sleep 1
done
true
