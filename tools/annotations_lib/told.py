# SPDX-License-Identifier: GPL-2.0-only
"""Orders that lockdep is told before they happen, and allocations that it is not told of.

fs_reclaim_acquire(), a lock, fs_reclaim_release(): from then on lockdep has the lock under reclaim. An allocation with
__GFP_NOLOCKDEP is none to lockdep; without lockdep the flag is 0.
"""
import re

from .ctext import closing, split
from .facts import Fact
from .typing import Scope, owner_path

UNDER = 'fs_reclaim'
BEGIN = re.compile(rf'\b{UNDER}_acquire\s*\(')
END = re.compile(rf'\b{UNDER}_release\s*\(')
# What acquires its first argument.
ACQUIRES = re.compile(r'\b(might_lock(?:_read|_nested)?|(?:mutex|rwsem|spin|rwlock)_acquire(?:_read)?|lock_map_acquire(?:_read)?'
                      r'|mutex_lock|down_(?:read|write)|spin_lock(?:_irq|_bh)?)\s*\(')
MEMBERS = re.compile(r'\b(i_mmap_lock_(?:write|read))\s*\(')
MEMBER_OF = {'i_mmap_lock_write': 'address_space.i_mmap_rwsem', 'i_mmap_lock_read': 'address_space.i_mmap_rwsem'}
UNTOLD = re.compile(r'\b__GFP_NOLOCKDEP\b')
# Reclaim itself, and code that hands the flag on.
LEFT_OUT = ('mm/', 'include/')


def first_argument(text, match):
    return split(text[match.end():closing(text, match.end() - 1) - 1])[0].strip()


def regions(body):
    """The code between the two calls."""
    for match in BEGIN.finditer(body):
        end = END.search(body, match.end())
        if end:
            yield body[match.end():end.start()]


def member(scope, function, text):
    """("member", name), ("param", index) or None: a lock, or a lockdep map without one."""
    text = re.sub(r'(->|\.)\s*dep_map\s*$', '', text)
    if text.lstrip('& ') in function.params:
        return 'param', function.params.index(text.lstrip('& '))
    value = scope.type(text)
    path = owner_path(value) if value else None
    name = path or (value.name if value else '')
    return ('member', name) if name else None


def fact(kind, name, function, what):
    return Fact(kind, name, function.name, what, False, True, function.path, function.static)


def acquired(types, function, text):
    """What a piece of a function acquires."""
    scope = Scope(types, function)
    for match in MEMBERS.finditer(text):
        yield 'member', MEMBER_OF[match.group(1)]
    for match in ACQUIRES.finditer(text):
        found = member(scope, function, first_argument(text, match))
        if found:
            yield found


def of_function(types, function):
    """(facts, parameters that are told of): what is acquired between the two calls."""
    facts, params = [], set()
    if function.path.startswith(LEFT_OUT):
        return facts, params
    for text in regions(function.body):
        for sort, found in acquired(types, function, text):
            if sort == 'param':
                params.add(found)
            else:
                facts.append(fact('under', found, function, f'{UNDER}:{function.path}'))
    return facts, params


def of_callers(types, function, tellers):
    """Facts of the calls of functions that tell of a parameter: {name: {index}}."""
    facts = []
    pattern = re.compile(r'\b(' + '|'.join(sorted(tellers)) + r')\s*\(')
    scope = Scope(types, function)
    for match in pattern.finditer(function.body):
        args = split(function.body[match.end():closing(function.body, match.end() - 1) - 1])
        for index in tellers[match.group(1)]:
            found = member(scope, function, args[index].strip()) if index < len(args) else None
            if found and found[0] == 'member':
                facts.append(fact('under', found[1], function, f'{UNDER}:{function.path}'))
    return facts


def untold(function):
    """Does it allocate so that lockdep is not told?"""
    return [] if function.path.startswith(LEFT_OUT) else [fact('nolockdep', '-', function, '-')]
