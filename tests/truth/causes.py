# SPDX-License-Identifier: GPL-2.0-only
"""Why something was missed, or is too much: what the tables can tell of it."""


def missed_edge(figures, edge):
    judge = figures.judge
    pairs = judge.edges[edge]
    if all(a is None for a, _ in pairs):
        return ('the first was only attempted: lockdep counts it from there on, lockvane when it '
                'is held; or its event was lost')
    if all(b is None for _, b in pairs):
        return 'the second has no class of ours'
    ours = figures.edges.ours
    for a, b in pairs:
        others = [dep for dep in (1, 2, 4, 8) if (a, b, dep) in ours]
        if others:
            return f'we have it in another mode ({others})'
    return f'seen by both, not recorded ({judge.class_name(next(iter(pairs))[0])})'


def excess_edge(figures, edge):
    source, target, _ = edge
    if source not in figures.classes.used or target not in figures.classes.used:
        return 'a class without a key: lockdep does not look at these locks'
    if source == target:
        return 'equals, whose order was told to lockdep (nest_lock, cmp_fn) or not noted'
    stack = figures.run.edges[edge][0]
    if stack >= len(figures.run.stacks):
        return 'unknown'
    comm, frames = figures.run.stacks[stack]
    where = ' < '.join(figures.run.symbols.text(ip) for ip in frames[:7])
    return f'unknown; {comm}: {where}'


def missed_usage(figures, index, bit, numbers):
    if not numbers:
        return 'no class of ours'
    hardirq, softirq = bit - 4, bit in (4, 5)
    if softirq and any(figures.run.classes[n].usage >> hardirq & 1 for n in numbers):
        return 'in a hardirq that hit a softirq: for lockdep it is in both'
    return 'unknown'


def excess_usage(figures, number, bit):
    return 'unknown'
