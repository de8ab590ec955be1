# SPDX-License-Identifier: GPL-2.0-only
"""C source text, as far as the kernel's style allows without a preprocessor.

Both arms of every #if are read. A function begins with "{" and ends with "}" in column 0.
"""
import os
import re
from dataclasses import dataclass, field

NOISE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
MACRO = re.compile(r'^[ \t]*#[ \t]*define[ \t]+(\w+)(\([^()]*\))?[ \t]*(.*)$', re.MULTILINE)
DIRECTIVE = re.compile(r'^[ \t]*#.*$', re.MULTILINE)
STRUCT = re.compile(r'\b(?:struct|union)\s+(\w+)\s*(?:__\w+\s*)*\{')
TYPEDEF = re.compile(r'\btypedef\s+(?:struct|union)\s*(\w*)\s*\{')
ALIAS = re.compile(r'\btypedef\s+(struct\s+\w+|\w+)\s+(\w+)\s*;')
ENUM = re.compile(r'\benum\b[^;{}()=]*\{')
BODY = re.compile(r'^\{', re.MULTILINE)
PROTOTYPE = re.compile(r'^(?:(?:extern|static|inline|__always_inline|const)\s+)*'
                       r'(struct\s+\w+|spinlock_t|raw_spinlock_t|rwlock_t)\s*(\*+)\s*(?:__\w+\s+)*(\w+)\s*\(',
                       re.MULTILINE)
GLOBAL = re.compile(r'^(?:(?:extern|static|const|__read_mostly)\s+)*(struct\s+\w+|spinlock_t|raw_spinlock_t|rwlock_t)'
                    r'\s+(\**)\s*(\w+)\s*(?:\[[^\]]*\]\s*)*(?:__\w+\s*(?:\([^)]*\))?\s*)*[=;]', re.MULTILINE)
DEFINED = re.compile(r'^(?:static\s+)?(?:DEFINE|DECLARE)_(MUTEX|SPINLOCK|RAW_SPINLOCK|RWLOCK|RWSEM)\s*\(\s*(\w+)\s*\)',
                     re.MULTILINE)
PER_CPU = re.compile(r'^(?:static\s+)?(?:DEFINE|DECLARE)_PER_CPU\w*\s*\(\s*(struct\s+\w+|\w+)\s*(\**)\s*,\s*(\w+)\s*\)', re.MULTILINE)
DEFINED_TYPES = {'MUTEX': 'struct mutex', 'SPINLOCK': 'spinlock_t', 'RAW_SPINLOCK': 'raw_spinlock_t',
                 'RWLOCK': 'rwlock_t', 'RWSEM': 'struct rw_semaphore'}
DECLARATION = re.compile(r'^\s*(?:(?:const|static|volatile|register|__percpu|__rcu)\s+)*'
                         r'((?:struct|union|enum)\s+\w+|\w+)\s+(.+)$', re.DOTALL)
DECLARATOR = re.compile(r'^\s*((?:\*|\bconst\b|\b__(?:iomem|user|rcu|percpu|force|maybe_unused|always_unused|private)\b|\s)*)'
                        r'(\w+)\s*((?:\[[^\]]*\]\s*)*)(?::\s*\w+\s*)?(?:\b_*(?:__\w+|cacheline\w*|ACQUIRED\w*)\s*(?:\([^)]*\))?\s*)*$')
ATTRIBUTE = re.compile(r'\b(?:__(?:packed|aligned|attribute__|randomize_layout|no_randomize_layout|counted_by)|____cacheline\w*)\b'
                       r'(?:\s*\([^;]*\))?')
KEYWORDS = {'return', 'goto', 'else', 'case', 'if', 'while', 'for', 'do', 'switch', 'break', 'continue',
            'sizeof', 'typedef', 'extern'}


@dataclass
class Function:
    name: str
    path: str
    static: bool
    params: list                    # names, in order; '' for one without
    types: dict                     # parameter: (type, pointer depth)
    returns: tuple                  # (type, pointer depth)
    body: str


@dataclass
class Macro:
    params: list                    # None: an object-like macro
    body: str


