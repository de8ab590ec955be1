# SPDX-License-Identifier: GPL-2.0-only
"""The cache folder: one lock a thing, and folders that appear whole or not at all."""
import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


class Failure(Exception):
    """Something the user can read and act on."""


class Absent(Failure):
    """The archive has no such package."""


def root():
    base = os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
    return Path(base) / 'lockvane'


def folder(*parts):
    path = root().joinpath(*parts)
    path.mkdir(parents=True, exist_ok=True)
    return path


def say(text):
    print(f'kernels: {text}', file=sys.stderr, flush=True)


@contextlib.contextmanager
def lock(name):
    """Two callers who want the same thing: the second waits, then finds it made."""
    path = folder('locks') / f'{name}.lock'
    with open(path, 'w', encoding='ascii') as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f'{name}: somebody else is making it, waiting')
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def appearing(target):
    """A temporary folder that becomes TARGET if the block ends well."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temp = Path(tempfile.mkdtemp(prefix=f'.{target.name}.', dir=target.parent))
    try:
        yield temp
        temp.chmod(0o755)
        temp.rename(target)
    except BaseException:
        shutil.rmtree(temp, ignore_errors=True)
        raise


def tool_env():
    """depmod and friends live in sbin, which a user's PATH may lack."""
    env = dict(os.environ, LC_ALL='C')
    env['PATH'] = env.get('PATH', '') + ':/usr/sbin:/sbin'
    return env


def run(command, **kwargs):
    """Run a program; its words are shown only if it fails."""
    try:
        done = subprocess.run([str(word) for word in command], env=tool_env(), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              **kwargs)
    except FileNotFoundError:
        raise Failure(f'{command[0]} is not installed: run tools/setup') from None
    if done.returncode:
        tail = '\n'.join(done.stdout.splitlines()[-15:])
        raise Failure(f'{command[0]} failed ({done.returncode}):\n{tail}')
    return done.stdout


def pipeline(*commands, cwd=None):
    """Programs joined by pipes, every status looked at."""
    procs = []
    feed = None
    for index, command in enumerate(commands):
        last = index == len(commands) - 1
        procs.append(subprocess.Popen([str(word) for word in command], stdin=feed, cwd=cwd,
                                      stdout=None if last else subprocess.PIPE, env=tool_env()))
        if feed:
            feed.close()
        feed = procs[-1].stdout
    for command, proc in zip(commands, procs):
        if proc.wait():
            raise Failure(f'{command[0]} failed ({proc.returncode})')
