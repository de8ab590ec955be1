# SPDX-License-Identifier: GPL-2.0-only
"""Debian's own kernels, unpacked into the cache."""
import re
import shutil
import struct
import subprocess
from pathlib import Path

from . import cache, foreign, kmod
from .apt import Apt
from .cache import Failure, run, say

# A System.map smaller than this only says that the real one is elsewhere.
STUB_SYSTEM_MAP = 4096

# How a bzImage's payload may be compressed: magic, and what undoes it.
PAYLOADS = ((b'\x1f\x8b', 'gzip'), (b'\xfd7zXZ', 'xz'), (b'\x28\xb5\x2f\xfd', 'zstd'),
            (b'\x02\x21\x4c\x18', 'lz4'), (b'BZh', 'bzip2'))

# arm64's Image (Documentation/arch/arm64/booting.rst), and how BTF begins: magic, version, flags, length.
ARM64_MAGIC_AT, ARM64_MAGIC = 0x38, b'ARMd'
BTF_HEADER = b'\x9f\xeb\x01\x00\x18\x00\x00\x00'

# Stands in for resolve_btfids where the headers have none: it has work only for modules with
# kfuncs, and refuses those.
NO_BTF_IDS = """\
#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
for module; do :; done
! readelf -SW "$module" | grep -q '\\.BTF_ids'
"""


def get(name, kernel, target):
    apt = Apt(kernel.suite, kernel.arch)
    packages = apt.depends(kernel.image, r'^linux-image-')
    if not packages:
        raise Failure(f'{kernel.image} depends on no kernel')
    # Since 7.2 the image package is empty and its parts are packages of their own.
    packages = packages[:1] + apt.depends(packages[0], r'^linux-(base|binary|modules)-\d')
    debs = [apt.fetch(package) for package in packages]
    say(f'{name}: unpacking {packages[0]}')
    with cache.appearing(target) as temp:
        for deb in debs:
            run(['dpkg-deb', '-x', deb, temp / 'deb'])
        release = _take_image(temp)
        series = name.removeprefix(f'{kernel.arch}-').split('-')[0]
        if not release.startswith(series + '.'):
            say(f'{name}: note: this suite has moved on, its kernel is {release}')
        (temp / 'package').write_text(''.join(f'{deb.name}\n' for deb in debs), encoding='utf-8')
        shutil.rmtree(temp / 'deb')


def _take_image(temp):
    """Sort the unpacked packages into the kernel's folder; returns its release."""
    found = [path for base in ('usr/lib/modules', 'lib/modules')
             for path in (temp / 'deb' / base).glob('*/kernel')]
    if len(found) != 1:
        raise Failure(f'expected one modules folder in the package, found {len(found)}')
    tree = found[0].parent
    release = tree.name
    for name in ('vmlinuz', 'config', 'System.map'):
        # Until 7.1 in /boot, since then beside the modules.
        for path in (temp / 'deb' / 'boot' / f'{name}-{release}', tree / name):
            if path.exists():
                path.rename(temp / name)
    symbols = temp / 'System.map'
    if symbols.exists() and symbols.stat().st_size < STUB_SYSTEM_MAP:
        symbols.unlink()
    modules = temp / 'modules' / 'lib' / 'modules'
    modules.mkdir(parents=True)
    tree.rename(modules / release)
    run(['depmod', '-b', temp / 'modules', release])
    (temp / 'release').write_text(release + '\n', encoding='utf-8')
    _extract_vmlinux(temp)
    return release


def _extract_vmlinux(temp):
    """The ELF kernel inside vmlinuz: no symbols, but it holds the kernel's BTF."""
    if not (temp / 'vmlinuz').exists():
        raise Failure('the package holds no vmlinuz')
    image = (temp / 'vmlinuz').read_bytes()
    if image[ARM64_MAGIC_AT:].startswith(ARM64_MAGIC):
        _carve_btf(temp, image)
        return
    sectors = image[0x1f1] or 4
    offset = (sectors + 1) * 512 + int.from_bytes(image[0x248:0x24c], 'little')
    size = int.from_bytes(image[0x24c:0x250], 'little')
    payload = image[offset:offset + size]
    for magic, tool in PAYLOADS:
        if payload.startswith(magic):
            break
    else:
        say('note: vmlinuz is compressed in an unknown way, no vmlinux for it')
        return
    # The payload's last four bytes are its unpacked size: trailing junk to the tool.
    with open(temp / 'vmlinux', 'wb') as out:
        subprocess.run([tool, '-dc'], input=payload[:-4] if tool != 'gzip' else payload,
                       stdout=out, stderr=subprocess.DEVNULL, check=False)
    with open(temp / 'vmlinux', 'rb') as check:
        if check.read(4) != b'\x7fELF':
            (temp / 'vmlinux').unlink()
            say(f'note: {tool} could not unpack vmlinuz, no vmlinux for it')


