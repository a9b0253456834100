"""A folder for what a server needs only while it runs: uploads, files for the worker. Cases of people must not stay behind."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from dualssl.errors import DualSSLError, OutputError
from dualssl.files import output_error
from dualssl.locks import exclusive

_LOCK = "lock"
_PATIENCE_SECONDS = 10.0


@contextmanager
def session_folder(home: Path) -> Iterator[Path]:
    """Make one below `home`, and have all temporary files of this process made in it; at the end of the block it is gone.

    What servers left that were killed is removed first. A server that runs holds a lock, by which the others know.

    Raises:
        OutputError: no space, no permission.
    """
    sessions = home / "sessions"
    try:
        sessions.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise output_error(sessions, error) from error
    busy = OutputError(f"{sessions} is in use by another server that does not answer: try again in a moment.")
    lock = ExitStack()
    # Nobody else may look between the making of the folder and its lock.
    with exclusive(sessions / _LOCK, busy, _PATIENCE_SECONDS):
        _sweep(sessions)
        try:
            folder = Path(tempfile.mkdtemp(prefix="session-", dir=sessions))
        except OSError as error:
            raise output_error(sessions, error) from error
        lock.enter_context(exclusive(folder / _LOCK, busy))
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield folder
    finally:
        tempfile.tempdir = before
        # Windows removes no file that is open.
        lock.close()
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(sessions: Path) -> None:
    for folder in sessions.glob("session-*"):
        # Whoever holds the lock is running.
        with suppress(DualSSLError), exclusive(folder / _LOCK, OutputError(f"{folder} is in use.")):
            shutil.rmtree(folder, ignore_errors=True)
