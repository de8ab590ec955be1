# SPDX-License-Identifier: GPL-2.0-only
"""A Chromium that is told what to do through its debugging pipe: one process looks at many pages, in any size
and colour scheme, with scripts or without."""
import base64
import json
import os
import select
import subprocess
import time


class Browser:
    def __init__(self, profile):
        theirs_in, self.to = os.pipe()
        self.back, theirs_out = os.pipe()
        self.process = subprocess.Popen(
            ['bash', '-c', f'exec chromium "$@" 3<&{theirs_in} 4>&{theirs_out}', 'chromium', '--headless',
             '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--remote-debugging-pipe',
             f'--user-data-dir={profile}', 'about:blank'],
            pass_fds=(theirs_in, theirs_out), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(theirs_in)
        os.close(theirs_out)
        self.number, self.buffer, self.events, self.session = 0, b'', [], None
        target = self.call('Target.createTarget', url='about:blank')['targetId']
        self.session = self.call('Target.attachToTarget', targetId=target, flatten=True)['sessionId']
        for domain in ('Page', 'Runtime', 'Log', 'Network'):
            self.call(f'{domain}.enable')

    def close(self):
        self.session = None
        try:
            self.call('Browser.close')
        except (OSError, TimeoutError):
            pass
        os.close(self.to)
        os.close(self.back)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def read(self, until):
        """The next message."""
        while b'\0' not in self.buffer:
            if not select.select([self.back], [], [], max(0, until - time.monotonic()))[0]:
                raise TimeoutError('Chromium does not answer')
            part = os.read(self.back, 1 << 16)
            if not part:
                raise OSError('Chromium has ended')
            self.buffer += part
        message, self.buffer = self.buffer.split(b'\0', 1)
        return json.loads(message)

    def call(self, method, **params):
        self.number += 1
        message = {'id': self.number, 'method': method, 'params': params}
        if self.session:
            message['sessionId'] = self.session
        os.write(self.to, json.dumps(message).encode() + b'\0')
        until = time.monotonic() + 60
        while True:
            got = self.read(until)
            if got.get('id') == self.number:
                if 'error' in got:
                    raise OSError(f'{method}: {got["error"]}')
                return got['result']
            self.events.append(got)

    def open(self, uri):
        """Load a page; the events of it."""
        self.events = []
        self.call('Page.navigate', url=uri)
        until = time.monotonic() + 60
        while not any(event.get('method') == 'Page.loadEventFired' for event in self.events):
            self.events.append(self.read(until))
        return self.events

    def look(self, width, height, dark=False, scripts=True):
        """How the next page is looked at."""
        self.call('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)
        self.call('Emulation.setEmulatedMedia',
                  features=[{'name': 'prefers-color-scheme', 'value': 'dark' if dark else 'light'}])
        self.call('Emulation.setScriptExecutionDisabled', value=not scripts)

    def value(self, expression):
        """The value of an expression in the page. Not held up by the page's policy."""
        got = self.call('Runtime.evaluate', expression=expression, returnByValue=True)
        if 'exceptionDetails' in got:
            raise OSError(f'{expression}: {got["exceptionDetails"]}')
        return got['result'].get('value')

    def picture(self, path):
        path.write_bytes(base64.b64decode(self.call('Page.captureScreenshot', captureBeyondViewport=True)['data']))
