#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A known number of acquisitions of every kind, from every context. The host judges.
. ./lib.sh
plan traced

case_traced()
{
	insmod lv_counts.ko || fail 'the module does not load'
	lv 0 counts trace -o $OUT/counts.db -- sh -c "echo $ROUNDS >/dev/lv_counts"
	cat /dev/lv_counts >$OUT/happened
	rmmod lv_counts || fail 'the module does not unload'
	clean counts
}

try traced
