# SPDX-License-Identifier: GPL-2.0-only
"""The rows of the data file: made of trees, merged over series, written and read."""
import re

from . import facts

HEAD = """\
# SPDX-License-Identifier: GPL-2.0-only
# Extracted from kernel sources by tools/annotations, see docs/annotations.md; not to be edited.
"""
SIMPLE_KEY = re.compile(r'&\w+')
TYPE_KEY = re.compile(r'(?:s_type|\btype|fs_type)->(\w+)$')


def subclasses(found):
    """The nested facts of one member and function: (kind, what), or None where all are plain."""
    told = sorted({fact.what for fact in found} - {'0'})
    if not told:
        return None
    if len(told) > 1:
        every = sorted({fact.what.removeprefix('by:') for fact in found})
        return 'nested', 'by:' + facts.squeeze(','.join(every))
    plain = any(fact.twice or fact.what == '0' for fact in found)
    return ('nested+plain' if plain else 'nested'), told[0]


def is_split(found, inits):
    """Do the keys set for a member tell its instances apart? Not a single key that all of them get."""
    keys = {(fact.function, fact.path, fact.what) for fact in found}
    only = found[0]
    return not (len(keys) == 1 and only.kind == 'set_class' and only.always and SIMPLE_KEY.fullmatch(only.what)
                and inits == {(only.function, only.path)})


def key(fact):
    """
    A key of the filesystem's type is one for all objects of a filesystem's own struct, and one that a
    filesystem sets is no other's.
    """
    match = TYPE_KEY.search(fact.what)
    if match and fact.kind == 'set_class':
        return f'type:{match.group(1)}'
    folder = re.match(r'fs/(\w+)/', fact.path)
    return f'fs:{folder.group(1)}:{fact.what}' if folder else fact.what


def is_lock(member):
    """Pseudo-locks have a map and nothing else."""
    return not member.endswith(('_map', '.dep_map'))


def function_of(tree, fact):
    """The function, and those that it may be inlined into."""
    callers = tree.callers.get((fact.function, fact.path), ())
    return fact.function + ('<-' + ','.join(callers) if callers else '')


def of_tree(tree):
    """The rows (member, kind, function, what) of one series."""
    rows, members = set(), {}
    for fact in tree.facts:
        if fact.kind == 'nolockdep':
            rows.add(('-', fact.kind, function_of(tree, fact), '-'))
        elif is_lock(fact.member) or fact.kind == 'under':
            members.setdefault(fact.member, []).append(fact)
    for member, found in members.items():
        split = [fact for fact in found if fact.kind in ('set_class', 'set_subclass')]
        if split and is_split(split, tree.inits.get(member, set())):
            rows |= {(member, fact.kind, fact.function, key(fact)) for fact in split}
        rows |= {(member, fact.kind, fact.function, fact.what) for fact in found
                 if fact.kind in ('novalidate', 'cmp_fn', 'non_owner', 'under')}
        by_function = {}
        for fact in found:
            if fact.kind in ('nested', 'nest_lock'):
                by_function.setdefault((fact.function, fact.kind), []).append(fact)
        for (function, kind), same in by_function.items():
            how = subclasses(same) if kind == 'nested' else (kind, same[0].what)
            callers = sorted({name for fact in same for name in tree.callers.get((function, fact.path), ())})
            if how:
                rows.add((member, how[0], function + ('<-' + ','.join(callers) if callers else ''), how[1]))
    told = {row[0] for row in rows}
    rows |= {(member, 'tail', tail, 'not:' + ','.join(outers) if outers else '-')
             for member in told for tail, outers in tree.tails.get(member, {}).items()}
    return rows | {('-', 'wrapper', name, '-') for name in tree.wrappers}


def merge(by_series):
    """Lines of (since, until, *row) over the series, in their order: a row that comes, goes and comes is two."""
    order = list(by_series)
    lines = []
    for row in sorted(set().union(*by_series.values())):
        runs = []
        for at, series in enumerate(order):
            if row not in by_series[series]:
                continue
            if runs and runs[-1][1] == at - 1:
                runs[-1][1] = at
            else:
                runs.append([at, at])
        lines += [(order[first], order[last], *row) for first, last in runs]
    return sorted(lines, key=lambda line: (line[2], line[3], line[4], line[5], line[0]))


def text(versions, by_series):
    """The file: VERSIONS is {series: upstream version}."""
    head = HEAD + '# series\t' + '\t'.join(versions) + '\n# versions\t' + '\t'.join(versions.values()) + '\n'
    return head + ''.join(f'{since}-{until}\t' + '\t'.join(row) + '\n' for since, until, *row in merge(by_series))


def read(path):
    """({series: version}, {series: rows}) of the file."""
    series, versions, by_series = [], [], {}
    with open(path, encoding='utf-8') as handle:
        for line in handle:
            words = line.rstrip('\n').split('\t')
            if words[0] == '# series':
                series = words[1:]
                by_series = {name: set() for name in series}
            elif words[0] == '# versions':
                versions = words[1:]
            elif not line.startswith('#'):
                since, _, until = words[0].partition('-')
                for name in series[series.index(since):series.index(until) + 1]:
                    by_series[name].add(tuple(words[1:]))
    return dict(zip(series, versions)), by_series
