# SPDX-License-Identifier: GPL-2.0-only
"""A small Debian with systemd, as a tar file: for guests that a package is installed in."""
from pathlib import Path

from . import apt, cache
from .cache import Failure, run

# What the package depends on (its test fails in words if that grows), and what looks at it.
PACKAGES = ('usr-is-merged', 'systemd-sysv', 'init-system-helpers', 'procps', 'kmod', 'libbpf1',
            'libdw1', 'libelf1', 'libjansson4', 'libmicrohttpd12', 'libsqlite3-0', 'libsystemd0', 'libzydis4.0',
            'zlib1g')
# Nobody reads in there: guests' memory is dear. The folders stay, other packages fill them.
EXCLUDED = ('/usr/share/doc/*', '/usr/share/man/*', '/usr/share/locale/*', '/usr/share/info/*',
            '/usr/lib/udev/hwdb.d/*', '/usr/share/zoneinfo/*', '/usr/lib/x86_64-linux-gnu/gconv/*',
            '/usr/share/i18n/*', '/usr/share/perl/*', '/usr/share/bash-completion/*')
FOLDERS = '^/usr/share/(man|bash-completion)(/man[0-9]|/completions)?$'
# In the guest dpkg leaves nothing out.
AFTER = ('rm "$1"/etc/dpkg/dpkg.cfg.d/99mmdebstrap; cat "$1"/var/lib/dpkg/info/*.list |'
         f' grep -E "{FOLDERS}" | sed "s|^|$1|" | sort -u | xargs mkdir -p')


def get(more=()):
    """The path of the tar, with these packages more. A list of packages that changed makes a new one."""
    codename, uri = apt.release()
    target = cache.folder('rootfs') / '+'.join((codename, *more)) / 'root.tar'
    packages = (*PACKAGES, *more)
    listed = ' '.join((*packages, *EXCLUDED, AFTER))
    stamp = target.with_name('packages')
    with cache.lock('rootfs'):
        if target.exists() and stamp.exists() and stamp.read_text(encoding='utf-8') == listed:
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        cache.say('making a root file system with systemd: a minute or two')
        fresh = target.with_name('new.tar')
        fresh.unlink(missing_ok=True)
        run(['mmdebstrap', '--variant=essential',
             '--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr', f'--include={",".join(packages)}',
             *(f'--dpkgopt=path-exclude={path}' for path in EXCLUDED),
             f'--customize-hook={AFTER}',
             '--aptopt=Apt::Install-Recommends "false"', f'--keyring={apt.KEYRING}',
             codename, str(fresh), uri])
        if not fresh.exists():
            raise Failure('mmdebstrap made no root file system')
        fresh.rename(target)
        stamp.write_text(listed, encoding='utf-8')
    return Path(target)
