"""A worker in a process of its own, for tests without Qt: an event loop of a few lines and a transport on it."""

from __future__ import annotations

import heapq
import itertools
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from dualssl.worker.client import WorkerClient
from dualssl.worker.tree import end_tree

WORKER = (sys.executable, "-m", "dualssl.worker")
PATIENCE = 120.0
"""Seconds after which what a test waits for counts as not coming about, also on a busy machine."""


class Loop:
    """Timers, and the streams of processes; everything happens inside `turn`."""

    def __init__(self) -> None:
        self.transports: list[SubprocessTransport] = []
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def schedule(self, function: Callable[[], None]) -> None:
        """Call a function soon; never at once."""
        self.callLater(0.0, function)

    def callLater(self, seconds: float, function: Callable[[], None]) -> None:
        """Call a function after some time."""
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._numbers), function))

    def turn(self) -> None:
        """Read what there is to be read, and call what is due; calls that this leads to wait for the next turn."""
        streams = {transport.stdout: transport for transport in self.transports if transport.stdout is not None}
        due = time.monotonic()
        wait = 0.02 if not self._timers else min(0.02, max(0.0, self._timers[0][0] - due))
        ready, _, _ = select.select(list(streams), [], [], wait)
        for stream in ready:
            streams[stream].read()
        due, calls = time.monotonic(), []
        while self._timers and self._timers[0][0] <= due:
            calls.append(heapq.heappop(self._timers)[2])
        for call in calls:
            call()

    def runUntil(self, condition: Callable[[], Any], seconds: float = PATIENCE) -> None:
        """Turn until something is so."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it did not come about"
            self.turn()

    def runFor(self, seconds: float) -> None:
        """Turn for some time."""
        end = time.monotonic() + seconds
        self.runUntil(lambda: time.monotonic() >= end)


class SubprocessTransport:
    """The worker's process on a `Loop`; see `dualssl.worker.client.Transport`.

    Args:
        loop: that reads from it.
        command: program and arguments.
        options: of `subprocess.Popen`.
    """

    def __init__(self, loop: Loop, command: tuple[str, ...] = WORKER, **options: Any) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self._loop = loop
        self._command = command
        self._options = options
        loop.transports.append(self)

    @property
    def stdout(self) -> Any:
        """The stream to read from, or None where there is none (any more)."""
        return None if self.process is None or self.process.stdout.closed else self.process.stdout

    def read(self) -> None:
        """Pass on what the process wrote, or that it has ended."""
        data = os.read(self.process.stdout.fileno(), 1 << 16)
        if data:
            self._onBytes(data)
            return
        self.process.stdout.close()
        self._onExit(self.process.wait())

    def start(self, on_bytes: Callable[[bytes], None], on_exit: Callable[[int | None], None]) -> None:
        self._onBytes, self._onExit = on_bytes, on_exit
        self.process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, **self._options
        )

    def write(self, data: bytes) -> None:
        self.process.stdin.write(data)

    def close_stdin(self) -> None:
        self.process.stdin.close()

    def end_tree(self, pid: int | None) -> None:
        if pid is not None:
            end_tree(pid)
        elif self.process is not None:
            self.process.kill()

    def call_later(self, seconds: float, function: Callable[[], None]) -> None:
        self._loop.callLater(seconds, function)


class Engine:
    """A worker's client on a loop, and the processes that it started.

    Args:
        command: program and arguments of the worker.
        options: of `subprocess.Popen`.
    """

    def __init__(self, command: tuple[str, ...] = WORKER, **options: Any) -> None:
        self.loop = Loop()
        self.log: list[str] = []
        self._command = command
        self._options = options
        self.client = self.newClient()

    def newClient(self) -> WorkerClient:
        """A client with no worker yet, whose workers run on the same loop."""
        return WorkerClient(lambda: SubprocessTransport(self.loop, self._command, **self._options), self.log.append)

    @property
    def pids(self) -> tuple[int, ...]:
        """Of all processes that were started so far."""
        return tuple(transport.process.pid for transport in self.loop.transports if transport.process is not None)

    def waitForEnd(self) -> None:
        """Turn until all processes that were started have ended."""
        self.loop.runUntil(lambda: all(transport.stdout is None for transport in self.loop.transports))

    def close(self) -> None:
        """Close the client, and see its processes end."""
        self.client.close()
        self.waitForEnd()
        for transport in self.loop.transports:
            if transport.process is not None:
                transport.process.stdin.close()
