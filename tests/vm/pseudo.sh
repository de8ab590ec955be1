#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What is waited for like a lock: each guilty pair is found, alone, and no innocent twin is.
. ./lib.sh
. ./disk.sh
plan hooks guilty innocent dead_disk

KINDS='reclaim srcu cpuhp console kernfs writers journal queue'

# orders WORD...: shell words that make the module do so, in this order.
orders() { printf 'for word in %s; do echo $word >/dev/lv_pseudo || exit 1; done; ' "$*"; }

# words END: the word of each kind in $KINDS that ends so.
words() { for kind in $KINDS; do printf '%s_%s ' "$kind" "$1"; done; }

begin()
{
	insmod lv_pseudo.ko || fail 'the module does not load'
	make_disk ext4 32 mkfs.ext4 -q -F
}

end()
{
	drop_disk
	rmmod lv_pseudo || fail 'the module does not unload'
	clean "$1"
}

case_hooks()
{
	lv "${CHECK:-0}" hooks check -v
	has hooks.out 'workqueue_execute_start *tp_btf'
	has hooks.out 'call_timer_fn *fexit'
	has hooks.out 'lock_mm_and_find_vma *fentry'
}

# The first wait comes first: some pseudo-locks are watched from then on.
case_guilty()
{
	begin
	all="wq_flush wq_run work_run work_cancel timer_run timer_delete fault_copy fault_mmap $(words wait) $(words run)"
	lv 3 guilty trace -o $OUT/guilty.db -- sh -c "$(orders $all $all)"
	has guilty.err 'sh exited with status 0'
	lv 3 guilty.text report $OUT/guilty.db
	lv 3 guilty.json report --format json $OUT/guilty.db
	end guilty
}

case_innocent()
{
	begin
	half="work_run work_late timer_run timer_late wq_run fault_copy $(words late) $(words run)"
	lockvane trace -o $OUT/innocent.db -- sh -c "$(orders $half $half) mixed -s 20 -j 2" \
		>$OUT/innocent.out 2>$OUT/innocent.err
	status=$?
	has innocent.err 'sh exited with status 0'
	[ $status -eq 0 ] || fail "status $status: $(grep '^findings' $OUT/innocent.out)"
	has innocent.out 'nothing found'
	end innocent
}

# A disk that goes freezes its queue for good. Who sends it bios fails then, and does not wait.
case_dead_disk()
{
	lv 0 disk trace -o $OUT/disk.db -- sh -c 'losetup -f >/dev/null && rmmod loop'
	has disk.err 'sh exited with status 0'
	lv 0 disk_edges edges $OUT/disk.db
	grep -q 'q_usage_counter([a-z]*).x20loop[0-9]* ' $OUT/disk_edges.out && fail 'a dead disk holds its queue'
	clean disk
}

try hooks
try guilty
try innocent
try dead_disk
