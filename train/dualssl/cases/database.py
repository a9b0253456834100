"""The index file as SQLite opens it: settings, one writer at a time, and errors that say what to do."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from dualssl.cases.layout import DESCRIPTION
from dualssl.cases.schema import APPLICATION_ID, create_tables, migrate
from dualssl.errors import LibraryError

_log = logging.getLogger(__name__)

BUSY_SECONDS = 30.0

_DAMAGED = ("malformed", "not a database", "no such table", "no such column", "corrupt")
_REMEDIES = (
    ("readonly", "the disk is read-only or there is no permission to write: copy the library elsewhere or change permissions"),
    ("full", "the disk is full: free some space; only this write is lost"),
    ("locked", f"another program kept it busy for {BUSY_SECONDS:.0f} seconds: try again when that program is done"),
    ("disk i/o", "the disk refuses it, perhaps because it is full: free some space or check the disk; only this write is lost"),
    ("closed database", "the library was closed: open it again"),
)


class DamagedIndexError(LibraryError):
    """The index is no usable database; `dualssl cases check --repair` makes a new one from the notes beside the volumes."""


class Database:
    """A connection that any thread may use, one at a time.

    Attributes:
        path: of the index.
        read_only: whether nothing can be written, for want of permission.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, read_only: bool) -> None:
        self.path = path
        self.read_only = read_only
        self._connection = connection
        self._lock = threading.RLock()

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query.

        Raises:
            LibraryError: the index cannot be read.
        """
        with self._lock:
            try:
                return self._connection.execute(sql, parameters).fetchall()
            except sqlite3.Error as error:
                raise explained(error, self.path) from error

    def change(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement inside `writing`; the number of rows it changed.

        Raises:
            sqlite3.IntegrityError: the tables' constraints forbid it.
            LibraryError: the index cannot be written.
        """
        try:
            return self._connection.execute(sql, parameters).rowcount
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            raise explained(error, self.path) from error

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction that holds the library's only lock for writers; kept at the block's end, undone by any exception.

        Raises:
            LibraryError: the index cannot be written, or another process does not let go of the lock.
        """
        with self._lock:
            try:
                # Immediate: a transaction that reads first and then wants to write may fail half-way.
                self._connection.execute("BEGIN IMMEDIATE")
            except sqlite3.Error as error:
                raise explained(error, self.path) from error
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException as error:
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise explained(error, self.path) from error
                raise

    def close(self) -> None:
        """End the connection; a second call does nothing."""
        with self._lock:
            self._connection.close()


def create_database(path: Path, values: dict[str, Any], vfs: str | None = None) -> None:
    """Make a new index.

    Args:
        path: where it goes; nothing is there yet.
        values: what the table `library` says, each stored as JSON.
        vfs: SQLite's name of the layer that works with files; None takes the system's usual one.

    Raises:
        LibraryError: it cannot be written.
    """
    try:
        _create(path, values, vfs)
    except sqlite3.Error as error:
        raise explained(error, path) from error


def _create(path: Path, values: dict[str, Any], vfs: str | None) -> None:
    with closing(_connect(path, "rwc", vfs)) as connection:
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            _tell_of_rollback_journal(path)
        connection.execute("BEGIN IMMEDIATE")
        create_tables(connection)
        for key, value in values.items():
            connection.execute("INSERT INTO library VALUES (?, ?)", (key, json.dumps(value, ensure_ascii=False)))
        connection.execute("COMMIT")


def open_database(path: Path, vfs: str | None = None) -> Database:
    """Open an index, and bring it up to date.

    Args:
        path: an existing file.
        vfs: as for `create_database`.

    Raises:
        DamagedIndexError: it is no SQLite database or a damaged one.
        LibraryError: it is another program's, of a newer version, or cannot be opened.
    """
    writable = _may_write(path)
    try:
        connection = _open_for_writing(path, vfs) if writable else _open_for_reading(path, vfs)
        try:
            if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
                raise _not_an_index(path)
            if writable:
                copy = migrate(connection, path)
                if copy is not None:
                    _log.info("%s was brought up to date; the index as it was is kept as %s.", path, copy)
            connection.execute("SELECT count(*) FROM library").fetchone()
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise explained(error, path) from error
    return Database(connection, path, read_only=not writable)


def explained(error: sqlite3.Error, path: Path) -> LibraryError:
    """What a person should read when SQLite failed with `error` on the index `path`."""
    text = str(error).lower()
    if any(word in text for word in _DAMAGED):
        return damaged_index(path, str(error))
    cause = next((remedy for word, remedy in _REMEDIES if word in text), f"{error}: check the disk and try again")
    return LibraryError(f"The library's index {path} could not be used because {cause}.")


def _not_an_index(path: Path) -> LibraryError:
    if (path.parent / DESCRIPTION).is_file():
        # The folder says that it is a library: it lost its index, most likely to a copy that was cut short.
        return damaged_index(path, "it is another program's file or empty")
    return LibraryError(f"{path} is not the index of a case library: name the folder of a library.")


def damaged_index(path: Path, cause: str) -> DamagedIndexError:
    """What a person should read whose library has no usable index."""
    return DamagedIndexError(
        f"The library's index {path} is lost or damaged ({cause}): the cases themselves are safe, have the library in "
        f"{path.parent} repaired, which makes the index anew from their files.",
        command_line=f"dualssl cases check --repair {path.parent}",
    )


def _connect(path: Path, mode: str, vfs: str | None, immutable: bool = False) -> sqlite3.Connection:
    place = path.absolute().as_posix()
    options = f"mode={mode}" + (f"&vfs={vfs}" if vfs else "") + ("&immutable=1" if immutable else "")
    # Three slashes before a drive's letter, four before the two of a network share: SQLite knows no host in an address.
    address = f"file://{'' if place.startswith('/') else '/'}{quote(place)}?{options}"
    return sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)


def _open_for_writing(path: Path, vfs: str | None) -> sqlite3.Connection:
    connection = _connect(path, "rw", vfs)
    try:
        try:
            connection.execute("PRAGMA user_version").fetchone()
        except sqlite3.OperationalError as error:
            if "locked" in str(error) or "busy" in str(error):
                raise
            connection.close()
            connection = _without_wal(path, vfs)
        connection.execute("PRAGMA foreign_keys = ON")
        # FULL: what was acknowledged survives a power cut, which costs one flush for each write.
        connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def _without_wal(path: Path, vfs: str | None) -> sqlite3.Connection:
    """WAL needs memory that all processes share, which network file systems lack: go back to a rollback journal."""
    with closing(_connect(path, "rw", vfs)) as alone:
        # The one mode in which SQLite reads a WAL database without shared memory.
        alone.execute("PRAGMA locking_mode = EXCLUSIVE")
        mode = alone.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
    if mode == "delete":
        _tell_of_rollback_journal(path)
    return _connect(path, "rw", vfs)


def _open_for_reading(path: Path, vfs: str | None) -> sqlite3.Connection:
    connection = _connect(path, "ro", vfs)
    try:
        connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        log = path.with_name(f"{path.name}-wal")
        if log.exists() and log.stat().st_size:
            raise
        # A log file cannot be made here, and without one there is no writer: the file does not change.
        connection = _connect(path, "ro", vfs, immutable=True)
    return connection


def _tell_of_rollback_journal(path: Path) -> None:
    _log.warning(
        "%s: this disk has no shared memory for SQLite's write-ahead log, as network disks have none, so a rollback "
        "journal is used: writers and readers wait for each other.",
        path,
    )


def _may_write(path: Path) -> bool:
    effective = os.access in os.supports_effective_ids
    return all(os.access(place, os.W_OK, effective_ids=effective) for place in (path, path.parent))
