# SPDX-License-Identifier: GPL-2.0-only
"""A guest's file system as one uncompressed cpio archive (newc), written without root."""
import bz2
import gzip
import lzma
import os
import re
import stat
import subprocess
import tarfile
from pathlib import Path

from . import machine
from .machine import Unusable

GUEST_INIT = Path(__file__).resolve().parent.parent / 'guest' / 'init'
FOLDERS = ('bin', 'dev', 'etc', 'host', 'lv', 'lv/modules', 'proc', 'root', 'run', 'sys', 'tmp',
           'usr', 'usr/local', 'usr/local/bin', 'var')
ET_EXEC, ET_DYN = 2, 3


class Archive:
    """Entries go to the stream at once; parents are made on the way."""

    def __init__(self, stream):
        self.stream = stream
        self.inode = 0
        self.known = {}             # guest path -> mode

    def _entry(self, path, mode, data=b'', device=(0, 0), owner=(0, 0)):
        self.inode += 1
        self.known[path] = mode
        name = path.encode() + b'\0'
        fields = (self.inode, mode, *owner, 1, 0, len(data), 0, 0, *device, len(name), 0)
        head = b'070701' + b''.join(b'%08X' % field for field in fields) + name
        self.stream.write(head + b'\0' * (-len(head) % 4))
        self.stream.write(data)
        self.stream.write(b'\0' * (-len(data) % 4))

    def folder(self, path, mode=0o755, owner=(0, 0)):
        path = path.strip('/')
        if path and path not in self.known:
            self.folder(os.path.dirname(path))
            self._entry(path, stat.S_IFDIR | mode, owner=owner)

    def file(self, path, data, mode=0o644, owner=(0, 0)):
        path = path.strip('/')
        self.folder(os.path.dirname(path))
        self._entry(path, stat.S_IFREG | mode, data, owner=owner)

    def link(self, path, target):
        path = path.strip('/')
        self.folder(os.path.dirname(path))
        self._entry(path, stat.S_IFLNK | 0o777, target.encode())

    def device(self, path, major, minor):
        self._entry(path.strip('/'), stat.S_IFCHR | 0o600, device=(major, minor))

    def finish(self):
        self._entry('TRAILER!!!', 0)


def libraries(path, data):
    """Those of an ELF program."""
    if data[:4] != b'\x7fELF' or int.from_bytes(data[16:18], 'little') not in (ET_EXEC, ET_DYN):
        return []
    return machine.libraries(path, data)


# A Debian begins as one that was booted before: else its first boot enables every unit there is.
MACHINE_ID = b'6c6f636b76616e652074657374207631\n'
# Runs guest/init again, when systemd is up.
RUN_UNIT = b"""[Unit]
After=multi-user.target
[Service]
ExecStart=/init run
StandardInput=null
Environment=HOME=/root
"""


