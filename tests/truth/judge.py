# SPDX-License-Identifier: GPL-2.0-only
"""lockvane against lockdep, on one boot: what lockdep's rules make of what it held."""
import re
from collections import Counter, defaultdict

import tables
from tables import (ACQUIRED, ATTEMPTED, GIVEN_BACK_ON, HARDIRQS_ON, IN_HARDIRQ, IN_SOFTIRQ, LOST,
                    NOBODY, NONE, SOFTIRQS_ON, TAKEN)

USAGE = ('IN-HARDIRQ-W', 'IN-HARDIRQ-R', 'HARDIRQ-ON-W', 'HARDIRQ-ON-R', 'IN-SOFTIRQ-W',
         'IN-SOFTIRQ-R', 'SOFTIRQ-ON-W', 'SOFTIRQ-ON-R', 'INITIAL USE', 'INITIAL READ USE')
IN_HARD, ON_HARD, IN_SOFT, ON_SOFT, USED = 0, 2, 4, 6, 8
DEPS = {1: 'SR', 2: 'ER', 4: 'SN', 8: 'EN'}
EXACT, INFERRED, AMBIGUOUS = range(3)
STALE = 0.01        # of the acquisitions of a class, and of a key, that reuse may mix


def bare(name):
    """One of our names, without what tells it from others: "a.b" of "a.b@kmalloc-64#2/1 [module]"."""
    return re.sub(r'(#\d+|@[^\s#]+| \[\w+\]|/\d+)+$', '', name.strip())


def path(name):
    """The members of a path or of a C expression; functions' statics are numbered."""
    name = re.sub(r'^per_cpu_ptr\((.*),.*\)$', r'\1', name)
    name = re.sub(r'\.\d+$', '', bare(name))
    name = re.sub(r' \+ \w+$', '', name)       # "table + i" is an element, as "table[i]" is
    name = re.sub(r'\[[^\]]*\]', '', name).rstrip(') ')
    return re.findall(r'\w+', name) or [name]


def last_member(name):
    return path(name)[-1]


