#!/host/bash
# SPDX-License-Identifier: GPL-2.0-only
# A Bluetooth controller that goes waits, under its lock, for the work that ends its being discoverable;
# that work takes the controller's lock. The controllers are a program's, by /dev/vhci.
set -u
[ -c /dev/vhci ] || mknod /dev/vhci c 10 137
for round in 1 2; do
	discoverable 1 || exit 1
	sleep 1
done
