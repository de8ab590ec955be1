# SPDX-License-Identifier: GPL-2.0-only
"""Which acquisitions of a report come as events on a kernel without lockdep: by bpf/hooks.def and what lockdep is told."""
import re
import subprocess
from pathlib import Path

import kinds
from reports import Dependency

TOP = Path(__file__).resolve().parent.parent.parent
HOOK = re.compile(r'^LV_\w+\((\w+)((?:,[^()]*(?:\([^()]*\))?[^()]*)*)\)', re.MULTILINE)
EVENT, TOLD, NONE = 'event', 'told', 'none'

# Functions that a report has, and the hooked one that shows the same: inlined, renamed, or lockdep's own.
ALSO = {
    '__cancel_work_timer': '__flush_work', 'touch_work_lockdep_map': '__flush_work', 'start_flush_work': '__flush_work',
    'touch_wq_lockdep_map': '__flush_workqueue', 'del_timer_sync': '__timer_delete_sync',
    'timer_delete_sync': '__timer_delete_sync', 'console_flush_all': 'vprintk_emit',
    'console_trylock_spinning': 'vprintk_emit', 'bio_queue_enter': '__submit_bio', 'blk_mq_submit_bio': '__submit_bio',
    'blk_try_enter_queue': 'blk_queue_enter', 'synchronize_srcu': '__synchronize_srcu',
    'get_mmap_lock_carefully': 'lock_mm_and_find_vma', 'fs_reclaim_acquire': '___slab_alloc',
    '__fs_reclaim_acquire': '___slab_alloc',
}
# A user copy says that it may fault, and mostly does not.
MIGHT_FAULT = re.compile(r'^_*might_fault$|^internal_get_user_pages_fast|^gup_fast')
FAULTS = {'lock_mm_and_find_vma', 'get_mmap_lock_carefully', 'do_user_addr_fault', 'do_page_fault', '___do_page_fault'}
# What allocates in kernels that are built to debug, and nowhere else.
DEBUG = re.compile(r'stack_?depot|kasan_save|kasan_record|set_page_owner|page_owner|kmemleak|__create_object|debug_object|kmsan')
# Reclaim at work: else lockdep has what is under fs_reclaim because it is told.
RECLAIM = re.compile(r'shrink_|balance_pgdat|try_to_free|kswapd|reclaim_inodes|evict_folios|pageout|prune_icache|super_cache_scan'
                     r'|swap_writepage|writeout|dispose_list')
INIT = re.compile(r'^do_one_initcall$|^really_probe$|_init$|^init_module$|_alloc_queue$')


def read(path):
    return re.sub(r'/\*.*?\*/', '', (TOP / path).read_text(encoding='utf-8'), flags=re.DOTALL)


def see_functions():
    """{id of an LV_PSEUDO hook: kinds, and families of locks, that its program holds or attempts}."""
    text = ''.join(line for line in read('bpf/pseudo_hooks.bpf.h').splitlines(True) if not line.startswith('#include'))
    text = subprocess.run(['cc', '-E', '-P', '-x', 'c', '-'], input=text, capture_output=True, text=True, check=True).stdout
    bodies = dict(re.findall(r'^static [^;{}]*?\b(\w+)\([^;{}]*\)\s*\{(.*?)^\}', text, re.MULTILINE | re.DOTALL))
    words = {name: set(re.findall(r'\bPSEUDO\((\w+)\)|\bLV_PSEUDO_(\w+)|\bLV_((?:PERCPU_)?RWSEM)\b', body))
             for name, body in bodies.items()}

    def of(name, seen):
        found = {word for group in words[name] for word in group if word}
        for callee in set(re.findall(r'\b(\w+)\(', bodies[name])) & set(bodies) - seen:
            found |= of(callee, seen | {callee})
        return found

    return {name.removeprefix('see_'): of(name, {name}) for name in bodies if name.startswith('see_')}


def hooks():
    """{family or kind of pseudo-lock: {function}} of bpf/hooks.def."""
    found = {}
    seen_by = see_functions()
    for name, rest in HOOK.findall(read('bpf/hooks.def')):
        words = re.findall(r'\w+', rest)
        function, families = (words[1], seen_by[name]) if name in seen_by else (name, words)
        for word in families:
            if word.isupper():
                found.setdefault(word, set()).add(function)
    return found


def told():
    """{function: lock it is told under} by user/finding/annotations.tsv."""
    found = {}
    for line in (TOP / 'user/finding/annotations.tsv').read_text(encoding='utf-8').splitlines():
        words = line.split('\t')
        if len(words) == 5 and words[2] == 'under':
            found[words[3]] = words[4].partition(':')[0]
    return found


class Events:
    def __init__(self):
        self.hooks = hooks()
        self.told = told()
        self.waits = bool(re.search(r'\bcontention_begin\b', read('bpf/hooks.def') + read('bpf/hooks.h')))
        self.lock_words = {(how.word, how.step) for name in set().union(*self.hooks.values())
                           for how in [kinds.how('', [name])] if how and kinds.is_known([name])}

    def hooked(self, family, functions):
        known = self.hooks.get(family, set())
        return any(name in known or ALSO.get(name) in known for name in functions)

    def of(self, dep):
        """(EVENT, TOLD or NONE, why) of a dependency."""
        for state, why in (self.told_of(dep), self.taken(dep), self.held(dep)):
            if state != EVENT:
                return state, why
        return EVENT, ''

    def of_report(self, report):
        """What of a report does not come as an event."""
        if report.kind == 'recursive' and not kinds.pseudo(report.chain[0], []) and not self.waits:
            return [(NONE, 'who begins to wait: no hook')]
        deps = report.dependencies or [Dependency(cls, cls) for cls in report.chain]
        return [found for found in map(self.of, deps) if found[0] != EVENT]

    def told_of(self, dep):
        under = kinds.pseudo(dep.held, []) == 'RECLAIM'
        for name in dep.functions[:6]:
            if name in self.told and under:
                return TOLD, f'lockdep is told at start: {name}'
        if under and any(map(INIT.search, dep.functions)) and not any(map(RECLAIM.search, dep.functions)):
            return NONE, f'lockdep is told at start: {dep.functions[0]}'
        return EVENT, ''

    def taken(self, dep):
        kind, functions = kinds.pseudo(dep.cls, dep.functions), dep.functions
        if functions and any(MIGHT_FAULT.match(name) for name in functions[:3]):
            return NONE, 'a user copy that does not fault'
        if kind == 'RECLAIM' and any(DEBUG.search(name) for name in functions):
            return NONE, 'allocations of debug code'
        if kind:
            seen = self.hooked(kind, functions) if functions else kind in self.hooks
            return (EVENT, '') if seen else (NONE, f'{kind.lower()}: no hook')
        if FAULTS & set(functions[:6]):
            return (EVENT, '') if self.hooked('RWSEM', ['lock_mm_and_find_vma']) else (NONE, 'page fault: no hook')
        how = kinds.how(dep.cls, functions)
        if how.word == 'percpu-rwsem' and how.step == 'read' and functions:
            return (EVENT, '') if self.hooked('PERCPU_RWSEM', functions) else (NONE, 'percpu-rwsem reader: no hook')
        if (how.word, how.step) not in self.lock_words:
            return NONE, f'{how.word} {how.step}: no hook'
        return EVENT, ''

    def held(self, dep):
        kind = kinds.pseudo(dep.held, [])
        return (EVENT, '') if not kind or kind in self.hooks else (NONE, f'{kind.lower()}: no hook')
