"""A child process that answers and ends: what it is told to do, what came of it, and who runs it.

The application runs commands from its event loop (QProcess, asyncio); `runAndWait` is for where there is none.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Command:
    """What to run.

    Attributes:
        arguments: the program first.
        environment: all variables of the new process.
        seconds: after which it is ended.
    """

    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    seconds: float


@dataclass(frozen=True)
class Finished:
    """What came of a command.

    Attributes:
        code: exit status; None where it could not be started, ran past its time or was cancelled.
        output: of its standard output.
        errors: of its standard error, or why it did not run.
    """

    code: int | None
    output: str
    errors: str


OnLine = Callable[[str], None]
OnFinished = Callable[[Finished], None]
Cancel = Callable[[], None]


class Runner(Protocol):
    """Runs a command without blocking the application.

    `onLine` is told each line of either stream without its end, as it comes; `onFinished` is told once, also after the
    returned function was called, which ends the process.
    """

    def __call__(self, command: Command, onLine: OnLine, onFinished: OnFinished) -> Cancel:
        """Start it."""


def runAndWait(command: Command, onLine: OnLine, onFinished: OnFinished) -> Cancel:
    """Run a command to its end, then return: a `Runner` for scripts and tests, not for an application with windows."""
    texts: dict[str, list[str]] = {"output": [], "errors": []}
    try:
        process = subprocess.Popen(
            command.arguments,
            env=dict(command.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0) if sys.platform == "win32" else 0,
        )
    except OSError as error:
        onFinished(Finished(None, "", str(error)))
        return _nothing
    readers = [
        threading.Thread(target=_read, args=(stream, texts[name], onLine), daemon=True)
        for name, stream in (("output", process.stdout), ("errors", process.stderr))
    ]
    for reader in readers:
        reader.start()
    code: int | None
    try:
        code = process.wait(command.seconds)
    except subprocess.TimeoutExpired:
        endWithChildren(process.pid)
        process.wait()
        code = None
        texts["errors"].append(tookTooLong(command) + "\n")
    for reader in readers:
        reader.join(5.0)
    onFinished(Finished(code, "".join(texts["output"]), "".join(texts["errors"])))
    return _nothing


def tookTooLong(command: Command) -> str:
    """What a person reads of a command that ran past its time."""
    return f"It took longer than {command.seconds:g} s and was ended."


def endWithChildren(pid: int) -> None:
    """End a process and all below it: `PythonSlicer` is a launcher, and the Python that it started would go on without it.

    Nothing happens if it is gone already.
    """
    if sys.platform == "win32":
        command = ["taskkill", "/PID", str(pid), "/T", "/F"]
        subprocess.run(command, capture_output=True, check=False, creationflags=subprocess.CREATE_NO_WINDOW)
        return
    for each in [pid, *_descendants(pid)]:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(each, signal.SIGKILL)


def _descendants(pid: int) -> list[int]:
    try:
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=False).stdout
    except OSError:  # a bare system
        return []
    pairs = [tuple(map(int, line.split())) for line in listed.splitlines() if len(line.split()) == 2]
    found = [pid]
    for parent in found:
        found += [child for child, itsParent in pairs if itsParent == parent and child not in found]
    return found[1:]


def _read(stream: object, lines: list[str], onLine: OnLine) -> None:
    for line in stream:  # type: ignore[attr-defined]
        lines.append(line)
        onLine(line.rstrip("\r\n"))


def _nothing() -> None:
    """Cancel what has ended."""
