#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What must be found on every kernel, and what must not, in two traces. The host judges.
# $CHECK is what `check` must return, $LOAD a load for the innocent trace.
. ./lib.sh
plan check bugs innocent

case_check() { lv "$CHECK" check check -v; }

# orders WORD...: shell words that make the module take its locks so.
orders() { printf 'for order in %s; do echo $order >/dev/lv_abba || exit 1; done' "$*"; }

case_bugs()
{
	insmod lv_uffd.ko && insmod lv_abba.ko || fail 'the modules do not load'
	# Twice: where events were lost, what was seen once is likely at most.
	all='raw_ab raw_ba mutex_rwsem_ab mutex_rwsem_ba mutex_mutex_ab mutex_mutex_ba'
	lv 3 bugs trace -o $OUT/bugs.db -- sh -c "uffd_aio --device /dev/lv_uffd && $(orders $all $all)"
	has bugs.err 'sh exited with status 0'
	lv 3 bugs.json report --format json $OUT/bugs.db
	rmmod lv_uffd && rmmod lv_abba || fail 'the modules do not unload'
	clean bugs
}

case_innocent()
{
	insmod lv_uffd.ko fixed=1 && insmod lv_abba.ko || fail 'the modules do not load'
	say "lockvane trace, then $LOAD"
	lockvane trace -o $OUT/innocent.db -- sh -c "uffd_aio --device /dev/lv_uffd && uffd_aio &&
		$(orders raw_ab raw_ab mutex_rwsem_ab mutex_rwsem_ab mutex_mutex_ab mutex_mutex_ab) &&
		$LOAD" >$OUT/innocent.out 2>$OUT/innocent.err
	status=$?
	say "status $status"
	lockvane report --format json $OUT/innocent.db >$OUT/innocent.json.out
	has innocent.err 'sh exited with status 0'
	[ $status -eq 0 ] || fail "status $status: $(grep '^findings' $OUT/innocent.out)"
	has innocent.out 'nothing found'
	clean innocent
}

try check
try bugs
try innocent
