# SPDX-License-Identifier: GPL-2.0-only
"""Facts of lockdep's reports: of each its kind, its classes, and where each class was acquired.

A file of reports is JSON: a list, or one object a line. Of each report are read
    nr, kind          a number, and circular, irq-inversion, inconsistent or recursive
    chain             its classes, in the order of the mail ("the existing dependency chain, in reverse order")
    dependencies      order, class, functions: "-> #order (class)" and its stack, innermost first
In a circular report, class #k was acquired while #k-1 was held, and #0 while the last was.
"""
import json
import re
from dataclasses import dataclass, field

# Frames of lockdep itself, which a kernel without it does not have.
LOCKDEP = re.compile(r'^(?:check_prevs?_add|validate_chain|check_noncircular|(?:__)?lock_(?:acquire|release)|reacquire_held_locks'
                     r'|\.\.\.)$')
# Frames that say nothing of a lock: how a task came into the kernel.
ENTRY = re.compile(r'^(?:entry_\w+|do_syscall_\w+|x64_sys_call|invoke_syscall|ret_from_fork\w*|el0\w*|do_el0_svc\w*)$')
FRAMES = 16         # as the mails' facts have


@dataclass
class Dependency:
    """CLASS was acquired while HELD was held; functions may be empty, where the mail does not say."""
    cls: str
    held: str
    functions: list = field(default_factory=list)


@dataclass
class Report:
    nr: int
    kind: str
    chain: list
    dependencies: list      # of a circular report
    cut: bool = False       # the mail does not have all of it


def function(frame):
    """A function's name without the compiler's suffixes."""
    return frame.split('.')[0]


def frames(functions):
    found = [function(frame) for frame in functions]
    return [name for name in found if name and not LOCKDEP.match(name)][:FRAMES]


def releasing(functions):
    """lockdep took the class again, because another was given back: the stack is of that other."""
    return any(function(frame) in ('reacquire_held_locks', '__lock_release') for frame in functions)


def circle(fact):
    """The classes by order, or None where the mail leaves some out."""
    orders = {int(entry['order']): entry for entry in fact['dependencies']}
    length = max(orders, default=len(fact['chain']) - 1) + 1
    if length != len(fact['chain']) or length < 2:
        return None, orders
    return list(reversed(fact['chain'])), orders


def report_of(fact):
    classes, orders = circle(fact) if fact['kind'] == 'circular' else (None, {})
    found = []
    for order, cls in enumerate(classes or ()):
        functions = orders.get(order, {}).get('functions', [])
        found.append(Dependency(cls, classes[order - 1], [] if releasing(functions) else frames(functions)))
    return Report(fact['nr'], fact['kind'], list(fact['chain']), found,
                  cut=fact['kind'] == 'circular' and classes is None)


def facts(path):
    with open(path, encoding='utf-8') as handle:
        text = handle.read()
    if text.lstrip().startswith('['):
        return json.loads(text)
    return [json.loads(line) for line in text.splitlines() if line and not line.startswith('#')]


def load(path):
    return [report_of(fact) for fact in facts(path)]


def compact(fact):
    """What of a report's facts is used here."""
    kept = [{'order': entry['order'], 'class': entry['class'],
             'functions': [name for name in entry['functions'] if not ENTRY.match(name)]}
            for entry in fact['dependencies']]
    return {'nr': fact['nr'], 'kind': fact['kind'], 'chain': fact['chain'], 'dependencies': kept}
