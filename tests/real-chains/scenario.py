# SPDX-License-Identifier: GPL-2.0-only
"""A report as a scenario: each dependency by a task of its own, in the contexts that the report's rule implies."""
import re

import kinds

# How pseudo-locks are held and attempted where a report does not say: as docs/scenarios.md has it of each. Else as a writer.
HELD = {kind: 'read' for kind in ('SB_WRITERS', 'SB_PAGEFAULTS', 'SB_INTERNAL', 'BTRFS_WRITERS', 'BTRFS_EXTWRITERS',
                                  'BTRFS_UNBLOCKED', 'WRITEPAGES')} | \
    {'JOURNAL': 'read try', 'KERNFS': 'read try', 'SRCU': 'recursive', 'QUEUE_IO': 'try', 'QUEUE': 'try'}
ATTEMPTED = {kind: 'read' for kind in ('QUEUE_IO', 'QUEUE', 'SB_WRITERS', 'SB_PAGEFAULTS', 'SB_INTERNAL', 'BTRFS_WRITERS',
                                       'BTRFS_EXTWRITERS', 'WRITEPAGES')}
WRITER = re.compile(r'^(?:percpu_down_write|sb_wait_write|wait_current_trans|btrfs_commit_transaction)')
FAULT = re.compile(r'^_*might_fault$|^internal_get_user_pages_fast|^gup_fast|^lock_mm_and_find_vma|^get_mmap_lock_carefully')
# Where a kind is held.
AROUND = {'TIMER': lambda steps: ['softirq', *steps, 'end'], 'CONSOLE_OWNER': lambda steps: ['irq off', *steps, 'irq on']}
ONLY_TOLD = {'LOCAL_LOCK', 'RCU', 'RCU_BH', 'RCU_SCHED'}
NAME_MAX = 40
RULES = {'circular': 'circular', 'irq-inversion': 'irq-inversion', 'inconsistent': 'inconsistent-state', 'recursive': 'recursive'}


class Untold(Exception):
    """Why a report makes no scenario."""


class Locks:
    """The classes of a report: name and declaration."""

    def __init__(self, words):
        self.words = words          # of pseudo-locks: {kind: word}
        self.names = {}             # class: name
        self.declared = {}          # name: word
        self.how = {}               # class: How

    def name(self, cls, word):
        if cls not in self.names:
            text = re.sub(r'[^\w.>/*&()-]', '_', re.sub(r'^[^A-Za-z_&]+', '', cls))[:NAME_MAX].rstrip('_') or 'lock'
            while text in self.declared:
                text += '+'
            self.names[cls], self.declared[text] = text, word
        return self.names[cls]

    def pseudo(self, cls, kind):
        if kind not in self.words:
            raise Untold(f'{kind.lower()} is not modelled')
        if kind in ONLY_TOLD:
            raise Untold(f'{kind.lower()} is no code without lockdep')
        return self.name(cls, f'pseudo {self.words[kind]}')

    def lock(self, cls, functions, spins=False):
        """(name, How) of a class, acquired by these functions; declared as it was first met."""
        how = kinds.How('spin', 'lock', 'irqsave') if spins else kinds.how(cls, functions)
        first = self.how.setdefault(cls, how)
        if first.word != how.word:
            how = first
        return self.name(cls, first.word), how

    def text(self):
        return [f'{word} {name}' for name, word in self.declared.items()]


def attempt(locks, cls, functions, spins=False):
    kind = kinds.pseudo(cls, functions)
    if kind:
        name = locks.pseudo(cls, kind)
        mode = '' if any(map(WRITER.match, functions)) else ATTEMPTED.get(kind, '')
        return [f'attempt {name} {mode}'.rstrip()]
    name, how = locks.lock(cls, functions, spins)
    if any(map(FAULT.match, functions[:3])):
        return [f'attempt {name} read']
    return [f'{how.step} {name} {how.irqs}'.rstrip(), f'unlock {name} {unlock_irqs(how)}'.rstrip()]


