# SPDX-License-Identifier: GPL-2.0-only
"""The guests: which kernel, which script, and what the host checks of what comes back."""
from dataclasses import dataclass, field

import checks

KMOD = 'tests/kmod/uffd2019'


@dataclass(frozen=True)
class Guest:
    name: str
    kernel: str
    script: str
    about: str
    seconds: int = 300              # limit; several times what an idle machine takes
    kmod: bool = False              # wants lv_uffd.ko
    lockdep: bool = False           # hands out lockdep's own report
    options: tuple = ()             # of tools/vm run
    env: dict = field(default_factory=dict)
    check: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    name: str
    guests: tuple
    check: dict


# The long ones first: two run at a time.
GUESTS = (
    Guest('ten', '6.12', 'ten.sh', 'ten traces in a row', seconds=1200, kmod=True),
    Guest('ends', '6.12', 'ends.sh', 'traces ended by signals, whenever', seconds=600),
    Guest('founding-6.12', '6.12', 'founding.sh', 'the founding case and its innocent twins',
          seconds=600, kmod=True, check=checks.FOUNDING),
    Guest('founding-6.1', '6.1', 'founding.sh', 'the same', seconds=600, kmod=True,
          check=checks.FOUNDING),
    Guest('real', 'small-2019', 'real.sh', 'the bug of 2019 itself', seconds=600,
          check=checks.REAL),
    Guest('refusals', '6.12', 'refusals.sh', 'bad input, and what may be missing', seconds=600),
    Guest('cpus', '6.12', 'cpus.sh', '64 possible CPUs, and one that comes',
          options=('--possible-cpus', '64')),
    Guest('innocent-7.2', '7.2', 'innocent.sh', 'the newest kernel'),
    Guest('lockdep-cancel', 'small-2019-lockdep', 'lockdep.sh', 'the oracle', lockdep=True),
    Guest('lockdep-no-cancel', 'small-2019-lockdep', 'lockdep.sh', 'the oracle', lockdep=True,
          env={'ARGS': '--no-cancel'}),
    Guest('hazard', '6.1-old', 'hazard.sh', 'a kernel that tracing can hang'),
    Guest('too-old', '5.10', 'impossible.sh', 'a kernel that is too old',
          env={'WORDS': 'needs 6.1 or later'}),
    Guest('lockdown', '6.12', 'impossible.sh', 'a kernel that is locked down',
          options=('-a', 'lockdown=confidentiality'), env={'WORDS': 'lockdown'}),
)

COMPARISONS = (
    Comparison('oracle', ('real', 'lockdep-cancel', 'lockdep-no-cancel'), checks.ORACLE),
)
