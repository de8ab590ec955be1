#!/host/bash
# SPDX-License-Identifier: GPL-2.0-only
# qdiscs.sh KIND KIND: two devices, each with a classful qdisc that redirects some packets to the
# other device. act_mirred sends while the qdisc's root lock is held, so the two root locks are taken
# in both orders (mptcp_net-next 451). True: two such packets at a time hang two processors.
set -u
first=${1:-prio} second=${2:-htb}

# device NAME ADDRESS: up, without a cable.
device()
{
	ip link add "$1" type dummy
	ip addr add "$2" dev "$1"
	ip link set "$1" up
}

# redirect FROM TO ADDRESS: packets for ADDRESS leave by TO.
redirect()
{
	ip neigh add "$3" lladdr 02:00:00:00:00:02 dev "$1"
	tc filter add dev "$1" parent 1: protocol ip u32 match ip dst "$3" \
		action mirred egress redirect dev "$2"
}

device left 192.0.2.1/25
device right 192.0.2.129/25
tc qdisc add dev left root handle 1: "$first"
tc qdisc add dev right root handle 1: "$second"
redirect left right 192.0.2.2
redirect right left 192.0.2.130
for _ in 1 2 3; do
	ping -c 1 -W 1 192.0.2.2
	ping -c 1 -W 1 192.0.2.130
done >/dev/null
tc -s filter show dev left | grep -q 'Sent [1-9]' || { echo 'nothing was redirected' >&2; exit 1; }
tc -s filter show dev right | grep -q 'Sent [1-9]' || { echo 'nothing was redirected' >&2; exit 1; }
