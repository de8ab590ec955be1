#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The programs load as they would be for other kernels: the verifier looks only at what is left of them.
. ./lib.sh
plan $WORDS

for word in $WORDS; do
	eval "case_$word() { loads $word 2>/tmp/why; }"
	try $word
done
