# SPDX-License-Identifier: GPL-2.0-only
"""Headers of a newer suite, made to build modules here.

Their host tools are linked against a newer C library than the system's, so they are run by that
suite's own; and they were configured by a newer compiler and pahole than ours.
"""
import os
import re
import shutil
import subprocess

from .cache import run

LIBRARIES = r'^(libc6|libelf1|libssl3|libzstd1|zlib1g)'
FOLDER = 'usr/lib/x86_64-linux-gnu'

# One program for every target, chosen by name: what does the work for ours.
CHOSEN = {'modpost': 'modpost.real-lsb-64', 'objtool': 'objtool.real-x86'}

WRAPPER = """\
#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
here=$(dirname "$(readlink -f "$0")")
exec "$here/{libraries}/ld-linux-x86-64.so.2" --library-path "$here/{libraries}" "$here/{program}" "$@"
"""

# Answers of a newer gcc that ours would not give. None of them changes a structure.
NEWER_GCC = ('CC_HAS_MIN_FUNCTION_ALIGNMENT', 'CC_HAS_COUNTED_BY', 'CC_HAS_COUNTED_BY_PTR',
             'CC_HAS_ASSUME', 'CC_HAS_MULTIDIMENSIONAL_NONSTRING')


def adapt(root, kdir, apt, base, prefix):
    """ROOT is the unpacked headers packages, KDIR the build folder in it, APT has them, BASE the libraries of their
    programs, PREFIX is the compiler's."""
    tools = next((root / 'usr' / 'lib').glob('linux-kbuild-*'))
    probe = subprocess.run([tools / 'scripts/mod' / CHOSEN['modpost']], stdin=subprocess.DEVNULL,
                           capture_output=True, text=True, check=False)
    if 'GLIBC_' not in probe.stderr:
        return
    _take_libraries(root / 'host', apt.depends(tools.name, LIBRARIES), base)
    _wrap_tools(tools, root / 'host' / FOLDER)
    _use_our_compiler(kdir, prefix)


def _take_libraries(host, wanted, apt):
    names = set(wanted)
    for name in wanted:
        names.update(apt.depends(name, LIBRARIES))
    for name in sorted(names):
        run(['dpkg-deb', '-x', apt.fetch(name), host])
    shutil.rmtree(host / 'usr' / 'share', ignore_errors=True)


def _is_program(path):
    if path.is_symlink() or not path.is_file() or not os.access(path, os.X_OK):
        return False
    with open(path, 'rb') as stream:
        return stream.read(4) == b'\x7fELF' and path.suffix != '.so'


def _wrap_tools(tools, libraries):
    for path in [path for path in tools.rglob('*') if _is_program(path)]:
        path.rename(path.with_name(f'{path.name}.elf'))
        program = CHOSEN.get(path.name, path.name)
        path.write_text(WRAPPER.format(libraries=os.path.relpath(libraries, path.parent),
                                       program=f'{program}.elf'), encoding='utf-8')
        path.chmod(0o755)


def _use_our_compiler(kdir, prefix):
    variables = kdir / '.kernelvariables'
    text = variables.read_text(encoding='utf-8')
    variables.write_text(re.sub(r'(?m)^CC = .*$', f'CC = {prefix}gcc', text), encoding='utf-8')
    version = re.search(r'v?(\d+)\.(\d+)', run(['pahole', '--version']))
    pahole = f'{version.group(1)}{version.group(2)}'
    for path in (kdir / 'include/config/auto.conf', kdir / 'include/generated/autoconf.h'):
        text = path.read_text(encoding='utf-8')
        text = re.sub(rf'(?m)^.*CONFIG_({"|".join(NEWER_GCC)})\b.*\n', '', text)
        text = re.sub(r'(?m)(CONFIG_PAHOLE_VERSION[ =])\d+', rf'\g<1>{pahole}', text)
        path.write_text(text, encoding='utf-8')
