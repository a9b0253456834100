"""The worker as a child process of the event loop: see `dualssl.worker.client.Transport`."""

from __future__ import annotations

import asyncio
import codecs
import logging
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dualssl.worker.tree import end_tree

_STREAM_SECONDS = 1.0
"""So long the last bytes of a process that has ended may take; a child of it may hold the stream open for ever."""

_log = logging.getLogger(__name__)
_living: set[AsyncioTransport] = set()


class AsyncioTransport:
    """Starts the worker, carries bytes to and from it, and ends it with all its children.

    To be used from within a running event loop.

    Args:
        command: program and arguments.
        environment: all variables of the new process.
        on_noise: told what the worker writes to its standard error.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], on_noise: Callable[[str], None]) -> None:
        self._command = list(command)
        self._environment = dict(environment)
        self._on_noise = on_noise
        self._on_bytes: Callable[[bytes], None] = _nothing
        self._on_exit: Callable[[int | None], None] = _nothing
        self._process: asyncio.SubprocessTransport | None = None
        self._starting: asyncio.Task[None] | None = None
        self._waiting: list[bytes] = []
        self._stdin_closed = False
        self._unwanted = False
        self._ended = asyncio.Event()

    @property
    def ended(self) -> bool:
        """Whether it was started and there is no process any more."""
        return self._ended.is_set()

    async def wait_ended(self) -> None:
        """Wait until there is no process any more."""
        await self._ended.wait()

    def start(self, on_bytes: Callable[[bytes], None], on_exit: Callable[[int | None], None]) -> None:
        """Start it; `on_exit` is told None where it could not be started."""
        self._on_bytes, self._on_exit = on_bytes, on_exit
        _living.add(self)
        self._starting = asyncio.get_running_loop().create_task(self._start())

    def write(self, data: bytes) -> None:
        """Send bytes; they go out from the event loop."""
        if self._process is None:
            self._waiting.append(data)
            return
        stdin: Any = self._process.get_pipe_transport(0)
        if stdin is not None and not stdin.is_closing():
            stdin.write(data)

    def close_stdin(self) -> None:
        """Let the worker know that nobody needs it any more."""
        self._stdin_closed = True
        stdin = None if self._process is None else self._process.get_pipe_transport(0)
        if stdin is not None:
            stdin.close()

    def end_tree(self, pid: int | None) -> None:
        """End the process and all below it, `pid` being what the worker says its own is: a launcher may stand before it."""
        if pid is not None:
            end_tree(pid)
        if self._process is None:
            # Not started yet: it ends as soon as it has.
            self._unwanted = True
        elif self._process.get_returncode() is None:
            end_tree(self._process.get_pid())

    def call_later(self, seconds: float, function: Callable[[], None]) -> None:
        """Call a function after a while."""
        asyncio.get_running_loop().call_later(seconds, function)

    async def _start(self) -> None:
        try:
            process, _ = await asyncio.get_running_loop().subprocess_exec(
                lambda: _Streams(self._on_bytes, self._noise, self._gone), *self._command, env=self._environment, **_alone()
            )
        except (OSError, ValueError) as error:
            self._noise(f"{self._command[0]} could not be started: {error}\n")
            self._gone(None)
            return
        self._process = process
        waiting, self._waiting = self._waiting, []
        for data in waiting:
            self.write(data)
        if self._stdin_closed:
            self.close_stdin()
        if self._unwanted:
            self.end_tree(None)

    def _noise(self, text: str) -> None:
        self._on_noise(text)

    def _gone(self, status: int | None) -> None:
        if self._ended.is_set():
            return
        self._ended.set()
        _living.discard(self)
        if self._process is not None:
            self._process.close()
        self._on_exit(status)


class _Streams(asyncio.SubprocessProtocol):
    """What a process writes, and its end, which is told after its last bytes."""

    def __init__(
        self, on_bytes: Callable[[bytes], None], on_noise: Callable[[str], None], on_gone: Callable[[int | None], None]
    ) -> None:
        self._on_bytes = on_bytes
        self._on_noise = on_noise
        self._on_gone = on_gone
        self._noise = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._transport: Any = None
        self._open = {1, 2}
        self._exited = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 1:
            self._on_bytes(data)
        elif text := self._noise.decode(data):
            self._on_noise(text)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._open.discard(fd)
        self._tell()

    def process_exited(self) -> None:
        self._exited = True
        asyncio.get_running_loop().call_later(_STREAM_SECONDS, self._finish)
        self._tell()

    def _tell(self) -> None:
        if self._exited and not self._open:
            self._finish()

    def _finish(self) -> None:
        self._on_gone(self._transport.get_returncode())


def _alone() -> dict[str, Any]:
    """A group of its own, so that Ctrl+C in the terminal is for the server alone, which lets the worker end in order."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


async def end_all(patience: float) -> None:
    """See that no process of any transport is left: wait for those that are ending, then end the others by force."""
    if _living:
        _, late = await asyncio.wait([asyncio.ensure_future(one.wait_ended()) for one in tuple(_living)], timeout=patience)
        for waiting in late:
            waiting.cancel()
    for one in tuple(_living):
        _log.warning("The segmentation engine did not end by itself and is ended by force.")
        one.end_tree(None)
    if _living:
        await asyncio.wait([asyncio.ensure_future(one.wait_ended()) for one in tuple(_living)], timeout=patience)


def _nothing(_: object) -> None:
    """Before the start there is nobody to tell."""
