#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A kernel as it comes, no module of ours in it: check, and the innocent run.
. ./lib.sh
plan check innocent

case_check()
{
	lv 3 check check # it preempts itself
	has check.out "preempts itself"
}

case_innocent()
{
	lv 0 innocent trace -o $OUT/innocent.db -- uffd_aio
	has innocent.out 'nothing found'
	lv 0 edges edges $OUT/innocent.db
	has edges.out 'kioctx.ctx_lock userfaultfd_ctx.fd_wqh'
	has edges.out 'userfaultfd_ctx.fd_wqh userfaultfd_ctx.fault_pending_wqh'
	clean innocent
}

try check
try innocent