class Judge:
    """Goes through the situations once; the figures are made from what it gathers."""

    def __init__(self, run):
        self.run = run
        # What is hooked, and how: percpu-rwsems are, their readers are inlined.
        self.hooked = {(self.key(s, s.subject).base, bool(s.theirs[s.subject].read))
                       for s in run.situations if s.what == TAKEN and s.subject != NOBODY}
        self.pairs = defaultdict(Counter)       # our class -> {base of the key: acquisitions}
        self.named = {}                         # base -> Key, of subclass 0 if it was seen
        self.checked, self.unchecked = set(), set()     # our classes: lockdep looks, or was told
        self.agree = Counter()                  # held stacks: by verdict, acquisitions
        self.disagree = defaultdict(Counter)    # why -> {what: events}
        self.edges = defaultdict(Counter)       # (key, key, dep) -> {(class, class): events}
        self.behind = defaultdict(Counter)      # the same, of edges past a recursive reader...
        self.beyond = defaultdict(Counter)      # ...or past what is attempted, not held
        self.pseudo = {name: defaultdict(Counter)   # the same three, of edges that a pseudo-lock is an end of
                       for name in ('edges', 'behind', 'beyond')}
        self.attempted = set()      # (key, key, class, class, dep) that our programs saw: lockdep need not look there
        self.usage = defaultdict(Counter)       # (key, bit) -> {class: events}
        for situation in run.situations:
            self.look(situation)

    def key(self, s, i):
        return self.run.keys[s.theirs[i].index]

    def is_hooked(self, theirs):
        return (self.run.keys[theirs.index].base, bool(theirs.read)) in self.hooked

    def is_pseudo(self, number):
        return number in self.run.classes and self.run.classes[number].pseudo

    def look(self, s):
        if s.what in (ACQUIRED, ATTEMPTED):
            self.look_at_edges(s)
            return
        self.look_at_class(s)
        self.look_at_stack(s)
        self.look_at_edges(s)
        self.look_at_usage(s)

    def look_at_class(self, s):
        if s.what != TAKEN or s.subject == NOBODY or s.cls == NONE:
            return
        key = self.key(s, s.subject)
        looks = key.validated and s.theirs[s.subject].check
        (self.checked if looks else self.unchecked).add(s.cls)
        if not key.validated:
            return
        self.pairs[s.cls][key.base] += s.count
        if key.base not in self.named or not key.subclass:
            self.named[key.base] = key

    # Held stacks.

    @staticmethod
    def level(irqs):
        return 2 if irqs & IN_HARDIRQ else 1 if irqs & IN_SOFTIRQ else 0

    def look_at_stack(self, s):
        if s.irqs & LOST:
            self.agree['lost'] += s.count
            return
        why = self.stack_fault(s)
        self.agree[why or 'same'] += s.count
        if why:
            self.disagree[why][self.describe(s)] += s.count

    def stack_fault(self, s):
        if self.level(s.irqs) != s.level:
            return f'lockdep says level {self.level(s.irqs)}, the count says {s.level}'
        contexts = ({0}, {1}, {2, 3})[s.level]
        for mine in s.ours:
            if self.is_pseudo(mine.cls):
                continue
            if mine.theirs == NOBODY:
                return 'held by ours alone'
            theirs = s.theirs[mine.theirs]
            if theirs.context not in contexts:
                return 'held in another context'
            if theirs.trylock != mine.trylock:
                return 'tried or not'
            if theirs.read != mine.mode:
                return 'held in another mode'
        for i, theirs in enumerate(s.theirs):
            if theirs.ours != NOBODY or theirs.context not in contexts:
                continue
            if self.is_hooked(theirs) and not (s.what != TAKEN and i == s.subject):
                if i == s.subject:
                    return 'just taken, not held by ours'
                return 'held by lockdep alone'
        return None

    def describe(self, s):
        ours = [f'{self.class_name(m.cls)}{"" if m.theirs != NOBODY else " (!)"}' for m in s.ours]
        theirs = [f'{self.run.keys[t.index].name}{"" if t.ours != NOBODY else " (!)"}'
                  for t in s.theirs if self.is_hooked(t)]
        return f'{s.hook}: ours {", ".join(ours) or "-"}; lockdep {", ".join(theirs) or "-"}'

    def class_name(self, number):
        cls = self.run.classes.get(number)
        return cls.name if cls else '?'

    # Edges: check_prevs_add().

    def look_at_edges(self, s):
        if s.what not in (TAKEN, ACQUIRED, ATTEMPTED) or s.subject == NOBODY:
            return
        new = s.theirs[s.subject]
        if new.trylock or not new.check or self.is_equal_told(s, new):
            return
        where = 'edges'
        for old in reversed([t for t in s.theirs[:s.subject] if self.counts(t)]):
            if old.context != new.context:
                break
            if not old.check:
                continue
            self.add_edge(s, old, new, where)
            if old.trylock or (old.kind and old.ours == NOBODY):
                continue                # a pseudo-lock that we do not hold hides nothing from us
            if old.ours == NOBODY:      # lockdep has it from the attempt on, we do not hold it
                where = 'beyond'
            elif old.read == 2:
                where = 'behind' if where == 'edges' else where
            else:
                break

    def counts(self, theirs):
        return theirs.is_seen() if theirs.kind else self.is_hooked(theirs)

    @staticmethod
    def is_equal_told(s, new):
        """check_deadlock() returns 2: its order among its equals is somebody else's affair."""
        return any(old.index == new.index and (new.nested or (new.read == 2 and old.read))
                   for old in s.theirs[:s.subject])

    def add_edge(self, s, old, new, where):
        dep = 1 << ((old.read == 0) + 2 * (new.read != 2))
        source = s.ours[old.ours].cls if old.ours != NOBODY else None
        target = s.cls if s.cls != NONE else None
        if s.what == ATTEMPTED:
            self.attempted.add((old.index, new.index, source, target, dep))
            return
        edges = self.pseudo[where] if old.kind or new.kind else getattr(self, where)
        edges[old.index, new.index, dep][source, target] += s.count

    # Usage: mark_usage() and mark_held_locks().

    def add_usage(self, s, i, bit):
        theirs = s.theirs[i]
        if not theirs.check:
            return
        cls = s.ours[theirs.ours].cls if theirs.ours != NOBODY else \
            s.cls if i == s.subject and s.cls != NONE else None
        self.usage[theirs.index, bit + (theirs.read != 0)][cls] += s.count

    def look_at_usage(self, s):
        if s.what == TAKEN and s.subject != NOBODY:
            new = s.theirs[s.subject]
            self.add_usage(s, s.subject, USED)
            if not new.trylock and s.irqs & IN_HARDIRQ:
                self.add_usage(s, s.subject, IN_HARD)
            if not new.trylock and s.irqs & IN_SOFTIRQ:
                self.add_usage(s, s.subject, IN_SOFT)
            if not new.irqs_off:
                self.add_usage(s, s.subject, ON_HARD)
                if s.irqs & SOFTIRQS_ON:
                    self.add_usage(s, s.subject, ON_SOFT)
        on = s.irqs & HARDIRQS_ON or s.what == GIVEN_BACK_ON
        for i, theirs in enumerate(s.theirs):
            if not self.is_hooked(theirs) or (s.what != TAKEN and i == s.subject):
                continue
            interrupted = s.irqs & IN_HARDIRQ and theirs.context < 2
            softly = s.irqs & IN_SOFTIRQ and theirs.context == 0
            if on or interrupted or softly:
                self.add_usage(s, i, ON_HARD)
            if softly or ((on or interrupted) and s.irqs & SOFTIRQS_ON):
                self.add_usage(s, i, ON_SOFT)


