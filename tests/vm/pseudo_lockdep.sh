#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The oracle: the module of pseudo.sh on a kernel with lockdep, which reports on its console.
# $WORDS: what the module does, in this order.
. ./lib.sh
. ./disk.sh
plan words

case_words()
{
	insmod lv_pseudo.ko || fail 'the module does not load'
	make_disk ext4 32 mkfs.ext4 -q -F
	for word in $WORDS; do
		echo $word >/dev/lv_pseudo || fail "$word: refused"
	done
	cat /proc/lockdep_stats >$OUT/stats
}

try words
