#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The bug of 2019 itself, in the kernel's own userfaultfd.
. ./lib.sh
plan cancel no_cancel

variant()
{
	lv 3 "$1" trace -o "$OUT/$1.db" -- uffd_aio $2
	[ "$(finding_ids "$1.out" | wc -l)" -eq 1 ] || fail "findings: $(finding_ids "$1.out")"
	lv 3 "$1.json" report --format json "$OUT/$1.db"
	clean "$1"
}

case_cancel() { variant cancel; }

case_no_cancel() { variant no_cancel --no-cancel; }

try cancel
try no_cancel
