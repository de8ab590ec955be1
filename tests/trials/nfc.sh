#!/host/bash
# SPDX-License-Identifier: GPL-2.0-only
# nfc_register_device() registers with rfkill under the device's lock; rfkill calls back under its own
# mutex, and nfc takes the device's lock there. lockdep does not look at device locks. nfcsim comes
# again while the trace runs, for its devices to be new.
set -u
rmmod nfcsim
insmod /lv/modules/nfcsim.ko || exit 1
sleep 2
rfkill list
for word in block unblock block; do
	rfkill $word nfc || exit 1
	sleep 1
done
