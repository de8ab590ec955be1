# SPDX-License-Identifier: GPL-2.0-only
"""What the guest left: the tables of bpf/abi.h and tests/truth/truth.h, as objects."""
import bisect
import json
import re
import sqlite3
import struct
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from origins import Origins

NOBODY, NONE, READY = 0xff, 0xffffffff, 2
TAKEN, GIVEN_BACK, GIVEN_BACK_ON, ACQUIRED, ATTEMPTED = range(5)
HARDIRQS_ON, SOFTIRQS_ON, IN_HARDIRQ, IN_SOFTIRQ, LOST, DEEPER = (1 << i for i in range(6))
STATIC, PERCPU, STACK = 1, 2, 11   # enum lv_place_kind
TRY = 1                         # LV_HELD_TRY
SLEEPING = (2, 3)               # LV_MUTEX, LV_RWSEM
PSEUDO = 7                      # LV_PSEUDO
FAULT = 31                      # TRUTH_FAULT
KIND, KNOWN = 0x1f, 1 << 5      # in a word of lockdep's: TRUTH_KIND, TRUTH_KNOWN


def read_kinds():
    """{enum lv_pseudo: (id, text)}, and the judge's own."""
    text = (Path(__file__).resolve().parents[2] / 'bpf/pseudo.def').read_text(encoding='utf-8')
    rows = re.findall(r'LV_PSEUDO_KIND\((\w+), [\w-]+, "([^"]*)"', text)
    return {**{number: (name, words.strip()) for number, (name, words) in enumerate(rows, 1)},
            FAULT: ('FAULT', 'mmap_lock by might_fault()')}


KINDS = read_kinds()
# A hold is seen only where somebody has waited for one: bpf/pseudo_hooks.bpf.h.
ON_DEMAND = ('WQ', 'SRCU', 'KERNFS')
# Their trylocks are inlined (atime's sb_start_write_trylock()).
TRIED_UNSEEN = ('CONSOLE_LOCK', 'SB_WRITERS', 'SB_PAGEFAULTS', 'SB_INTERNAL')


@dataclass
class Class:
    """One of ours."""
    id: int
    base: int           # of its place
    place: int          # enum lv_place_kind
    usage: int
    flags: int
    subclass: int = 0   # 1: taken while one of the class was held
    outer: int = 0      # the class it is a subclass of; its own number if it is none
    name: str = '?'
    alias: str = ''
    kind: str = '?'
    certainty: int = 2
    acquisitions: int = 0
    family: int = 0     # enum lv_family
    sited: bool = False # told by the call sites, not by the memory alone
    pseudo: int = 0     # enum lv_pseudo; 0: of locks


@dataclass
class Key:
    """One of lockdep's classes; base is the same for all subclasses of a key."""
    index: int
    base: int
    usage: int
    subclass: int
    name: str
    rekeyed: bool = False
    validated: bool = True
    live: bool = False  # lockdep had it still when all was over
    address: int = 0    # of lock_class_key, and the subclass


@dataclass
class Ours:
    cls: int
    mode: int
    trylock: bool
    sleeping: bool
    theirs: int


@dataclass
class Theirs:
    index: int          # of the key
    context: int        # irq_context
    trylock: bool
    read: int
    check: bool
    irqs_off: bool
    ours: int
    nested: bool
    kind: int = 0       # enum lv_pseudo, or FAULT; 0: a lock
    known: bool = True  # we had a class for it by then

    def is_seen(self):
        """Would we hold it, if it is a pseudo-lock?"""
        name = KINDS[self.kind][0]
        if self.trylock and self.ours == NOBODY and name in TRIED_UNSEEN:
            return False
        return self.known or name not in ON_DEMAND


@dataclass
class Situation:
    count: int
    cls: int
    hook: str
    level: int
    irqs: int
    what: int
    subject: int
    ours: list
    theirs: list
    frames: list


class Symbols:
    """Of /proc/kallsyms: data symbols only matter here, and functions for frames."""

    def __init__(self, path):
        rows = []
        for line in path.read_text(encoding='utf-8', errors='replace').splitlines():
            words = line.split()
            if len(words) >= 3 and words[1] not in 'aA':
                rows.append((int(words[0], 16), words[2]))
        rows.sort()
        self.addresses = [row[0] for row in rows]
        self.names = [row[1] for row in rows]

    def find(self, address):
        at = bisect.bisect_right(self.addresses, address) - 1
        if at < 0 or not 0xffffffff80000000 <= address < GONE:
            return None
        return self.names[at], address - self.addresses[at]

    def text(self, address):
        found = self.find(address)
        return f'{found[0]}+{found[1]:#x}' if found else f'{address:#x}'


