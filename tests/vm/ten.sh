#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The demo's trace ten times in a row: the same finding each time, and nothing left.
. ./lib.sh
plan ten clean

case_ten()
{
	insmod lv_uffd.ko || fail 'the module does not load'
	for i in 0 1 2 3 4 5 6 7 8 9; do
		lv 3 "run$i" trace --locks spin -- uffd_aio --device /dev/lv_uffd
		ids="$ids $(finding_ids "run$i.out")"
	done
	# $ids in words: ten, and all the same.
	set -- $ids
	[ $# -eq 10 ] || fail "ten runs found $# times:$ids"
	for id; do
		[ "$id" = "$1" ] || fail "ten runs, several ids:$ids"
	done
}

case_clean() { clean ten; }

try ten
try clean