def unlock_irqs(how):
    return {'irqsave': 'irqrestore', 'irq': 'irq', 'bh': 'bh', '': ''}[how.irqs]


def hold(locks, cls, functions, inside, spins=False):
    """INSIDE, with the class held: exclusively, unless its kind has readers alone."""
    kind = kinds.pseudo(cls, functions)
    if kind:
        name = locks.pseudo(cls, kind)
        steps = [f'hold {name} {HELD.get(kind, "")}'.rstrip(), *inside, f'drop {name}']
        return AROUND[kind](steps) if kind in AROUND else steps
    name, how = locks.lock(cls, functions, spins)
    if how.word == 'spin' or how.word == 'rwlock':
        return [f'lock {name} irqsave', *inside, f'unlock {name} irqrestore']
    step = 'read' if how.word == 'percpu-rwsem' and how.step == 'read' else 'lock'
    return [f'{step} {name}', *inside, f'unlock {name}']


def circular(report, locks, wanted):
    functions = {dep.cls: dep.functions for dep in report.dependencies}
    steps = []
    for at, dep in enumerate(report.dependencies):
        # Declared first, by what is known of it.
        if not kinds.pseudo(dep.cls, dep.functions):
            locks.lock(dep.cls, dep.functions)
    for at, dep in enumerate(report.dependencies):
        if wanted(dep):
            inside = attempt(locks, dep.cls, dep.functions)
            steps += [f'task task{at}', *hold(locks, dep.held, functions[dep.held], inside)]
    return steps


def used(locks, cls, level):
    """The class in an interrupt, or with interrupts on."""
    kind = kinds.pseudo(cls, [])
    if kind == 'TIMER':
        # Its function runs in softirqs, with interrupts on; a hardirq that waits for it is the other side.
        return ['hardirq', *attempt(locks, cls, []), 'end'] if level else hold(locks, cls, [], [])
    if kind and kind not in kinds.SPINNING:
        raise Untold(f'{kind.lower()} in an interrupt')
    if kind:
        name = locks.pseudo(cls, kind)
        steps = [f'hold {name}', f'drop {name}']
    else:
        name, _ = locks.lock(cls, [], spins=True)
        steps = [f'lock {name}', f'unlock {name}']
    return [level, *steps, 'end'] if level else steps


def inconsistent(report, locks, wanted):
    return ['task user', *used(locks, report.chain[0], ''), *used(locks, report.chain[0], 'hardirq')]


def inversion(report, locks, wanted):
    """The mails have the unsafe class first."""
    chain = list(reversed(report.chain))
    steps = ['task user', *used(locks, chain[-1], ''), *used(locks, chain[0], 'hardirq')]
    for first, second in zip(chain, chain[1:]):
        steps += hold(locks, first, [], attempt(locks, second, [], spins=True), spins=True)
    return steps


def recursive(report, locks, wanted):
    """One lock, twice: the facts do not say whether it was two."""
    cls = report.chain[0]
    kind = kinds.pseudo(cls, [])
    if kind:
        return ['task user', *hold(locks, cls, [], attempt(locks, cls, []))]
    name, how = locks.lock(cls, [])
    return ['task user', *[f'lock {name}'] * 2, *[f'unlock {name}'] * 2]


WRITERS = {'circular': circular, 'inconsistent': inconsistent, 'irq-inversion': inversion, 'recursive': recursive}


def text(report, words, wanted=lambda dep: True):
    """(scenario, {name: class}); raises Untold. WANTED says of a dependency whether it comes as an event."""
    if report.cut:
        raise Untold('the mail leaves classes out')
    locks = Locks(words)
    rt = any(name.startswith('rt_spin_lock') for dep in report.dependencies for name in dep.functions)
    steps = WRITERS[report.kind](report, locks, wanted)
    head = [f'title report {report.nr}: {report.kind}'] + (['kernel rt'] if rt else [])
    return '\n'.join([*head, *locks.text(), *steps]) + '\n', {name: cls for cls, name in locks.names.items()}
