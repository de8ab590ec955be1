# SPDX-License-Identifier: GPL-2.0-only
"""Build a module out of tree: sources are copied, so theirs stays clean."""
import shutil

from .cache import Failure, run


# Compilers by Debian's name of the architecture; None is this system's.
PREFIXES = {'arm64': 'aarch64-linux-gnu-'}


def build(kdir, source, out, arch=None):
    if not (source / 'Makefile').exists() and not (source / 'Kbuild').exists():
        raise Failure(f'{source} holds no Kbuild Makefile')
    out.mkdir(parents=True, exist_ok=True)
    for path in source.iterdir():
        if path.is_file():
            target = out / path.name
            if not target.exists() or target.read_bytes() != path.read_bytes():
                shutil.copyfile(path, target)
    cross = [f'ARCH={arch}', f'CROSS_COMPILE={PREFIXES[arch]}'] if arch else []
    run(['make', '-C', kdir, f'M={out.resolve()}', *cross, 'modules'])
    modules = sorted(out.glob('*.ko'))
    if not modules:
        raise Failure(f'{source} built no module')
    for module in modules:
        print(module)
