# SPDX-License-Identifier: GPL-2.0-only
"""Another architecture's libraries and headers, unpacked from this system's release and never installed."""
import os
import shutil

from . import apt, cache
from .cache import Failure, run

# What the programs are built with there, and what a guest's userland is.
PACKAGES = ('libc6-dev', 'libbpf-dev', 'libelf-dev', 'libdw-dev', 'libdebuginfod-dev', 'zlib1g-dev', 'libzydis-dev',
            'libsqlite3-dev', 'libjansson-dev', 'libsystemd-dev', 'libmicrohttpd-dev', 'uthash-dev', 'libpq-dev',
            'nettle-dev', 'busybox-static', 'bpftool')
LIBRARIES = {'arm64': 'aarch64-linux-gnu'}
SHLIBS = 'shlibs'               # as debian/shlibs.local
# Nobody reads in there.
UNWANTED = ('usr/share', 'etc', 'var')


def library_folders(root, arch):
    """Where the programs' libraries are looked for."""
    return [root / folder / LIBRARIES[arch] for folder in ('lib', 'usr/lib')]


def get(arch):
    """The folder. A list of packages that changed makes a new one."""
    if arch not in LIBRARIES:
        raise Failure(f'no sysroot for {arch}: there are {", ".join(LIBRARIES)}')
    target = cache.folder('sysroot') / arch
    stamp = target / 'packages'
    listed = ' '.join(PACKAGES)
    with cache.lock(f'sysroot-{arch}'):
        if stamp.exists() and stamp.read_text(encoding='utf-8') == listed:
            return target
        shutil.rmtree(target, ignore_errors=True)
        _make(arch, target, listed)
    return target


def _make(arch, target, listed):
    source = apt.Apt(arch=arch)
    source.update()
    cache.say(f'unpacking the libraries of {arch}')
    with cache.appearing(target) as temp:
        for package in source.closure(PACKAGES):
            _unpack(source.fetch(package), temp)
        for folder in UNWANTED:
            shutil.rmtree(temp / folder, ignore_errors=True)
        _make_relative(temp)
        (temp / 'packages').write_text(listed, encoding='utf-8')


def _unpack(deb, root):
    """Beside the files, what a package that uses its libraries depends on."""
    run(['dpkg-deb', '-x', deb, root])
    run(['dpkg-deb', '-e', deb, root / 'control'])
    libraries = root / 'control/shlibs'
    if libraries.exists():
        with open(root / SHLIBS, 'a', encoding='utf-8') as out:
            out.write(libraries.read_text(encoding='utf-8'))
    shutil.rmtree(root / 'control')


def _make_relative(root):
    """An absolute link would lead to this system's own file."""
    for here, folders, files in os.walk(root):
        for name in folders + files:
            path = os.path.join(here, name)
            if os.path.islink(path) and os.readlink(path).startswith('/'):
                inside = os.path.join(root, os.readlink(path).lstrip('/'))
                os.unlink(path)
                os.symlink(os.path.relpath(inside, here), path)
