#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""docs/ten-tasks.md, held against what its commands said in a guest. As a program: print the page's commands with
all that they said, from a folder of such a guest, to write the page by."""
import re
import sys
from pathlib import Path

from checks import expect, read

PAGE = Path(__file__).resolve().parent.parent.parent / 'docs/ten-tasks.md'
PROMPT = '\t# '
WORDS_A_MINUTE = 230        # of prose, as a slow reader reads
LINES_A_MINUTE = 60         # of a transcript


def tasks(text):
    """[(number, [(command, [line it says])], words of prose)] of the page."""
    found = []
    for line in text.splitlines():
        if heading := re.match(r'## (\d+)\. ', line):
            found.append((int(heading.group(1)), [], []))
        elif not found:
            continue
        elif line.startswith(PROMPT):
            found[-1][1].append((line[len(PROMPT):], []))
        elif line.startswith('\t'):
            expect(found[-1][1], f'an answer without a command: {line}')
            found[-1][1][-1][1].append(line[1:])
        else:
            found[-1][2].extend(line.split())
    return found


def plain(line):
    """Without what is another in each run: ids, addresses, numbers, how wide they are; and how sure a finding is, as it
    is told as soon as it is found, and may become surer."""
    line = re.sub(r'\b[0-9a-f]{12}\b|\b[0-9a-f]{16}\b|\b[0-9a-f]{8}\b', 'ID', line)
    line = re.sub(r'\b(?:confirmed|certain|likely)\b', 'SURE', line)
    return re.sub(r'\s+', ' ', re.sub(r'\d+(?:\.\d+)*', 'N', line)).strip()


def agree(shown, said):
    """The first line of SHOWN that is not in SAID, in this order; '...' stands for any lines. None: all are."""
    at, skips = 0, False
    for line in shown:
        if line.strip() == '...':
            skips = True
            continue
        wanted = plain(line)
        while skips and at < len(said) and said[at] != wanted:
            at += 1
        if at >= len(said) or said[at] != wanted:
            return line
        at, skips = at + 1, False
    return None if skips or at == len(said) else f'(the end, but it goes on: {said[at]})'


def true(out):
    """Each answer on the page is what the command said."""
    wrong = []
    for task, commands, _ in tasks(read(PAGE)):
        for number, (command, shown) in enumerate(commands, 1):
            said = [plain(line) for line in read(out / f'{task}-{number}.out').splitlines()]
            if differs := agree(shown, said):
                wrong.append(f'{task}: {command}: {differs}')
    expect(not wrong, f'{len(wrong)} answers differ: {wrong[:4]}')


def short(_out):
    """Ten tasks, each read in less than a minute."""
    found = tasks(read(PAGE))
    expect([task for task, _, _ in found] == list(range(1, 11)), f'tasks {[task for task, _, _ in found]}')
    for task, commands, words in found:
        lines = sum(1 + len(shown) for _, shown in commands)
        expect(commands, f'task {task} has no command')
        minutes = len(words) / WORDS_A_MINUTE + lines / LINES_A_MINUTE
        expect(minutes < 1, f'task {task}: {len(words)} words and {lines} lines')


CASES = {'true': true, 'short': short}


def main(out):
    for task, commands, _ in tasks(read(PAGE)):
        print(f'## {task}')
        for number, (command, _) in enumerate(commands, 1):
            print(PROMPT + command)
            for line in read(out / f'{task}-{number}.out').splitlines():
                print(f'\t{line}')


if __name__ == '__main__':
    main(Path(sys.argv[1]))
