# SPDX-License-Identifier: GPL-2.0-only
"""What a trace must say of the locks of tests/kmod/counts, as lockdep does."""
import re
import sqlite3
from contextlib import closing

from checks import expect, lost_events, read

ROUNDS = 500
MODULE = ' [lv_counts]'
FAMILIES = ('spin', 'rwlock', 'mutex', 'rwsem')

# Usage of a lock that is taken in one way only: hardirq, its readers, softirq, its readers.
ANYWHERE = {
    'task': {'spin': '+.+.', 'irqsave': '....', 'try': '+.+.', 'raw': '+.+.', 'read': '.+.+',
             'write': '+.+.', 'outer': '+.+.', 'middle': '+.+.', 'inner': '+.+.'},
    'softirq': {'spin': '+.-.', 'irqsave': '..-.', 'try': '+...', 'raw': '+.-.', 'read': '.+.-',
                'write': '+.-.', 'outer': '+.-.', 'middle': '+...', 'inner': '+.-.'},
    'hardirq': {'spin': '-...', 'irqsave': '-...', 'try': '....', 'raw': '-...', 'read': '.-..',
                'write': '-...', 'outer': '-...', 'middle': '....', 'inner': '-...'},
}
CONTEXTS = {'task': 'task', 'timer': 'softirq', 'tasklet': 'softirq', 'irqwork': 'hardirq',
            'hrtimer': 'hardirq'}
OTHERS = {
    'task_irq': '....', 'task_bh': '+...',
    'timer_irq': '..-.', 'timer_bh': '+.-.', 'tasklet_irq': '..-.', 'tasklet_bh': '+.-.',
    'across_task': '+.+.', 'across_hardirq': '-...', 'across_softirq': '+.-.',
    'across_nested': '-...',
    'mutex_lock': '+.+.', 'mutex_try': '+.+.', 'mutex_interruptible': '+.+.',
    'mutex_killable': '+.+.',
    'rwsem_read': '.+.+', 'rwsem_write': '+.+.', 'rwsem_tryread': '.+.+',
    'rwsem_trywrite': '+.+.', 'rwsem_killable': '+.+.', 'rwsem_downgrade': '++++',
    'sleep_outer': '+.+.', 'sleep_middle': '+.+.', 'sleep_inner': '+.+.',
}
USAGES = OTHERS | {f'{context}_{kind}': usage for context, level in CONTEXTS.items()
                   for kind, usage in ANYWHERE[level].items()}

# A trylock gets no incoming edge, and the next one's go back past it.
EDGES = {('sleep_outer', 'sleep_middle'), ('sleep_middle', 'sleep_inner')}
EDGES |= {(f'{context}_{holder}', f'{context}_inner')
          for context in CONTEXTS for holder in ('outer', 'middle')}

SLEEPING = ('mutex_', 'rwsem_', 'sleep_outer', 'sleep_middle')
# Since 7.x the timer is set again when the hardirq has been left already, on the way back to what
# was interrupted: what that held is held, as far as lockdep can tell, too.
TAIL = {'hrtimer_cpu_base.lock'}


def rows(out, query):
    with closing(sqlite3.connect(f'file:{out}/counts.db?mode=ro', uri=True)) as capture:
        return capture.execute(query).fetchall()


def is_ours(name):
    return name.endswith(MODULE) and short(name) in USAGES


def short(name):
    return name.removesuffix(MODULE).removeprefix('lv_counts_')


def seen(out):
    """{lock: (family, usage, acquisitions)}"""
    return {short(name): (family, usage.strip('{}'), count) for name, family, usage, count in
            rows(out, 'SELECT name, family, usage, acquisitions FROM classes') if is_ours(name)}


def losses(out):
    return dict(rows(out, 'SELECT name, count FROM loss'))


# Losses that are of an event, and by whose programs: a lock of a family is taken by these.
EVENTS = ('guard', 'recursion_misses')
FUNCTIONS = {'spin': '_raw_spin_', 'rwlock': '_raw_(read|write)_', 'mutex': '(ww_)?mutex_|atomic_',
             'rwsem': '(down|up)_'}


