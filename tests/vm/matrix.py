# SPDX-License-Identifier: GPL-2.0-only
"""The matrix: what each kernel must show, and the table of what it did."""
import json
import re
from pathlib import Path

from checks import CHAIN, expect, lost_events, member, read

PAGE = Path('docs/kernels.md')
RAW = ['lv_abba_head', 'lv_abba_middle', 'lv_abba_tail']
ORDERS = {'mutex_rwsem': ['lv_abba_mutex', 'lv_abba_rwsem'],
          'mutex_mutex': ['lv_abba_first', 'lv_abba_second']}


def plain(name):
    """A lock's name without what stands around its last member."""
    return member(name.split(' [')[0])


def findings(out):
    """[(rule, chain, confidence)] of the bugs' trace."""
    return [(found['rule'], [plain(name) for name in found['chain']], found['confidence'])
            for found in json.loads(read(out / 'bugs.json.out'))['findings']]


def expect_finding(out, rule, chain, sure):
    """One finding with this chain (of a circle: wherever it begins), as sure as can be."""
    key = sorted if rule == 'circular' else list
    found = [(says, confidence) for says, locks, confidence in findings(out)
             if key(locks) == key(chain)]
    expect(len(found) == 1 and found[0][0] == rule, f'{" --> ".join(chain)}: {found}')
    expect(found[0][1] in sure, f'{" --> ".join(chain)} is {found[0][1]}')


def edges(out):
    document = json.loads(read(out / 'innocent.json.out'))
    return {(plain(edge['from']), plain(edge['to'])) for edge in document['edges']}


def expect_edges(out, chain):
    for edge in zip(chain, chain[1:]):
        expect(edge in edges(out), f'no edge {" --> ".join(edge)}')


def nothing_else(chains):
    """The deliberate bugs, and no others."""
    wanted = [sorted(chain) for chain in chains]

    def test(out):
        others = [locks for _, locks, _ in findings(out) if sorted(locks) not in wanted]
        expect(not others, f'{len(others)} more: {others[:5]}')
    return test


def same_order(out):
    """What nests the same way each time was seen, and (the guest says) nothing was found."""
    for chain in (*ORDERS.values(), RAW):
        expect_edges(out, chain)


def cases(founding=True):
    """What a kernel must show; its spinlocks may sleep."""
    sure = ('confirmed', 'certain')
    wanted = {'raw': ('irq-inversion', RAW)}
    if founding:
        wanted['founding'] = ('irq-inversion', CHAIN)
    wanted |= {name: ('circular', chain) for name, chain in ORDERS.items()}
    tests = {name: lambda out, rule=rule, chain=chain: expect_finding(out, rule, chain, sure)
             for name, (rule, chain) in wanted.items()}
    tests['nothing_else'] = nothing_else([chain for _, chain in wanted.values()])
    tests['same_order'] = same_order
    tests['innocent_edges'] = lambda out: expect_edges(out, CHAIN)
    tests['losses'] = losses
    return tests


def losses(out):
    """Where interrupts can be kept out of the programs, little may be lost."""
    if told(out)[1] != 'bpf_local_irq_save':
        return
    share = share_lost(json.loads(read(out / 'innocent.json.out')))
    expect(share < 1, f'{share:.2f} % of the events lost')


# The columns that are cases, and what is expected of them.
COLUMNS = {'founding': 'found', 'raw': 'found', 'mutex_rwsem': 'found', 'mutex_mutex': 'found',
           'same_order': 'silent', 'innocent': 'silent'}
HEAD = ('kernel', 'hooks', 'irq source', 'unlocks', 'lost', 'founding', 'raw', 'mutex, rwsem',
        'mutex, mutex', 'same order', 'innocent', 'counts')


def said(out, what):
    """What `lockvane check` said of something in the guest."""
    line = re.search(rf'^{what} +(.*)$', read(out / 'check.out'), re.M)
    return line.group(1) if line else '?'


def release(out):
    return said(out, 'kernel').split()[0]


def told(out):
    """How it hooks, its irq source, whether unlocks show."""
    text = read(out / 'check.out')
    ways = sorted(set(re.findall(r'^  \w+ +(\w+)$', text, re.M)) - {'absent'}, reverse=True)
    return ['/'.join(ways), said(out, 'irq state'),
            'some inlined' if 'unlocks are inlined' in text else 'seen']


