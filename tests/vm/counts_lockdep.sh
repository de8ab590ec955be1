#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The same acquisitions under lockdep: what it says of each lock is what we must say.
. ./lib.sh
plan counted

case_counted()
{
	insmod lv_counts.ko || fail 'the module does not load'
	echo $ROUNDS >/dev/lv_counts || fail 'the module fails'
	cat /dev/lv_counts >$OUT/happened
	grep ': lv_counts_' /proc/lockdep >$OUT/lockdep
}

try counted
