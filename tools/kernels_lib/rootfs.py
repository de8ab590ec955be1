# SPDX-License-Identifier: GPL-2.0-only
"""A small Debian with systemd, as a tar file: for guests that a package is installed in."""
from pathlib import Path

from . import apt, cache
from .cache import Failure, run

# What the package depends on (its test fails in words if that grows), and what looks at it.
PACKAGES = ('usr-is-merged', 'systemd-sysv', 'init-system-helpers', 'procps', 'bpftool', 'kmod',
            'libbpf1', 'libdw1', 'libelf1', 'libjansson4', 'libmicrohttpd12', 'libsqlite3-0',
            'libsystemd0', 'zlib1g')
# Nobody reads in there. Copyright files stay out of the guest's memory, not out of the world.
EXCLUDED = ('/usr/share/doc/*', '/usr/share/man/*', '/usr/share/locale/*', '/usr/share/info/*',
            '/usr/lib/udev/hwdb.d/*', '/usr/share/zoneinfo/*', '/usr/lib/x86_64-linux-gnu/gconv/*',
            '/usr/share/i18n/*', '/usr/share/perl/*', '/usr/share/bash-completion/*')
# The manual pages of our own are wanted.
KEPT = ('/usr/share/man/man5/lockvane*', '/usr/share/man/man8/lockvane*',
        '/usr/share/bash-completion/completions/lockvane')


def get():
    """The tar's path. A list of packages that changed makes a new one."""
    codename, uri = apt.release()
    target = cache.folder('rootfs') / codename / 'root.tar'
    listed = ' '.join(PACKAGES + EXCLUDED + KEPT)
    stamp = target.with_name('packages')
    with cache.lock('rootfs'):
        if target.exists() and stamp.exists() and stamp.read_text(encoding='utf-8') == listed:
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        cache.say('making a root file system with systemd: a minute or two')
        fresh = target.with_name('new.tar')
        fresh.unlink(missing_ok=True)
        run(['mmdebstrap', '--variant=essential',
             '--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr', f'--include={",".join(PACKAGES)}',
             *(f'--dpkgopt=path-exclude={path}' for path in EXCLUDED),
             *(f'--dpkgopt=path-include={path}' for path in KEPT),
             '--aptopt=Apt::Install-Recommends "false"', f'--keyring={apt.KEYRING}',
             codename, str(fresh), uri])
        if not fresh.exists():
            raise Failure('mmdebstrap made no root file system')
        fresh.rename(target)
        stamp.write_text(listed, encoding='utf-8')
    return Path(target)
