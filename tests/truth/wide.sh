#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The judge's wide load: load.sh with WIDE rounds, and beside it networks, file systems and stress-ng's
# class "os".
set -u
sh ./load.sh &
narrow=$!
networks.sh
files.sh
stress.sh >/dev/null 2>&1
wait $narrow
