# SPDX-License-Identifier: GPL-2.0-only
"""A PostgreSQL of this machine's package in a folder that goes away, and roads to it on which things happen."""
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

# What a store holds, whatever numbers its rows have.
CONTENT = (
    'SELECT name FROM lockvane.host',
    'SELECT kernel, build, nr_parts, (SELECT count(*) FROM lockvane.part p WHERE p.build = b.id) '
    'FROM lockvane.build b',
    'SELECT key, name, alias, kind, family, subclass FROM lockvane.class',
    'SELECT key, frames FROM lockvane.stack',
    'SELECT p.key, p.kind, p.value, p.flags, c.key, o.key, s.key, f.key FROM lockvane.part p '
    'JOIN lockvane.class c ON c.id = p.class LEFT JOIN lockvane.class o ON o.id = p.other '
    'LEFT JOIN lockvane.stack s ON s.id = p.stack LEFT JOIN lockvane.stack f ON f.id = p.from_stack',
    'SELECT h.name, p.key FROM lockvane.seen s JOIN lockvane.run r ON r.id = s.run '
    'JOIN lockvane.host h ON h.id = r.host JOIN lockvane.part p ON p.build = r.build '
    'AND p.nr < length(s.parts) AND get_bit(s.parts, p.nr) = 1',
    'SELECT h.name, r.digests, r.started, r.events FROM lockvane.run r JOIN lockvane.host h ON h.id = r.host',
    'SELECT h.name, i.key, s.confidence, s.first_ms, s.last_ms FROM lockvane.sighting s '
    'JOIN lockvane.host h ON h.id = s.host JOIN lockvane.issue i ON i.id = s.issue',
    'SELECT i.key, r.text, r.json FROM lockvane.report r JOIN lockvane.issue i ON i.id = r.issue',
)
HBA = 'local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n'


class Wrong(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Wrong(text)


def as_nobody():
    """The server refuses to be root's; nothing it makes need be."""
    return {'user': 'postgres', 'group': 'postgres', 'extra_groups': []} if os.geteuid() == 0 else {}


class Server:
    """Its socket is in the folder, and its port on 127.0.0.1. Called NAME: TLS only, by a certificate for that name
    from the authority folder/ca.crt."""

    def __init__(self, folder, name=None):
        self.folder = folder
        self.options = '-c listen_addresses=127.0.0.1 -c fsync=off'
        self.bin = sorted(Path('/usr/lib/postgresql').glob('*/bin'))[-1]
        with socket.create_server(('127.0.0.1', 0)) as probe:
            self.port = probe.getsockname()[1]
        if os.geteuid() == 0:
            shutil.chown(folder, 'postgres', 'postgres')
        self.call(self.bin / 'initdb', '-D', folder / 'data', '-U', 'postgres', '--no-sync',
                  '--auth-local=trust', '--auth-host=scram-sha-256')
        if name:
            self.certify(name)

    def certify(self, name):
        key = ('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2')
        self.call('openssl', 'req', '-x509', *key, '-subj', '/CN=an authority', '-keyout', 'ca.key', '-out', 'ca.crt')
        self.call('openssl', 'req', '-x509', *key, '-subj', f'/CN={name}', '-addext', f'subjectAltName=DNS:{name}',
                  '-addext', 'basicConstraints=critical,CA:FALSE', '-CA', 'ca.crt', '-CAkey', 'ca.key',
                  '-keyout', 'server.key', '-out', 'server.crt')
        (self.folder / 'data/pg_hba.conf').write_text(HBA, encoding='utf-8')
        self.options += f' -c ssl=on -c ssl_cert_file={self.folder}/server.crt -c ssl_key_file={self.folder}/server.key'

    def call(self, *words):
        done = subprocess.run([str(w) for w in words], cwd=self.folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                              timeout=120, **as_nobody())
        check(done.returncode == 0, f'{words[0]}: {done.stdout}')

    def start(self):
        for attempt in range(20):
            try:
                # The control program's own output would be held open by the server.
                self.call('/bin/sh', '-c', f'{self.bin}/pg_ctl -w -D {self.folder}/data -l {self.folder}/log -o '
                          f'"-k {self.folder} -p {self.port} {self.options}" start >/dev/null 2>&1')
                return
            except Wrong:
                # Children of one that was killed may be at it still.
                if attempt == 19:
                    raise Wrong(f'no server: {(self.folder / "log").read_text()[-2000:]}') from None
                time.sleep(0.5)

    def pid(self):
        return int((self.folder / 'data/postmaster.pid').read_text().split()[0])

    def kill(self):
        os.kill(self.pid(), signal.SIGKILL)

    def stop(self):
        with contextlib.suppress(Exception):
            self.call(self.bin / 'pg_ctl', '-m', 'immediate', '-w', '-D', self.folder / 'data', 'stop')

    def psql(self, sql, database, user='postgres', status=0):
        done = subprocess.run(['psql', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-h', self.folder, '-p',
                               str(self.port), '-U', user, '-d', database, '-f', '-'], input=sql,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=60)
        check(done.returncode == status, f'{sql}: {done.stdout}')
        return done.stdout.strip()

    def content(self, database):
        return [sorted(self.psql(sql, database).splitlines()) for sql in CONTENT]

    def where(self, database, user, **more):
        words = {'host': self.folder, 'port': self.port, 'dbname': database, 'user': user, **more}
        return ' '.join(f"{k}='{v}'" for k, v in words.items())


class Road:
    """A port of 127.0.0.1 that leads to the server. TROUBLES are (bytes, trouble), for one connection after the
    other: when a connection has sent so much, 'cut' ends it, 'stall' hears no more until the client goes, and
    'kill' ends the server, kills it by SIGKILL and starts it again. A connection that sends less leaves its trouble
    to the next one."""

    def __init__(self, server, *troubles):
        self.server = server
        self.troubles = list(troubles)
        self.met = []
        self.sent = []          # by each connection
        self.stalled = threading.Event()
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self.lead, args=(client,), daemon=True).start()

    def lead(self, client):
        number = len(self.sent)
        self.sent.append(0)
        with contextlib.suppress(OSError), client, socket.create_connection(('127.0.0.1', self.server.port)) as server:
            threading.Thread(target=self.back, args=(server, client), daemon=True).start()
            while data := client.recv(4096):
                limit, trouble = self.troubles[0] if self.troubles else (None, None)
                data = data[:limit - self.sent[number]] if trouble else data
                server.sendall(data)
                self.sent[number] += len(data)
                if trouble and self.sent[number] >= limit:
                    self.meet(self.troubles.pop(0)[1], client)
                    break
            # Who waits in recv() keeps a socket open that is only closed.
            server.shutdown(socket.SHUT_RDWR)

    def meet(self, trouble, client):
        self.met.append(trouble)
        if trouble == 'stall':
            self.stalled.set()
            while client.recv(4096):
                pass
        elif trouble == 'kill':
            self.server.kill()
            client.shutdown(socket.SHUT_RDWR)
            time.sleep(1)
            self.server.start()

    @staticmethod
    def back(server, client):
        with contextlib.suppress(OSError):
            while data := server.recv(4096):
                client.sendall(data)
            client.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.listener.close()