def share_lost(document):
    """In percent of all events."""
    lost = lost_events(document['losses'])
    return 100 * lost / (document['events'] + lost)


def counts_cell(guest, results):
    """The guest that counted on this kernel, if there is one."""
    name = guest.name.replace('matrix-', 'counts-')
    verdicts = [why for case, why in results.items() if case.split('/')[0] == name]
    return 'FAILED' if any(verdicts) else 'right' if verdicts else '-'


def row(guest, results, out):
    cells = [release(out) + guest.label, *told(out)]
    try:
        document = json.loads(read(out / 'innocent.json.out'))
        cells.append(f'{share_lost(document):.2f} %')
    except (OSError, ValueError, KeyError):
        cells.append('?')
    for case, word in COLUMNS.items():
        if f'{guest.name}/{case}' not in results and case not in guest.check:
            case, word = 'nothing_else', 'silent'       # not a bug here, so nothing may be said
        cells.append('FAILED' if results.get(f'{guest.name}/{case}', 'missing') else word)
    return [*cells, counts_cell(guest, results)]


def refusal(guest, results, out):
    """The row of a kernel that must be refused."""
    wrong = any(why for case, why in results.items() if case.split('/')[0] == guest.name)
    words = 'FAILED' if wrong else f'refused: {said(out, "impossible:")}'
    return [release(out), words, *[''] * (len(HEAD) - 2)]


def matrix_table(guests, results, folder):
    rows = []
    for guest in guests:
        out = folder / guest.name / 'out'
        if not (out / 'check.out').exists():
            rows.append([guest.kernel + guest.label, 'FAILED', *[''] * (len(HEAD) - 2)])
        elif guest.script == 'impossible.sh':
            rows.append(refusal(guest, results, out))
        elif guest.script == 'matrix.sh':
            rows.append(row(guest, results, out))
    return table(HEAD, rows)


def table(head, rows):
    """In Markdown."""
    lines = [f'| {" | ".join(cells)} |' for cells in (head, ['---'] * len(head), *rows)]
    return '\n'.join(lines) + '\n'


def write(name, text):
    """Replace what stands between the marks of table NAME in the page."""
    begin, end = f'<!-- {name} -->\n', f'<!-- end of {name} -->\n'
    page = PAGE.read_text(encoding='utf-8')
    before, begun, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    expect(begun and ended, f'{PAGE} has no place for {name}')
    PAGE.write_text(before + begin + text + end + after, encoding='utf-8')


LOAD_HEAD = ('kernel', 'irq source', 'minutes', 'events', 'lost', 'classes', 'ambiguous classes',
             'their acquisitions', 'likely or better', 'weak')
AMBIGUOUS_CLASSES, AMBIGUOUS_ACQUISITIONS = 3, 0.5      # percent, at most


def load_document(out):
    return json.loads(read(out / 'load.json'))


def is_weak(found):
    return found['confidence'] == 'weak'


def load_losses(out):
    """See losses()."""
    share = share_lost(load_document(out))
    expect(told(out)[1] != 'bpf_local_irq_save' or share < 1, f'{share:.2f} % of the events lost')


def no_more_than_lockdep(ours, lockdeps):
    """Of all that we say is likely, lockdep has reported the locks."""
    text = read(lockdeps) if lockdeps.exists() else ''
    known = {member(name) for name in re.findall(r'\(([^(){}]+)\)\{', text)}
    for found in load_document(ours)['findings']:
        chain = [plain(name) for name in found['chain']]
        expect(is_weak(found) or known.issuperset(chain),
               f'{found["rule"]} {" --> ".join(chain)}: lockdep has no such thing')


def load_oracle(index):
    """One of several traced guests, against the last, which has lockdep."""
    return lambda *guests: no_more_than_lockdep(guests[index] / 'out', guests[-1] / 'lockdep.txt')


LOAD_ORACLE = {kernel: load_oracle(i)
               for i, kernel in enumerate(('6.1', '6.12', '6.12-full', '7.2'))}


