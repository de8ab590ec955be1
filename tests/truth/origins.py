# SPDX-License-Identifier: GPL-2.0-only
"""Of which struct a lock is that was initialised with a key: from the kernel's debug information.

lockdep's name is the text of an expression, "&pmc->lock", and says no type. The key is a static variable
of the function where that stands, and the function has a variable pmc."""
import re
import subprocess

DUMP = 'llvm-dwarfdump'
DIE = re.compile(r'0x([0-9a-f]+): +(DW_TAG_\w+)')
ATTRIBUTE = re.compile(r' +(DW_AT_\w+)\t\((.*)\)$')


def entries(*words):
    """(offset, tag, attributes) of the debug information's entries that are asked for, in order."""
    text = subprocess.run([DUMP, *words], capture_output=True, text=True, check=True).stdout
    entry = None
    for line in text.splitlines():
        if match := DIE.match(line):
            if entry:
                yield entry
            entry = (int(match[1], 16), match[2], {})
        elif entry and (match := ATTRIBUTE.match(line)):
            entry[2][match[1]] = match[2]
    if entry:
        yield entry


class Origins:
    def __init__(self, vmlinux):
        self.vmlinux = vmlinux
        self.functions = None       # {address of a key: offset of its function's entry}

    def find_functions(self):
        """Some seconds, and only if anybody asks."""
        self.functions, function = {}, None
        if not self.vmlinux or not self.vmlinux.exists():
            return
        for offset, tag, attributes in entries('--name=__key', '-p', str(self.vmlinux)):
            if tag == 'DW_TAG_compile_unit':
                function = None
            elif tag == 'DW_TAG_subprogram':
                function = offset
            elif match := re.match(r'DW_OP_addr 0x([0-9a-f]+)', attributes.get('DW_AT_location', '')):
                self.functions[int(match[1], 16)] = function

    def member(self, key, name):
        """("ip_mc_list", "lock") for "&pmc->lock". None: not known, or two variables are called so."""
        expression = re.match(r'&?(\w+)->([\w.\[\]]+)$', name)
        if self.functions is None:
            self.find_functions()
        function = self.functions.get(key)
        if not expression or function is None:
            return None
        types = set()
        for _, tag, attributes in entries(f'--debug-info={function:#x}', '-c', str(self.vmlinux)):
            if tag in ('DW_TAG_variable', 'DW_TAG_formal_parameter') and \
                    attributes.get('DW_AT_name') == f'"{expression[1]}"':
                types.add(re.sub(r'^0x\w+ ', '', attributes.get('DW_AT_type', '')))
        match = re.match(r'^"(\w+) \*( const)?"$', types.pop()) if len(types) == 1 else None
        return (match[1], expression[2]) if match else None
