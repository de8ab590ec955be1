# SPDX-License-Identifier: GPL-2.0-only
"""The workloads of the hunt: they expect nothing; what they find is judged in docs/found.md."""
from recipes import CHECKSUMS, DISK, Recipe

# A workload is to go on where its stressors contend.
WHOLE = '--contention 0'
FULL = ('6.12-full', '6.1-full', '7.2-full')


def filesystem(kind, mkfs, programs=(), modules=(), megabytes=96):
    """Plain and less plain use of one file system on a loop device."""
    return Recipe(f'fs-{kind}', f'stressors, ioctls, quota and freezing on {kind}', FULL, (),
                  script=f'fs.sh {kind} {megabytes} {mkfs}', modules=('loop', *CHECKSUMS, kind, *modules),
                  programs=('bash', 'stress-ng', mkfs.split()[0], *programs),
                  puts=('workloads/copyout', 'workloads/freeze', *DISK), seconds=300, options=WHOLE)


WORKLOADS = (
    filesystem('jfs', 'mkfs.jfs -q'),
    filesystem('ntfs3', 'mkntfs -F -Q'),
    filesystem('ocfs2', 'mkfs.ocfs2 -q -F -M local -N 1 -T mail', modules=('ocfs2_stack_o2cb',), megabytes=256),
    filesystem('nilfs2', 'mkfs.nilfs2 -f -q', megabytes=160),
    filesystem('gfs2', 'mkfs.gfs2 -q -O -p lock_nolock -J 8', megabytes=160),
    filesystem('udf', 'mkfs.udf'),
    filesystem('exfat', 'mkfs.exfat'),
    filesystem('reiserfs', 'mkreiserfs -q -ff'),
)
