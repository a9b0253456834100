"""The index's tables, their version, and how an older version becomes the present one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path

from dualssl.errors import LibraryError, OutputError
from dualssl.files import atomic_write

APPLICATION_ID = 0x4453534C
"""Stands in the file's header ("DSSL"), so that no other program's database is taken for a library's."""
SCHEMA_VERSION = 1

TABLES = (
    "CREATE TABLE library (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE cases (
        id INTEGER PRIMARY KEY,
        uid TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        name_key TEXT NOT NULL UNIQUE,
        patient_group TEXT NOT NULL,
        source TEXT,
        metadata TEXT NOT NULL,
        geometry TEXT NOT NULL,
        state TEXT NOT NULL,
        added TEXT NOT NULL,
        changed TEXT NOT NULL
    )""",
    "CREATE INDEX cases_by_name ON cases (name)",
    """CREATE TABLE predictions (
        case_id INTEGER NOT NULL REFERENCES cases (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        created TEXT NOT NULL,
        model_id TEXT,
        model_sha256 TEXT,
        program TEXT NOT NULL,
        scores TEXT NOT NULL,
        features BLOB NOT NULL,
        PRIMARY KEY (case_id, number)
    )""",
    # `based_on` is history: it stays when that prediction is found damaged and set aside.
    """CREATE TABLE label_versions (
        case_id INTEGER NOT NULL REFERENCES cases (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        created TEXT NOT NULL,
        reviewer TEXT NOT NULL,
        started TEXT,
        based_on INTEGER,
        model_id TEXT,
        model_sha256 TEXT,
        program TEXT NOT NULL,
        voxels_changed TEXT,
        voxels_changed_total INTEGER,
        regions_reviewed TEXT NOT NULL,
        notes TEXT NOT NULL,
        PRIMARY KEY (case_id, number)
    )""",
    """CREATE TABLE files (
        case_id INTEGER NOT NULL REFERENCES cases (id) ON DELETE CASCADE,
        path TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        size INTEGER NOT NULL,
        PRIMARY KEY (case_id, path)
    )""",
)

Step = Callable[[sqlite3.Connection], None]

MIGRATIONS: Mapping[int, Step] = {}
"""Version to the function that changes its tables to those of the next version. Version 1 was the first."""


def create_tables(connection: sqlite3.Connection) -> None:
    """Give an empty database the tables and the marks of the present version. The caller holds a transaction."""
    for statement in TABLES:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def schema_version(connection: sqlite3.Connection) -> int:
    """The version of the tables."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(
    connection: sqlite3.Connection,
    path: Path,
    steps: Mapping[int, Step] = MIGRATIONS,
    newest: int = SCHEMA_VERSION,
) -> Path | None:
    """Bring the tables to version `newest`: all steps or none, after a copy of the index was made beside it.

    Args:
        connection: in autocommit mode.
        path: of the index.
        steps: version to the function that leads to the next one.
        newest: the version that this program works with.

    Returns:
        Where the copy lies; None if there was nothing to do.

    Raises:
        LibraryError: the tables are of a newer version, or no step leads on.
        OutputError: the copy cannot be written.
        sqlite3.Error: a step failed; the index is as it was.
    """
    if _check_version(connection, path, steps, newest):
        return None
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have been quicker while this one waited for the lock.
        done = _check_version(connection, path, steps, newest)
        copy = None if done else _copy(path, schema_version(connection))
        for version in range(schema_version(connection), newest):
            steps[version](connection)
            connection.execute(f"PRAGMA user_version = {version + 1}")
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    return copy


def _check_version(connection: sqlite3.Connection, path: Path, steps: Mapping[int, Step], newest: int) -> bool:
    """Whether the tables are of version `newest` already."""
    version = schema_version(connection)
    if version > newest:
        raise LibraryError(
            f"{path.parent} was made by a newer dualssl (library version {version}, this one reads up to {newest}): "
            "update dualssl."
        )
    missing = [step for step in range(version, newest) if step not in steps]
    if missing:
        raise LibraryError(
            f"{path.parent} has library version {missing[0]}, which this dualssl cannot bring up to date: open it with an "
            "older dualssl first."
        )
    return version == newest


def _copy(path: Path, version: int) -> Path:
    """A whole copy of the index as it is on the disk, its log included."""
    target = path.with_name(f"{path.stem}.version-{version}{path.suffix}")
    try:
        with (
            atomic_write(target) as temporary,
            closing(sqlite3.connect(path)) as source,
            closing(sqlite3.connect(temporary)) as copy,
        ):
            source.backup(copy)
            # Else the copy would need two more files beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise OutputError(
            f"{target} could not be written ({error}), so the library stays at its old version: free some space and try again."
        ) from error
    return target
