# SPDX-License-Identifier: GPL-2.0-only
"""What the host checks of reports and captures that guests handed out."""
import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import schema  # noqa: E402

CHAIN = ['ctx_lock', 'fd_wqh', 'fault_pending_wqh']
RULES = {'deadlock', 'inconsistent-state', 'irq-inversion', 'circular', 'recursive', 'wait-context',
         'bad-unlock', 'held-freed', 'held-at-exit'}
CONFIDENCES = {'observed', 'confirmed', 'certain', 'likely', 'weak'}
TYPES = {'SR', 'ER', 'SN', 'EN'}
# Losses that lose no event.
HARMLESS = {'unknown_releases', 'stale_holders', 'stale_classes', 'tainted', 'edges_full',
            'stacks_full', 'facts_full', 'waits_full', 'names_full'}
USAGE = re.compile(r'^\{[.+?-]{4}\}$')
CLASS_LINE = re.compile(r'^ *-> \((.*)\)(\{[.+?-]{4}\})\S* (?:ops: \d+ )?\{$')


CACHE = Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache') / 'lockvane'
VMLINUX = CACHE / 'kernels/small-2019/vmlinux.debug'
SLOW = 3        # a machine that has guests to run at the same time


class Wrong(Exception):
    """What is not as it should be."""


def expect(condition, text):
    if not condition:
        raise Wrong(text)


def member(name):
    """The last member of a lock's name: lockdep says &ctx->fd_wqh where we say kioctx.fd_wqh."""
    return re.split(r'[.>&]', name)[-1]


def read(path):
    return path.read_text(encoding='utf-8', errors='replace')


def lost_events(losses):
    """How many events were lost, of all that is counted as a loss."""
    return sum(count for name, count in losses.items() if name not in HARMLESS)


def sections(text):
    """[(name, usage, lines)] of the classes that a report lists, ours or lockdep's."""
    found = []
    for line in text.splitlines():
        start = CLASS_LINE.match(line)
        if start:
            found.append((start.group(1), start.group(2), []))
        elif found:
            found[-1][2].append(line.strip())
    return found


def listed_chain(text):
    """Last members of the classes of a report's first list: it ends where one comes again."""
    chain = []
    for name, _, _ in sections(text):
        if member(name) in chain:
            break
        chain.append(member(name))
    return chain


def stack(lines, usage):
    """The frames of one usage in a class's lines."""
    frames = []
    inside = False
    for line in lines:
        if line.startswith(f'{usage} at:'):
            inside = True
        elif inside and re.match(r'^[\w.]+\+0x', line):
            frames.append(line)
        elif inside:
            break
    return frames


def check_stack(lines, usage, function):
    frames = stack(lines, usage)
    expect(frames, f'no stack of {usage}')
    expect(any(frame.startswith(f'{function}+') for frame in frames),
           f'the stack of {usage} does not go through {function}: {frames[:4]}')


def check_founding_text(text, release):
    findings = re.findall(r'^lockvane: finding \d+ of (\d+): (\S+), id ([0-9a-f]{12}), fingerprint [0-9a-f]{12}$', text, re.M)
    expect(len(findings) == 1 and findings[0][:2] == ('1', 'irq-inversion'),
           f'findings: {findings}')
    expect(listed_chain(text) == CHAIN, f'the chain is {listed_chain(text)}')
    classes = {member(name): (usage, lines) for name, usage, lines in sections(text)}
    expect(classes['ctx_lock'][0] == '{..-.}', f'ctx_lock is {classes["ctx_lock"][0]}')
    expect(classes['fault_pending_wqh'][0] == '{+.+.}',
           f'fault_pending_wqh is {classes["fault_pending_wqh"][0]}')
    expect(re.search(r'^Chain exists of:\n +\S*ctx_lock --> \S*fd_wqh --> \S*fault_pending_wqh$',
                     text, re.M), 'no "Chain exists of" with the three locks')
    check_stack(classes['ctx_lock'][1], 'IN-SOFTIRQ-W', 'free_ioctx_users')
    for usage in ('HARDIRQ-ON-W', 'SOFTIRQ-ON-W'):
        check_stack(classes['fault_pending_wqh'][1], usage, release)


