# SPDX-License-Identifier: GPL-2.0-only
"""One kernel tree, read file by file in a few processes."""
import multiprocessing
import os
import re
import subprocess
from dataclasses import dataclass, field

from . import ctext, facts, told
from .typing import LOCKS, Scope, Value

FOLDERS = ('kernel', 'mm', 'fs', 'block', 'io_uring', 'net', 'drivers', 'sound', 'security', 'lib', 'arch/x86', 'include',
           'virt', 'init', 'ipc', 'crypto')
# The locking code itself, and headers of registers.
LEFT_OUT = re.compile(r'^(kernel/locking/|lib/locking-selftest|include/linux/(mutex|spinlock|rwsem|rwlock|rtmutex|lockdep|percpu-rwsem)'
                      r'|include/trace/|drivers/gpu/drm/amd/include/|tools/|samples/|arch/x86/(tools|realmode|boot)/|.*_hw_ip_offset)')
LEVELS = 5          # wrappers of wrappers
ACCESSORS = 3       # functions that return another's lock
CALLERS = 4         # static functions above one another
MAX_CALLERS = 12    # more names than that say nothing
MAX_OTHERS = 32     # structs in which a tail means something else
KEPT_MACRO = re.compile(r'->|per_cpu|\.|lock|LOCK|container_of|_entry')
INIT = re.compile(r'\b(spin_lock_init|raw_spin_lock_init|rwlock_init|mutex_init|init_rwsem|rt_mutex_init|init_f2fs_rwsem)\s*\(')
# How a function that returns a lock is declared.
RETURNS_LOCK = r'^[a-z_ ]*\b(spinlock_t|raw_spinlock_t|rwlock_t|struct mutex|struct rw_semaphore) ?\* ?[a-z_0-9]+\('
WORK = {}           # what the processes share, by fork


@dataclass
class Tree:
    facts: list = field(default_factory=list)
    wrappers: set = field(default_factory=set)      # functions
    callers: dict = field(default_factory=dict)     # (function, path): [function]
    inits: dict = field(default_factory=dict)       # member: {(function, path)}
    tails: dict = field(default_factory=dict)       # member: {tail of a path: [outer structs it is not true of]}
    untyped: list = field(default_factory=list)


def files(root):
    for folder in FOLDERS:
        for here, folders, names in os.walk(os.path.join(root, folder)):
            folders.sort()
            for name in sorted(names):
                path = os.path.relpath(os.path.join(here, name), root)
                if name.endswith(('.c', '.h')) and not LEFT_OUT.match(path):
                    yield path


def read_one(path):
    text = ctext.read(os.path.join(WORK['root'], path))
    types = ctext.read_types(text)
    for name, macros in list(types.macros.items()):
        kept = [m for m in macros if len(m.body) < 1500 and KEPT_MACRO.search(m.body)]
        if kept:
            types.macros[name] = kept
        else:
            del types.macros[name]
    return types


def files_with(how, patterns):
    """The files that have one of the patterns; HOW: grep's option for them."""
    done = subprocess.run(['grep', '-rl', how, '--include=*.[ch]', '-f', '-', *FOLDERS], cwd=WORK['root'], text=True,
                          input='\n'.join(sorted(patterns)), stdout=subprocess.PIPE, check=False)
    if done.returncode > 1:
        raise OSError(f'grep failed in {WORK["root"]}')
    return sorted(path for path in done.stdout.splitlines() if not LEFT_OUT.match(path))


def functions(path, pattern):
    """The functions of a file that match."""
    for function in ctext.functions(ctext.read(os.path.join(WORK['root'], path)), path):
        if pattern.search(function.body):
            yield function


def find_one(path):
    finder = facts.Finder(WORK['types'], WORK['wrappers'], WORK['macros'])
    found, wrappers = [], []
    for function in functions(path, finder.names):
        if function.name in facts.PRIMITIVES:
            continue
        for call in finder.calls(function):
            if call.is_wrapper():
                wrappers.append((function.name, function.static, path, call))
            else:
                found.append(finder.fact(function, call))
    return found, wrappers, finder.untyped


