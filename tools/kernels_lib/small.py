# SPDX-License-Identifier: GPL-2.0-only
"""Small kernels, built from Debian's linux-source-6.12: one source tree, one build folder each."""
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from . import cache, source
from .cache import Failure, run, say

SERIES = '6.12'
CONFIG = Path(__file__).resolve().parent.parent / 'kernels_config'

# The fix was: these two locks are taken with interrupts off. Taken out, they are not.
FIXED = re.compile(r'\bspin_(lock|unlock)_irq\((&ctx->(fault_pending|event)_wqh\.lock)\)')


def _source_2019():
    """The same tree by hard links, but for one file."""
    plain = source.get(SERIES)
    tree = plain.with_name(f'{SERIES}-2019')
    with cache.lock(f'source-{SERIES}-2019'):
        if not tree.is_dir():
            say('taking the 2019 userfaultfd fix back out')
            with cache.appearing(tree) as temp:
                run(['cp', '-al', f'{plain}/.', temp])
                _revert(temp / 'fs' / 'userfaultfd.c')
    return tree


def _revert(path):
    text = path.read_text(encoding='utf-8')
    touched = {match.group(3) for match in FIXED.finditer(text)}
    if touched != {'fault_pending', 'event'}:
        raise Failure(f'{path.name} no longer looks as expected: the fix cannot be taken out')
    path.unlink()               # a hard link: never write through it
    path.write_text(FIXED.sub(r'spin_\1(\2)', text), encoding='utf-8')


def _configure(source, build, fragments):
    run(['make', '-C', source, f'O={build}', 'tinyconfig'])
    wanted = {}
    with open(build / '.config', 'a', encoding='utf-8') as config:
        for fragment in fragments:
            text = (CONFIG / f'{fragment}.config').read_text(encoding='utf-8')
            config.write(text)
            # The last fragment's word counts.
            wanted.update(re.findall(r'(?m)^(CONFIG_\w+)=(\S+)$', text))
            wanted.update(dict.fromkeys(re.findall(r'(?m)^# (CONFIG_\w+) is not set$', text), 'n'))
    run(['make', '-C', source, f'O={build}', 'olddefconfig'])
    final = (build / '.config').read_text(encoding='utf-8')
    missing = sorted(key for key, value in wanted.items()
                     if value != 'n' and not re.search(rf'(?m)^{key}=', final))
    if missing:
        say(f'note: not offered by this kernel, left out: {" ".join(missing)}')


def _make(name, source, build):
    jobs = os.environ.get('LOCKVANE_JOBS') or str(len(os.sched_getaffinity(0)))
    log = build.with_name(f'{name}.log')
    say(f'{name}: building with -j{jobs}, about 8 minutes on two cores; log: {log}')
    start = time.monotonic()
    with open(log, 'w', encoding='utf-8') as out:
        done = subprocess.run(['make', '-C', str(source), f'O={build}', f'-j{jobs}',
                               'bzImage', 'modules'], stdout=out, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, env=cache.tool_env(), check=False)
    if done.returncode:
        tail = '\n'.join(log.read_text(encoding='utf-8', errors='replace').splitlines()[-15:])
        raise Failure(f'{name} did not build; the end of {log}:\n{tail}')
    say(f'{name}: built in {time.monotonic() - start:.0f} s')


def get(name, kernel, target):
    tree = _source_2019() if kernel.revert else source.get(SERIES)
    build = cache.folder('build', name)
    _configure(tree, build, kernel.fragments)
    _make(name, tree, build)
    with cache.appearing(target) as temp:
        _collect(tree, build, temp)
    _trim(build)


def _trim(build):
    """Objects are most of a build folder, and modules are built without them."""
    for here, folders, files in os.walk(build):
        if here == str(build):
            folders[:] = [name for name in folders if name not in ('scripts', 'tools')]
        for name in files:
            if name.endswith(('.o', '.a', '.o.cmd', '.a.cmd')) or name.startswith('.tmp_vmlinux'):
                os.unlink(os.path.join(here, name))


def drop(name):
    shutil.rmtree(cache.root() / 'build' / name, ignore_errors=True)


def _collect(source, build, temp):
    release = run(['make', '-s', '-C', source, f'O={build}', 'kernelrelease']).split()[-1]
    shutil.copyfile(build / 'arch/x86/boot/bzImage', temp / 'vmlinuz')
    shutil.copyfile(build / '.config', temp / 'config')
    shutil.copyfile(build / 'System.map', temp / 'System.map')
    run(['strip', '--strip-debug', '-o', temp / 'vmlinux', build / 'vmlinux'])
    os.symlink(build / 'vmlinux', temp / 'vmlinux.debug')
    run(['make', '-C', source, f'O={build}', f'INSTALL_MOD_PATH={temp}/modules',
         'modules_install'])
    for stray in ('build', 'source'):
        (temp / 'modules/lib/modules' / release / stray).unlink(missing_ok=True)
    (temp / 'release').write_text(release + '\n', encoding='utf-8')


def headers(name, _kernel, _home):
    """The build folder itself."""
    build = cache.root() / 'build' / name
    if not (build / 'Module.symvers').exists():
        raise Failure(f'the build folder of {name} is gone: tools/kernels drop {name}, then get')
    return build
