"""The record of what went wrong without anybody being told.

In the application an exception in a slot is printed and forgotten, a connection to a signal that is not there returns False,
and VTK writes errors to a log. Here each of them is a fault; the fixtures of the tests assert that none was left at the end.
"""

from __future__ import annotations

import contextlib
import re
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType

import vtk

# What VTK and MRML say without anything being wrong.
_HARMLESS = (
    re.compile(r"vtkMRMLTransformNode.*GetTransformToWorld"),
    re.compile(r"Info: In .*vtkArchive"),
)


@dataclass(frozen=True)
class Fault:
    """Something that went wrong unnoticed.

    Attributes:
        kind: "slot" (exception in a slot, a timer or an overridden method), "observer" (exception in an observer of VTK),
            "signal" (connection that cannot be), "dialog" (one that nobody answers), "thread" (a Python thread, which stands
            still in the application), "vtk error", "vtk warning", "qt" (message of Qt).
        text: what happened, with the traceback where there is one.
    """

    kind: str
    text: str

    def __str__(self) -> str:
        return f"[{self.kind}] {self.text}"


class FaultLog:
    """Faults since the last `clear`."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self._listeners: list[Callable[[Fault], None]] = []

    def add(self, kind: str, text: str) -> None:
        """Record a fault."""
        self.faults.append(Fault(kind, text.strip()))

    def addException(self, kind: str, where: str) -> None:
        """Record the exception that is being handled, and print it as the application does."""
        text = f"{where}\n{traceback.format_exc()}"
        sys.stderr.write(text)
        self.add(kind, text)

    def clear(self) -> None:
        """Forget all faults."""
        self.faults.clear()

    def take(self, kind: str | None = None) -> list[Fault]:
        """The faults of a kind (None: all), which are forgotten: a test has seen them and meant them."""
        taken = [fault for fault in self.faults if kind is None or fault.kind == kind]
        self.faults = [fault for fault in self.faults if fault not in taken]
        return taken

    def assertNone(self) -> None:
        """Raise an AssertionError that lists the faults, where there are any."""
        if self.faults:
            listed = "\n".join(str(fault) for fault in self.faults)
            count = len(self.faults)
            self.clear()
            raise AssertionError(f"{count} fault(s) went unnoticed:\n{listed}")

    @contextlib.contextmanager
    def expected(self, kind: str, match: str) -> Iterator[None]:
        """Inside, a fault of this kind whose text matches is meant; it raises where none comes."""
        before = len(self.faults)
        yield
        new = self.faults[before:]
        meant = [fault for fault in new if fault.kind == kind and re.search(match, fault.text)]
        if not meant:
            raise AssertionError(f"No fault of the kind '{kind}' matches '{match}'. Faults: {[str(f) for f in new]}")
        self.faults = [fault for fault in self.faults if fault not in meant]


log = FaultLog()


def isHarmless(text: str) -> bool:
    """Whether a message of VTK or MRML is one of those that say nothing is wrong."""
    return any(pattern.search(text) for pattern in _HARMLESS)


class _VtkMessages:
    """Turns VTK's errors and warnings into faults."""

    def __init__(self) -> None:
        self._window = vtk.vtkOutputWindow()
        self._window.SetDisplayModeToNever()
        self._observe(vtk.vtkCommand.ErrorEvent, "vtk error")
        self._observe(vtk.vtkCommand.WarningEvent, "vtk warning")
        vtk.vtkOutputWindow.SetInstance(self._window)

    def _observe(self, event: int, kind: str) -> None:
        def onMessage(_caller: object, _event: str, text: str) -> None:
            if not isHarmless(text):
                log.add(kind, text)

        onMessage.CallDataType = vtk.VTK_STRING
        self._window.AddObserver(event, onMessage)


_vtkMessages: _VtkMessages | None = None
_printException: Callable[..., object] = sys.excepthook


def watchVtk() -> None:
    """From now on VTK's errors and warnings, and exceptions in its observers, are faults; a second call does no harm."""
    global _vtkMessages, _printException
    if _vtkMessages is None:
        _vtkMessages = _VtkMessages()
    # Looked at each time: a command line that ran in this process leaves a hook of its own.
    if sys.excepthook is not _onException:
        _printException, sys.excepthook = sys.excepthook, _onException


def _onException(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """VTK prints an exception of an observer through the hook and goes on."""
    log.add("observer", "".join(traceback.format_exception(kind, error, trace)))
    _printException(kind, error, trace)


@contextlib.contextmanager
def noThreads() -> Iterator[None]:
    """Inside, a Python thread that is started is a fault: in the application it stands still while the event loop is idle."""
    start = threading.Thread.start

    def startAndTell(thread: threading.Thread) -> None:
        log.add("thread", f"A Python thread was started: {thread.name}\n{''.join(traceback.format_stack(limit=4)[:-1])}")
        start(thread)

    threading.Thread.start = startAndTell
    try:
        yield
    finally:
        threading.Thread.start = start
