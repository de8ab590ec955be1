# SPDX-License-Identifier: GPL-2.0-only
"""Debian packages: found by meta-package, downloaded to the cache, never installed."""
import os
import re
import time
from pathlib import Path

from . import cache
from .cache import Absent, Failure, run, say

KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
LISTS_MAX_AGE = 24 * 3600


def _mirrors():
    """Archive address by suite, as the system's own apt uses it."""
    text = run(['apt-get', 'indextargets', '--format', '$(CODENAME)|$(REPO_URI)|$(COMPONENT)',
                'Created-By: Packages'])
    found = {}
    for line in text.splitlines():
        codename, uri, component = line.split('|')
        if component == 'main':
            found.setdefault(codename, uri)
    return found


def _codename():
    for line in Path('/etc/os-release').read_text(encoding='utf-8').splitlines():
        if line.startswith('VERSION_CODENAME='):
            return line.partition('=')[2].strip('"')
    raise Failure('/etc/os-release names no Debian release')


def release():
    """This system's Debian release, and the archive it comes from."""
    codename = _codename()
    uri = _mirrors().get(codename)
    if not uri:
        raise Failure('no Debian archive in the system\'s apt sources: add one, then retry')
    return codename, uri


class Apt:
    """apt with the system's sources, or with those of one other suite, or architecture, kept in our cache."""

    def __init__(self, suite=None, arch=None):
        self.suite = suite or (release()[0] if arch else None)
        self.arch = arch            # None: this system's
        self.deb = cache.folder('deb', suite) if suite else cache.folder('deb')
        self.options = ['-o', 'APT::Sandbox::User=root'] if os.geteuid() == 0 else []
        self.fresh = False
        if self.suite:
            self._private()

    def _private(self):
        uri = release()[1]
        home = cache.folder('apt', f'{self.suite}-{self.arch}' if self.arch else self.suite)
        for sub in ('lists/partial', 'cache/archives/partial'):
            (home / sub).mkdir(parents=True, exist_ok=True)
        (home / 'status').touch()
        sources = home / 'sources.list'
        sources.write_text(f'deb [signed-by={KEYRING}] {uri} {self.suite} main\n',
                           encoding='utf-8')
        for key, value in (('Dir::Etc::sourcelist', sources), ('Dir::Etc::sourceparts', '-'),
                           ('Dir::Etc::preferences', '/dev/null'),
                           ('Dir::Etc::preferencesparts', '-'),
                           ('Dir::State::lists', home / 'lists'),
                           ('Dir::State::status', home / 'status'),
                           ('Dir::Cache', home / 'cache'),
                           ('APT::Default-Release', '')):
            self.options += ['-o', f'{key}={value}']
        if self.arch:
            self.options += ['-o', f'APT::Architecture={self.arch}', '-o', f'APT::Architectures={self.arch}']
        stamp = home / 'updated'
        if not stamp.exists() or time.time() - stamp.stat().st_mtime > LISTS_MAX_AGE:
            self.update()
            stamp.touch()

    def update(self):
        """Refresh the package lists once in a life."""
        if self.fresh:
            return False
        if not self.suite and os.geteuid() != 0:
            raise Failure('the package lists are missing or old: run "apt-get update" as root')
        say(f'fetching the package lists of {self.suite or "this system"}')
        run(['apt-get', *self.options, '-q', 'update'])
        self.fresh = True
        return True

    def show(self, package):
        """The newest version's fields."""
        try:
            text = run(['apt-cache', *self.options, 'show', '--no-all-versions', package])
        except Failure:
            text = ''
        if not text.strip():
            if self.update():
                return self.show(package)
            raise Absent(f'no package {package} in {self.suite or "the apt sources"}')
        fields = {}
        for line in text.split('\n\n')[0].splitlines():
            key, colon, value = line.partition(': ')
            if colon and not line.startswith(' '):
                fields[key] = value
        return fields

    def depends(self, package, pattern):
        """Names PACKAGE depends on that match PATTERN (first alternatives)."""
        names = [re.split(r'[ (|]', word.strip())[0]
                 for word in self.show(package).get('Depends', '').split(',')]
        return [name for name in names if re.search(pattern, name)]

    def fetch(self, package):
        """Path of PACKAGE's newest .deb in the cache."""
        with cache.lock(f'deb-{package}'):
            try:
                return self._fetch(package)
            except Failure:
                if not self.update():
                    raise
                return self._fetch(package)

    def closure(self, packages):
        """Names of PACKAGES and of all that they depend on, where nothing is installed yet."""
        text = run(['apt-get', *self.options, '-q', '-s', '--no-install-recommends', 'install', *packages])
        return re.findall(r'(?m)^Inst (\S+)', text)

    def _fetch(self, package):
        line = run(['apt-get', *self.options, '--print-uris', 'download', package])
        match = re.search(r"^'[^']*' (\S+) (\d+)", line, re.MULTILINE)
        if not match:
            raise Failure(f'apt does not say where {package} is:\n{line}')
        path = self.deb / match.group(1)
        size = int(match.group(2))
        if not path.exists() or path.stat().st_size != size:
            say(f'downloading {path.name} ({size / 1e6:.0f} MB)')
            run(['apt-get', *self.options, '-q', 'download', package], cwd=self.deb)
        if not path.exists() or path.stat().st_size != size:
            raise Failure(f'{path} did not arrive whole: retry')
        return path
