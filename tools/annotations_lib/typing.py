# SPDX-License-Identifier: GPL-2.0-only
"""The type of an expression, and the struct member a lock expression names."""
import re
from dataclasses import dataclass

from .ctext import closing, declared, split

LOCKS = {'spinlock_t', 'raw_spinlock_t', 'rwlock_t', 'struct mutex', 'struct rw_semaphore', 'struct rt_mutex',
         'struct ld_semaphore', 'struct percpu_rw_semaphore', 'socket_lock_t', 'struct spinlock', 'struct raw_spinlock',
         'struct rt_mutex_base', 'struct ww_mutex', 'struct srcu_struct'}
# Locks inside these are called by what the struct lies in: dentry.d_lock.
CARRIERS = {'struct lockref', 'struct wait_queue_head', 'wait_queue_head_t', 'struct completion', 'struct sk_buff_head',
            'struct xarray', 'struct maple_tree', 'struct swait_queue_head', 'struct ww_mutex', 'struct f2fs_rwsem', 'struct ::mrlock_t'}
QUEUES = {'struct wait_queue_head', 'struct swait_queue_head'}
LOCK_POINTERS = {(kind, 1) for kind in LOCKS}
PTE_LOCK = re.compile(r'\bpte_offset_map\w*\([^;]*&(\w+)\s*\)')    # gives the page table's lock back
# What lies over a struct page has its locks there.
# Members of members that the sources call by a macro (include/linux/dcache.h), as user/kernel/lockpath.c does.
MACROS = {('d_lockref', 'lock'): ['d_lock']}
OVERLAYS = {'ptdesc': 'page', 'folio': 'page', 'slab': 'page'}
TOKEN = re.compile(r'\s*(->|[A-Za-z_]\w*|\d\w*|.)', re.DOTALL)
DEPTH = 12


@dataclass
class Value:
    """An expression's type, and where in its outermost object it lies."""
    kind: str
    depth: int = 0                  # of pointers
    array: bool = False
    steps: tuple = ()               # (struct, member) since the last pointer was followed
    name: str = ''                  # of the variable it is, when it is one

    def deref(self):
        """What it points to, or an element of it."""
        if self.array:
            return Value(self.kind, self.depth, False, self.steps, self.name)
        if self.depth:
            # A pointer made by & keeps its steps; another one forgets them.
            return Value(self.kind, self.depth - 1, False, self.steps if self.pointed else (), self.name)
        return self

    pointed: bool = False           # made by &


class Scope:
    """The names a function's expressions may use."""

    def __init__(self, types, function=None, depth=0):
        self.types = types
        self.path = function.path if function else ''
        self.names = dict(function.types) if function else {}
        self.init = {}
        self.bound = {}             # a macro's parameter: (text, Scope)
        self.depth = depth
        for statement in re.split(r'[;{}]', function.body) if function else ():
            self.declare(statement)
            self.assign(statement)

    def declare(self, statement):
        for name, kind, depth, array, init in declared(statement):
            if kind not in LOCKS and not kind.startswith('struct') and kind not in self.types.aliases:
                continue
            if name in self.names and kind not in LOCKS and not kind.startswith('struct'):
                continue
            self.names[name] = (kind, depth, array)
            if init and depth == 1:
                self.init[name] = init

    def assign(self, statement):
        """Takes a lock pointer's first assignment for its value."""
        match = re.match(r'^\s*(\w+)\s*=([^=].*)$', statement, re.DOTALL)
        if match and match.group(1) in self.names and self.names[match.group(1)][:2] in LOCK_POINTERS:
            self.init.setdefault(match.group(1), match.group(2))
        for name in PTE_LOCK.findall(statement):
            self.init.setdefault(name, '&((struct ptdesc *)0)->ptl')

    def type(self, text):
        """The Value of an expression, or None."""
        if self.depth > DEPTH:
            return None
        return Parser(self, text).parse()

    def macro(self, macro, args):
        scope = Scope(self.types, None, self.depth + 1)
        scope.names, scope.init, scope.path = dict(self.names), dict(self.init), self.path
        scope.bound = {name: (args[i], self) for i, name in enumerate(macro.params) if i < len(args)}
        for statement in re.split(r'[;{}]', macro.body):
            scope.declare(statement)
        return scope


