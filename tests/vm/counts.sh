#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A known number of acquisitions of every kind, from every context. The host judges.
. ./lib.sh
plan traced

case_traced()
{
	insmod lv_counts.ko || fail 'the module does not load'
	lockvane trace -o $OUT/counts.db -- sh -c "echo $ROUNDS >/dev/lv_counts" \
		>$OUT/counts.out 2>$OUT/counts.err
	status=$?
	cat /dev/lv_counts >$OUT/happened
	[ $status -eq 0 ] || fail "status $status: $(grep '^findings' $OUT/counts.out)"
	rmmod lv_counts || fail 'the module does not unload'
	clean counts
}

try traced
