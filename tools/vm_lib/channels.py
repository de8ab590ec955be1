# SPDX-License-Identifier: GPL-2.0-only
"""The guest's channels: output is passed on as it comes, control says how it went."""
import os
import queue
import selectors
import socket
import threading
import time

from .qemu import PORTS

CHUNK = 1 << 16
DRAIN = 2.0


class Writer:
    """Writes in its own thread: a slow reader of ours must never stall the guest."""

    def __init__(self, handle):
        self.handle = handle
        self.queue = queue.Queue()
        self.thread = threading.Thread(target=self._loop, daemon=True)
        self.thread.start()

    def _loop(self):
        broken = False
        while (data := self.queue.get()) is not None:
            if broken:
                continue
            view = memoryview(data)
            try:
                while view:
                    view = view[os.write(self.handle, view):]
            except OSError:
                broken = True       # nobody reads any more: swallow the rest

    def write(self, data):
        self.queue.put(data)

    def close(self):
        self.queue.put(None)
        self.thread.join()


class Channels:
    """Listens on one socket a port; QEMU connects to them when it starts."""

    def __init__(self, folder):
        self.folder = folder
        self.listeners = {}
        for name in PORTS:
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(f'{folder}/{name}')
            listener.listen(1)
            self.listeners[name] = listener
        self.booted = None          # seconds after the start
        self.status = None
        self.ended = False
        self.late = False
        self._control = b''

    def run(self, process, boot_limit, limit, out, err):
        """Until the guest says it is done, dies, or a limit passes."""
        start = time.monotonic()
        selector = selectors.DefaultSelector()
        for name, listener in self.listeners.items():
            listener.setblocking(False)
            selector.register(listener, selectors.EVENT_READ, ('accept', name))
        writers = {'lv.out': Writer(out), 'lv.err': Writer(err)}
        dead = None
        with open(f'{self.folder}/files.tar', 'wb') as files:
            try:
                while not self.ended:
                    now = time.monotonic()
                    allowed = limit if self.booted is not None else min(boot_limit, limit)
                    if now - start > allowed:
                        self.late = True
                        break
                    if dead is None and process.poll() is not None:
                        dead = now
                    ready = selector.select(0.1 if dead is None else 0)
                    if dead is not None and not ready:
                        break
                    for key, _ in ready:
                        self._serve(selector, key, writers, files, start)
                # Output that was on its way when the guest said "end"; what the program left
                # running may go on for ever.
                last = time.monotonic() + DRAIN
                while time.monotonic() < last and (ready := selector.select(0.02)):
                    for key, _ in ready:
                        self._serve(selector, key, writers, files, start)
            finally:
                for writer in writers.values():
                    writer.close()
                for key in list(selector.get_map().values()):
                    key.fileobj.close()
                selector.close()

    def _serve(self, selector, key, writers, files, start):
        kind, name = key.data
        if kind == 'accept':
            connection, _ = key.fileobj.accept()
            selector.unregister(key.fileobj)
            key.fileobj.close()
            selector.register(connection, selectors.EVENT_READ, ('read', name))
            return
        try:
            data = key.fileobj.recv(CHUNK)
        except ConnectionError:
            data = b''
        if not data:
            selector.unregister(key.fileobj)
            key.fileobj.close()
        elif name in writers:
            writers[name].write(data)
        elif name == 'lv.files':
            files.write(data)
        else:
            self._hear(data, start)

    def _hear(self, data, start):
        self._control += data
        *lines, self._control = self._control.split(b'\n')
        for line in lines:
            word, _, value = line.decode('ascii', 'replace').partition(' ')
            if word == 'booted':
                self.booted = time.monotonic() - start
            elif word == 'status' and value.isdigit():
                self.status = int(value)
            elif word == 'end':
                self.ended = True
