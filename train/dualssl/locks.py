"""One process at a time: locks that the system holds, and frees when a process dies, however."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dualssl.errors import DualSSLError
from dualssl.files import output_error

_PAUSE_SECONDS = 0.02
_TAKEN = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)


@contextmanager
def exclusive(path: Path, taken: DualSSLError, patience: float = 0.0) -> Iterator[None]:
    """Hold the lock on the file `path`, which is made if need be and stays.

    Args:
        path: an empty file that means nothing else.
        taken: raised if another process has held the lock all the time.
        patience: seconds to wait for it.

    Raises:
        OutputError: the file cannot be made.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
    except OSError as error:
        raise output_error(path, error) from error
    try:
        end = time.monotonic() + patience
        while not _taken_at_once(handle, path):
            if time.monotonic() >= end:
                raise taken
            time.sleep(_PAUSE_SECONDS)
        yield
    finally:
        # Closing frees the lock.
        os.close(handle)


def _taken_at_once(handle: int, path: Path) -> bool:
    try:
        _try(handle)
    except OSError as error:
        if error.errno in _TAKEN:
            return False
        raise output_error(path, error) from error
    return True


if sys.platform == "win32":
    import msvcrt

    def _try(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _try(handle: int) -> None:
        # Not lockf: its locks belong to a process, so that two threads of one would not exclude each other.
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
