# SPDX-License-Identifier: GPL-2.0-only
"""Pseudo-locks, by kind: what lockdep's maps say against ours. They have no address that both sides know, so
that a held one's partner was found by its key (tests/truth/pseudo.bpf.h)."""
from collections import Counter, defaultdict

import causes
from judge import DEPS
from page import percent, table
from tables import ACQUIRED, ATTEMPTED, FAULT, KINDS, LOST, NOBODY

# Their maps lie in objects, each with a key of its own or its type's; the others have one key each.
OBJECTS = ('WORK', 'WQ', 'TIMER', 'SB_WRITERS', 'SB_PAGEFAULTS', 'SB_INTERNAL', 'KERNFS', 'SRCU')


class Pseudo:
    def __init__(self, judge, edges):
        self.judge, self.run, self.locks = judge, judge.run, edges
        self.kind_of = {}               # index of a key -> kind
        self.held = defaultdict(Counter)        # kind -> {verdict: events}
        self.differ = defaultdict(Counter)      # (kind, verdict) -> {what: events}
        self.classes = defaultdict(set)         # kind -> our classes
        for number, cls in self.run.classes.items():
            if cls.pseudo:
                self.classes[cls.pseudo].add(number)
        for situation in self.run.situations:
            for theirs in situation.theirs:
                if theirs.kind and theirs.index is not None:
                    self.kind_of[theirs.index] = theirs.kind
        self.of_lockdep = set(self.kind_of.values())    # the kinds that this kernel's lockdep has
        for situation in self.run.situations:
            self.look_at_held(situation)
        self.bases = self.bases_of_classes()
        self.judge_edges()

    def name(self, kind):
        return KINDS[kind][0]

    def text(self, kind):
        return KINDS[kind][1]

    # Which of our classes is it?

    def candidates(self, index):
        """Our classes of what has the key."""
        kind, base = self.kind_of.get(index), self.run.keys[index].base
        if kind is None or kind == FAULT:
            return set(self.locks.by_key(index))
        if self.name(kind) in OBJECTS:
            return self.run.pseudos.get(base, set())
        return self.classes[kind]

    def is_ours(self, index):
        return bool(self.candidates(index))

    def bases_of_classes(self):
        """{our class: bases of the keys of what is in it}"""
        bases = defaultdict(set)
        for index, kind in self.kind_of.items():
            if kind != FAULT:
                for number in self.candidates(index):
                    bases[number].add(self.run.keys[index].base)
        return bases

    # Held stacks, at each event of a lock.

    def look_at_held(self, s):
        if s.what in (ACQUIRED, ATTEMPTED) or s.irqs & LOST or self.judge.level(s.irqs) != s.level:
            return
        contexts = ({0}, {1}, {2, 3})[s.level]
        verdicts = {}
        for mine in s.ours:
            kind = self.judge.is_pseudo(mine.cls)
            if kind in self.of_lockdep:
                self.note(verdicts, kind, self.fault_of_ours(s, mine, contexts))
        for theirs in s.theirs:
            if theirs.kind and theirs.context in contexts and theirs.is_seen() \
                    and self.is_ours(theirs.index):
                self.note(verdicts, theirs.kind,
                          'held by lockdep alone' if theirs.ours == NOBODY else 'same')
        for kind, verdict in verdicts.items():
            self.held[kind][verdict] += s.count
            if verdict != 'same':
                self.differ[kind, verdict][self.describe(s)] += s.count

    @staticmethod
    def note(verdicts, kind, verdict):
        """Of several of one kind, whatever is wrong with any."""
        if verdicts.get(kind, 'same') == 'same':
            verdicts[kind] = verdict

    @staticmethod
    def fault_of_ours(s, mine, contexts):
        if mine.theirs == NOBODY or s.theirs[mine.theirs].context not in contexts:
            return 'held by ours alone'
        theirs = s.theirs[mine.theirs]
        if theirs.read != mine.mode:
            return 'in another mode'
        return 'same' if theirs.trylock == mine.trylock else 'tried or not'

    def describe(self, s):
        ours = [self.judge.class_name(m.cls) + ('' if m.theirs != NOBODY else ' (!)') for m in s.ours]
        theirs = [self.run.keys[t.index].name + ('' if t.ours != NOBODY else ' (!)')
                  for t in s.theirs if t.kind or self.judge.is_hooked(t)]
        return f'{s.hook}: ours {", ".join(ours) or "-"}; lockdep {", ".join(theirs) or "-"}'

    # Edges that one is an end of.

    def row_of(self, edge):
        """The kind that it counts for: the last that it leads to."""
        return self.kind_of.get(edge[1]) or self.kind_of[edge[0]]

    def our_row_of(self, edge):
        return self.judge.is_pseudo(edge[1]) or self.judge.is_pseudo(edge[0])

    def either(self, number, index):
        return [number] if number is not None else self.candidates(index)

    def variants(self, edge, pairs):
        for source, target in pairs:
            yield from ((a, b, edge[2]) for a in self.either(source, edge[0])
                        for b in self.either(target, edge[1]))

    def implied(self):
        """All that lockdep's rules make of what was noted."""
        return {v for edges in self.judge.pseudo.values() for edge, pairs in edges.items()
                for v in self.variants(edge, pairs)}

    def attempted(self):
        """What follows from what lockdep held when our programs saw an attempt."""
        return {(a, target, dep) for old, _, source, target, dep in self.judge.attempted
                if target is not None for a in self.either(source, old)}

    def is_judged(self, edge):
        return self.is_ours(edge[0]) and self.is_ours(edge[1])

    def judge_edges(self):
        run, told = self.run, self.judge.pseudo['edges']
        self.edges = {edge: pairs for edge, pairs in told.items() if self.is_judged(edge)}
        self.apart = {edge: pairs for edge, pairs in told.items() if edge not in self.edges}
        self.found = {edge: any(v in run.edges for v in self.variants(edge, pairs))
                      for edge, pairs in self.edges.items()}
        self.ours = {edge for edge in run.edges if edge not in run.refuted
                     and self.our_row_of(edge) in self.of_lockdep}
        strange = self.ours - self.implied()
        self.elsewhere = {edge for edge in strange if self.is_in_proc(edge)}
        self.alone = (strange - self.elsewhere) & self.attempted()
        self.excess = strange - self.elsewhere - self.alone

    def ends(self, edge, end):
        """Keys of an end, pseudo-lock's or lock's."""
        if self.judge.is_pseudo(edge[end]):
            return self.bases.get(edge[end], set())
        return self.locks.bases(edge, end)

    def is_in_proc(self, edge):
        """Has /proc/lockdep it, since the boot, directly or with one lock between? Its modes are not told."""
        after = self.run.direct
        sources, targets = self.ends(edge, 0), self.ends(edge, 1)
        return any(after[a] & targets or any(after[b] & targets for b in after[a] if b)
                   for a in sources if a in after)

    # The table.

    def held_of(self, kind):
        counts = self.held[kind]
        return counts['same'], sum(counts.values())

    def edges_of(self, kind):
        """All: but those that lockdep has for each user copy, which say nothing of our hooks."""
        return [edge for edge in self.edges
                if self.row_of(edge) == kind or (kind is None and self.row_of(edge) != FAULT)]

    def recall_of(self, kind=None):
        edges = self.edges_of(kind)
        return sum(self.found[edge] for edge in edges), len(edges)

    def weighted_of(self, kind=None):
        counts = {edge: sum(self.edges[edge].values()) for edge in self.edges_of(kind)}
        return sum(n for edge, n in counts.items() if self.found[edge]), sum(counts.values())

    def ours_of(self, edges, kind=None):
        return sum(kind in (None, self.our_row_of(edge)) for edge in edges)

    def precision_of(self, kind=None):
        judged = self.ours_of(self.ours - self.alone, kind)
        return judged - self.ours_of(self.excess, kind), judged

    def keys_of(self, kind):
        """(with a class of ours, without)"""
        keys = {self.run.keys[i].base: self.is_ours(i) for i, k in self.kind_of.items() if k == kind}
        return sum(keys.values()), len(keys) - sum(keys.values())

    def total_held(self):
        rows = [self.held_of(kind) for kind in self.held]
        return sum(same for same, _ in rows), sum(every for _, every in rows)

    def seen_kinds(self):
        return [kind for kind in KINDS if kind in self.kind_of.values() or self.classes.get(kind)]

    @staticmethod
    def share(part, whole):
        return f'{percent(part, whole)} of {whole:,}' if whole else '-'

    def row(self, kind):
        with_class, without = self.keys_of(kind)
        return [self.text(kind), with_class, without, len(self.classes.get(kind, ())),
                self.share(*self.held_of(kind)), self.share(*self.recall_of(kind)),
                percent(*self.weighted_of(kind)), self.share(*self.precision_of(kind)),
                self.ours_of(self.alone, kind)]

    def table(self):
        heads = ['pseudo-lock', 'keys', 'keys without a class', 'classes', 'held stacks that agree',
                 'edges: recall', 'by events', 'edges: precision', 'attempts that lockdep leaves out']
        every = ['**all**', '', '', '', self.share(*self.total_held()), self.share(*self.recall_of()),
                 percent(*self.weighted_of()), self.share(*self.precision_of()), len(self.alone)]
        return table(heads, [every, *(self.row(kind) for kind in self.seen_kinds())])

    def summary(self):
        return (f'{len(self.run.refuted)} of our dependencies have a stack without their holder, and are not believed. '
                f'{len(self.elsewhere)} more came by events that were not noted or in another mode; /proc/lockdep has '
                f'them, directly or by way of one lock. {len(self.apart)} of lockdep\'s are of keys that we have no '
                'class for.')

    # In full.

    def edge_text(self, edge):
        keys = self.run.keys
        return f'{keys[edge[0]].name} -({DEPS[edge[2]]})-> {keys[edge[1]].name}'

    def differences(self):
        lines = []
        for (kind, verdict), what in sorted(self.differ.items(), key=lambda kv: -sum(kv[1].values())):
            lines.append(f'{self.text(kind)}, {verdict}: {sum(what.values()):,} events')
            lines += [f'    {count:,} {text}' for text, count in what.most_common(8)]
        return lines

    def missed(self):
        rows = sorted(((sum(pairs.values()), edge) for edge, pairs in self.edges.items()
                       if not self.found[edge]), reverse=True)
        return [f'{count:,} {self.edge_text(edge)}: {self.why_missed(edge)}' for count, edge in rows]

    def why_missed(self, edge):
        pairs = self.edges[edge]
        if edge[0] in self.kind_of and all(a is None for a, _ in pairs):
            return 'not held by us'
        others = sorted({dep for a, b, _ in self.variants(edge, pairs) for dep in (1, 2, 4, 8)
                         if (a, b, dep) in self.run.edges})
        return f'we have it in another mode ({others})' if others else 'not recorded'

    def apart_lines(self):
        rows = sorted(((sum(pairs.values()), edge) for edge, pairs in self.apart.items()), reverse=True)
        return [f'{count:,} {self.edge_text(edge)}' for count, edge in rows]

    def excess_lines(self):
        name = self.judge.class_name
        return [f'{name(a)} -({DEPS.get(dep, "?")})-> {name(b)}: {causes.stack_text(self.run, (a, b, dep))}'
                for a, b, dep in sorted(self.excess)]
