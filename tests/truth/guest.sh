#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# One boot of the judge: the workload under lockvane and the observer.
mkdir -p out
truth out sh ./"$LOAD" || exit 1
cat /proc/kallsyms >out/kallsyms
cat /proc/lockdep >out/lockdep
