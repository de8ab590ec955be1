# SPDX-License-Identifier: GPL-2.0-only
"""The machines that guests run on: QEMU's, and where programs for them come from."""
import os
import re
import subprocess
from dataclasses import dataclass
from typing import Optional, Tuple

from kernels_lib import sysroot

BUSYBOX = ('/bin/busybox', '/usr/bin/busybox')
EM_AARCH64 = 183


class Unusable(Exception):
    """A file or a module that cannot be put into the guest."""


@dataclass(frozen=True)
class Machine:
    qemu: str
    words: Tuple[str, ...]      # of QEMU's command line
    cpu: str
    console: str
    arch: Optional[str]         # Debian's name of it, whose libraries are unpacked; None: this system's own
    emulator: str               # the accelerator; thread=multi races with x86 kernels' patching of their own text
    boot_seconds: int

    def root(self):
        """Where its programs' libraries are."""
        return str(sysroot.get(self.arch)) if self.arch else '/'

    def busybox(self):
        for path in BUSYBOX:
            path = os.path.join(self.root(), path.lstrip('/'))
            if os.path.exists(path):
                return path
        raise Unusable('busybox is not installed: run tools/setup')


X86 = Machine('qemu-system-x86_64', ('-machine', 'q35'), 'max,la57=off', 'ttyS0', None, 'tcg,thread=single', 60)
# Authentication of pointers by QARMA takes a TCG guest most of its time.
ARM64 = Machine('qemu-system-aarch64', ('-machine', 'virt,gic-version=3'), 'max,pauth-impdef=on', 'ttyAMA0', 'arm64',
                'tcg,thread=single', 240)


def of_kernel(folder):
    """The machine that a kernel folder's kernel runs on."""
    config = folder / 'config'
    if config.exists() and 'CONFIG_ARM64=y\n' in config.read_text(encoding='utf-8'):
        return ARM64
    return X86


def _needed(path):
    """What an ELF program of another machine asks its loader for, and that loader."""
    text = subprocess.run(['readelf', '-dlW', path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True, check=False).stdout
    loader = re.search(r'interpreter: ([^\]]+)', text)
    return re.findall(r'\(NEEDED\).*\[(.+)\]', text), loader.group(1) if loader else None


def _foreign_libraries(path, arch):
    root = sysroot.get(arch)
    folders = sysroot.library_folders(root, arch)
    names, loader = _needed(path)
    found = {loader: str(root) + loader} if loader else {}
    while names:
        name = names.pop()
        host = next((folder / name for folder in folders if (folder / name).exists()), None)
        if host is None:
            raise Unusable(f'{path} needs {name}, which {root} does not have')
        guest = f'/{host.relative_to(root)}'
        if guest not in found:
            found[guest] = str(host)
            names += _needed(host)[0]
    return list(found.items())


def libraries(path, data):
    """(path in the guest, file) of the shared libraries and the interpreter of an ELF program, as ld.so finds them."""
    if int.from_bytes(data[18:20], 'little') == EM_AARCH64:
        return _foreign_libraries(path, ARM64.arch)
    done = subprocess.run(['ldd', path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True, check=False)
    missing = re.findall(r'(\S+) => not found', done.stdout)
    if missing:
        raise Unusable(f'{path} needs {" ".join(missing)}, which this machine does not have')
    return [(library, library) for library in re.findall(r'(?m)(?:=>\s+|^\s+)(/\S+) \(0x', done.stdout)]