def _carve_btf(temp, image):
    """arm64's Image is the kernel as it is loaded, without ELF headers: its BTF is put into a file of its own."""
    at = image.find(BTF_HEADER)
    if at < 0:
        say('note: the image holds no BTF, no vmlinux for it')
        return
    length, offset, size = 24, *struct.unpack_from('<II', image, at + 16)
    (temp / 'btf').write_bytes(image[at:at + length + offset + size])
    run(['objcopy', '-I', 'binary', '-O', 'elf64-little', '--rename-section', '.data=.BTF', temp / 'btf',
         temp / 'vmlinux'])
    (temp / 'btf').unlink()


def headers(name, kernel, home):
    """A build folder for modules, made from the headers packages without installing them."""
    if not kernel.headers:
        raise Failure(f'{name}: this kernel is run without modules of ours')
    release = (home / 'release').read_text(encoding='utf-8').strip()
    target = home / 'headers'
    kdir = target / 'usr' / 'src' / f'linux-headers-{release}'
    if kdir.is_dir():
        return kdir
    apt = Apt(kernel.suite, kernel.arch)
    main = f'linux-headers-{release}'
    try:
        packages = [main] + apt.depends(main, r'^linux-(headers|kbuild)-')
    except Failure as failure:
        raise Failure(f'{failure}\nthe archive has moved on from {release}: '
                      f'tools/kernels drop {name}, then get') from None
    say(f'{name}: unpacking {main}')
    with cache.appearing(target) as temp:
        # The programs among them run here.
        ours = Apt(kernel.suite)
        for package in packages:
            source = ours if package.startswith('linux-kbuild-') else apt
            run(['dpkg-deb', '-x', source.fetch(package), temp])
        _relocate(temp / kdir.relative_to(target))
        # Experimental is no whole suite: what is not in it is in unstable.
        base = Apt('sid') if kernel.passes else ours
        foreign.adapt(temp, temp / kdir.relative_to(target), ours, base, kmod.PREFIXES.get(kernel.arch, ''))
        # Module BTF needs the kernel's; older headers packages do not carry it.
        if not (temp / kdir.relative_to(target) / 'vmlinux').exists():
            _add_btf(home, temp / kdir.relative_to(target))
        shutil.rmtree(temp / 'usr' / 'share', ignore_errors=True)
    return kdir


def _add_btf(home, kdir):
    if not (home / 'vmlinux').exists():
        return
    shutil.copyfile(home / 'vmlinux', kdir / 'vmlinux')
    resolver = kdir / 'tools' / 'bpf' / 'resolve_btfids' / 'resolve_btfids'
    if not resolver.exists():
        resolver.parent.mkdir(parents=True, exist_ok=True)
        resolver.write_text(NO_BTF_IDS, encoding='utf-8')
        resolver.chmod(0o755)


def _relocate(kdir):
    """The Makefile names itself (since 7.2) and its common part by absolute path: make those
    relative."""
    makefile = Path(kdir) / 'Makefile'
    here = '$(dir $(lastword $(MAKEFILE_LIST)))..'
    text, count = re.subn(r'(?m)^include /usr/src(?=/)', lambda m: f'include {here}',
                          makefile.read_text(encoding='utf-8'))
    if count != 1:
        raise Failure(f'{makefile}: expected one include of /usr/src, found {count}')
    text = re.sub(r'(?m)^KBUILD_OUTPUT=/usr/src/.*$',
                  'KBUILD_OUTPUT := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))', text)
    makefile.write_text(text, encoding='utf-8')