class Builder:
    """Fills an archive with the userland, the kernel's modules and what the user pushes."""

    def __init__(self, stream, host):
        self.archive = Archive(stream)
        self.host = host            # the Machine that it runs on
        self.order = []             # modules, in loading order

    def base(self):
        busybox = self.host.busybox()
        for path in FOLDERS:
            self.archive.folder(path)
        self.archive.device('dev/console', 5, 1)
        for path in ('sbin', 'usr/bin', 'usr/sbin'):
            self.archive.link(path, '/bin')
        self.program('/bin/busybox', busybox)
        # One of another machine does not run here, and Debian configures all alike.
        applets = subprocess.run([machine.X86.busybox(), '--list'], stdout=subprocess.PIPE, text=True,
                                 check=True).stdout.split()
        for name in applets:
            if name != 'busybox':
                self.archive.link(f'bin/{name}', 'busybox')
        self.archive.file('init', GUEST_INIT.read_bytes(), 0o755)
        self.archive.file('etc/passwd', b'root::0:0:root:/root:/bin/sh\n'
                          b'nobody:x:65534:65534:nobody:/:/bin/false\n')
        self.archive.file('etc/group', b'root:x:0:\nnogroup:x:65534:\n')

    def debian(self, tar):
        """The userland of a tar file with systemd, instead of base()'s."""
        with tarfile.open(tar) as members:
            for member in members:
                self._member(members, member)
        for path in ('host', 'lv', 'lv/modules', 'dev'):
            self.archive.folder(path)
        self.archive.device('dev/console', 5, 1)
        self.archive.file('init', GUEST_INIT.read_bytes(), 0o755)
        self.archive.file('etc/machine-id', MACHINE_ID)
        self.archive.file('etc/systemd/system/lv-run.service', RUN_UNIT)
        self.archive.link('etc/systemd/system/default.target.wants/lv-run.service',
                          '../lv-run.service')
        self.archive.file('lv/debian', b'')

    def _member(self, members, member):
        path, owner = os.path.normpath(member.name).strip('/'), (member.uid, member.gid)
        if path in ('.', 'etc/machine-id') or path.startswith('dev/'):
            return
        if member.isdir():
            self.archive.folder(path, member.mode, owner)
        elif member.issym():
            self.archive.link(path, member.linkname)
        elif member.isreg() or member.islnk():
            self.archive.file(path, members.extractfile(member).read(), member.mode, owner)

    def network(self):
        """init sets it up, with a program that every userland has then."""
        self.program('lv/busybox', self.host.busybox())

    def program(self, guest, host):
        """One file; an ELF program brings its libraries along, each once."""
        with open(host, 'rb') as handle:
            data = handle.read()
            mode = stat.S_IMODE(os.fstat(handle.fileno()).st_mode)
        self.archive.file(guest, data, mode)
        for library, source in libraries(host, data):
            path = library.strip('/')
            if path not in self.archive.known and f'usr/{path}' not in self.archive.known:
                self.archive.file(library, Path(source).read_bytes(), 0o755)

    def push(self, host, guest):
        """A file, or a folder with all that is in it."""
        if not os.path.isdir(host):
            self.program(guest, host)
            return
        self.archive.folder(guest)
        for here, folders, files in os.walk(host):
            inside = os.path.normpath(os.path.join(guest, os.path.relpath(here, host)))
            for name in folders:
                if os.path.islink(os.path.join(here, name)):
                    files = files + [name]
                else:
                    self.archive.folder(f'{inside}/{name}')
            for name in files:
                path = os.path.join(here, name)
                if os.path.islink(path):
                    self.archive.link(f'{inside}/{name}', os.readlink(path))
                elif os.path.isfile(path):
                    self.program(f'{inside}/{name}', path)

    def modules(self, kernel, names, optional=()):
        """Modules of the kernel's own by name, or .ko files by path, dependencies first."""
        depends, builtin = read_modules_dep(kernel)
        names = [*names, *(name for name in optional if name.replace('-', '_') in depends)]
        for name in names:
            if name.endswith('.ko'):
                if not os.path.exists(name):
                    raise Unusable(f'{name} does not exist: build it with tools/kernels kmod')
                self._module(Path(name))
                continue
            key = name.replace('-', '_')
            if key in builtin:
                continue
            if key not in depends:
                raise Unusable(f'the kernel has no module {name}')
            for path in depends[key]:
                self._module(path)

    def _module(self, path):
        name = module_name(path) + '.ko'
        if name in self.order:
            return
        self.archive.file(f'lv/modules/{name}', unpacked(path))
        self.order.append(name)

    def push_module(self, kernel, name):
        """One of the kernel's own that the guest loads itself, when it wants to."""
        depends, _ = read_modules_dep(kernel)
        if name not in depends:
            raise Unusable(f'the kernel has no module {name}')
        self.archive.file(f'host/{name}.ko', unpacked(depends[name][-1]))

    def finish(self):
        lines = ''.join(f'{name}\n' for name in self.order)
        self.archive.file('lv/modules/list', lines.encode())
        self.archive.finish()


def module_name(path):
    return re.sub(r'\.ko(\.\w+)?$', '', Path(path).name).replace('-', '_')


def unpacked(path):
    data = Path(path).read_bytes()
    if path.suffix == '.xz':
        return lzma.decompress(data)
    if path.suffix == '.gz':
        return gzip.decompress(data)
    if path.suffix == '.bz2':
        return bz2.decompress(data)
    if path.suffix == '.zst':
        return subprocess.run(['zstd', '-dc'], input=data, stdout=subprocess.PIPE,
                              check=True).stdout
    return data


def read_modules_dep(kernel):
    """({module: [its dependencies in loading order..., itself]}, {built in})."""
    release = (kernel / 'release').read_text(encoding='utf-8').strip()
    base = kernel / 'modules' / 'lib' / 'modules' / release
    depends, builtin = {}, set()
    if (base / 'modules.dep').exists():
        for line in (base / 'modules.dep').read_text(encoding='utf-8').splitlines():
            path, _, needs = line.partition(':')
            # modules.dep lists the nearest dependency first.
            depends[module_name(path)] = [base / need for need in reversed(needs.split())]
            depends[module_name(path)].append(base / path)
    if (base / 'modules.builtin').exists():
        for line in (base / 'modules.builtin').read_text(encoding='utf-8').splitlines():
            builtin.add(module_name(line))
    return depends, builtin
