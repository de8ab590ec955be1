#!/host/bash
# SPDX-License-Identifier: GPL-2.0-only
# The catalog grows: the extents of its file change under the catalog tree's lock. Extents of other
# files change under the extents tree's. Two trees of one type: lockdep is told them apart by subclass,
# so nothing may be said at `likely`.
set -u
. /host/disk.sh
make_disk hfs 24 hformat -l trial
i=0
while [ $i -lt 2500 ]; do
	: >/tmp/m/file$i
	i=$((i + 1))
done
for name in one two; do
	dd if=/dev/zero of=/tmp/m/$name bs=64k count=12 2>/dev/null
	sync
	truncate -s 64k /tmp/m/$name
done
drop_disk