@dataclass
class Types:
    """What declarations say, of one file or of the whole tree."""
    structs: dict = field(default_factory=dict)     # "struct x": {member: (type, depth, array)}; of the tree:
                                                    # [(path, members)], as a name may stand for several
    aliases: dict = field(default_factory=dict)     # typedef name: type
    returns: dict = field(default_factory=dict)     # function: (type, depth)
    variables: dict = field(default_factory=dict)   # global: (type, depth, array)
    constants: dict = field(default_factory=dict)   # enumerator or macro: number, None: several
    macros: dict = field(default_factory=dict)      # name: [Macro]
    accessors: dict = field(default_factory=dict)   # function that returns a lock: the lock's Value

    def resolve(self, kind):
        """The struct a typedef stands for."""
        for _ in range(4):
            if kind not in self.aliases or kind in self.structs:
                break
            kind = self.aliases[kind]
        return kind
    def members(self, kind, near):
        """The members of a struct as a file sees it: of several the nearest one's."""
        found = self.structs.get(kind, ())
        if len(found) > 1:
            found = [max(found, key=lambda item: (closeness(item[0], near), len(item[1])))]
        return found[0][1] if found else {}

    def merge(self, other, path):
        for name, members in other.structs.items():
            self.structs.setdefault(name, []).append((path, members))
        self.aliases.update(other.aliases)
        for mine, new in ((self.returns, other.returns), (self.variables, other.variables)):
            for name, kind in new.items():
                mine[name] = kind if mine.get(name, kind) == kind else None
        for name, value in other.constants.items():
            self.constants[name] = value if self.constants.get(name, value) == value else None
        for name, macros in other.macros.items():
            self.macros.setdefault(name, []).extend(macros)


def closeness(path, near):
    """How near two files are: one and the same, in one folder, of one name's beginning; then include/."""
    if path == near:
        return (99, 0, 0)
    folder, _, name = path.rpartition('/')
    near_folder, _, near_name = near.rpartition('/')
    common = len(os.path.commonprefix([folder.split('/'), near_folder.split('/')]))
    return (common, path.startswith('include/'), len(os.path.commonprefix([name, near_name])))


def read(path):
    """The text without comments, the content of strings, and line continuations."""
    with open(path, encoding='utf-8', errors='replace') as handle:
        text = handle.read()
    text = NOISE.sub(lambda m: '""' if m.group()[0] == '"' else '0' if m.group()[0] == "'" else ' ', text)
    return text.replace('\\\n', ' ')


def closing(text, start):
    """The index after the bracket that closes the one at START; the end when none does."""
    depth = 0
    for match in re.finditer(r'[][(){}]', text[start:]):
        depth += 1 if match.group() in '([{' else -1
        if depth == 0:
            return start + match.end()
    return len(text)


def split(text, separator=','):
    """Parts between the separators that stand in no brackets."""
    parts, depth, start = [], 0, 0
    for at, char in enumerate(text):
        if char in '([{':
            depth += 1
        elif char in ')]}':
            depth -= 1
        elif char == separator and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    parts.append(text[start:])
    return parts


def declared(statement):
    """[(name, type, pointer depth, array, initialiser)] of a declaration; [] for another statement."""
    match = DECLARATION.match(statement)
    if not match or match.group(1) in KEYWORDS:
        return []
    kind = ' '.join(match.group(1).split()).replace('union ', 'struct ')
    found = []
    for part in split(match.group(2)):
        left, _, init = part.partition('=')
        shape = DECLARATOR.match(left)
        if not shape:
            return found
        found.append((shape.group(2), kind, shape.group(1).count('*'), bool(shape.group(3)), init.strip()))
    return found


def members_of(body, structs, outer):
    """The members of a struct's body; nested named types go to STRUCTS."""
    members, at = {}, 0
    while True:
        match = re.search(r'\b(?:struct|union)(\s+\w+)?\s*(?:__\w+\s*)*\{', body[at:])
        head = body[at:at + match.start()] if match else body[at:]
        for statement in head.split(';'):
            for name, kind, depth, array, _ in declared(statement):
                members[name] = (kind, depth, array)
        if not match:
            return members
        begin = at + match.end() - 1
        end = closing(body, begin)
        inner = members_of(body[begin + 1:end - 1], structs, outer)
        tail, _, _ = body[end:].partition(';')
        shape = DECLARATOR.match(ATTRIBUTE.sub('', tail))
        tag = (match.group(1) or '').strip()
        if shape:
            name = f'struct {tag}' if tag else f'struct {outer}::{shape.group(2)}'
            structs[name] = inner
            members[shape.group(2)] = (name, shape.group(1).count('*'), bool(shape.group(3)))
        else:
            members.update(inner)       # anonymous, tag or not: its members are the outer one's
        at = end + len(tail)


