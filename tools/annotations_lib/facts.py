# SPDX-License-Identifier: GPL-2.0-only
"""Where the source tells lockdep something that a production kernel is not told.

A fact names the lock by struct member, and the function that a stack shows. A function or macro that
hands its lock or its subclass on is a wrapper: its callers are the facts.
"""
import re
from dataclasses import dataclass, replace

from .ctext import closing, split
from .typing import CARRIERS, LOCKS, QUEUES, Scope, owner_path

CONSTANTS = {'SINGLE_DEPTH_NESTING': 1}
OWN_KEY = '&__key'  # an initialiser's static one: no annotation
EXPANSIONS = 4      # macros in macros

# name: (kind, index of the lock, index of the subclass, nest lock or key)
PRIMITIVES = {}
for _name in ('spin_lock_nested', 'raw_spin_lock_nested', 'spin_lock_bh_nested', 'raw_spin_lock_bh_nested',
              '_raw_spin_lock_nested', '_raw_spin_lock_bh_nested', 'write_lock_nested', 'mutex_lock_nested',
              'mutex_lock_interruptible_nested', 'mutex_lock_killable_nested', 'mutex_lock_io_nested', 'down_read_nested',
              'down_write_nested', 'down_read_killable_nested', 'down_write_killable_nested', 'rt_mutex_lock_nested',
              'ldsem_down_read_nested', 'ldsem_down_write_nested', '_mutex_lock_killable', '_mutex_lock_nest_lock_sub'):
    PRIMITIVES[_name] = ('nested', 0, 1)
for _name in ('spin_lock_irqsave_nested', 'raw_spin_lock_irqsave_nested'):
    PRIMITIVES[_name] = ('nested', 0, 2)
for _name in ('mutex_acquire', 'spin_acquire', 'rwlock_acquire', 'rwsem_acquire', 'rwsem_acquire_read'):
    PRIMITIVES[_name] = ('nested', 0, 1)
for _name in ('spin_lock_nest_lock', 'raw_spin_lock_nest_lock', 'mutex_lock_nest_lock', 'down_write_nest_lock',
              'down_read_nest_lock', 'rt_mutex_lock_nest_lock', 'mutex_lock_killable_nest_lock'):
    PRIMITIVES[_name] = ('nest_lock', 0, 1)
for _name in ('lockdep_set_class', 'lockdep_set_class_and_name', 'lockdep_set_class_and_subclass'):
    PRIMITIVES[_name] = ('set_class', 0, 1)
for _name, _key in (('__mutex_init', 2), ('mutex_init_with_key', 1), ('__init_rwsem', 2), ('__raw_spin_lock_init', 2),
                    ('__rt_mutex_init', 2), ('init_rwsem_key', 2)):
    PRIMITIVES[_name] = ('set_class', 0, _key)
PRIMITIVES['lockdep_set_subclass'] = ('set_subclass', 0, 1)
for _name in ('lockdep_set_novalidate_class', 'lockdep_set_notrack_class'):
    PRIMITIVES[_name] = ('novalidate', 0, None)
for _name in ('lock_set_cmp_fn', 'lockdep_set_lock_cmp_fn'):
    PRIMITIVES[_name] = ('cmp_fn', 0, 1)
PRIMITIVES['down_read_non_owner'] = ('non_owner', 0, None)
# Plain acquisitions: only looked at in functions that have a fact, for "takes it plainly, too".
PLAIN = re.compile(r'\b(spin_lock(?:_irq|_irqsave|_bh)?|raw_spin_lock(?:_irq|_irqsave|_bh)?|(?:read|write)_lock(?:_irq|_irqsave|_bh)?'
                   r'|mutex_lock(?:_interruptible|_killable|_io)?|down_(?:read|write)(?:_killable|_interruptible)?'
                   r'|rt_mutex_lock|inode_lock(?:_shared)?|mmap_(?:read|write)_lock(?:_killable)?|lock_sock|bh_lock_sock)\s*\(')
PLAIN_MEMBERS = {'inode_lock': 'inode.i_rwsem', 'inode_lock_shared': 'inode.i_rwsem', 'lock_sock': 'sock.sk_lock',
                 'bh_lock_sock': 'sock.sk_lock.slock', 'mmap_read_lock': 'mm_struct.mmap_lock',
                 'mmap_write_lock': 'mm_struct.mmap_lock', 'mmap_read_lock_killable': 'mm_struct.mmap_lock',
                 'mmap_write_lock_killable': 'mm_struct.mmap_lock'}


@dataclass(frozen=True)
class Call:
    """One call of a primitive, perhaps through wrappers. Of a wrapper, what its callers must say."""
    kind: str
    lock: tuple             # ('param', index, path in what it points to) or ('member', text)
    sub: tuple              # ('param', index), ('text', text) or None
    twice: bool = False     # the lock is taken plainly, too
    always: bool = True     # under no condition
    path: str = ''          # of a static wrapper: the file that can call it

    def is_wrapper(self):
        return self.lock[0] == 'param' or bool(self.sub and self.sub[0] == 'param')


@dataclass(frozen=True)
class Fact:
    kind: str
    member: str
    function: str
    what: str               # subclass, key or function
    twice: bool
    always: bool
    path: str
    static: bool


def primitives():
    found = {}
    for name, (kind, lock, sub) in PRIMITIVES.items():
        found[name] = {Call(kind, ('param', lock, ''), None if sub is None else ('param', sub))}
    return found


