# SPDX-License-Identifier: GPL-2.0-only
"""What a trace must say of the locks of tests/kmod/safety."""
import sqlite3
from contextlib import closing

from checks import expect

KINDS = """
    SELECT DISTINCT class.kind FROM class
    JOIN usage ON usage.class = class.id
    JOIN stack_frame ON stack_frame.stack = usage.stack
    JOIN frame ON frame.id = stack_frame.frame
    WHERE frame.text LIKE ? || '+%'"""

TAKEN = """
    SELECT sum(acquisitions) FROM class WHERE kind = 'stack' AND id IN (
        SELECT usage.class FROM usage
        JOIN stack_frame ON stack_frame.stack = usage.stack
        JOIN frame ON frame.id = stack_frame.frame
        WHERE frame.text LIKE 'lv_safety_sleeper+%' OR frame.text LIKE 'lv_safety_wake+%')"""


def kinds(out, function):
    """Where the locks live that were taken below the function."""
    with closing(sqlite3.connect(f'file:{out}/places.db?mode=ro', uri=True)) as capture:
        return {kind for kind, in capture.execute(KINDS, (function,))}


def decoy(out):
    """No stack, whatever the word at the next multiple of 16 KiB below it."""
    found = kinds(out, 'lv_safety_decoy')
    expect(found == {'vmalloc'}, f'the lock in vmalloc lives in {found or "nothing"}')


def sleeper(out):
    """
    On a stack, though its task ran for the last time before anything was armed: the waker's lock is of the
    class of the sleeper's own, which takes it once more when it has been woken.
    """
    expect('vmalloc' not in kinds(out, 'lv_safety_wake'), 'what the waker took lives in vmalloc')
    with closing(sqlite3.connect(f'file:{out}/places.db?mode=ro', uri=True)) as capture:
        taken = capture.execute(TAKEN).fetchone()[0] or 0
    expect(taken >= 2, f'the lock on the stack was seen taken {taken} times, not by waker and sleeper')


SAFETY = {'decoy': decoy, 'sleeper': sleeper}
