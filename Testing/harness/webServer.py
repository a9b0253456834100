"""A server of the web front end as a process of its own, and what browsers send it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

PATIENCE = 120.0
"""Seconds after which what a test waits for counts as not coming about, also on a busy machine."""

STAND_IN = """
import json, os, sys
from pathlib import Path

import psutil
from trame.ui.html import DivLayout
from trame.widgets import html

from dualssl.errors import DualSSLError
from dualssl.worker.client import WorkerClient
from dualssl_web import cli, opening, serving
from dualssl_web.engine_process import AsyncioTransport

class App:
    '''Says what it was given, starts a worker, and opens what is uploaded.'''

    def __init__(self, server, settings):
        self.server, self.settings, self.uploads = server, settings, self
        self.notes = settings.home / 'notes.jsonl'
        with DivLayout(server):
            html.H1('A page for tests', id='heading')
        self.client = WorkerClient(self._transport)

    async def open(self):
        if os.environ.get('STAND_IN_WORKER'):
            self.client.request(os.environ['STAND_IN_WORKER'], {}, self._told, lambda error: self.note(error=error.message))
        self.note(opened=str(self.settings.volume))

    async def received(self, path, name):
        import asyncio
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        self.note(name=name, path=str(path), files=[file.name for file in files], bytes=sum(f.stat().st_size for f in files))
        while (self.settings.home / 'wait').exists():
            await asyncio.sleep(0.01)
        try:
            opened = await asyncio.to_thread(opening.read_confined, path, (path.parent,))
        except DualSSLError as error:
            return str(error)
        self.note(shape=list(opened.volume.array.shape), mean=float(opened.volume.array.mean()))
        return ''

    def close(self):
        self.client.close()
        self.note(closed=True)

    def note(self, **facts):
        with self.notes.open('a', encoding='utf-8') as file:
            file.write(json.dumps(facts) + chr(10))

    def _told(self, result):
        self.note(worker=self.client.pid, result=str(result))

    def _transport(self):
        return AsyncioTransport([sys.executable, '-m', 'dualssl.worker'], os.environ, lambda text: None)

serving._application = App
cli.main()
"""
"""The server with an application that needs neither scene nor views: what stands around an application is the same."""


class WebServer:
    """One server.

    Args:
        arguments: of its command line.
        home: the folder of its person.
        script: Python to run instead of `dualssl_web` itself.
        environment: variables beside the usual ones.
    """

    def __init__(
        self, arguments: Sequence[str], home: Path, script: str | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        start = ["-m", "dualssl_web"] if script is None else ["-c", script]
        command = [sys.executable, *start, "--home", str(home), "--port", "0", *arguments]
        self.home = home
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **(environment or {})},
            text=True,
            encoding="utf-8",
        )
        self.lines: list[str] = []
        self.errors: list[str] = []
        self._readers = [
            threading.Thread(target=self._read, args=(stream, lines), daemon=True)
            for stream, lines in ((self.process.stdout, self.lines), (self.process.stderr, self.errors))
        ]
        for reader in self._readers:
            reader.start()

    @property
    def output(self) -> str:
        """All that it has written."""
        return "".join([*self.lines, *self.errors])

    @property
    def url(self) -> str:
        """The address that it printed; waits for it."""
        self.until(lambda: self._url() is not None or self.process.poll() is not None)
        url = self._url()
        assert url is not None, self.output
        return url

    @property
    def site(self) -> str:
        """The address without its path and token."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def port(self) -> int:
        """That it listens on."""
        port = urlsplit(self.url).port
        assert port is not None
        return port

    def until(self, condition: Any, seconds: float = PATIENCE) -> None:
        """Wait until something is so."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"it did not come about; the server said: {self.output}"
            time.sleep(0.02)

    def descendants(self) -> list[psutil.Process]:
        """All processes below it."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end, wait until it has, and return its exit status; no process of it may be left."""
        below = self.descendants() if self.process.poll() is None else []
        if self.process.poll() is None:
            self.process.send_signal(how)
        status = self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        try:
            self.until(lambda: not any(map(_runs, below)), 20.0)
        finally:
            # What should have ended by itself does not outlive the test that noticed.
            for process in filter(_runs, below):
                process.kill()
        return status

    def close(self) -> None:
        """End it at the end of a test."""
        try:
            if self.process.poll() is None:
                self.end()
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            for stream in (self.process.stdout, self.process.stderr):
                stream.close()

    def _url(self) -> str | None:
        found = re.search(r"is at (http://\S+)\n", "".join(self.lines))
        return None if found is None else found[1]

    @staticmethod
    def _read(stream: Any, lines: list[str]) -> None:
        for line in stream:
            lines.append(line)


def runApart(work: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine, run in a thread: Playwright keeps an event loop in the tests' own."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result(PATIENCE)


def cookieOf(response: Any) -> str:
    """What a browser would send back of a response's `Set-Cookie`."""
    cookies: SimpleCookie = SimpleCookie()
    for line in response.headers.getall("Set-Cookie", []):
        cookies.load(line)
    return "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())


def _runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