def is_text(value):
    return isinstance(value, str) and value != ''


def is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def check_end(end, names, where):
    if end is None:
        return
    expect(end['class'] in names and is_text(end['usage']), f'{where}: {end}')
    expect(end['address'] is None or re.fullmatch(r'0x[0-9a-f]+', end['address']),
           f'{where}: address {end["address"]}')


def check_evidence(item, names):
    expect(item['what'] in ('safe', 'edge', 'unsafe', 'event'), f'stack of {item["what"]}')
    if item['what'] in ('safe', 'unsafe'):
        expect(item['class'] in names and is_text(item['usage']), f'stack: {item}')
    if item['what'] == 'edge':
        expect(item['from'] in names and item['to'] in names and item['type'] in TYPES,
               f'stack: {item}')
    if 'frames' in item:
        expect(is_text(item['task']) and is_count(item['pid']) and is_count(item['cpu']),
               f'stack: {item}')
        expect(item['frames'] and all(is_text(frame['text']) for frame in item['frames']),
               f'stack: {item}')


def check_chain(found, names):
    expect(found['confidence'] in CONFIDENCES, f'confidence {found["confidence"]}')
    expect(found['chain'] and set(found['chain']) <= names, f'chain {found["chain"]}')
    check_end(found['safe'], names, 'safe')
    check_end(found['unsafe'], names, 'unsafe')
    for item in found['stacks']:
        check_evidence(item, names)


def check_class(item):
    expect(is_text(item['name']) and is_text(item['kind']) and is_text(item['family']) and
           USAGE.match(item['usage']) and is_count(item['acquisitions']), f'class {item}')
    expect(item['certainty'] in ('exact', 'inferred', 'ambiguous'), f'class {item}')
    expect(item['ambiguous'] is (item['certainty'] == 'ambiguous'), f'class {item}')
    expect(item['alias'] is None or is_text(item['alias']), f'class {item}')


def check_document(document):
    """As docs/json.md and the schema have it."""
    faults = schema.faults(document, 'report')
    expect(not faults, f'not by the schema: {faults[:5]}')
    names = {item['name'] for item in document['classes']}
    expect(len(names) == len(document['classes']) > 0, 'class names are missing or not unique')
    for key in ('lockvane', 'kernel', 'build', 'machine'):
        expect(is_text(document[key]), f'{key} is {document[key]!r}')
    expect(is_count(document['events']) and document['events'] > 0,
           f'events: {document["events"]}')
    expect(isinstance(document['seconds'], float) and document['seconds'] > 0,
           f'seconds: {document["seconds"]}')
    for item in document['classes']:
        check_class(item)
    for edge in document['edges']:
        expect(edge['from'] in names and edge['to'] in names and is_count(edge['count']) and
               edge['type'] in TYPES, f'edge {edge}')
    for found in document['findings']:
        expect(re.fullmatch(r'[0-9a-f]{12}', found['id']), f'id {found["id"]}')
        expect(found['rule'] in RULES, f'rule {found["rule"]}')
        for chain in [found, *found['also']]:
            check_chain(chain, names)
    losses = document['losses']
    expect(losses and all(map(is_count, losses.values())), f'losses {losses}')
    summary = document['summary']
    expect(summary['shown'] == len(document['findings']), f'summary {summary}')
    expect(summary['lost'] == sum(losses.values()), f'summary {summary}, losses {losses}')


def frames_of(found, what):
    return [frame['text'] for item in found['stacks'] if item['what'] == what
            for frame in item.get('frames', [])]


def founding_report(out):
    check_founding_text(read(out / 'report.out'), 'lv_uffd_release')


