# SPDX-License-Identifier: GPL-2.0-only
"""Kernel source trees, from Debian's linux-source packages, unpacked in the cache."""
import re

from . import cache
from .apt import Apt
from .cache import Failure, say

# The suite a series' package comes from; None: the system's own apt sources. Oldest first.
SUITES = {'6.1': None, '6.12': None, '7.2': 'sid'}


def package_of(series):
    if series not in SUITES:
        raise Failure(f'no source for {series}: there are {", ".join(SUITES)}')
    return f'linux-source-{series}'


def newest(series):
    """The version of the package that apt offers today: "6.12.117-1~deb12u1"."""
    return Apt(SUITES[series]).show(package_of(series))['Version']


def upstream(version):
    """The kernel's own version in a package's: "6.12.117"."""
    return re.match(r'[\d.]+', version).group().rstrip('.')


def version_of(tree):
    """The version that a tree's Makefile says: "6.12.117"."""
    text = (tree / 'Makefile').read_text(encoding='utf-8')
    return '.'.join(re.search(rf'(?m)^{name} = (\d+)$', text).group(1)
                    for name in ('VERSION', 'PATCHLEVEL', 'SUBLEVEL'))


def _unpack(series, tree):
    package = package_of(series)
    with cache.lock(f'source-{tree.name}'):
        if not tree.is_dir():
            deb = Apt(SUITES[series]).fetch(package)
            say(f'unpacking {package} (1.7 GB)')
            with cache.appearing(tree) as temp:
                cache.pipeline(['dpkg-deb', '--fsys-tarfile', deb],
                               ['tar', '-xO', f'./usr/src/{package}.tar.xz'],
                               ['xz', '-dcT0'],
                               ['tar', '-x', '--strip-components=1'], cwd=temp)
    return tree


def get(series):
    """The tree of SERIES, unpacked once: small kernels are built in it."""
    package_of(series)
    return _unpack(series, cache.root() / 'source' / series)


def newest_tree(series):
    """The tree of the newest package: the one that is there, or another beside it."""
    tree = get(series)
    version = upstream(newest(series))
    return tree if version_of(tree) == version else _unpack(series, tree.with_name(version))