class Parser:
    """Casts, &, *, members, calls and indices: what lock expressions are made of."""

    def __init__(self, scope, text):
        self.scope = scope
        self.types = scope.types
        self.tokens = [t for t in TOKEN.findall(text.strip()) if t.strip()]
        self.at = 0

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else ''

    def next(self):
        self.at += 1
        return self.tokens[self.at - 1] if self.at <= len(self.tokens) else ''

    def parse(self):
        value = self.unary()
        if value and self.peek() == '+':
            return value            # an array's element
        return value if self.at >= len(self.tokens) else None

    def unary(self):
        token = self.peek()
        if token == '&':
            self.next()
            value = self.unary()
            if not value:
                return None
            if value.array:
                return value
            return Value(value.kind, value.depth + 1, False, value.steps, value.name, True)
        if token == '*':
            self.next()
            value = self.unary()
            return value.deref() if value else None
        if token == '(' and (cast := self.cast()):
            inner = self.unary()
            return cast if not inner or not inner.steps else Value(cast.kind, cast.depth)
        return self.postfix(self.primary())

    def group(self):
        """The tokens up to the bracket that closes the one just read."""
        depth, begin = 1, self.at
        while depth and self.at < len(self.tokens):
            token = self.next()
            depth += (token in '([{') - (token in ')]}')
        return self.tokens[begin:self.at - 1]

    def cast(self):
        begin = self.at
        self.next()
        inner = ' '.join(self.group())
        match = re.fullmatch(r'(?:const )?((?:struct|union) \w+|\w+)((?: \*)+)', inner)
        if match and (match.group(1).startswith(('struct', 'union')) or match.group(1) not in self.scope.names):
            return Value(match.group(1), match.group(2).count('*'))
        self.at = begin
        return None

    def primary(self):
        token = self.next()
        if token == '(':
            inner = Parser(self.scope, ' '.join(self.group()))
            return inner.parse()
        if not re.fullmatch(r'[A-Za-z_]\w*', token):
            return None
        if self.peek() == '(':
            self.next()
            return self.call(token, split(' '.join(self.group())))
        return self.variable(token)

    def variable(self, name):
        scope = self.scope
        if name in scope.bound:
            text, outer = scope.bound[name]
            return outer.type(text)
        known = scope.names.get(name) or self.types.variables.get(name)
        init = scope.init.get(name)
        if init and (known[0] in LOCKS or known[0] == 'struct lockref') and scope.depth < DEPTH:
            scope.depth += 1
            value = scope.type(init)
            scope.depth -= 1
            if value:
                return value
        if known:
            kind, depth, array = known
            return Value(kind, depth, array, (), name)
        for macro in self.types.macros.get(name, ()):
            if macro.params is None:
                return scope.type(macro.body)
        return None

    def call(self, name, args):
        if name in ('container_of', 'container_of_const', 'list_entry', 'rb_entry', 'list_first_entry', 'hlist_entry') \
                and len(args) >= 2:
            return Value(' '.join(args[1].split()), 1)
        if name in ('READ_ONCE', 'rcu_dereference', 'rcu_dereference_protected', 'per_cpu_ptr', 'this_cpu_ptr',
                    'rcu_dereference_raw', 'rcu_dereference_bh', 'rcu_dereference_check', 'lockdep_unlock_cast'):
            return self.scope.type(args[0])
        if name in ('per_cpu', 'this_cpu_read'):
            return self.scope.type(args[0])
        if name == 'ACCESS_PRIVATE' and len(args) == 2:
            return self.scope.type(f'({args[0]})->{args[1]}')
        known = self.types.accessors.get(name)
        if known:
            return known
        known = self.types.returns.get(name)
        if known:
            return Value(known[0], known[1])
        for macro in self.types.macros.get(name, ()):
            if macro.params is None:
                continue
            value = self.scope.macro(macro, args).type(macro.body) if self.scope.depth < DEPTH else None
            if value:
                return value
            match = re.search(r'\b(?:container_of|list_entry|rb_entry)\s*\(', macro.body)
            if match:
                inner = split(macro.body[match.end():closing(macro.body, match.end() - 1) - 1])
                if len(inner) == 3 and inner[1].strip() not in macro.params:
                    return Value(' '.join(inner[1].split()), 1)
        return None

    def postfix(self, value):
        while value:
            token = self.peek()
            if token in ('->', '.'):
                self.next()
                value = self.member(value.deref() if token == '->' else value, self.next())
            elif token == '[':
                self.next()
                self.group()
                value = value.deref()
            else:
                break
        return value

    def member(self, value, name):
        kind = self.types.resolve(value.kind)
        if value.depth or value.array:
            return None
        members = self.types.members(kind, self.scope.path)
        if name not in members:
            for macro in self.types.macros.get(name, ()):
                if macro.params is None:
                    for part in macro.body.split('.'):
                        value = self.member(value, part) if value else None
                    return value
            return None
        found, depth, array = members[name]
        return Value(found, depth, array, value.steps + ((kind, name),), value.name)


def owner_path(value):
    """"struct.member" of a lock's Value, named from the innermost struct that is more than a lock."""
    if not value.steps:
        return None
    begin = 0
    for at, (kind, _) in enumerate(value.steps):
        if kind not in CARRIERS and '::' not in kind and kind not in LOCKS:
            begin = at
    owner = value.steps[begin][0].split(' ', 1)[1].strip(':')
    members = [member for _, member in value.steps[begin:]]
    if value.steps[-1][0] in QUEUES and len(members) > 1:
        members.pop()               # a wait queue's lock is called as the queue
    members = members[:-2] + MACROS.get(tuple(members[-2:]), members[-2:])
    return '.'.join([OVERLAYS.get(owner, owner)] + members)
