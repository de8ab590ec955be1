#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# One trial of tests/trials/, $TRIAL, traced. The host judges what was found, weak findings too.
. ./lib.sh
plan trial

case_trial()
{
	say "lockvane trace -- $TRIAL"
	lockvane trace -o $OUT/trial.db -- $TRIAL >$OUT/trial.out 2>$OUT/trial.err
	status=$?
	say "status $status"
	[ $status -eq 0 ] || [ $status -eq 3 ] || fail "status $status: $(tail -n 2 $OUT/trial.err)"
	has trial.err "${TRIAL%% *} exited with status 0"
	lockvane report --format json --confidence weak $OUT/trial.db >$OUT/trial.json
	clean trial
}

try trial