def by_key(used):
    """{class: {key: acquisitions}} the other way round."""
    of_key = defaultdict(Counter)
    for number, keys in used.items():
        for base, count in keys.items():
            of_key[base][number] += count
    return of_key


class Classes:
    """Merges, splits, names."""

    def __init__(self, judge):
        self.judge = judge
        self.run = judge.run
        self.symbols = set(judge.run.symbols.names)
        self.seen = {number: keys for number, keys in judge.pairs.items()
                     if number in judge.run.classes}
        self.seen_of_key = by_key(self.seen)
        # Subclasses are their class's: of ours as of lockdep's.
        self.used = defaultdict(Counter)
        for number, keys in self.seen.items():
            self.used[self.cls(number).outer].update(keys)
        self.of_key = by_key(self.used)
        self.total = sum(sum(keys.values()) for keys in self.used.values())
        self.stale = {(number, base) for base, numbers in self.of_key.items()
                      for number, count in numbers.items()
                      if self.is_stale(number, base, count)}

    def is_stale(self, number, base, count):
        """Memory that was reused, and believed to be its old class for a moment."""
        numbers, keys = self.of_key[base], self.used[number]
        return (self.cls(number).place not in (tables.STATIC, tables.PERCPU)
                and count <= STALE * sum(numbers.values()) and count <= STALE * sum(keys.values()))

    def cls(self, number):
        return self.run.classes[number]

    def is_rekeyed(self, number, base):
        """Told another key than the init site's: lockdep_set_class() and its kin."""
        base_of, kind = self.cls(number).base, self.cls(number).place
        own = self.run.symbols.find(base)
        if kind == tables.STATIC and own and own[0] == self.run.symbols.find(base_of)[0]:
            return False
        if kind == tables.PERCPU:       # its own key is its place in the section of all CPUs
            return bool(own) and self.judge.named[base].rekeyed
        return self.judge.named[base].rekeyed

    def merge(self, number):
        """None, 'rekeyed', 'same member' (of several init sites) or 'strangers'."""
        bases = [base for base in self.used[number] if (number, base) not in self.stale]
        if len(bases) < 2:
            return None
        plain = [base for base in bases if not self.is_rekeyed(number, base)]
        if len(plain) < 2:
            return 'rekeyed'
        names = {self.judge.named[base].name for base in plain}
        # At one address, or an offset of the per-CPU section, there is one lock.
        one = len(names) == 1 or self.cls(number).place in (tables.STATIC, tables.PERCPU)
        return 'same member' if one or self.is_one_member(plain) else 'strangers'

    def is_one_member(self, bases):
        """Two functions may initialise one struct's lock and call the struct by other names; what the
        struct is says the debug information. Without it, other names are other locks."""
        if len({last_member(self.judge.named[base].name) for base in bases}) > 1:
            return False
        members = {self.run.origins.member(base, self.judge.named[base].name) for base in bases}
        return len(members) == 1 and None not in members

    def merges(self, kind=None, what=('strangers',)):
        return [n for n in self.used if self.merge(n) in what and self.is_of(n, kind)]

    def is_of(self, number, kind):
        return kind is None or self.cls(number).kind == kind

    def weight(self, numbers):
        return sum(sum(self.used[n].values()) for n in numbers)

    def shared(self, kind=None):
        """Keys that several of our classes share, of those that any of the kind has."""
        return [base for base, numbers in self.of_key.items()
                if sum((n, base) not in self.stale for n in numbers) > 1
                and any(self.is_of(n, kind) for n in numbers)]

    def is_finer(self, base):
        """lockdep has one key for all that one line initialises: the lock of any xarray, of any struct that
        a helper is given. Ours may be finer, where each is surely another member, or another struct's, or
        another variable. Two that are called alike are a split, and so is any that we do not know."""
        names = [number for number in self.of_key[base] if (number, base) not in self.stale]
        return all(self.is_known(n) for n in names) and not any(
            self.may_be_one(a, b) for a in names for b in names if a != b)

    def is_known(self, number):
        """Has it the name of a variable or a member, and is that sure?"""
        cls = self.cls(number)
        return cls.certainty != AMBIGUOUS and '->' not in cls.name and '+0x' not in cls.name

    def may_be_one(self, a, b):
        """Are they called alike, or is the one what lies in the other? Call sites may know the inner
        struct only: "sock.sk_lock" may be one of netlink_sock. What lies in a cache of its own is known
        as a whole, and is not what lies in memory of several types."""
        one, other = path(self.cls(a).name), path(self.cls(b).name)
        if one == other:
            return True
        return (self.cls(a).sited and self.cls(b).sited and len(one) < len(other)
                and one[1:] == other[1 - len(one):])

    def splits(self, kind=None):
        return [base for base in self.shared(kind) if not self.is_finer(base)]

    def finer(self):
        return [base for base in self.shared() if self.is_finer(base)]

    def keys_of(self, kind=None):
        return [base for base, numbers in self.of_key.items()
                if any(self.is_of(n, kind) for n in numbers)]

    def names(self, kind=None):
        """(agreeing, all) by class and by acquisitions: with the commonest key not told."""
        plain, weighted, wrong = [0, 0], [0, 0], []
        for number, bases in self.used.items():
            if not self.is_of(number, kind):
                continue
            told = [b for b in bases
                    if not self.is_rekeyed(number, b) and (number, b) not in self.stale]
            base = max(told, key=bases.get, default=None)
            if base is None or not self.has_member(number, base):
                continue
            theirs, weight = self.judge.named[base].name, sum(bases.values())
            agrees = self.is_named(self.cls(number), theirs) or self.is_variable(number, base)
            plain[0] += agrees
            weighted[0] += agrees * weight
            plain[1] += 1
            weighted[1] += weight
            if not agrees:
                wrong.append((weight, number, theirs))
        return plain, weighted, sorted(wrong, reverse=True)

    def has_member(self, number, base):
        """Does lockdep's name say a member or a variable that there is? What a function returns is
        none ("ptlock_ptr(ptdesc)"), nor an element of what only a function calls so ("&ptr[i]"), and on a
        stack lie variables that only the source has names for."""
        name = self.judge.named[base].name
        element = re.match(r'^&?(\w+)\[\w+\]$', name)
        return (self.cls(number).place != tables.STACK
                and not re.match(r'^&?\w+\([^(),]*\)$', name)
                and not (element and element[1] not in self.symbols))

    @staticmethod
    def is_named(cls, theirs):
        """A wait-queue head that was initialised statically is called "head.lock". The other way round,
        a macro that initialises a struct with a mutex or rwsem in it is given the struct: f2fs' rwsems are
        "internal_rwsem" in one. What spins may be a part of the lock that is called so, and is another."""
        ours, last = path(cls.name), last_member(theirs)
        if last in (ours[-1], last_member(cls.alias or '')):
            return True
        if theirs.endswith('.lock') and last_member(theirs[:-len('.lock')]) == ours[-1]:
            return True
        return cls.family in tables.SLEEPING and len(ours) > 2 and last == ours[-2]

    def is_variable(self, number, base):
        """A static lock that nobody initialised is its own key, whatever its initialiser's text says
        (DEFINE_RATELIMIT_STATE(): "_rs.lock", or a string): then the symbol at the key is the lock's
        name. Ours must be that, and leave no offset open. A per-CPU one's key is its place in the section, and
        the variable is in the text; the member is a macro's ("cbs_pcpu_lock" of rcu_tasks_percpu.lock)."""
        own, ours = self.run.symbols.find(base), self.cls(number)
        if ours.place == tables.PERCPU and own is None:
            return (path(ours.name)[0] == path(self.judge.named[base].name)[0]
                    and len(path(ours.name)) > 1 and '+0x' not in ours.name)
        return (ours.place == tables.STATIC and own is not None
                and bare(ours.name) == own[0] and not own[0].startswith('__key'))

    def ambiguous(self, kind=None):
        return [n for n in self.used
                if self.is_of(n, kind) and self.cls(n).certainty == AMBIGUOUS]

    def of_kind(self, kind=None):
        return [n for n in self.used if self.is_of(n, kind)]

    def kinds(self):
        return sorted({self.cls(n).kind for n in self.used},
                      key=lambda kind: -self.weight(self.of_kind(kind)))


