# SPDX-License-Identifier: GPL-2.0-only
"""The guests: which kernel, which script, and what the host checks of what comes back."""
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

import checks
import counts
import matrix
import pseudo
import safety
import store
import tasks
import trials

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'trials'))
import load  # noqa: E402

UFFD, ABBA, COUNTS = 'uffd2019', 'abba', 'counts'     # of tests/kmod
SAFETY, PSEUDO, HANG, TORTURE = 'safety', 'pseudo', 'hang', 'torture'
LOAD = 'mixed -s 20 -j 4'
LONG_LOAD = f'everything.sh {os.environ.get("LOAD_SECONDS") or 600}'


@dataclass(frozen=True)
class Guest:
    name: str
    kernel: str
    script: str
    about: str
    seconds: int = 300              # limit; several times what an idle machine takes
    kmods: tuple = ()               # modules it wants
    puts: tuple = ()                # what else of build/ goes in
    trials: tuple = ()              # scripts of tests/trials/
    programs: tuple = ()            # of this machine
    modules: tuple = ()             # of the kernel's own, loaded before if it has them
    debs: tuple = ()                # packages of these versions
    pages: tuple = ()               # of docs/
    packages: tuple = ()            # of Debian's, in a guest with --debian
    store: tuple = ()               # database and role it pushes to, and what happens on the road there
    groups: tuple = ('check',)      # when it runs
    label: str = ''                 # what its row of a table adds to the release
    lockdep: bool = False           # hands out lockdep's own report
    options: tuple = ()             # of tools/vm run
    env: dict = field(default_factory=dict)
    check: dict = field(default_factory=dict)


def in_matrix(kernel, suffix='', label='', options=(), check='0', seconds=900, **shows):
    """A kernel's row of the matrix."""
    return Guest(f'matrix-{kernel}{suffix}', kernel, 'matrix.sh', 'what each kernel must show',
                 seconds=seconds, kmods=(UFFD, ABBA), groups=('matrix',), label=label,
                 options=options, env={'CHECK': check, 'LOAD': LOAD}, check=matrix.cases(**shows))


def counted(kernel, groups, suffix='', options=(), hidden=False, seconds=300):
    """A known number of acquisitions."""
    return Guest(f'counts-{kernel}{suffix}', kernel, 'counts.sh', 'a known number of acquisitions',
                 seconds=seconds, kmods=(COUNTS,), groups=groups, options=options,
                 env={'ROUNDS': str(counts.ROUNDS)},
                 check=counts.HIDDEN if hidden else counts.COUNTS)


def under_load(name, kernel, script, **fields):
    """Ten minutes of everything."""
    return Guest(name, kernel, script, 'ten minutes of everything', seconds=5400, groups=('load',),
                 trials=load.SCRIPTS, programs=load.PROGRAMS, modules=load.MODULES,
                 options=('-m', '4000', '--expect-oom'), env={'LOAD': LONG_LOAD}, **fields)


def loaded(kernel):
    return under_load(f'load-{kernel}', kernel, 'load.sh', check=matrix.LOAD)


def trial(name, kernel, about, *locks, modules=(), programs=(), puts=(), groups=('trials',), script=None,
          seconds=600):
    """A script of tests/trials/, the locks that must be reported, and no others."""
    script = script or f'{name}.sh'
    return Guest(f'trial-{name}-{kernel}', kernel, 'trial.sh', about, seconds=seconds, groups=groups,
                 trials=(script.split()[0], 'disk.sh'), programs=('bash', *programs), modules=modules, puts=puts,
                 options=('-m', '2000', '--expect-oom'), env={'TRIAL': script},
                 check=trials.cases(*locks))


def half(host, order, cases, troubles=()):
    """Half of the founding order, pushed to the store that the other half is pushed to."""
    return Guest(f'fleet-{host}', '6.12', 'fleet.sh', 'half of a lock order, pushed', kmods=(UFFD,),
                 puts=('lockvane-fleet',), store=(store.DATABASE, 'lockvane_pusher', troubles),
                 groups=('check', 'fleet'), env={'HOST': host, 'HALF': order, 'CASES': ' '.join(cases)})