def rows(path, size):
    data = path.read_bytes()
    return (data[at:at + size] for at in range(0, len(data) - size + 1, size))


def string(data):
    return data.split(b'\0')[0].decode('utf-8', 'replace')


def read_moved(folder):
    """The recorder's classes -> the capture's; several may have become one."""
    data = (folder / 'moved.bin').read_bytes()
    return [number if number != NONE else None
            for (number,) in struct.iter_unpack('<I', data)]


def read_classes(folder, layout, moved):
    """The capture's, by its numbers."""
    classes = {}
    for number, row in enumerate(rows(folder / 'classes.bin', layout['class'])):
        if moved[number] is None:
            continue
        (base,) = struct.unpack_from('<Q', row, layout['place_base'])
        kind, usage, flags = (struct.unpack_from('<I', row, layout[name])[0]
                              for name in ('place_kind', 'class_usage', 'class_flags'))
        cls = classes.setdefault(moved[number], Class(moved[number], base, kind, 0, flags))
        cls.usage |= usage & 0x3ff
        cls.sited |= struct.unpack_from('<Q', row, layout['place_site'])[0] != 0
        if struct.unpack_from('<H', row, layout['class_family'])[0] == PSEUDO:
            (subclass,) = struct.unpack_from('<H', row, layout['class_subclass'])
            cls.pseudo = subclass >> layout['kind_shift']
    with sqlite3.connect(folder / 'capture.db') as db:
        for number, *named in db.execute('SELECT id, name, alias, kind, certainty, acquisitions, '
                                         'subclass, family FROM class'):
            cls = classes[number]
            (cls.name, cls.alias, cls.kind, cls.certainty, cls.acquisitions, cls.subclass,
             cls.family) = named
    find_outer(classes)
    return classes


def find_outer(classes):
    """A subclass is named after its class: "name/1"."""
    by_name = {cls.name: cls.id for cls in classes.values() if not cls.subclass}
    for cls in classes.values():
        outer = re.sub(rf'/{cls.subclass}(?=#|$)', '', cls.name) if cls.subclass else cls.name
        cls.outer = by_name.get(outer, cls.id)


def read_edges(folder, layout, moved):
    """{(from, to, dep): (stack, (key of from, key of to))}; the keys are those of the locks of
    the first sight, asked when all was over."""
    edges = {}
    keys = struct.iter_unpack('<2Q', (folder / 'ends.bin').read_bytes())
    for row, ends in zip(rows(folder / 'edges.bin', layout['edge']), keys):
        source, target, dep, state, stack = struct.unpack_from('<5I', row)
        if state == READY and moved[source] is not None and moved[target] is not None:
            edges.setdefault((moved[source], moved[target], dep & 0xf), (stack, ends))
    with sqlite3.connect(folder / 'capture.db') as db:  # those put in later: user/trace/attempts.h
        for edge in db.execute('SELECT from_class, to_class, dep FROM edge'):
            edges.setdefault(edge, (NONE, (0, 0)))
    return edges


def read_refuted(folder):
    """Those of our edges that no finding goes through."""
    return {(source, target, dep & 0xf) for source, target, dep in
            struct.iter_unpack('<3I', (folder / 'refuted.bin').read_bytes())}


def read_stacks(folder, layout):
    stacks = []
    for row in rows(folder / 'stacks.bin', layout['stack']):
        _, _, _, _, _, number, comm = struct.unpack_from('<QIIHHI16s', row)
        stacks.append((string(comm), struct.unpack_from(f'<{min(number, 48)}Q', row, 40)))
    return stacks


GONE = 1 << 64      # the base of a key that lockdep had no more when all was over, times a number


def read_keys(folder, layout, symbols):
    """{index: Key}; two CPUs may have made two entries of one key, which are one then. An address is one
    key's as long as its name is the same: memory that is freed can become another one's."""
    keys, first, names = {}, {}, defaultdict(dict)
    for number, row in enumerate(rows(folder / 'keys.bin', layout['key'])):
        key, _, usage, subclass, _, state, live, name = struct.unpack('<QQQIIII64s', row)
        if state != READY:
            continue
        entry = Key(number, key - subclass, usage, subclass, string(name), address=key)
        found = symbols.find(entry.base)
        # An init site has a static __key of its own; a static lock is its own key. "key" is how
        # lockdep_set_class(lock, key) names what a caller handed down.
        entry.rekeyed = not found or not re.match(r'^__key', found[0]) or entry.name == 'key'
        entry.validated = not found or found[0] != '__lockdep_no_validate__'
        same = first.setdefault((entry.base, subclass, entry.name), entry)
        same.usage |= usage
        same.live |= bool(live)
        keys[number] = same
    for entry in first.values():
        if not entry.live:
            others = names[entry.base]
            entry.base += GONE * others.setdefault(entry.name, len(others) + 1)
    return keys


