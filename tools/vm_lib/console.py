# SPDX-License-Identifier: GPL-2.0-only
"""What the guest's kernel said on its console: splats, and lockdep's reports."""
import re

STAMP = re.compile(r'^(<\d+>)?\[ *\d+\.\d+\](\[ *[TC]\d+\])? ?')

SPLAT = re.compile(
    r'Kernel panic|Oops\b|\bBUG: |\bBUG!|^WARNING: |soft lockup|hard LOCKUP|'
    r'rcu:? .*(self-detected stall|detected stalls|detected expedited stalls)|'
    r'rcu_\w+ kthread (starved|timer wakeup)|\bint3\b|general protection|'
    r'[Uu]nable to handle|invalid opcode|divide error|stack segment|'
    r'double fault|UBSAN: |KASAN: |KFENCE: |kernel BUG at|blocked for more than \d+ seconds|'
    r'INFO: task .* blocked|list_(add|del) corruption|refcount_t: ')
OOM = re.compile(r'Out of memory: ')

LOCKDEP = re.compile(
    r'WARNING: (possible (circular locking|recursive locking|irq lock inversion)|'
    r'inconsistent lock state|\w+-safe -> \w+-unsafe lock order)|'
    r'\[ BUG: Invalid wait context \]')

RULER = re.compile(r'^(=+|-+)$')
SPLAT_LINES = 60


def plain(text):
    """Console text without line ends of a terminal and without time stamps."""
    return [STAMP.sub('', line.rstrip('\r')) for line in text.replace('\r\n', '\n').split('\n')]


def lockdep_reports(lines):
    """[(first line, one past the last)] of lockdep's own reports, rulers included."""
    reports = []
    at = 0
    while at < len(lines):
        if LOCKDEP.search(lines[at]):
            start = at - 1 if at and RULER.match(lines[at - 1]) else at
            end = at + 1
            while end < len(lines) and lines[end].strip() != '</TASK>':
                end += 1
            end = min(end + 1, len(lines))
            reports.append((start, end))
            at = end
        else:
            at += 1
    return reports


def report_text(lines, reports):
    return ''.join('\n'.join(lines[start:end]) + '\n' for start, end in reports)


def splats(lines, expect_lockdep, expect_oom=False):
    """The first splat and what followed it, or an empty list."""
    passed = set()
    if expect_lockdep:
        for start, end in lockdep_reports(lines):
            passed.update(range(start, end))
    for at, line in enumerate(lines):
        if at not in passed and (SPLAT.search(line) or not expect_oom and OOM.search(line)):
            return lines[at:at + SPLAT_LINES]
    return []
