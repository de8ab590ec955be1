#!/host/bash
# SPDX-License-Identifier: GPL-2.0-only
# everything.sh SECONDS: mixed for so long, and beside it stress-ng twice round, file systems and networks.
set -u
mixed -s "$1" -j 2 &
mixed=$!
stress.sh >/dev/null 2>&1
files.sh
networks.sh
stress.sh >/dev/null 2>&1
wait $mixed