def founding_json(out):
    document = json.loads(read(out / 'json.out'))
    check_document(document)
    expect(len(document['findings']) == 1, f'{len(document["findings"])} findings')
    found = document['findings'][0]
    expect(found['rule'] == 'irq-inversion', f'rule {found["rule"]}')
    expect([member(name) for name in found['chain']] == CHAIN, f'chain {found["chain"]}')
    expect(f'id {found["id"]}' in read(out / 'report.out'), 'another id than the text report')
    expect(any('free_ioctx_users' in frame for frame in frames_of(found, 'safe')), 'safe stack')
    expect(any('lv_uffd_release' in frame for frame in frames_of(found, 'unsafe')),
           'unsafe stack')


def founding_fixed(out):
    """The module with the fix: the same edges, nothing found, and nothing else in the document."""
    document = json.loads(read(out / 'fixed.out'))
    check_document(document)
    expect(document['findings'] == [], f'findings {document["findings"]}')
    edges = {(member(edge['from']), member(edge['to'])) for edge in document['edges']}
    for edge in zip(CHAIN, CHAIN[1:]):
        expect(edge in edges, f'no edge {" --> ".join(edge)}')


def on_the_host(out):
    """This machine reads the capture as the guest that made it did."""
    capture = str(out / 'capture.db')
    for name, words in {'report': ['report'], 'json': ['report', '--format', 'json'],
                        'classes': ['classes'], 'edges': ['edges']}.items():
        done = subprocess.run(['build/lockvane', *words, capture], capture_output=True,
                              encoding='utf-8', errors='replace', check=False)
        expect(done.returncode == (3 if words[0] == 'report' else 0),
               f'{name}: status {done.returncode}: {done.stderr.strip()}')
        expect(done.stdout == read(out / f'{name}.out'), f'{name}: differs from the guest\'s')


def real_cancel(out):
    check_founding_text(read(out / 'cancel.out'), 'userfaultfd_release')


def real_no_cancel(out):
    """fd_wqh is safe itself here: its chain is found, and the one from ctx_lock shown with it."""
    text = read(out / 'no_cancel.out')
    expect(listed_chain(text) == CHAIN[1:], f'the chain is {listed_chain(text)}')
    expect(re.search(r'also reached from \(\S*ctx_lock\)\{..-.\}', text),
           'ctx_lock is not said to reach it')
    found = json.loads(read(out / 'no_cancel.json.out'))['findings'][0]
    expect([member(name) for name in found['chain']] == CHAIN[1:], f'chain {found["chain"]}')
    longer = [[member(name) for name in also['chain']] for also in found['also']]
    expect(CHAIN in longer, f'no chain from ctx_lock, only {longer}')


def lockvane(*words):
    """What our program says, on this machine."""
    done = subprocess.run(['build/lockvane', *words], capture_output=True, encoding='utf-8',
                          errors='replace', check=False)
    expect(done.returncode in (0, 3), f'{words[0]}: status {done.returncode}: {done.stderr}')
    return done.stdout


def real_lines(out):
    """With the kernel's debug information the report reads as a debug kernel's."""
    began = time.monotonic()
    text = lockvane('report', '--vmlinux', str(VMLINUX), str(out / 'cancel.db'))
    seconds = time.monotonic() - began
    for line in (r'at: spin_lock include/linux/spinlock\.h:\d+ \[inline\]$',
                 r'at: userfaultfd_release\+0x\w+/0x\w+ fs/userfaultfd\.c:\d+$',
                 r'^ +free_ioctx_users\+0x\w+/0x\w+ fs/aio\.c:\d+$',
                 r'^ +_raw_spin_lock_irq\S* kernel/locking/spinlock\.c:\d+$',
                 r'^ +rcu_do_batch kernel/rcu/tree\.c:\d+ \[inline\]$',
                 r'^ +__do_sys_io_submit fs/aio\.c:\d+ \[inline\]$'):
        expect(re.search(line, text, re.M), f'no line {line}')
    bare = re.findall(r'^ +\w\S*\+0x\w+/0x\w+$', text, re.M)
    expect(not bare, f'without a line: {bare[:3]}')
    expect(seconds < 2 * SLOW, f'the report took {seconds:.1f} s')
    with sqlite3.connect(f'file:{out / "cancel.db"}?mode=ro', uri=True) as db:
        known = db.execute('SELECT count(*) FROM image WHERE module IS NULL').fetchone()
    expect(known == (1,), 'the capture does not know the build id of its kernel')


