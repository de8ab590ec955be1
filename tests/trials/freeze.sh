#!/host/bash
# SPDX-License-Identifier: GPL-2.0-only
# One task freezes a file system and thaws it, as backup agents do: freeze_super() hands its
# percpu-rwsems over, so what the task takes in between is not taken under them.
set -u
. /host/disk.sh
make_disk ext4 64 mkfs.ext4 -q -F
echo text >/tmp/m/file
freeze /tmp/m || exit 1
drop_disk