def lost_of(out, family):
    """Events that the programs of a family lost."""
    told = rows(out, 'SELECT name, programs FROM loss WHERE programs IS NOT NULL')
    return sum(int(count) for name, programs in told if name in EVENTS
               for function, count in re.findall(r'(\w+) (\d+)', programs)
               if re.match(FUNCTIONS[family], function))


def happened(out):
    return {name: int(count) for name, count in
            (line.split() for line in read(out / 'happened').splitlines())}


def module(out):
    """What the module was to do, it did; interrupts did come where they were wanted."""
    told = happened(out)
    expect(told['rounds'] == ROUNDS and told['failed'] == 0, f'the module says {told}')
    for what in ('hardirq_over_task', 'softirq_over_task', 'hardirq_over_softirq'):
        expect(told[what] > ROUNDS // 2, f'{what} only {told[what]} times')


def usages(out):
    found = {name: usage for name, (_, usage, _) in seen(out).items()}
    wrong = [f'{name} {{{found.get(name, "not seen")}}} not {{{usage}}}'
             for name, usage in USAGES.items() if found.get(name) != usage]
    expect(not wrong, f'{len(wrong)} of {len(USAGES)}: ' + ', '.join(wrong))


def edges(out):
    """What nests, and nothing else. The kernel's own locks come under ours only where a holder
    can be preempted (the scheduler's locks then do, for lockdep too), and in a TAIL. Ours come under
    the module's timer, "(timer) function"."""
    found = {edge for edge in rows(out, 'SELECT from_name, to_name FROM edges')
             if not edge[0].startswith('(timer) ')}
    ours = {(short(source), short(target)) for source, target in found
            if is_ours(source) and is_ours(target)}
    expect(ours == EDGES, f'missing: {sorted(EDGES - ours)}, too many: {sorted(ours - EDGES)}')
    strangers = [(source, target) for source, target in found
                 if is_ours(source) != is_ours(target) and target not in TAIL
                 and not (is_ours(source) and short(source).startswith(SLEEPING))]
    expect(not strangers, f'too many: {sorted(strangers)}')


def counted(out):
    """Nothing is seen that did not happen, and what is not seen was counted as lost."""
    found = seen(out)
    lost = lost_events(losses(out))
    more = [name for name, (_, _, count) in found.items() if count > ROUNDS]
    expect(not more, f'seen more often than taken: {more}')
    missing = {name: ROUNDS - found[name][2] if name in found else ROUNDS for name in USAGES}
    families = dict.fromkeys(FAMILIES, 0)
    for name, (family, _, _) in found.items():
        families[family] += missing[name]
    for family, count in families.items():
        expect(count <= lost_of(out, family),
               f'{family}: {count} not seen, {lost_of(out, family)} losses counted')
    expect(sum(missing.values()) <= lost,
           f'{sum(missing.values())} not seen, {lost} losses counted: '
           f'{ {name: count for name, count in missing.items() if count} }')


def stale_holders(out):
    """A holder is stale when its release was lost, and only then. (None of ours: see edges.)"""
    told = losses(out)
    stale, lost = told['stale_holders'], lost_events(told)
    expect(stale <= lost, f'{stale} stale holders, {lost} losses counted')


def lockdeps(out):
    """lockdep agrees with the table above. What interrupts a softirq it calls in softirq, too."""
    found = dict(reversed(pair) for pair in
                 re.findall(r'([.+?-]{4}): lv_counts_(\w+)$', read(out / 'lockdep'), re.M))
    for name, usage in USAGES.items():
        says = found.get(name, 'nothing')
        if usage[0] == '-' or usage[1] == '-':
            says = re.sub(r'-(.)$', r'.\1', says)
        expect(says == usage, f'{name}: lockdep says {found.get(name)}, we {usage}')


COUNTS = {'module': module, 'usage': usages, 'edges': edges, 'counted': counted,
          'stale_holders': stale_holders}
# Where unlocks are inlined each leaves a holder, to be found out later.
HIDDEN = {'module': module, 'usage': usages, 'edges': edges, 'counted': counted}
LOCKDEP = {'module': module, 'usage': lockdeps}