def accessors_one(path):
    found = {}
    for function in ctext.functions(ctext.read(os.path.join(WORK['root'], path)), path):
        if function.returns[1] != 1 or function.returns[0] not in LOCKS:
            continue
        if function.name in found:
            continue                # the arm for kernels without split locks
        scope = Scope(WORK['types'], function)
        returned = re.findall(r'\breturn\b([^;]+);', function.body)
        for text in [arm for whole in returned for arm in re.split('[?:]', whole)]:
            value = scope.type(text)
            if value and value.steps:
                found[function.name] = Value(value.kind, 1, False, value.steps, '', True)
                break
    return found


def inits_one(path):
    found = []
    finder = facts.Finder(WORK['types'], facts.primitives(), set())
    for function in functions(path, INIT):
        scope = Scope(WORK['types'], function)
        for match in INIT.finditer(function.body):
            args = function.body[match.end():ctext.closing(function.body, match.end() - 1) - 1]
            lock = finder.lock(scope, function, ctext.split(args)[0])
            if lock and lock[0] == 'member' and '.' in lock[1]:
                found.append((lock[1], function.name, path))
    return found


def callers_one(path):
    """(callee, caller, static) for the wanted names: all in headers, and the file's own static ones."""
    wanted = WORK['global'] | WORK['local'].get(path, set())
    found = []
    seen = set()
    for _ in range(CALLERS):
        if not wanted:
            break
        pattern = re.compile(r'\b(' + '|'.join(sorted(wanted)) + r')\s*\(')
        seen |= wanted
        wanted = set()
        for function in functions(path, pattern):
            for callee in set(pattern.findall(function.body)) - {function.name}:
                found.append((callee, function.name, path))
                if function.static and path.endswith('.c') and function.name not in seen:
                    wanted.add(function.name)
    return found


def told_one(path):
    found, tellers = [], []
    for function in functions(path, told.BEGIN):
        facts_of, params = told.of_function(WORK['types'], function)
        found += facts_of
        tellers += [(function.name, index) for index in params]
    return found, tellers


def told_callers_one(path):
    pattern = re.compile(r'\b(' + '|'.join(sorted(WORK['tellers'])) + r')\s*\(')
    return [fact for function in functions(path, pattern) if function.name not in WORK['tellers']
            for fact in told.of_callers(WORK['types'], function, WORK['tellers'])]


def untold_one(path):
    return [fact for function in functions(path, told.UNTOLD) for fact in told.untold(function)]


def close_callers(direct, function, path):
    """All that call a static function, directly or through other static ones."""
    found, new = set(), {function}
    for _ in range(CALLERS):
        new = {caller for callee in new for caller, where in direct.get(callee, ())
               if path.endswith('.h') or where == path} - found - {function}
        found |= new
    return sorted(found)


def read_types(pool, paths):
    types = ctext.Types()
    for path, one in zip(paths, pool.imap(read_one, paths, 64)):
        types.merge(one, path)
    return types


def fork(processes):
    return multiprocessing.get_context('fork').Pool(processes)


def each(job, names, processes, how='-wF'):
    """The job's results for all files with one of the names."""
    with fork(processes) as pool:
        yield from pool.imap(job, files_with(how, names), 16)


def find(processes):
    """Facts and wrappers: each round knows the wrappers of the one before."""
    known = facts.primitives()
    for _ in range(LEVELS):
        WORK['wrappers'] = known
        WORK['macros'] = facts.calling_macros(WORK['types'], set(known))
        tree = Tree(wrappers=set(known) - set(facts.PRIMITIVES))
        grown = {name: set(calls) for name, calls in known.items()}
        for found, wrappers, untyped in each(find_one, set(known) | WORK['macros'], processes):
            tree.facts += found
            tree.untyped += untyped
            for name, static, path, call in wrappers:
                where = path if static and path.endswith('.c') else ''
                grown.setdefault(name, set()).add(facts.replace(call, path=where, always=True))
        if grown == known:
            break
        known = grown
    return tree


