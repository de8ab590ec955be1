#!/host/bash
# SPDX-License-Identifier: GPL-2.0-only
# A wireless interface is a port of a team, and goes: cfg80211 calls team's notifier under wiphy.mtx,
# which takes team.lock; adding the port takes the two the other way round. Both orders are seen under
# rtnl_mutex. Wants team and mac80211_hwsim.
set -u
ip link add team0 type team || exit 1
ip link set wlan0 down
ip link set wlan0 master team0 || exit 1
sleep 1
iw dev wlan0 del
sleep 1
ip link show team0
