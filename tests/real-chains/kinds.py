# SPDX-License-Identifier: GPL-2.0-only
"""What kind of lock a class of a report is, and how it was acquired: by its name and by functions, nothing else."""
import re
from dataclasses import dataclass

# Pseudo-locks by the names that lockdep gives them: (pattern, kind in bpf/pseudo.def).
PSEUDO = [(re.compile(pattern), kind) for pattern, kind in (
    (r'^\(work_completion\)', 'WORK'),
    (r'^\(wq_completion\)', 'WQ'),
    (r'^\(.*timer\)$|^\(&', 'TIMER'),
    (r'fs_reclaim', 'RECLAIM'),
    (r'mmu_notifier_invalidate_range_start', 'MMU_NOTIFIER'),
    (r'dma_fence_map', 'DMA_FENCE'),
    (r'q_usage_counter\(io\)', 'QUEUE_IO'),
    (r'q_usage_counter', 'QUEUE'),
    (r'^sb_writers', 'SB_WRITERS'),
    (r'^sb_pagefaults', 'SB_PAGEFAULTS'),
    (r'^sb_internal', 'SB_INTERNAL'),
    (r'^jbd2_handle', 'JOURNAL'),
    (r'^btrfs_trans_num_writers', 'BTRFS_WRITERS'),
    (r'^btrfs_trans_num_extwriters', 'BTRFS_EXTWRITERS'),
    (r'^btrfs_trans_unblocked', 'BTRFS_UNBLOCKED'),
    (r'^btrfs_(?:trans_|ordered_extent)', 'BTRFS'),
    (r'^bcachefs_btree', 'BCACHEFS'),
    (r'^console_owner$', 'CONSOLE_OWNER'),
    (r'^console_lock$', 'CONSOLE_LOCK'),
    (r'^kn->active', 'KERNFS'),
    (r's_writepages_rwsem', 'WRITEPAGES'),
    (r'srcu\b', 'SRCU'),
    (r'^rcu_', 'RCU'),
    (r'^cpuhp_state(?:-up|_up)', 'CPUHP_UP'),
    (r'^cpuhp_state(?:-down|_down)', 'CPUHP_DOWN'),
    (r'_ww_class_acquire$', 'WW_ACQUIRE'),
    (r'^vm_lock$', 'VMA'),
)]
# And by functions that acquire nothing that is a lock, whatever its name.
BY_FUNCTION = {'local_lock_acquire': 'LOCAL_LOCK', '__mmap_lock_do_trace_acquire_returned': 'LOCAL_LOCK',
               'ww_acquire_init': 'WW_ACQUIRE', 'lock_sync': 'SRCU'}
SPINNING = {'TIMER', 'CONSOLE_OWNER'}

# Lock functions as a scenario has them: pattern of the innermost frame, kind of lock, step, and how interrupts are then.
LOCKS = [(re.compile(pattern), *rest) for pattern, *rest in (
    (r'^_*mutex_(?:lock|trylock)', 'mutex', 'lock', ''),
    (r'^_*(?:_raw_)?_*(?:raw_)?spin_lock_irqsave|^class_(?:raw_)?spinlock_irqsave', 'spin', 'lock', 'irqsave'),
    (r'^_*(?:raw_)?_*spin_lock_irq', 'spin', 'lock', 'irq'),
    (r'^_*(?:raw_)?_*spin_lock_bh', 'spin', 'lock', 'bh'),
    (r'^_*(?:raw_)?_*spin_lock|^raw_spin_rq_lock', 'spin', 'lock', ''),
    (r'^_*raw_read_lock|^read_lock', 'rwlock', 'read', ''),
    (r'^_*raw_write_lock|^write_lock', 'rwlock', 'lock', ''),
    (r'^_*down_write', 'rwsem', 'lock', ''),
    (r'^_*down_read', 'rwsem', 'read', ''),
    (r'^percpu_down_write', 'percpu-rwsem', 'lock', ''),
    (r'^percpu_down_read|^cpus_read_lock', 'percpu-rwsem', 'read', ''),
    (r'^_*lock_sock', 'mutex', 'lock', ''),
    (r'^_*might_fault|^internal_get_user_pages|^gup_fast', 'rwsem', 'read', ''),
    (r'^rt_spin_lock', 'spin', 'lock', ''),
)]
# Where a report does not say by which function: what names tell.
NAMES = [(re.compile(pattern), *rest) for pattern, *rest in (
    (r'rwsem|_sem\b|i_mutex|s_umount|invalidate_lock|mmap_lock|_ilock_|vm_lock|btrfs-', 'rwsem', 'lock', ''),
    (r'cpu_hotplug_lock', 'percpu-rwsem', 'read', ''),
    (r'', 'mutex', 'lock', ''),
)]


@dataclass(frozen=True)
class How:
    """How a lock is declared and acquired in a scenario."""
    word: str
    step: str
    irqs: str = ''


def pseudo(cls, functions):
    """The kind of pseudo-lock, or None: a lock."""
    for name in functions[:3]:
        if name in BY_FUNCTION:
            return BY_FUNCTION[name]
    for pattern, kind in PSEUDO:
        if pattern.search(cls):
            return kind
    return None


def how(cls, functions):
    for name in functions[:3]:
        for pattern, *found in LOCKS:
            if pattern.search(name):
                return How(*found)
    for pattern, *found in NAMES:
        if pattern.search(cls):
            return How(*found)
    return None


def is_known(functions):
    """Do the functions tell a lock function?"""
    return any(pattern.search(name) for name in functions[:3] for pattern, *_ in LOCKS)


def plain(cls):
    """A class without its subclass: "&ei->i_data_sem/3" is of &ei->i_data_sem."""
    return re.sub(r'/\d+$', '', cls)