def read_theirs(row, at, keys):
    word, ours, nested, key = struct.unpack_from('<IBBH', row, at)
    return Theirs(keys[key].index if key in keys else None, word >> 13 & 3, bool(word >> 15 & 1),
                  word >> 16 & 3, bool(word >> 18 & 1), bool(word >> 19 & 1), ours, bool(nested),
                  word & KIND, bool(word & KNOWN))


def as_moved(cls, moved):
    if cls == NONE or moved[cls] is None:
        return NONE
    return moved[cls]


def read_ours(row, at, moved):
    cls, mode, flags, sleeping, theirs = struct.unpack_from('<IBBBB', row, at)
    return Ours(as_moved(cls, moved), mode, bool(flags & TRY), bool(sleeping), theirs)


def read_situations(folder, layout, moved, keys):
    """And how many events had a lock whose key there was no room for."""
    situations, nameless = [], 0
    for row in rows(folder / 'situations.bin', layout['situation']):
        _, count, state, cls, hook, level, irqs, what, ours, theirs, subject = \
            struct.unpack_from('<QQIIHBBBBBB', row)
        if state != READY:
            continue
        situation = Situation(
            count, as_moved(cls, moved), layout['hooks'][hook], level, irqs, what, subject,
            [read_ours(row, 32 + 8 * i, moved) for i in range(ours)],
            [read_theirs(row, 32 + 160 + 8 * i, keys) for i in range(theirs)],
            list(struct.unpack_from('<4Q', row, 32 + 320)))
        held = situation.theirs[:subject] if what == ATTEMPTED else situation.theirs
        if any(entry.index is None for entry in held):
            nameless += count
        else:
            situations.append(situation)
    return situations, nameless


def read_pseudos(folder, keys, moved):
    """{base of a key: our classes of what has it}, of pseudo-locks whose maps lie in objects; a freed key's too."""
    bases, classes = defaultdict(set), defaultdict(set)
    for key in keys.values():
        bases[key.address].add(key.base)
    for row in rows(folder / 'pseudos.bin', 24):
        address, cls, _, state, _ = struct.unpack('<QIIII', row)
        if state == READY and as_moved(cls, moved) != NONE:
            for base in bases[address]:
                classes[base].add(as_moved(cls, moved))
    return classes


def read_direct(folder, keys):
    """{base of a key: bases of the keys that /proc/lockdep (of a boot with no_hash_pointers) shows
    directly after it}"""
    bases = {key.base + key.subclass: key.base for key in keys.values() if key.live}
    direct, source = defaultdict(set), None
    for line in (folder / 'lockdep').read_text(encoding='utf-8', errors='replace').splitlines():
        if match := re.match(r' -> \[([0-9a-f]+)\]', line):
            direct[source].add(bases.get(int(match[1], 16)))
        elif match := re.match(r'([0-9a-f]+) ', line):
            source = bases.get(int(match[1], 16))
    direct.pop(None, None)
    return direct


class Run:
    """All of one boot."""

    def __init__(self, folder, vmlinux=None):
        self.origins = Origins(vmlinux)
        self.layout = json.loads((folder / 'layout.json').read_text(encoding='utf-8'))
        self.symbols = Symbols(folder / 'kallsyms')
        moved = read_moved(folder)
        self.classes = read_classes(folder, self.layout, moved)
        self.edges = read_edges(folder, self.layout, moved)
        self.refuted = read_refuted(folder)
        self.stacks = read_stacks(folder, self.layout)
        self.keys = read_keys(folder, self.layout, self.symbols)
        self.pseudos = read_pseudos(folder, self.keys, moved)
        self.direct = read_direct(folder, self.keys)
        self.situations, nameless = read_situations(folder, self.layout, moved, self.keys)
        self.noted, self.skipped, self.dropped, self.unread = \
            struct.unpack('<4Q', (folder / 'control.bin').read_bytes()[:32])
        self.unread += nameless
        with sqlite3.connect(folder / 'capture.db') as db:
            self.losses = dict(db.execute('SELECT name, count FROM loss WHERE count > 0'))