class Edges:
    """Recall over lockdep's edges, precision over ours."""

    def __init__(self, judge, classes):
        self.judge, self.classes = judge, classes
        self.keys = judge.run.keys
        self.ours = {edge for edge in judge.run.edges     # of locks: for the rest see pseudo.py
                     if not judge.is_pseudo(edge[0]) and not judge.is_pseudo(edge[1])}
        self.found = {edge: any((a, b, edge[2]) in self.ours for a, b in self.variants(edge))
                      for edge in judge.edges}
        self.known = {(a, b, edge[2]) for edge in judge.edges for a, b in self.variants(edge)}
        self.behind = {(a, b, edge[2]) for edge, pairs in judge.behind.items() for a, b in pairs}
        self.beyond = {(a, b, edge[2]) for edge, pairs in judge.beyond.items() for a, b in pairs}
        self.tried = {(a, b, dep) for old, new, source, target, dep in judge.attempted if target is None
                      for a in self.either(source, old) for b in self.either(target, new)}

    def variants(self, edge):
        """Our classes of its ends: as they stood at the event, or by the keys."""
        for source, target in self.judge.edges[edge]:
            yield from ((a, b) for a in self.either(source, edge[0])
                        for b in self.either(target, edge[1]))

    def either(self, number, index):
        return [number] if number is not None else self.by_key(index)

    def by_key(self, index):
        return list(self.classes.seen_of_key[self.keys[index].base])

    def missed(self):
        rows = [(sum(self.judge.edges[edge].values()), edge)
                for edge, found in self.found.items() if not found]
        return sorted(rows, reverse=True)

    def is_unchecked(self, edge):
        """lockdep was told to look away from one of the ends (lockdep_set_novalidate_class())."""
        away = self.judge.unchecked - self.judge.checked
        return edge[0] in away or edge[1] in away

    def strange(self):
        """Ours that no situation implies."""
        return [edge for edge in self.ours
                if edge not in self.known | self.behind | self.beyond | self.tried
                and not self.is_unchecked(edge)]

    def bases(self, edge, end):
        """The keys of an end: as noted, or of its lock where no event of the class was noted."""
        noted = self.classes.seen.get(edge[end])
        return set(noted) if noted else {self.judge.run.edges[edge][1][end]}

    def has_direct(self, edge):
        """Is it among the direct ones that /proc/lockdep shows, since the boot?"""
        after = self.judge.run.direct
        return any(b in after[a] for a in self.bases(edge, 0) for b in self.bases(edge, 1))

    def between(self, edge):
        """Keys that lockdep has between the two, after the one and before the other."""
        after, ends = self.judge.run.direct, self.bases(edge, 1)
        return [key for a in self.bases(edge, 0) for key in after[a] if after[key] & ends]

    def excess(self):
        return [edge for edge in self.strange()
                if not self.has_direct(edge) and not self.between(edge)]

    def unnoted(self):
        """By events that the observer missed; lockdep has them, too, since the boot..."""
        return [edge for edge in self.strange() if self.has_direct(edge)]

    def indirect(self):
        """...or has them by way of one lock between, whose event we lost."""
        return [edge for edge in self.strange()
                if not self.has_direct(edge) and self.between(edge)]

    def unchecked(self):
        return [edge for edge in self.ours if self.is_unchecked(edge)]

    def past_readers(self):
        return [edge for edge in self.ours if edge not in self.known and edge in self.behind]

    def past_attempts(self):
        return [edge for edge in self.ours
                if edge not in self.known | self.behind and edge in self.beyond]

    def faults(self):
        """To mmap_lock, by a fault that found it free: lockdep sees a trylock there, and has been told of none."""
        return [edge for edge in self.ours
                if edge in self.tried - self.known - self.behind - self.beyond
                and not self.has_direct(edge)]

    def text(self, edge):
        return (f'{self.keys[edge[0]].name} -({DEPS[edge[2]]})-> {self.keys[edge[1]].name}')

    def our_text(self, edge):
        name = self.judge.class_name
        return f'{name(edge[0])} -({DEPS.get(edge[2], "?")})-> {name(edge[1])}'


