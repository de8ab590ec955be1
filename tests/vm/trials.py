# SPDX-License-Identifier: GPL-2.0-only
"""The trials: public bugs of stock kernels that must be reported, and innocents that must not."""
import fnmatch
import json

from checks import expect, read


def is_sure(found):
    return found['confidence'] != 'weak'


def text(found):
    return f'{found["rule"]} {found["confidence"]}: {" --> ".join(found["chain"])}'


def is_about(found, locks):
    """Each of LOCKS, patterns of names, is in the finding's chain."""
    return all(fnmatch.filter(found['chain'], lock) for lock in locks)


def findings(out):
    return json.loads(read(out / 'trial.json'))['findings']


def reported(locks):
    """A finding about LOCKS is likely or better."""
    def test(out):
        expect(any(is_sure(found) and is_about(found, locks) for found in findings(out)),
               f'no {" and ".join(locks)} in: {[text(found) for found in findings(out)]}')
    return test


def nothing_else(locks):
    """No finding is likely or better, but for one about LOCKS."""
    def test(out):
        others = [text(found) for found in findings(out)
                  if is_sure(found) and not (locks and is_about(found, locks))]
        expect(not others, f'{len(others)} too many: {others[:5]}')
    return test


def cases(*locks):
    """The checks of a trial that must report LOCKS, or nothing."""
    tests = {'reported': reported(locks)} if locks else {}
    return tests | {'nothing_else': nothing_else(locks)}
