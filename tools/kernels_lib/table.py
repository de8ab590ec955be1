# SPDX-License-Identifier: GPL-2.0-only
"""The kernels there are. A new one is a new line here."""
from dataclasses import dataclass
from typing import Optional, Tuple


@dataclass(frozen=True)
class Stock:
    """A Debian kernel, by meta-package: the package it depends on today is the kernel."""
    image: str
    headers: Optional[str]
    suite: Optional[str]        # None: the system's own apt sources
    about: str
    arch: Optional[str] = None  # Debian's name of it; None: this system's, amd64

    @property
    def passes(self):
        """Is it a guest in its suite, which may have none of it tomorrow?"""
        return self.suite == 'experimental'


@dataclass(frozen=True)
class Small:
    """linux-source-6.12, tinyconfig plus fragments from tools/kernels_config/."""
    revert: bool                # take the 2019 userfaultfd fix back out
    fragments: Tuple[str, ...]
    about: str


KERNELS = {
    '6.12': Stock('linux-image-6.12-cloud-amd64', 'linux-headers-6.12-cloud-amd64', None,
                  'Debian 12 backport, cloud flavour'),
    '6.1': Stock('linux-image-cloud-amd64', 'linux-headers-cloud-amd64', None,
                 'Debian 12, cloud flavour'),
    '6.1-old': Stock('linux-image-cloud-amd64', 'linux-headers-cloud-amd64', 'bookworm',
                     'Debian 12 without security updates: RCU as it was before its fix'),
    '6.12-full': Stock('linux-image-6.12-amd64', 'linux-headers-6.12-amd64', None,
                       'Debian 12 backport, the flavour for all machines: every driver as a module'),
    '6.1-full': Stock('linux-image-amd64', 'linux-headers-amd64', None,
                      'Debian 12, the flavour for all machines'),
    '6.12-rt': Stock('linux-image-6.12-rt-amd64', 'linux-headers-6.12-rt-amd64', None,
                     'Debian 12 backport, PREEMPT_RT'),
    '6.1-rt': Stock('linux-image-rt-amd64', 'linux-headers-rt-amd64', None,
                    'Debian 12, PREEMPT_RT'),
    '7.2': Stock('linux-image-cloud-amd64', 'linux-headers-cloud-amd64', 'sid',
                 'Debian unstable, cloud flavour (whatever it is today)'),
    '7.2-full': Stock('linux-image-amd64', 'linux-headers-amd64', 'sid',
                      'Debian unstable, the flavour for all machines'),
    '7.3': Stock('linux-image-cloud-amd64', 'linux-headers-cloud-amd64', 'experimental',
                 'Debian experimental, cloud flavour (whatever it is today, if there is one)'),
    '7.3-rt': Stock('linux-image-rt-amd64', 'linux-headers-rt-amd64', 'experimental',
                    'Debian experimental, PREEMPT_RT (likewise)'),
    'arm64-7.2': Stock('linux-image-cloud-arm64', 'linux-headers-cloud-arm64', 'sid',
                       'Debian unstable for arm64, cloud flavour (whatever it is today)', 'arm64'),
    'arm64-6.12': Stock('linux-image-cloud-arm64', None, 'trixie',
                        'Debian 13 for arm64, cloud flavour: locks are inlined, must be refused', 'arm64'),
    '5.10': Stock('linux-image-cloud-amd64', None, 'bullseye',
                  'Debian 11, cloud flavour: too old, must be refused'),

    'small': Small(False, ('small',), 'small 6.12, as released'),
    'small-lockdep': Small(False, ('small', 'lockdep'), 'the same, with PROVE_LOCKING'),
    'small-nopreempt': Small(False, ('small', 'nopreempt'),
                             'the same, no PREEMPTION: unlocks are inlined'),
    'wide': Small(False, ('small', 'wide'), 'small 6.12 with file systems, networks and devices'),
    'wide-lockdep': Small(False, ('small', 'wide', 'lockdep', 'lockdep_large'),
                          'the same, with PROVE_LOCKING'),
    'small-2019': Small(True, ('small',), 'small 6.12, 2019 userfaultfd fix taken out'),
    'small-2019-lockdep': Small(True, ('small', 'lockdep'), 'the same, with PROVE_LOCKING'),
}