def add_told(tree, processes):
    """Orders that lockdep is told of at start, and who allocates without telling it."""
    WORK['tellers'] = tellers = {}
    for found, params in each(told_one, {f'{told.UNDER}_acquire'}, processes):
        tree.facts += found
        for name, index in params:
            tellers.setdefault(name, set()).add(index)
    if tellers:
        for found in each(told_callers_one, set(tellers), processes):
            tree.facts += found
    for found in each(untold_one, {'__GFP_NOLOCKDEP'}, processes):
        tree.facts += found


def add_callers(tree, processes):
    static = {(fact.function, fact.path) for fact in tree.facts
              if fact.static and fact.kind in ('nested', 'nest_lock', 'nolockdep')}
    untold = {(fact.function, fact.path) for fact in tree.facts if fact.kind == 'nolockdep'}
    WORK['global'] = {name for name, path in static if path.endswith('.h')}
    WORK['local'] = {}
    for name, path in static:
        WORK['local'].setdefault(path, set()).add(name)
    direct = {}
    for found in each(callers_one, {name for name, _ in static}, processes):
        for callee, caller, path in found:
            direct.setdefault(callee, set()).add((caller, path))
    for name, path in static:
        callers = close_callers(direct, name, path)
        tree.callers[name, path] = callers if len(callers) <= MAX_CALLERS or (name, path) in untold else []


def add_inits(tree, processes):
    names = INIT.pattern[4:INIT.pattern.index(')')].split('|')
    for found in each(inits_one, names, processes):
        for member, function, path in found:
            tree.inits.setdefault(member, set()).add((function, path))


def has_path(types, members, path):
    """Does a struct have a lock by this path?"""
    part, _, rest = path.partition('.')
    kind, depth, _ = members.get(part, ('', 0, False))
    if not kind or depth:
        return False
    return not rest or any(has_path(types, inner, rest) for _, inner in types.structs.get(types.resolve(kind), ()))


def add_tails(tree, types):
    """
    A struct lies in others under some names: an inode as vfs_inode. The tail "vfs_inode.i_rwsem" of a lock's
    path stands for the member, but in structs where something else with such a lock has that name.
    """
    embedded = {}           # name: {(outer struct, inner struct)}
    for outer, definitions in types.structs.items():
        for _, members in definitions:
            for name, (kind, depth, _) in members.items():
                if not depth and kind.startswith('struct '):
                    embedded.setdefault(name, set()).add((outer, types.resolve(kind)))
    for member in {fact.member for fact in tree.facts if '.' in fact.member}:
        owner, path = member.split('.', 1)
        tails = tree.tails[member] = {}
        for name, places in embedded.items():
            if not any(kind == f'struct {owner}' for _, kind in places):
                continue
            others = {kind for _, kind in places if kind != f'struct {owner}'
                      and any(has_path(types, members, path) for _, members in types.structs.get(kind, ()))}
            outers = sorted(outer.split()[1] for outer, kind in places if kind in others)
            if len(outers) <= MAX_OTHERS:
                tails[f'{name}.{path}'] = outers


def extract(root, processes, say):
    """The Tree of a kernel's source."""
    WORK['root'] = root
    paths = list(files(root))
    with fork(processes) as pool:
        WORK['types'] = types = read_types(pool, paths)
    say(f'{len(paths)} files, {len(types.structs)} structs, {len(types.returns)} functions that return a pointer')
    for _ in range(ACCESSORS):
        for found in each(accessors_one, [RETURNS_LOCK], processes, '-E'):
            types.accessors.update(found)
    tree = find(processes)
    say(f'{len(tree.facts)} facts, {len(tree.wrappers)} wrappers, {len(tree.untyped)} calls not typed')
    add_told(tree, processes)
    add_callers(tree, processes)
    add_inits(tree, processes)
    add_tails(tree, types)
    return tree
