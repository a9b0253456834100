"""Child processes that answer and end, run by the application's event loop."""

from __future__ import annotations

import codecs

import qt

from DualSSLSegmentationLib.application.qtTimers import soon
from DualSSLSegmentationLib.setup.commands import Cancel, Command, Finished, OnFinished, OnLine, endWithChildren, tookTooLong


class QtRunner:
    """A `Runner` on QProcess; several commands may run at a time.

    Keep it as long as they run: a process ends with the object that holds it.
    """

    def __init__(self) -> None:
        self._running: list[_Running] = []
        self._abandoned: list[_Running] = []

    def __call__(self, command: Command, onLine: OnLine, onFinished: OnFinished) -> Cancel:
        """Start a command; `onFinished` is never called before this returns."""

        def finished(what: Finished) -> None:
            self._running.remove(running)
            onFinished(what)

        running = _Running(command, onLine, finished)
        self._running.append(running)
        running.start()
        return running.cancel

    @property
    def busy(self) -> bool:
        """Whether a command runs."""
        return bool(self._running)

    def close(self) -> None:
        """End all commands; nobody is told."""
        # Held on to: this may be called from within a signal of one of them.
        self._abandoned, self._running = self._running, []
        for each in self._abandoned:
            each.abandon()


class _Stream:
    """Bytes of a stream as text, and its lines as they come to an end."""

    def __init__(self, onLine: OnLine) -> None:
        self.text = ""
        self._onLine = onLine
        self._rest = ""
        # A character may arrive in two parts.
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def add(self, data: bytes, last: bool = False) -> None:
        fresh = self._decoder.decode(data, last)
        self.text += fresh
        *lines, self._rest = (self._rest + fresh).split("\n")
        if last and self._rest:
            lines.append(self._rest)
            self._rest = ""
        for line in lines:
            self._onLine(line.rstrip("\r"))


class _Running:
    """One command on its way."""

    def __init__(self, command: Command, onLine: OnLine, onFinished: OnFinished) -> None:
        self._command = command
        self._onFinished: OnFinished | None = onFinished
        self._output, self._errors = _Stream(onLine), _Stream(onLine)
        self._why = ""
        self._process = qt.QProcess()
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)

    def start(self) -> None:
        environment = qt.QProcessEnvironment()
        for name, value in self._command.environment.items():
            environment.insert(name, value)
        process = self._process
        process.setProcessEnvironment(environment)
        process.connect("readyReadStandardOutput()", self._read)
        process.connect("readyReadStandardError()", self._read)
        process.connect("finished(int,QProcess::ExitStatus)", self._finished)
        process.connect("errorOccurred(QProcess::ProcessError)", self._error)
        self._timer.connect("timeout()", self._timeIsUp)
        process.start(self._command.arguments[0], list(self._command.arguments[1:]))
        process.closeWriteChannel()
        self._timer.start(int(1000 * self._command.seconds))

    def cancel(self) -> None:
        """End it; a second call does nothing more."""
        self._end("It was cancelled.")

    def abandon(self) -> None:
        """End it without a word."""
        self._onFinished = None
        self._end("")

    def _end(self, why: str) -> None:
        if self._why or self._process.state() == qt.QProcess.NotRunning:
            return
        self._why = why
        endWithChildren(int(self._process.processId()))
        self._process.kill()

    def _timeIsUp(self) -> None:
        self._end(tookTooLong(self._command))

    def _read(self) -> None:
        self._output.add(bytes(self._process.readAllStandardOutput().data()))
        self._errors.add(bytes(self._process.readAllStandardError().data()))

    def _finished(self, code: int) -> None:
        crashed = self._process.exitStatus() == qt.QProcess.CrashExit
        self._ended(None if self._why or crashed else int(code), self._why or ("It crashed." if crashed else ""))

    def _error(self) -> None:
        # All other errors are followed by `finished`.
        if self._process.error() == qt.QProcess.FailedToStart:
            self._ended(None, self._process.errorString())

    def _ended(self, code: int | None, why: str) -> None:
        self._timer.stop()
        self._output.add(bytes(self._process.readAllStandardOutput().data()), last=True)
        self._errors.add(bytes(self._process.readAllStandardError().data()), last=True)
        what = Finished(code, self._output.text, self._errors.text + why)
        # Not from within a signal of the process, which whoever is told may let go of, or open a dialog.
        soon(lambda: self._tell(what))

    def _tell(self, what: Finished) -> None:
        onFinished, self._onFinished = self._onFinished, None
        if onFinished is not None:
            onFinished(what)
