# SPDX-License-Identifier: GPL-2.0-only
"""Tables in Markdown, and where in docs/truth.md they stand."""
from pathlib import Path

PAGE = Path('docs/truth.md')


def share(part, whole):
    return part / whole if whole else 1.0


def percent(part, whole):
    return f'{100 * share(part, whole):.2f} %' if whole else '-'


def table(heads, rows):
    lines = [f'| {" | ".join(heads)} |', f'|{"---|" + "---:|" * (len(heads) - 1)}']
    return [*lines, *(f'| {" | ".join(map(str, row))} |' for row in rows)]


def write(mark, lines):
    """Replace what stands between the two marker lines."""
    text = PAGE.read_text(encoding='utf-8')
    begin, end = f'<!-- {mark} begins -->\n', f'<!-- {mark} ends -->\n'
    head, _, rest = text.partition(begin)
    body = ''.join(f'{line}\n' for line in lines)
    PAGE.write_text(head + begin + body + end + rest.partition(end)[2], encoding='utf-8')