def read_structs(text, types):
    for pattern, typedef in ((STRUCT, False), (TYPEDEF, True)):
        for match in pattern.finditer(text):
            begin = match.end() - 1
            end = closing(text, begin)
            name = match.group(1)
            if typedef:
                alias = re.match(r'\s*(?:__\w+\s*)*(\w+)\s*;', text[end:])
                if not alias:
                    continue
                name = name or f'::{alias.group(1)}'     # anonymous
                types.aliases[alias.group(1)] = f'struct {name}'
            members = members_of(text[begin + 1:end - 1], types.structs, name)
            if len(members) > len(types.structs.get(f'struct {name}', ())):
                types.structs[f'struct {name}'] = members


def read_constants(text, types):
    for match in ENUM.finditer(text):
        end = closing(text, match.end() - 1)
        value = -1
        for part in split(text[match.end():end - 1]):
            name, _, init = (word.strip() for word in part.partition('='))
            if not re.fullmatch(r'\w+', name):
                value = None
                continue
            if init:
                value = int(init, 0) if re.fullmatch(r'0[xX][0-9a-fA-F]+|[1-9]\d*|0', init) else None
            elif value is not None:
                value += 1
            types.constants[name] = value


def read_macros(text, types):
    for match in MACRO.finditer(text):
        name, params, body = match.groups()
        body = body.strip()
        if params is None:
            number = re.fullmatch(r'\(?\s*(0[xX][0-9a-fA-F]+|[1-9]\d*|0)[uUlL]*\s*\)?', body)
            if number:
                types.constants[name] = int(number.group(1), 0)
            elif re.fullmatch(r'[a-z_]\w*(\.\w+)*', body):
                types.macros.setdefault(name, []).append(Macro(None, body))
        elif body and body != 'do { } while (0)':
            names = [word.strip() for word in params[1:-1].split(',')]
            types.macros.setdefault(name, []).append(Macro(names, body))


def read_types(text):
    """The Types of one file's text."""
    types = Types()
    read_macros(text, types)
    text = DIRECTIVE.sub('', text)
    read_structs(text, types)
    read_constants(text, types)
    for kind, name in ALIAS.findall(text):
        if f'struct {name}' != ' '.join(kind.split()):
            types.aliases[name] = ' '.join(kind.split())
    for kind, stars, name in PROTOTYPE.findall(text):
        types.returns[name] = (' '.join(kind.split()), len(stars))
    for kind, stars, name in GLOBAL.findall(text):
        types.variables[name] = (' '.join(kind.split()), len(stars), False)
    for kind, stars, name in PER_CPU.findall(text):
        types.variables[name] = (' '.join(kind.split()), len(stars), False)
    for kind, name in DEFINED.findall(text):
        types.variables[name] = (DEFINED_TYPES[kind], 0, False)
    return types


def symbol(name, arguments):
    """A system call is called as its table has it, without what an architecture puts before: sys_read."""
    call = re.match(r'(COMPAT_)?SYSCALL_DEFINE\d$', name)
    if not call:
        return name
    return ('compat_sys_' if call.group(1) else 'sys_') + re.match(r'\s*(\w*)', arguments).group(1)


def functions(text, path):
    """The functions defined in the text, macros left out."""
    text = DIRECTIVE.sub('', text)
    for match in BODY.finditer(text):
        begin = match.start()
        head = text[max(0, begin - 2000):begin]
        head = head[max(head.rfind(';'), head.rfind('}')) + 1:]
        open_at = head.find('(')
        name = re.search(r'(\w+)\s*$', head[:open_at]) if open_at > 0 else None
        if not name or name.group(1) in KEYWORDS:
            continue
        before = head[:name.start()]
        name = symbol(name.group(1), head[open_at + 1:])
        end = text.find('\n}', begin)
        returns = re.search(r'((?:struct|union)\s+\w+|\w+)\s*(\**)\s*(?:__\w+\s+)*$', before)
        params, kinds = [], {}
        for part in split(head[open_at + 1:closing(head, open_at) - 1]):
            found = declared(part.strip())
            params.append(found[0][0] if found else '')
            if found:
                kinds[found[0][0]] = (found[0][1], found[0][2] + found[0][3], False)
        yield Function(name, path, bool(re.search(r'\bstatic\b', before)), params, kinds,
                       (' '.join(returns.group(1).split()), len(returns.group(2))) if returns else ('', 0),
                       text[begin:end if end > 0 else len(text)])