def ambiguous(out):
    """Shares of the classes, and of the acquisitions, whose class is ambiguous: in percent."""
    classes = load_document(out)['classes']
    doubtful = [item for item in classes if item['ambiguous']]
    taken, all_taken = (sum(item['acquisitions'] for item in items) for items in (doubtful, classes))
    return 100 * len(doubtful) / len(classes), 100 * taken / all_taken


def load_ambiguous_classes(out):
    share = ambiguous(out)[0]
    expect(share <= AMBIGUOUS_CLASSES, f'{share:.2f} % of the classes are ambiguous')


def load_ambiguous_acquisitions(out):
    share = ambiguous(out)[1]
    expect(share <= AMBIGUOUS_ACQUISITIONS, f'{share:.2f} % of the acquisitions are of ambiguous classes')


def load_names(out):
    """What is likely names its locks by variables and types, not by the size of their memory."""
    unnamed = [' --> '.join(found['chain']) for found in load_document(out)['findings']
               if not is_weak(found) and any(name.startswith('kmalloc-') for name in found['chain'])]
    expect(not unnamed, f'kmalloc in {unnamed[:3]}')


LOAD = {'losses': load_losses, 'ambiguous_classes': load_ambiguous_classes,
        'ambiguous_acquisitions': load_ambiguous_acquisitions, 'names': load_names}


def lockdep_says_nothing(out):
    """...of the load: it looks at all of it only if it has nothing to report."""
    report = out.parent / 'lockdep.txt'
    said = re.findall(r'^WARNING: .*|.*Invalid wait context.*', read(report), re.M) if report.exists() else []
    expect(not said, f'lockdep reported: {said[:3]}')


def lockdep_stays_on(out):
    stats = read(out / 'stats')
    expect(re.search(r'^ *debug_locks: +1$', stats, re.M), 'lockdep has turned itself off')


LOAD_LOCKDEP = {'says_nothing': lockdep_says_nothing, 'stays_on': lockdep_stays_on}


def cause(document, found):
    """Why a finding is weak; with none, the table shows it."""
    doubtful = {item['name'] for item in document['classes'] if item['ambiguous']}
    doubts = [name for name in found['chain'] if name in doubtful]
    reasons = [f'ambiguous: {", ".join(doubts)}'] if doubts else []
    reasons += [found['graded_down']] if found['graded_down'] else []
    reasons += ['seen once, which a lost event could explain'] if found['seen_once'] else []
    return '; '.join(reasons)


def weak_table(weak):
    """[(kernel, document, finding)]: a line for each chain and cause, with its kernels."""
    kernels = {}
    for kernel, document, found in weak:
        line = found['rule'], ' --> '.join(found['chain']), cause(document, found)
        kernels.setdefault(line, []).append(kernel)
    rows = [[*line, ', '.join(names)] for line, names in sorted(kernels.items())]
    return table(('weak', 'chain', 'cause', 'seen on'), rows)


def load_table(guests, folder):
    """The load's figures, and below them all that is weak, with its cause."""
    rows, weak = [], []
    for guest in guests:
        out = folder / guest.name / 'out'
        if guest.lockdep:
            continue
        if not (out / 'load.json').exists():
            rows.append([guest.kernel, 'FAILED', *[''] * (len(LOAD_HEAD) - 2)])
            continue
        document = load_document(out)
        found = document['findings']
        weaker = [item for item in found if is_weak(item)]
        rows.append([release(out), told(out)[1], f'{document["seconds"] / 60:.0f}',
                     f'{document["events"]:,}', f'{share_lost(document):.2f} %',
                     f'{len(document["classes"]):,}', *(f'{share:.2f} %' for share in ambiguous(out)),
                     str(len(found) - len(weaker)), str(len(weaker))])
        weak += [(guest.kernel, document, item) for item in weaker]
    return table(LOAD_HEAD, rows) + '\n' + weak_table(weak)


def of_group(group, guests, results, folder):
    """The table of a group of guests, or None."""
    if group == 'matrix':
        return matrix_table([guest for guest in guests if not guest.name.startswith('counts-')],
                            results, folder)
    if group == 'load':
        return load_table(guests, folder)
    return None
