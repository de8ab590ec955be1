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
    if source not in figures.classes.seen or target not in figures.classes.seen:
        return f'no event of one of the classes was noted; {where(figures, edge)}'
    if source == target:
        return 'equals, whose order was told to lockdep (nest_lock, cmp_fn) or not noted'
    return f'unknown; {where(figures, edge)}'


def where(figures, edge):
    return stack_text(figures.run, edge)


def stack_text(run, edge):
    stack = run.edges[edge][0]
    if stack >= len(run.stacks):
        return 'no stack'
    comm, frames = run.stacks[stack]
    frames = [text for text in map(run.symbols.text, frames) if 'trampoline' not in text]
    return f'{comm}: {" < ".join(frames[1:7])}'


def unnoted_edge(figures, edge):
    return 'its event was not noted; lockdep has it'


def indirect_edge(figures, edge):
    """The lock between was held too, but not by us: its event came while a program of its function
    ran already, and the kernel does not run a program twice at a time."""
    names = {key.base: key.name for key in figures.run.keys.values()}
    between = sorted({names.get(base, '?') for base in figures.edges.between(edge)})
    return (f'not noted; lockdep has it by way of {", ".join(between[:3])}'
            f'{" and others" if len(between) > 3 else ""}; {where(figures, edge)}')


def unchecked_edge(figures, edge):
    return 'lockdep was told not to check one of the two (lockdep_set_novalidate_class())'


def missed_usage(figures, index, bit, numbers):
    if not numbers:
        return 'no class of ours'
    hardirq, softirq = bit - 4, bit in (4, 5)
    if softirq and any(figures.run.classes[n].usage >> hardirq & 1 for n in numbers):
        return 'in a hardirq that hit a softirq: for lockdep it is in both'
    return 'unknown'


def excess_usage(figures, number, bit):
    return 'unknown'