def squeeze(text):
    return re.sub(r'\s+', '', text)[:48] or '?'


def subclass(types, text):
    """A decimal number, or "by:" and what it is computed from."""
    text = re.sub(r'^\((.*)\)$', r'\1', ' '.join(text.split())).strip()
    if re.fullmatch(r'\d+', text):
        return text
    value = CONSTANTS.get(text, types.constants.get(text))
    return str(value) if value is not None else 'by:' + squeeze(text)


class Finder:
    """Looks through functions for calls of primitives and of the wrappers known so far."""

    def __init__(self, types, wrappers, macros):
        self.types = types
        self.wrappers = wrappers            # name: {Call}
        self.macros = macros                # names of macros that call some of them
        self.untyped = []
        self.names = re.compile(r'\b(' + '|'.join(sorted(set(wrappers) | macros)) + r')\s*\(')

    def lock(self, scope, function, text):
        """('param', i), ('member', "struct.member" or a variable's name), or None."""
        text = re.sub(r'(->|\.)\s*(dep_map|lockdep_map)\s*$', '', text.strip())
        if text in scope.bound:
            text, outer = scope.bound[text]
            return self.lock(outer, function, text)
        value = scope.type(text)
        if not value:
            return None
        if value.name in function.params and (value.steps[0][0] in CARRIERS if value.steps else value.kind in LOCKS):
            return ('param', function.params.index(value.name), inner(value))
        path = owner_path(value)
        if path:
            return ('member', path)
        known = value.name in self.types.variables and value.kind in LOCKS
        return ('member', value.name) if known else None

    def sub(self, scope, function, text):
        text = re.sub(r'^\s*\((\w+)\)\s*$', r'\1', text).strip()
        if text in scope.bound:
            text, outer = scope.bound[text]
            return self.sub(outer, function, text)
        if text in function.params:
            return ('param', function.params.index(text))
        return ('text', text)

    def calls(self, function):
        """The Calls in a function's body."""
        scope = Scope(self.types, function)
        found = list(self.inside(scope, function, function.body, 0))
        if not found:
            return []
        plain = {self.lock(scope, function, text) for text in plainly(function.body)}
        plain |= {('member', PLAIN_MEMBERS[name]) for name in plain_names(function.body)}
        plain |= {call.lock for call in found if call.sub and call.sub == ('text', '0')}
        return [replace(call, twice=call.twice or call.lock in plain) for call in found]

    def inside(self, scope, function, text, depth):
        for match in self.names.finditer(text):
            name = match.group(1)
            args = split(text[match.end():closing(text, match.end() - 1) - 1])
            if name in self.macros:
                for macro in self.types.macros[name]:
                    if depth < EXPANSIONS and macro.params is not None:
                        yield from self.inside(scope.macro(macro, args), function, macro.body, depth + 1)
                continue
            always = depth == 0 and unconditional(text, match.start())
            for wrapper in self.wrappers[name]:
                if wrapper.path and wrapper.path != function.path:
                    continue
                call = self.called(scope, function, wrapper, args)
                if call and call.sub == ('text', OWN_KEY):
                    continue
                if call:
                    yield replace(call, always=call.always and always)
                else:
                    self.untyped.append((wrapper.kind, function.path, function.name, squeeze(args[0])))

    def called(self, scope, function, wrapper, args):
        lock, sub = wrapper.lock, wrapper.sub
        if lock[0] == 'param':
            lock = under(self.lock(scope, function, args[lock[1]]), lock[2]) if lock[1] < len(args) else None
        if sub and sub[0] == 'param':
            sub = self.sub(scope, function, args[sub[1]]) if sub[1] < len(args) else ('text', '')
        return Call(wrapper.kind, lock, sub, wrapper.twice, wrapper.always) if lock else None

    def fact(self, function, call):
        what = call.sub[1] if call.sub else '-'
        what = subclass(self.types, what) if call.kind in ('nested', 'set_subclass') else squeeze(what)
        return Fact(call.kind, call.lock[1], function.name, what, call.twice, call.always, function.path, function.static)


def inner(value):
    """The path of a lock in what carries it, as the lock is called: a wait queue's as the queue."""
    return '.'.join(member for kind, member in value.steps if kind not in QUEUES)


def under(lock, path):
    if not lock or not path:
        return lock
    return lock[:-1] + (f'{lock[-1]}.{path}'.strip('.'),)


def unconditional(text, at):
    """Is the call a statement of the function's own block?"""
    before = text[:at].rstrip()
    return before.count('{') - before.count('}') == 1 and before[-1:] in ('{', ';', '}')


def plainly(body):
    """The lock expressions that are taken without annotation."""
    for match in PLAIN.finditer(body):
        if match.group(1) not in PLAIN_MEMBERS:
            yield split(body[match.end():closing(body, match.end() - 1) - 1])[0]


def plain_names(body):
    return {match.group(1) for match in PLAIN.finditer(body)} & set(PLAIN_MEMBERS)


def calling_macros(types, names):
    """Names of macros whose bodies call one of NAMES, directly or through each other."""
    found, new = set(), set(names)
    while new:
        pattern = re.compile(r'\b(?:' + '|'.join(sorted(new)) + r')\s*\(')
        new = {name for name, macros in types.macros.items()
               if name not in found and name not in names and name not in PRIMITIVES
               and not any(OWN_KEY in macro.body for macro in macros)
               and any(macro.params is not None and pattern.search(macro.body) for macro in macros)}
        found |= new
    return found
