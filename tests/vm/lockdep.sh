#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The oracle: the same program on a kernel with lockdep, which reports on its console.
. ./lib.sh
plan workload

case_workload() { uffd_aio $ARGS || fail "uffd_aio: status $?"; }

try workload
