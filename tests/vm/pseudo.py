# SPDX-License-Identifier: GPL-2.0-only
"""The pairs of lv_pseudo.ko: what lockvane must say of them, and what lockdep does."""
import json
import re
from dataclasses import dataclass

from checks import expect, read


@dataclass(frozen=True)
class Pair:
    """A pseudo-lock, and a lock that is taken under it and held when it is waited for."""
    held: tuple             # words of the module, in this order
    waits: tuple
    late: tuple             # the innocent twin of the wait
    name: str               # the pseudo-lock, in our reports: a pattern
    lock: str
    lockdep: str            # a pattern of what lockdep calls it; '' if it has none


def pair(kind, name, lockdep):
    return Pair((f'{kind}_run',), (f'{kind}_wait',), (f'{kind}_late',), name, f'lv_pseudo_{kind}_mutex', lockdep)


PAIRS = {
    'work': Pair(('work_run',), ('work_cancel',), ('work_late',), r'\(work\) lv_pseudo_work_fn', 'lv_pseudo_work_mutex',
                 r'lv_pseudo_work'),
    'wq': Pair(('wq_run',), ('wq_flush',), (), r'\(wq\) lv_pseudo7-recv', 'lv_pseudo_wq_mutex', r'\(wq_completion\)lv_pseudo'),
    'timer': Pair(('timer_run',), ('timer_delete',), ('timer_late',), r'\(timer\) lv_pseudo_timer_fn', 'lv_pseudo_timer_lock',
                  r'lv_pseudo_timer'),
    'fault': Pair(('fault_mmap',), ('fault_copy',), (), r'mm_struct\.mmap_lock', 'lv_pseudo_fault_mutex', r'mm->mmap_lock'),
    'reclaim': pair('reclaim', r'fs_reclaim', r'fs_reclaim'),
    'srcu': pair('srcu', r'srcu lv_pseudo_srcu', r'lv_pseudo_srcu'),
    'cpuhp': pair('cpuhp', r'cpuhp_state-up', r'cpuhp_state-up|cpu_hotplug_lock'),
    'console': pair('console', r'console_lock', r'console_lock'),
    'kernfs': pair('kernfs', r'kn->active ', r'kn->active'),
    'writers': pair('writers', r'sb_writers ', r'sb_writers'),
    'journal': pair('journal', r'jbd2_handle', r'jbd2_handle'),
    'queue': pair('queue', r'q_usage_counter\(io\) lvpseudo', ''),
}

GUILTY = {kind: ' '.join((*pair.waits, *pair.held) * 2) for kind, pair in PAIRS.items()}
INNOCENT = ' '.join(word for pair in PAIRS.values() for word in (*pair.late, *pair.held))


def is_pair(pair, chain):
    """Through both; what the pseudo-lock's wait or hold has in between may be there, too."""
    return any(re.match(pair.name, name) for name in chain) and any(re.match(rf'{pair.lock}\b', name) for name in chain)


def all_found(out):
    """A finding for each pair, and none that is likely for anything else."""
    found = [item for item in json.loads(read(out / 'guilty.json.out'))['findings'] if item['confidence'] != 'weak']
    left = [item['chain'] for item in found]
    for kind, pair in PAIRS.items():
        mine = [chain for chain in left if is_pair(pair, chain)]
        expect(len(mine) == 1, f'{kind}: {mine}')
        left.remove(mine[0])
    expect(not left, f'and {left[:3]}')


def lockdep_says(kind):
    pair = PAIRS[kind]

    def check(out):
        report = out.parent / 'lockdep.txt'
        text = read(report) if report.exists() else ''
        expect(re.search(pair.lock, text) and re.search(pair.lockdep, text), f'lockdep says {text[:200]!r}')
    return check


def lockdep_is_silent(out):
    report = out.parent / 'lockdep.txt'
    expect(not report.exists() or not read(report), 'lockdep reported')
    expect(re.search(r'^ *debug_locks: +1$', read(out / 'stats'), re.M), 'lockdep has turned itself off')


PRODUCTION = {'all_found': all_found}
