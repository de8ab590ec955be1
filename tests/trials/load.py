# SPDX-License-Identifier: GPL-2.0-only
"""What a guest needs for tests/trials/everything.sh and its parts: scripts, programs, the kernel's modules."""
import os
import shutil
import sys
from pathlib import Path

FOLDER = Path('tests/trials')
SCRIPTS = ('everything.sh', 'stress.sh', 'files.sh', 'networks.sh', 'disk.sh')
PROGRAMS = ('bash', 'stress-ng', 'mkfs.ext4', 'mkfs.xfs', 'mkfs.btrfs', 'mkfs.f2fs', 'ip', 'tc', 'nft',
            'ping')
# btrfs, f2fs and others ask for their checksums by name.
CHECKSUMS = ('crc32c_generic', 'crc32_generic', 'libcrc32c', 'xxhash_generic', 'blake2b_generic',
             'sha256_generic')
MODULES = (*CHECKSUMS, 'loop', 'ext4', 'xfs', 'btrfs', 'f2fs', 'overlay', 'zram', 'veth', 'bridge', 'vxlan',
           'wireguard', 'dummy', 'ifb', 'macvlan', 'ipvlan', 'bonding', 'team', '8021q', 'ip_gre',
           'ip_vti', 'geneve', 'nf_tables', 'nft_ct', 'nft_limit', 'nft_log', 'sch_fq_codel', 'sch_prio',
           'sch_htb', 'sch_fq', 'sch_sfq', 'sch_tbf', 'sctp', 'tun', 'af_alg')
PATH = f'{os.environ.get("PATH", "")}:/usr/sbin:/sbin:/usr/local/sbin'


def program(name):
    """One of this machine's programs, by path."""
    path = shutil.which(name, path=PATH)
    if not path:
        sys.exit(f'{name} is not installed: run tools/setup')
    return path


def words():
    """Of tools/vm run: the scripts and programs put in, the modules loaded."""
    for name in SCRIPTS:
        yield from ('-p', str(FOLDER / name))
    for name in PROGRAMS:
        yield from ('-p', program(name))
    for name in MODULES:
        yield from ('--try-module', name)
