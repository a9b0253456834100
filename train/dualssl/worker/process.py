"""The worker as a process: streams that nothing else writes to, a group of its own, and an end that leaves nobody behind.

Standard library only, and no import of what might print: this comes before everything else.
"""

from __future__ import annotations

import faulthandler
import os
import sys
from contextlib import suppress
from pathlib import Path

_LONGEST_LOG = 4 << 20
_LONGEST_END = 3.0


def take_streams() -> tuple[int, int]:
    """Keep the process's stdin and stdout for the protocol, and give everybody else an empty stdin and stderr for stdout.

    Libraries print, also from C and also when they are imported; one line of theirs among ours would be taken for an answer.
    Children inherit neither, so that a stream ends when its owner does.

    Returns:
        File descriptors to read from and to write to, in binary.
    """
    ours = (os.dup(0), os.dup(1))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    if sys.platform == "win32":
        import msvcrt

        for descriptor in ours:
            msvcrt.setmode(descriptor, os.O_BINARY)
    return ours


def log_to(path: Path) -> None:
    """Have stderr, and what became of stdout, go to the end of a file; a long one is renamed to `NAME.1` first.

    Raises:
        OSError: it cannot be opened.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):
        if path.stat().st_size > _LONGEST_LOG:
            path.replace(path.with_name(path.name + ".1"))
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)


def lead_group() -> None:
    """Become the first of a new session, so that whoever ends this process can end all that it started with it.

    On Windows nothing is done: there processes know their parents, see `dualssl.worker.tree`.
    """
    if hasattr(os, "setsid"):
        # Refused where the client has done so already.
        with suppress(PermissionError):
            os.setsid()


def read_some(descriptor: int) -> bytes:
    """What has arrived, at least a byte; empty when the stream has ended."""
    try:
        return os.read(descriptor, 1 << 16)
    except OSError:
        # As good as ended: on Windows a broken pipe says so in this way.
        return b""


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of `data`.

    Raises:
        OSError: nobody reads any more.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def end_surely() -> None:
    """See that the process is gone in a few seconds, whatever its threads hang in: a clock that Python cannot stop."""
    faulthandler.dump_traceback_later(_LONGEST_END, exit=True, file=2)


def leave(status: int = 0) -> None:
    """End the process here and now, and all that it started.

    No clean-up runs: threads that compute cannot be stopped, and destructors below them would crash. What was to be kept has
    been written atomically before.
    """
    with suppress(Exception):
        import psutil

        for child in psutil.Process().children(recursive=True):
            child.kill()
    os._exit(status)