PROC_CLASS = re.compile(r'(\w+)(?: OPS: *(\d+))? FD: *(\d+) BD: *(\d+) ([-.+?]{4}): (.+)')
PROC_EDGE = re.compile(r' -> \[(\w+)\] (.+)')


def proc(text):
    """{class: the ones after it} of a text in /proc/lockdep's format, by names."""
    lines = text.splitlines()
    expect(lines[0] == 'all lock classes:', f'it begins with {lines[0]}')
    graph, keys, name = {}, {}, None
    for line in lines[1:]:
        if found := PROC_CLASS.fullmatch(line):
            name = found.group(6)
            keys.setdefault(found.group(1), name)
            graph[name] = set()
        elif found := PROC_EDGE.fullmatch(line):
            graph[name].add(found.group(2))
        else:
            expect(not line, f'what is "{line}"?')
    return graph


def proc_format(real, lockdeps):
    """What reads lockdep's own file reads ours. (It lists direct edges only, and between
    lockdep's are its pseudo-locks: which ones are there is not compared.)"""
    ours = proc(lockvane('classes', '--proc', str(real / 'out/cancel.db')))
    theirs = proc(read(lockdeps / 'out/proc'))
    for graph in (ours, theirs):
        expect({*CHAIN} <= {member(name) for name in graph}, 'not all of the chain is there')
        expect(all(graph.keys() >= after for after in graph.values()), 'an edge leads nowhere')
        expect(sum(map(len, graph.values())) > 50, 'hardly an edge')
    for source, target in zip(CHAIN, CHAIN[1:]):
        expect(any(member(name) == source and any(member(to) == target for to in after)
                   for name, after in ours.items()), f'no {source} -> {target}')


def same_chain(ours, lockdeps):
    expect(lockdeps.exists() and listed_chain(read(lockdeps)), 'lockdep reported nothing')
    expect(listed_chain(read(ours)) == listed_chain(read(lockdeps)),
           f'lockdep has {listed_chain(read(lockdeps))}, we {listed_chain(read(ours))}')


def tasks(item):
    """The names of all tasks in a document."""
    if isinstance(item, dict):
        return {item['task']} if 'task' in item else set().union(*map(tasks, item.values()))
    return set().union(*map(tasks, item)) if isinstance(item, list) else set()


def odd_json(out):
    """A task's name that is no UTF-8, and has a quote and a newline."""
    document = json.loads(read(out / 'odd_json.out'))
    check_document(document)
    expect('?"?<' in tasks(document), f'its name is not in {sorted(tasks(document))}')


CONDITIONS = {'json': odd_json}
FOUNDING = {'text_report': founding_report, 'json_report': founding_json,
            'fixed_report': founding_fixed, 'read_on_the_host': on_the_host}
REAL = {'cancel_report': real_cancel, 'no_cancel_report': real_no_cancel,
        'lines': real_lines}
ORACLE = {
    'cancel': lambda real, cancel, no_cancel:
        same_chain(real / 'out/cancel.out', cancel / 'lockdep.txt'),
    'no_cancel': lambda real, cancel, no_cancel:
        same_chain(real / 'out/no_cancel.out', no_cancel / 'lockdep.txt'),
    'proc': lambda real, cancel, no_cancel: proc_format(real, cancel),
}