class Usage:
    """Of what lockdep's rules imply, and of lockdep's own masks."""

    def __init__(self, judge, classes):
        self.judge, self.classes, self.run = judge, classes, judge.run
        self.of_key = defaultdict(set)
        for index, bit in judge.usage:
            self.of_key[judge.run.keys[index].base].add(bit)
        self.masks = Counter()
        for key in self.run.keys.values():
            self.masks[key.base] |= key.usage
        self.bits = [(number, bit) for number, cls in self.run.classes.items()
                     if number in classes.seen for bit in range(10) if cls.usage >> bit & 1]

    def missed(self):
        rows = []
        for (index, bit), by_class in self.judge.usage.items():
            numbers = [n for n in by_class if n in self.run.classes]
            if not numbers:
                numbers = list(self.classes.seen_of_key[self.run.keys[index].base])
            if not any(self.run.classes[n].usage >> bit & 1 for n in numbers):
                rows.append((sum(by_class.values()), index, bit, numbers))
        return sorted(rows, reverse=True)

    def excess(self):
        """Ours that nothing noted implies, and whether lockdep has had it since the boot."""
        rows = []
        for number, bit in self.bits:
            bases = self.classes.seen[number]
            if not any(bit in self.of_key[base] for base in bases):
                rows.append((number, bit, any(self.masks[base] >> bit & 1 for base in bases)))
        return rows
