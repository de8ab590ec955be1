#!/host/bash
# SPDX-License-Identifier: GPL-2.0-only
# Plain use of bridges, tunnels, network namespaces, queueing disciplines, packet filters and sockets.
# What a kernel does not have is left out.
set -u
KINDS='dummy ifb vxlan wireguard geneve gre vti macvlan ipvlan vlan bond team'

# link KIND: an interface of it, over the bridge where one is wanted.
link()
{
	case $1 in
	vxlan) ip link add "t$1" type vxlan id 9 dstport 4789 dev br0 ;;
	geneve) ip link add "t$1" type geneve id 9 remote 192.0.2.9 ;;
	gre | vti) ip link add "t$1" type "$1" local 192.0.2.1 remote 192.0.2.9 ;;
	macvlan | ipvlan) ip link add "t$1" link br0 type "$1" ;;
	vlan) ip link add "t$1" link br0 type vlan id 7 ;;
	*) ip link add "t$1" type "$1" ;;
	esac
	ip link set "t$1" up
}

links() { for kind in $KINDS; do "$@" $kind; done; }
unlink_one() { ip link del "t$1"; }

bridge()
{
	ip link add br0 type bridge
	ip link add v0 type veth peer name v1
	ip link set v0 master br0
	ip addr add 192.0.2.1/24 dev br0
	ip netns add other
	ip link set v1 netns other
	ip link set br0 up
	ip link set v0 up
	ip netns exec other ip addr add 192.0.2.2/24 dev v1
	ip netns exec other ip link set v1 up
	ping -c 3 192.0.2.2
}

queues()
{
	for kind in fq_codel prio htb fq sfq tbf; do
		case $kind in
		tbf) tc qdisc replace dev br0 root tbf rate 10mbit burst 10kb latency 50ms ;;
		*) tc qdisc replace dev br0 root $kind ;;
		esac
		ping -c 1 -W 1 192.0.2.2
	done
	tc qdisc del dev br0 root
}

filters()
{
	nft -f - <<-end
	table inet trial {
		chain in {
			type filter hook input priority 0;
			ct state established accept;
			counter;
			limit rate 5/second log;
		}
	}
	end
}

{
	bridge
	links link
	queues
	filters
	stress-ng --sequential 1 -t 1s --class network --exclude icmp-flood,rawpkt,udp-flood
	nft flush ruleset
	links unlink_one
	ip link del br0
	ip netns del other
} >/dev/null 2>&1
exit 0
