# SPDX-License-Identifier: GPL-2.0-only
"""The PostgreSQL that guests push to: one for all of them, natively on this machine, TLS only."""
import contextlib
import json
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

from checks import expect, lockvane

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'fleet'))
from server import Road, Server, Wrong  # noqa: E402

NAME = 'store.example'      # what guests call 10.0.2.2
OWNER = 'store_owner'
CHAIN = ['kioctx.ctx_lock', 'lv_uffd_ctx.fd_wqh', 'lv_uffd_ctx.fault_pending_wqh']
WITHIN = 60                 # seconds, for an analysis
# Each after so many bytes of a push. The first host of a build sends 110,000; a push that brings nothing new has
# some 3,000.
TROUBLES = ((60000, 'cut'), (50000, 'stall'), (40000, 'kill'))


class Store:
    """A server; each guest has a login, a road to it, and a file that says so to libpq."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix='lockvane-store-'))
        self.folder.chmod(0o755)
        (self.folder / 'pg').mkdir()
        self.server = Server(self.folder / 'pg', NAME)
        self.server.start()
        self.server.psql(f'CREATE ROLE {OWNER} LOGIN CREATEROLE; CREATE ROLE analyst LOGIN', 'postgres')
        self.databases = set()
        self.roads = {}

    def database(self, name):
        if name not in self.databases:
            self.databases.add(name)
            self.server.psql(f'CREATE DATABASE {name} OWNER {OWNER}', 'postgres')
            self.fleet('init', database=name, user=OWNER)
            self.server.psql('GRANT lockvane_analyst TO analyst', 'postgres')
        return name

    def fleet(self, *words, database, user='analyst'):
        return lockvane('fleet', *words, '--store', self.server.where(database, user))

    def puts(self, guest, database, role, troubles):
        """What the guest is given, in a folder: fleet.env and the authority's certificate."""
        login = guest.replace('-', '_')
        self.database(database)
        self.server.psql(f"CREATE ROLE {login} LOGIN PASSWORD '{login}-1'; GRANT {role} TO {login}", 'postgres')
        self.roads[guest] = Road(self.server, *troubles)
        folder = self.folder / guest
        folder.mkdir()
        shutil.copy(self.folder / 'pg/ca.crt', folder)
        words = {'PGHOST': NAME, 'PGPORT': self.roads[guest].port, 'PGDATABASE': database, 'PGUSER': login,
                 'PGPASSWORD': f'{login}-1', 'PGSSLMODE': 'verify-full', 'PGSSLROOTCERT': '/etc/ssl/store.crt'}
        (folder / 'fleet.env').write_text(''.join(f'{k}={v}\n' for k, v in words.items()), encoding='utf-8')
        return folder

    def stop(self):
        for road in self.roads.values():
            road.close()
        self.server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Turns:
    """Guests that push to one store run in the order of the table: what a later one sends, and whose evidence is
    kept, depends on what is there."""

    def __init__(self, names):
        self.over = {name: threading.Event() for name in names}

    @contextlib.contextmanager
    def turn(self, name):
        for before, over in self.over.items():
            if before == name:
                break
            over.wait()
        try:
            yield
        finally:
            self.over[name].set()


class _One:
    def __init__(self):
        self.lock = threading.Lock()
        self.store = None


ONE = _One()


def get():
    with ONE.lock:
        if not ONE.store:
            ONE.store = Store()
        return ONE.store


def stop():
    with ONE.lock, contextlib.ExitStack() as stack:
        if ONE.store:
            stack.callback(ONE.store.stop)
            ONE.store = None


# --- what two guests with half of an order each must have come to --------------------
DATABASE = 'halves'


def chains(document):
    return [found['chain'] for found in document['findings']]


def alone(one, two):
    """Neither host has it by itself."""
    for out in (one, two):
        document = json.loads(lockvane('report', '--format', 'json', out / 'out/half.lv'))
        expect(CHAIN not in chains(document), f'{out.name} has all of it')


def says_who(said, where):
    """The chain, and which host has which part of it."""
    for part in (' --> '.join(CHAIN), 'no one capture has all of it', f'{CHAIN[0]} --> {CHAIN[1]}: poller\n',
                 f'{CHAIN[1]} --> {CHAIN[2]}: reader\n'):
        expect(part in said, f'it does not say "{part}": {where}')


def together(one, two):
    """The fleet's finding names the chain, and which host has which part, in less than a minute."""
    began = time.monotonic()
    said = get().fleet('analyse', database=DATABASE)
    took = time.monotonic() - began
    (two / 'analyse.txt').write_text(said, encoding='utf-8')
    print(f'   fleet: analysed in {took:.2f} s', flush=True)
    says_who(said, f'{two}/analyse.txt')
    expect(took < WITHIN, f'analysed in {took:.0f} s')


def listed(_one, _two):
    found = json.loads(get().fleet('findings', '--format', 'json', database=DATABASE))['findings']
    ours = [f for f in found if f['chain'] == CHAIN]
    expect(len(ours) == 1, f'{len(ours)} such findings')
    expect(ours[0]['only_together'], f'not only together: {ours[0]}')
    said = get().fleet('show', ours[0]['fingerprint'], database=DATABASE)
    for part in ('poller: kernel', 'reader: kernel', 'possible irq lock inversion'):
        expect(part in said, f'show does not say "{part}"')


def merged(one, two):
    """merge of the two captures finds the same, and nothing else."""
    captures = [out / 'out/half.lv' for out in (one, two)]
    (two / 'merge.txt').write_text(lockvane('merge', *captures), encoding='utf-8')
    says_who((two / 'merge.txt').read_text(encoding='utf-8'), f'{two}/merge.txt')
    document = json.loads(lockvane('merge', '--format', 'json', *captures))
    done = json.loads(get().fleet('analyse', '--format', 'json', database=DATABASE))
    ids = [sorted(f['id'] for f in doc['findings']) for doc in (document, done['builds'][0])]
    expect(CHAIN in chains(document), f'merge has {chains(document)}')
    expect(ids[0] == ids[1], f'merge has {ids[0]}, the fleet {ids[1]}')


def troubled(_one, _two):
    """Each trouble came in the middle of a push."""
    road = get().roads['fleet-poller']
    expect(road.met == [trouble for _, trouble in TROUBLES], f'met {road.met}')
    expect(len(road.sent) > len(road.met) and max(road.sent[-3:]) > 10000, f'bytes of the pushes: {road.sent}')
    print(f'   fleet: bytes of the pushes {road.sent}', flush=True)


def whole(one, two):
    """The store has what it has when nothing comes between: nothing lost, nothing double."""
    store = get()
    reference = store.database('reference')
    store.server.psql('GRANT lockvane_pusher TO analyst', 'postgres')
    for name, out in (('poller', one), ('reader', two)):
        store.fleet('push', '--host', name, out / 'out/half.lv', database=reference)
    has, wants = store.server.content(DATABASE), store.server.content(reference)
    for ours, theirs in zip(has, wants):
        expect(ours == theirs, f'{len(ours)} rows, {len(theirs)} in a store that nothing happened to')


HALVES = {'alone': alone, 'together': together, 'listed': listed, 'merged': merged, 'troubled': troubled,
          'whole': whole}