QDISC = {'modules': ('dummy', 'sch_prio', 'sch_htb', 'cls_u32', 'act_mirred'),
         'programs': ('ip', 'tc', 'ping')}


@dataclass(frozen=True)
class Comparison:
    name: str
    guests: tuple
    check: dict


TORTURERS = ('workloads/hog', 'tests/torture/kills', 'tests/torture/cycles')
ROUNDS = int(os.environ.get('TORTURE_ROUNDS') or 100)
SEED = {'SEED': os.environ['TORTURE_SEED']} if os.environ.get('TORTURE_SEED') else {}


def torture(name, kernel, about, groups=('torture',), seconds=8 * 3600, env=None,
            **rounds):
    """Little memory, so that it soon runs out; each kind so often."""
    env = (env or {}) | {kind: str(count) for kind, count in rounds.items()}
    return Guest(name, kernel, 'torture.sh', about, seconds=seconds, groups=groups,
                 kmods=(UFFD,), puts=TORTURERS, options=('-m', '512', '--expect-oom'), env=env | SEED)


def tortures(kernel):
    """All of it: kills apart from the rest, as both take long."""
    some, few = max(1, ROUNDS // 5), max(1, ROUNDS // 10)
    yield torture(f'torture-kills-{kernel}', kernel, 'killed at random moments', KILLS=ROUNDS)
    yield torture(f'torture-{kernel}', kernel, 'hooks, modules, CPUs, memory that come and go',
                  CYCLES=2 * ROUNDS, RUNS=few, STIRRED=some, MODULES=some, CPUS=some,
                  HOGS=some, OOMS=few)


def meanwhile(kernel):
    """A kernel with PM_DEBUG."""
    return Guest(f'meanwhile-{kernel}', kernel, 'meanwhile.sh', 'what else happens on a host', seconds=7200,
                 kmods=(UFFD, TORTURE), puts=('workloads/events', 'tests/torture/tracer'), groups=('torture',),
                 options=('-m', '512', '--hot-memory', '256'), env={'TIMES': str(max(1, ROUNDS // 10))})


# The long ones first: two run at a time.
GUESTS = (
    Guest('ten', '6.12', 'ten.sh', 'ten traces in a row', seconds=1200, kmods=(UFFD,)),
    Guest('ends', '6.12', 'ends.sh', 'traces ended, whenever and however', seconds=1200),
    Guest('founding-6.12', '6.12', 'founding.sh', 'the founding case and its innocent twins',
          seconds=600, kmods=(UFFD,), check=checks.FOUNDING),
    Guest('founding-6.1', '6.1', 'founding.sh', 'the same', seconds=600, kmods=(UFFD,),
          check=checks.FOUNDING),
    Guest('monitor', '6.12', 'monitor.sh', 'watched for long: found once, counted, kept',
          seconds=900, kmods=(UFFD,)),
    Guest('monitor-budget', '6.12', 'monitor_budget.sh', 'a budget on a busy machine', seconds=3600,
          groups=('soak',)),
    Guest('soak', '6.12', 'soak.sh', 'the monitor under load, for an hour', seconds=6000,
          kmods=(UFFD,), groups=('soak',), env={'SOAK': os.environ.get('SOAK_SECONDS') or '3600'}),
    Guest('real', 'small-2019', 'real.sh', 'the bug of 2019 itself', seconds=600,
          check=checks.REAL),
    Guest('safety', '6.12', 'safety.sh', 'what must not be done to a host', seconds=2400,
          kmods=(SAFETY,), puts=('workloads/events',), options=('-m', '1000'), check=safety.SAFETY),
    Guest('refusals', '6.12', 'refusals.sh', 'bad input, and what may be missing', seconds=600),
    Guest('conditions', '6.12', 'conditions.sh', 'conditions that users of such tools met', seconds=1800,
          kmods=(UFFD, TORTURE), puts=('tests/torture/tracer',), programs=('objcopy',), groups=('conditions',),
          options=('--expect-oom',), check=checks.CONDITIONS),
    Guest('loads', '6.12', 'loads.sh', 'programs as for a kernel without PREEMPTION', seconds=600, groups=('loads',),
          puts=('tests/torture/loads',), env={'WORDS': 'nopreempt'}),
    Guest('loads-others', '6.12', 'loads.sh', 'the same for others', seconds=900, groups=('loads',),
          puts=('tests/torture/loads',), env={'WORDS': 'preempt noirq'}),
    Guest('cpus', '6.12', 'cpus.sh', '64 possible CPUs, and one that comes',
          options=('--possible-cpus', '64')),
    Guest('innocent-7.2', '7.2', 'innocent.sh', 'the newest kernel'),
    *(Guest(f'pseudo-{kernel}', kernel, 'pseudo.sh', 'what is waited for like a lock', seconds=900,
            kmods=(PSEUDO,), modules=('loop', 'ext4', *load.CHECKSUMS), programs=('mkfs.ext4',), trials=('disk.sh',),
            env={'CHECK': check}, groups=groups, check=pseudo.PRODUCTION)
      for kernel, check, groups in (('6.1', '0', ('check',)), ('6.12', '0', ('pseudo',)),
                                    ('7.2', '3', ('pseudo',)))),
    *(Guest(f'lockdep-{kind}', 'wide-lockdep', 'pseudo_lockdep.sh', 'the oracle', kmods=(PSEUDO,),
            programs=('mkfs.ext4',), trials=('disk.sh',), env={'WORDS': words}, lockdep=True, groups=('pseudo',),
            check={'says': pseudo.lockdep_says(kind)})
      for kind, words in pseudo.GUILTY.items() if pseudo.PAIRS[kind].lockdep),
    Guest('lockdep-innocent', 'wide-lockdep', 'pseudo_lockdep.sh', 'the oracle', kmods=(PSEUDO,),
          programs=('mkfs.ext4',), trials=('disk.sh',), env={'WORDS': pseudo.INNOCENT}, lockdep=True, groups=('pseudo',),
          check={'says_nothing': pseudo.lockdep_is_silent}),
    Guest('hang-6.12', '6.12', 'hang.sh', 'what hangs is told while it hangs', seconds=1800, kmods=(HANG,)),
    *(Guest(f'hang-{kernel}', kernel, 'hang.sh', 'the same', seconds=1800, kmods=(HANG,), groups=('matrix',))
      for kernel in ('6.1', '7.2')),
    Guest('lockdep-cancel', 'small-2019-lockdep', 'lockdep.sh', 'the oracle', lockdep=True),
    Guest('lockdep-no-cancel', 'small-2019-lockdep', 'lockdep.sh', 'the oracle', lockdep=True,
          env={'ARGS': '--no-cancel'}),
    torture('torture-short', '6.12', 'a little of make torture', groups=('check', 'torture'),
            seconds=1800,
            env={'JOBS': '1', 'ARGS': '--locks spin,rw'},
            KILLS=2, OOMS=1, MODULES=2, CPUS=2, HOGS=1),
    Guest('package', '6.12', 'package.sh', "the package's life on a Debian", seconds=900,
          kmods=(UFFD,), debs=('0.1', '0.1+1'), options=('--debian',), groups=('package',)),
    half('poller', 'poll', ('refused', 'cut', 'killed', 'server', 'again'), store.TROUBLES),
    half('reader', 'read', ('pushed', 'again')),
    Guest('tasks', '6.12', 'tasks.sh', 'what a new user does, by a page', seconds=1200, kmods=(UFFD,),
          debs=('0.1',), pages=(tasks.PAGE.name,), packages=('apt', 'jq', 'libpq5'), options=('--debian',),
          store=('tasks', 'lockvane_pusher, lockvane_analyst', ()), groups=('package',), check=tasks.CASES),
    Guest('hazard', '6.1-old', 'hazard.sh', 'a kernel that tracing can hang'),
    Guest('too-old', '5.10', 'impossible.sh', 'a kernel that is too old',
          env={'WORDS': 'needs 6.1 or later'}, groups=('check', 'matrix')),
    Guest('arm64-inlined', 'arm64-6.12', 'impossible.sh', 'a kernel whose locks are inlined', seconds=600,
          env={'WORDS': 'locks are inlined'}, groups=('matrix',)),
    Guest('lockdown', '6.12', 'impossible.sh', 'a kernel that is locked down',
          options=('-a', 'lockdown=confidentiality'), env={'WORDS': 'lockdown'}),
    Guest('abba-6.12', '6.12', 'matrix.sh', 'orders that contradict each other, and do not',
          kmods=(UFFD, ABBA), env={'CHECK': '0', 'LOAD': 'true'}, check=matrix.cases()),
    counted('6.12', ('check', 'matrix')),
    Guest('counts-lockdep', 'small-2019-lockdep', 'counts_lockdep.sh', 'the oracle',
          kmods=(COUNTS,), env={'ROUNDS': str(counts.ROUNDS)}, check=counts.LOCKDEP),

    in_matrix('6.1'),
    in_matrix('6.12'),
    in_matrix('6.12', suffix='-full', label=', preempt=full', options=('-a', 'preempt=full'),
              check='3'),
    in_matrix('6.12-rt', founding=False, check='3'),
    in_matrix('7.2', check='3'),
    in_matrix('7.3', check='3'),
    in_matrix('7.3-rt', founding=False, check='3'),
    in_matrix('arm64-7.2', check='3', seconds=3600),
    in_matrix('small-nopreempt', label=', no PREEMPTION', check='3'),
    counted('6.1', ('matrix',)),
    counted('7.3', ('matrix',)),
    counted('6.12', ('matrix',), suffix='-full', options=('-a', 'preempt=full')),
    counted('7.2', ('matrix',)),
    counted('arm64-7.2', ('matrix',), seconds=1800),
    counted('small-nopreempt', ('matrix',), hidden=True),

    loaded('6.1'),
    loaded('6.12'),
    loaded('6.12-full'),
    loaded('7.2'),
    under_load('load-lockdep', 'wide-lockdep', 'lockdep.sh', lockdep=True,
               check=matrix.LOAD_LOCKDEP),

    *(trial(f'qdiscs-{kinds.replace(" ", "-")}', kernel, 'two qdiscs that redirect to each other',
            '*Qdisc.q.lock*', script=f'qdiscs.sh {kinds}', **QDISC)
      for kinds in ('prio htb', 'prio prio') for kernel in ('6.12', '7.2')),
    trial('team', '6.12-full', 'a wireless port of a team that goes', '*team.lock*', '*wiphy*mtx*',
          modules=('team', 'mac80211_hwsim'), programs=('ip', 'iw')),
    trial('nfc', '6.12-full', "a device's lock that lockdep does not look at", '*rfkill_global_mutex*',
          '*dev*mutex*', modules=('rfkill', 'nfc', 'nfc_digital', 'nfcsim'), programs=('rfkill',)),
    trial('reiserfs', '6.12-full', 'copied out under the write lock', '*reiserfs_sb_info.lock*',
          '*invalidate_lock*', modules=('loop', 'reiserfs'), programs=('mkreiserfs',),
          puts=('workloads/copyout',)),
    trial('hfs', '6.12-full', 'two trees of one type', modules=('loop', 'hfs'), programs=('hformat',)),
    trial('freeze', '6.12-full', 'frozen and thawed by one task', modules=(*load.CHECKSUMS, 'loop', 'ext4'),
          programs=('mkfs.ext4',), puts=('workloads/freeze',)),
    *(trial('cputimers', kernel, 'timers that expire with interrupts on', programs=('stress-ng',))
      for kernel in ('6.1', '6.12', '7.2')),

    *tortures('6.12'),
    *tortures('6.1'),
    meanwhile('6.12-full'),
    meanwhile('7.2-full'),
)

COMPARISONS = (
    Comparison('oracle', ('real', 'lockdep-cancel', 'lockdep-no-cancel'), checks.ORACLE),
    Comparison('load-oracle', ('load-6.1', 'load-6.12', 'load-6.12-full', 'load-7.2', 'load-lockdep'),
               matrix.LOAD_ORACLE),
    Comparison('fleet', ('fleet-poller', 'fleet-reader'), store.HALVES),
)
