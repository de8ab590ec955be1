#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The founding case on a stock kernel, by a module with the bug; then its innocent twins. All
# that is asked of a capture is asked of this one.
. ./lib.sh
plan report capture closed_pipe told_meanwhile listings bad_captures fixed_and_json innocent_and_status

case_report()
{
	umask 0
	insmod lv_uffd.ko || fail 'the module does not load'
	lv 3 report trace -o $OUT/capture.db -- uffd_aio --device /dev/lv_uffd
	has report.err 'uffd_aio exited with status 0'
	clean report
}

case_capture()
{
	mode=$(stat -c %a $OUT/capture.db)
	[ "$mode" = 600 ] || fail "the capture's mode is $mode"
	lv 3 again report $OUT/capture.db
	cmp -s $OUT/report.out $OUT/again.out || fail 'the report from the capture differs'
	[ "$(finding_ids report.out)" = "$(finding_ids again.out)" ] || fail 'another id'
	lv 3 json report --format json $OUT/capture.db
	lv 3 all report --confidence weak $OUT/capture.db
}

# Nobody reads the report: what was recorded is in the file by then.
case_closed_pipe()
{
	lockvane trace --locks spin -o /tmp/closed.lv -- uffd_aio --device /dev/lv_uffd 2>$OUT/closed.err | true
	lv 3 closed_report report /tmp/closed.lv
	has closed_report.out 'fault_pending_wqh'
	rm -f /tmp/closed.lv
	clean closed
}

# Long before the end, and once.
case_told_meanwhile()
{
	lv 3 meanwhile trace --locks spin -- sh -c 'uffd_aio --device /dev/lv_uffd; sleep 25; echo over'
	sed '/^over/q' $OUT/meanwhile.err >$OUT/before.err
	[ "$(grep -c '^lockvane: after [0-9]* s: irq-inversion, [a-z]*: .*fault_pending_wqh$' $OUT/before.err)" -eq 1 ] ||
		fail "not told while it records: $(cat $OUT/before.err)"
	[ "$(grep -c 'irq-inversion' $OUT/meanwhile.err)" -eq 1 ] || fail 'told more than once'
	# With it goes who looks for findings; a trace that is killed leaves nothing either.
	lockvane trace --locks spin -- sh -c 'sleep 60' >/dev/null 2>$OUT/killed.err &
	await 60 'its looking' eval '[ "$(pidof lockvane | wc -w)" -ge 2 ]'
	kill -9 $!
	await 5 'both to go' eval '[ -z "$(pidof lockvane)" ]'
	clean killed
}

case_listings()
{
	lv 0 classes classes $OUT/capture.db
	lv 0 edges edges $OUT/capture.db
	has classes.out 'kioctx.ctx_lock'
	has classes.out 'lv_uffd_ctx.fault_pending_wqh'
	has edges.out 'kioctx.ctx_lock lv_uffd_ctx.fd_wqh'
	has edges.out 'lv_uffd_ctx.fd_wqh lv_uffd_ctx.fault_pending_wqh'
}

bad_capture()
{
	for command in report classes edges; do
		refused 1 "bad_$1_$command" "$2" $command "$3"
	done
}

case_bad_captures()
{
	size=$(stat -c %s $OUT/capture.db)
	head -c 100 $OUT/capture.db >short.db
	head -c $((size / 2)) $OUT/capture.db >half.db
	head -c $((size - 4096)) $OUT/capture.db >cut.db
	: >empty.db
	echo 'not a capture' >text.db
	mkdir folder.db
	bad_capture short short.db short.db
	bad_capture half half.db half.db
	bad_capture cut cut.db cut.db
	bad_capture empty empty.db empty.db
	bad_capture text text.db text.db
	bad_capture foreign foreign.db foreign.db
	bad_capture folder folder.db folder.db
	bad_capture missing 'no such file' missing.db
	cp $OUT/capture.db secret.db
	su nobody -s /bin/sh -c 'lockvane report secret.db' >$OUT/secret.out 2>$OUT/secret.err
	[ $? -eq 1 ] || fail 'somebody reads a capture that is not his'
	[ "$(wc -l <$OUT/secret.err)" -eq 1 ] || fail 'no one-line error for a capture not ours'
	[ "$(ls short.db* half.db* cut.db* | wc -l)" -eq 3 ] || fail 'something left beside a capture'
}

case_fixed_and_json()
{
	rmmod lv_uffd
	insmod lv_uffd.ko fixed=1 || fail 'the fixed module does not load'
	# The program's own output must not get into the document, nor its end decide on ours.
	lv 0 fixed trace --locks spin --format json -- \
		sh -c 'echo noise; uffd_aio --device /dev/lv_uffd; echo noise; kill -TERM $$'
	has_not fixed.out '^noise'
	has fixed.err noise
	has fixed.err 'sh was ended by signal 15'
	clean fixed
}

case_innocent_and_status()
{
	lv 0 innocent trace -o $OUT/innocent.db -- sh -c 'uffd_aio; exit 7'
	has innocent.err 'sh exited with status 7'
	has innocent.out 'nothing found'
	lv 0 innocent_edges edges $OUT/innocent.db
	has innocent_edges.out 'kioctx.ctx_lock userfaultfd_ctx.fd_wqh'
	has innocent_edges.out 'userfaultfd_ctx.fd_wqh userfaultfd_ctx.fault_pending_wqh'
	clean innocent
}

try report
try capture
try closed_pipe
try told_meanwhile
try listings
try bad_captures
try fixed_and_json
try innocent_and_status
