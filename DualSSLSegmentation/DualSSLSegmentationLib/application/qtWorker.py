"""The worker as a QProcess: Slicer's event loop reads it, no thread is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import qt

from dualssl.worker.tree import end_tree
from DualSSLSegmentationLib.application.qtTimers import later

LEAVING_MS = 1500
"""So long a worker may take to end by itself when the module ends."""


class QtWorkerTransport:
    """Starts the worker, carries bytes to and from it, and ends it with all its children.

    Keep it until it has `ended`: a QProcess goes with the object that holds it.

    Args:
        command: program and arguments.
        environment: all variables of the new process.
        onNoise: told what the worker writes to its standard error.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], onNoise: Callable[[str], None]) -> None:
        self._command = list(command)
        self._environment = dict(environment)
        self._onNoise: Callable[[str], None] | None = onNoise
        self._onBytes: Callable[[bytes], None] | None = None
        self._onExit: Callable[[int | None], None] | None = None
        self._process = qt.QProcess()

    @property
    def ended(self) -> bool:
        """Whether there is no process."""
        return bool(self._process.state() == qt.QProcess.NotRunning)

    def start(self, on_bytes: Callable[[bytes], None], on_exit: Callable[[int | None], None]) -> None:
        """Start it; `on_exit` is told None where it could not be started."""
        self._onBytes, self._onExit = on_bytes, on_exit
        environment = qt.QProcessEnvironment()
        for name, value in self._environment.items():
            environment.insert(name, value)
        process = self._process
        process.setProcessEnvironment(environment)
        for signal, slot in (
            ("readyReadStandardOutput()", self._read),
            ("readyReadStandardError()", self._readNoise),
            ("finished(int,QProcess::ExitStatus)", self._finished),
            ("errorOccurred(QProcess::ProcessError)", self._error),
        ):
            if not process.connect(signal, slot):
                raise RuntimeError(f"QProcess has no signal {signal}")
        process.start(self._command[0], self._command[1:])

    def write(self, data: bytes) -> None:
        """Send bytes; they go out from the event loop."""
        self._process.write(data)

    def close_stdin(self) -> None:
        """Let the worker know that nobody needs it any more."""
        self._process.closeWriteChannel()

    def end_tree(self, pid: int | None) -> None:
        """End the process and all below it, `pid` being what the worker says its own is: a launcher may stand before it."""
        if pid is not None:
            end_tree(pid)
        if not self.ended:
            end_tree(int(self._process.processId()))
            self._process.kill()

    def call_later(self, seconds: float, function: Callable[[], None]) -> None:
        """Call a function after a while."""
        later(seconds, function)

    def leave(self) -> None:
        """End it now, for the event loop may not turn any more: by itself if it does so in time, else by force."""
        self._onBytes = self._onExit = self._onNoise = None
        if self.ended:
            return
        self._process.closeWriteChannel()
        if not self._process.waitForFinished(LEAVING_MS):
            self.end_tree(None)
            self._process.waitForFinished(LEAVING_MS)

    def _read(self) -> None:
        data = bytes(self._process.readAllStandardOutput().data())
        if data and self._onBytes is not None:
            self._onBytes(data)

    def _readNoise(self) -> None:
        noise = bytes(self._process.readAllStandardError().data())
        if noise and self._onNoise is not None:
            self._onNoise(noise.decode("utf-8", errors="replace"))

    def _finished(self, code: int) -> None:
        self._read()
        self._readNoise()
        crashed = self._process.exitStatus() == qt.QProcess.CrashExit
        self._gone(None if crashed else int(code))

    def _error(self) -> None:
        # All other errors are followed by `finished`.
        if self._process.error() == qt.QProcess.FailedToStart:
            self._gone(None)

    def _gone(self, code: int | None) -> None:
        onExit, self._onExit = self._onExit, None
        if onExit is not None:
            # Never from within `start`, where a program that is not there is told; nor from a signal of the process.
            self.call_later(0.0, lambda: onExit(code))
