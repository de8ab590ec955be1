#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# One half of the founding order, and its push to a store beyond the network. HALF says which, CASES how
# the push is to fail before: the road there ends, stalls, and takes the server along, in this order.
. ./lib.sh
plan seen $CASES

hostname "$HOST"
mkdir -p /etc/ssl
echo "$HOST" | md5sum | cut -c1-32 >/etc/machine-id
echo '127.0.0.1 localhost' >/etc/hosts
echo '10.0.2.2 store.example' >>/etc/hosts
cp ca.crt /etc/ssl/store.crt
set -a
. ./fleet.env
set +a

case_seen()
{
	insmod lv_uffd.ko || fail 'the module does not load'
	lv 0 seen trace --locks spin -o $OUT/half.lv -- uffd_aio --device /dev/lv_uffd --half "$HALF"
	clean seen
}

# The server must be the one that is meant.
case_refused()
{
	PGHOST=10.0.2.2
	lv 1 by_number fleet push --retry 0 $OUT/half.lv
	has by_number.err 'does not match'
	PGHOST=store.example PGSSLMODE=disable
	lv 1 in_clear fleet push --retry 0 $OUT/half.lv
	has in_clear.err 'no encryption'
	[ ! -s $OUT/by_number.out ] && [ ! -s $OUT/in_clear.out ] || fail 'it was pushed'
}

case_cut()
{
	lv 1 cut fleet push --retry 0 $OUT/half.lv
	[ "$(wc -l <$OUT/cut.err)" -eq 1 ] || fail "no one-line error: $(cat $OUT/cut.err)"
}

# On a road that hears no more: the pusher waits.
case_killed()
{
	lockvane fleet push $OUT/half.lv >$OUT/killed.out 2>$OUT/killed.err &
	sleep 8
	kill -9 $! || fail 'it waits for nothing'
	wait $!
	[ $? -eq 137 ] || fail 'it had ended'
}

case_server()
{
	lv 0 server fleet push --retry 2min $OUT/half.lv
	has server.err 'again in'
	has server.out "^$HOST: [1-9]"
}

case_pushed()
{
	lv 0 pushed fleet push --retry 2min $OUT/half.lv
	has pushed.out "^$HOST: [1-9]"
}

case_again()
{
	lv 0 again fleet push --retry 2min $OUT/half.lv
	has again.out ' 0 of them looked at.* 0 new to the store'
}

for name in seen $CASES; do
	try "$name"
done
