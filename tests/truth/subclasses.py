# SPDX-License-Identifier: GPL-2.0-only
"""Subclasses: lockdep is told them by annotations; ours are inferred from what nests, or known."""
from collections import Counter, defaultdict

from tables import NOBODY, NONE, TAKEN


class Subclasses:
    """Where one lock is taken under another of its key: does either tell the two apart?"""

    def __init__(self, judge):
        self.judge, self.run = judge, judge.run
        # (index of the key held, of the key taken) -> {do we tell them apart: events}
        self.nested = defaultdict(Counter)
        self.taken = Counter()      # (lockdep's is a subclass, ours is one): acquisitions
        for situation in self.run.situations:
            if situation.what == TAKEN and situation.subject != NOBODY and situation.cls != NONE:
                self.look(situation)

    def look(self, s):
        new = s.theirs[s.subject]
        key, cls = self.run.keys[new.index], self.run.classes.get(s.cls)
        if not key.validated or not cls:
            return
        self.taken[key.subclass > 0, cls.subclass > 0] += s.count
        for old in s.theirs[:s.subject]:
            if old.ours != NOBODY and self.run.keys[old.index].base == key.base:
                self.nested[old.index, new.index][s.ours[old.ours].cls != s.cls] += s.count

    @staticmethod
    def is_apart(events):
        """By most of the events."""
        return events[True] > events[False]

    def told_apart(self):
        """{pair: events} of those that lockdep was told apart, by a subclass."""
        return {pair: events for pair, events in self.nested.items() if pair[0] != pair[1]}

    def not_told(self):
        """Of one subclass: nest_lock, a trylock, readers or a comparison function let them nest."""
        return {pair: events for pair, events in self.nested.items() if pair[0] == pair[1]}

    def pairs_apart(self):
        """(pairs that both tell apart, all that lockdep does)"""
        told = self.told_apart()
        return sum(self.is_apart(events) for events in told.values()), len(told)

    def text(self):
        told = self.told_apart()
        both = sum(events[True] for events in told.values())
        every = sum(sum(events.values()) for events in told.values())
        alone = sum(self.is_apart(events) for events in self.not_told().values())
        theirs = self.taken[True, True] + self.taken[True, False]
        ours = self.taken[True, True] + self.taken[False, True]
        pairs, all_pairs = self.pairs_apart()
        return (f'Subclasses: {all_pairs} pairs of a key nest in each other and are told apart by '
                f'lockdep, {pairs} of them by us ({both:,} of {every:,} such acquisitions). '
                f'{len(self.not_told())} nest within one subclass, of which we tell {alone} apart. '
                f'lockdep has subclasses in {theirs:,} acquisitions and we in {ours:,}, of which '
                f'{self.taken[True, True]:,} are both: lockdep is often told that the outer lock is '
                'the other one (a parent directory\'s), where ours is always the inner.')

    def missed(self):
        """Pairs that lockdep tells apart, and we do not."""
        keys = self.run.keys
        rows = [(sum(events.values()), pair) for pair, events in self.told_apart().items()
                if not self.is_apart(events)]
        return [f'{count:,} {keys[old].name}/{keys[old].subclass} --> '
                f'{keys[new].name}/{keys[new].subclass}'
                for count, (old, new) in sorted(rows, reverse=True)]
