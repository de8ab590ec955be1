# SPDX-License-Identifier: GPL-2.0-only
"""Programs that tests use, from Debian packages that are unpacked and not installed."""
from . import apt, cache
from .cache import run


def get(package):
    """The folder PACKAGE's files are in; its dependencies are the caller's affair."""
    home = cache.folder('unpacked')
    with cache.lock(f'unpacked-{package}'):
        target = home / package
        if not target.exists():
            deb = apt.Apt().fetch(package)
            with cache.appearing(target) as temp:
                run(['dpkg-deb', '-x', deb, temp])
    return target
