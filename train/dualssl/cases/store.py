"""Volumes and notes of a library on the disk: written apart, named at once, verified by their SHA-256."""

from __future__ import annotations

import os
import platform
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from uuid import uuid4

from dualssl.cases import layout
from dualssl.cases.records import StoredFile
from dualssl.errors import LibraryError
from dualssl.files import output_error, sha256_of, sync_folder

_INCOMING = re.compile(r"(?P<kind>[a-z]+)-(?P<host>[A-Za-z0-9]*)-(?P<process>\d+)-[0-9a-f]{8}")
_HOST = re.sub(r"[^A-Za-z0-9]", "", platform.node())[:40]
FOREIGN_SECONDS = 24 * 3600
"""After this time what another machine began to write is taken for left behind."""


@contextmanager
def incoming(library: Path, kind: str) -> Iterator[Path]:
    """A folder to write to before names are given; what is still in it at the end of the block is deleted.

    Its name says who writes, so that `is_left_behind` can tell a write that goes on from one that was killed.

    Args:
        library: the library's folder.
        kind: `case`, `prediction` or `correction`.

    Raises:
        OutputError: the folder cannot be made.
    """
    folder = library / layout.INCOMING / f"{kind}-{_HOST}-{os.getpid()}-{uuid4().hex[:8]}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise output_error(folder, error) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def is_left_behind(folder: Path) -> bool:
    """Whether nobody writes to this folder of `incoming/` any more."""
    import psutil

    match = _INCOMING.fullmatch(folder.name)
    try:
        last_write = folder.stat().st_mtime
    except FileNotFoundError:
        return False
    if match is None:
        # Not of this program: somebody put it there.
        return False
    if match["host"] != _HOST:
        return time.time() - last_write > FOREIGN_SECONDS
    try:
        began = psutil.Process(int(match["process"])).create_time()
    except psutil.Error:
        return True
    # A process that is younger than the last write only has the number of the one that wrote. Clocks differ by a little.
    return began > last_write + 1.0


def stored_file(folder: Path, path: str, called: str | None = None) -> StoredFile:
    """Size and SHA-256 of a file below `folder`, under the path it will be `called`.

    Raises:
        OutputError: what was just written cannot be read.
    """
    try:
        return StoredFile(called or path, sha256_of(folder / path), (folder / path).stat().st_size)
    except OSError as error:
        raise output_error(folder / path, error) from error


def fault(folder: Path, file: StoredFile) -> str | None:
    """What is wrong with a file of the case in `folder`: missing, another size or checksum; None if it is as it was stored."""
    path = folder / file.path
    try:
        size = path.stat().st_size
        if size != file.size:
            return f"has {size} bytes instead of {file.size}"
        return None if sha256_of(path) == file.sha256 else "has another checksum than when it was stored"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"


def verified(folder: Path, file: StoredFile) -> Path:
    """The path of a file of the case in `folder`, if it is as it was stored.

    Raises:
        LibraryError: it is missing or damaged.
    """
    wrong = fault(folder, file)
    if wrong is not None:
        raise LibraryError(
            f"{folder / file.path} {wrong}: put back a good copy, and have the library checked for what else is harmed.",
            command_line="dualssl cases check",
        )
    return folder / file.path


def place(source: Path, target: Path) -> None:
    """Give a file or folder its name for good, by a rename. The caller holds the library's lock for writers.

    Raises:
        OutputError: the system refuses.
        LibraryError: something has that name; it is not touched.
    """
    try:
        if target.exists():
            raise LibraryError(
                f"{target} exists already: have the library repaired, then try again.",
                command_line="dualssl cases check --repair",
            )
        target.parent.mkdir(exist_ok=True)
        source.replace(target)
        sync_folder(target.parent)
        sync_folder(target.parent.parent)
    except OSError as error:
        raise output_error(target, error) from error


def set_aside(library: Path, subfolder: str, name: str, *paths: Path) -> Path:
    """Move files or folders into a new folder of `trash/` or `recovered/`, and return it. Those that do not exist are left out.

    Raises:
        OutputError: the system refuses.
    """
    stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    # The name of a folder that came from elsewhere, or a note that was edited, may hold anything.
    plain = re.sub(r"[^A-Za-z0-9_. -]", "_", name)[:100]
    target = library / subfolder / f"{plain}-{stamp}-{uuid4().hex[:8]}"
    try:
        target.mkdir(parents=True)
        for path in paths:
            if path.exists():
                path.replace(target / path.name)
        sync_folder(target)
        sync_folder(target.parent)
        for path in paths:
            sync_folder(path.parent)
    except OSError as error:
        raise output_error(target, error) from error
    return target
