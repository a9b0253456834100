"""What the index is asked and told: every SQL statement on cases, predictions, label versions and files."""

from __future__ import annotations

import json
import sqlite3
import struct
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from dualssl.cases.database import Database
from dualssl.cases.names import name_key
from dualssl.cases.records import CaseRecord, LabelVersion, PredictionRecord, Provenance, StoredFile, time_text
from dualssl.cases.states import CaseState
from dualssl.errors import LibraryError
from dualssl.geometry import Geometry

_PREDICTION = "p.number, p.created, p.model_id, p.model_sha256, p.program, p.scores, p.features"
_LABELS = (
    "l.number, l.created, l.reviewer, l.started, l.based_on, l.model_id, l.model_sha256, l.program, l.voxels_changed, "
    "l.voxels_changed_total, l.regions_reviewed, l.notes"
)
_DECODER = json.JSONDecoder()
_CASE_COLUMNS, _PREDICTION_COLUMNS = 8, 7
_CASES = f"""
    SELECT c.name, c.uid, c.patient_group, c.source, c.metadata, c.state, c.added, c.changed, {_PREDICTION}, {_LABELS}
    FROM cases c
    LEFT JOIN predictions p ON p.case_id = c.id
        AND p.number = (SELECT max(number) FROM predictions WHERE case_id = c.id)
    LEFT JOIN label_versions l ON l.case_id = c.id
        AND l.number = (SELECT max(number) FROM label_versions WHERE case_id = c.id)
"""


def library_value(database: Database, key: str) -> Any:
    """A value of the library as a whole, such as `labels`; None if it has none of that name."""
    rows = database.rows("SELECT value FROM library WHERE key = ?", (key,))
    return json.loads(rows[0][0]) if rows else None


def all_cases(database: Database, state: CaseState | None = None) -> tuple[CaseRecord, ...]:
    """The cases in order of name, with newest prediction and labels; one query."""
    if state is None:
        rows = database.rows(f"{_CASES} ORDER BY c.name")
    else:
        rows = database.rows(f"{_CASES} WHERE c.state = ? ORDER BY c.name", (state.value,))
    return tuple(_case(row) for row in rows)


def find_case(database: Database, name: str) -> CaseRecord | None:
    """The case of that very name."""
    rows = database.rows(f"{_CASES} WHERE c.name = ?", (name,))
    return _case(rows[0]) if rows else None


def case_names(database: Database) -> tuple[str, ...]:
    """All names, in order."""
    return tuple(row[0] for row in database.rows("SELECT name FROM cases ORDER BY name"))


def name_like(database: Database, name: str) -> str | None:
    """The case that has this name but for capital and small letters."""
    rows = database.rows("SELECT name FROM cases WHERE name_key = ?", (name_key(name),))
    return str(rows[0][0]) if rows else None


def case_geometry(database: Database, name: str) -> Geometry:
    """The grid of a case's image."""
    return geometry_from_json(json.loads(_one(database, "geometry", name)))


def geometries(database: Database) -> dict[str, Geometry]:
    """The grids of all cases' images, by name."""
    rows = database.rows("SELECT name, geometry FROM cases", ())
    return {name: geometry_from_json(json.loads(text)) for name, text in rows}


def predictions_of(database: Database, name: str) -> tuple[PredictionRecord, ...]:
    """All predictions of a case, the oldest first."""
    sql = f"SELECT {_PREDICTION} FROM predictions p JOIN cases c ON c.id = p.case_id WHERE c.name = ? ORDER BY p.number"
    return tuple(_prediction(row) for row in database.rows(sql, (name,)))


def label_versions_of(database: Database, name: str) -> tuple[LabelVersion, ...]:
    """All label versions of a case, the oldest first."""
    sql = f"SELECT {_LABELS} FROM label_versions l JOIN cases c ON c.id = l.case_id WHERE c.name = ? ORDER BY l.number"
    return tuple(_label_version(row) for row in database.rows(sql, (name,)))


def files_of(database: Database, name: str) -> dict[str, StoredFile]:
    """Path to file, for all files of a case."""
    sql = "SELECT f.path, f.sha256, f.size FROM files f JOIN cases c ON c.id = f.case_id WHERE c.name = ? ORDER BY f.path"
    return {row[0]: StoredFile(*row) for row in database.rows(sql, (name,))}


def all_files(database: Database) -> dict[str, tuple[str, ...]]:
    """Case to the paths of its files; one query."""
    found: dict[str, list[str]] = {}
    for name, path in database.rows("SELECT c.name, f.path FROM files f JOIN cases c ON c.id = f.case_id"):
        found.setdefault(name, []).append(path)
    return {name: tuple(paths) for name, paths in found.items()}


def refuse_taken_name(database: Database, name: str) -> None:
    """See that no case has this name, whatever the case of its letters.

    Raises:
        LibraryError: one has.
    """
    known = name_like(database, name)
    if known is not None:
        raise LibraryError(
            f"The library has a case '{known}' already: give the new one another name, or remove the old one first.",
            command_line="--name",
        )


def insert_case(database: Database, case: CaseRecord, geometry: Geometry, files: Iterable[StoredFile]) -> None:
    """Add a case without predictions and labels.

    Raises:
        LibraryError: the name is taken, if only with other capitals.
    """
    try:
        database.change(
            "INSERT INTO cases (uid, name, name_key, patient_group, source, metadata, geometry, state, added, changed) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                case.uid,
                case.name,
                name_key(case.name),
                case.group,
                case.source,
                _json(dict(case.metadata)),
                _json(asdict(geometry)),
                case.state.value,
                time_text(case.added),
                time_text(case.changed),
            ),
        )
    except sqlite3.IntegrityError as error:
        refuse_taken_name(database, case.name)
        raise LibraryError(f"Case '{case.name}' is in the library under another name: remove one of the two.") from error
    insert_files(database, case.name, files)


def insert_prediction(database: Database, name: str, record: PredictionRecord, files: Iterable[StoredFile]) -> None:
    """Add a prediction to a case."""
    values = (
        record.number,
        time_text(record.created),
        *_origin(record.provenance),
        _json(dict(record.scores)),
        struct.pack(f"<{len(record.features)}d", *record.features),
    )
    _insert(database, "predictions", name, values)
    insert_files(database, name, files)


def insert_label_version(database: Database, name: str, version: LabelVersion, files: Iterable[StoredFile]) -> None:
    """Add a label version to a case."""
    data = version.to_json()
    values = (
        version.number,
        data["created"],
        version.reviewer,
        data["started"],
        version.based_on,
        *_origin(version.provenance),
        None if version.voxels_changed is None else _json(data["voxels_changed"]),
        version.voxels_changed_total,
        _json(data["regions_reviewed"]),
        version.notes,
    )
    _insert(database, "label_versions", name, values)
    insert_files(database, name, files)


def insert_files(database: Database, name: str, files: Iterable[StoredFile]) -> None:
    """Add files to a case."""
    for file in files:
        _insert(database, "files", name, (file.path, file.sha256, file.size))


def update_state(database: Database, name: str, state: CaseState, changed: datetime) -> None:
    """Give a case a state."""
    database.change("UPDATE cases SET state = ?, changed = ? WHERE name = ?", (state.value, time_text(changed), name))


def delete_case(database: Database, name: str) -> None:
    """Forget a case and all that belongs to it."""
    database.change("DELETE FROM cases WHERE name = ?", (name,))


def delete_prediction(database: Database, name: str, number: int, paths: Iterable[str]) -> None:
    """Forget a prediction and its files."""
    of_case = "case_id = (SELECT id FROM cases WHERE name = ?)"
    database.change(f"DELETE FROM predictions WHERE {of_case} AND number = ?", (name, number))
    for path in paths:
        database.change(f"DELETE FROM files WHERE {of_case} AND path = ?", (name, path))


def geometry_from_json(data: Mapping[str, Any]) -> Geometry:
    """A grid from the form that `dataclasses.asdict` gives, after JSON; KeyError, TypeError or ValueError where it is none."""
    k, j, i = (int(n) for n in data["shape"])
    sk, sj, si = (float(s) for s in data["spacing"])
    x, y, z = (float(o) for o in data["origin"])
    rows = tuple(tuple(float(v) for v in row) for row in data["direction"])
    if [len(row) for row in rows] != [3, 3, 3]:
        raise ValueError("the direction is no 3x3 matrix")
    return Geometry((k, j, i), (sk, sj, si), (x, y, z), rows)  # type: ignore[arg-type]


def _insert(database: Database, table: str, name: str, values: tuple[Any, ...]) -> None:
    marks = ", ".join("?" for _ in values)
    database.change(f"INSERT INTO {table} SELECT id, {marks} FROM cases WHERE name = ?", (*values, name))


def _one(database: Database, column: str, name: str) -> Any:
    rows = database.rows(f"SELECT {column} FROM cases WHERE name = ?", (name,))
    if not rows:
        raise LibraryError(f"Case '{name}' was removed from the library: choose another case.")
    return rows[0][0]


def _origin(provenance: Provenance) -> tuple[str | None, str | None, str]:
    return provenance.model_id, provenance.model_sha256, provenance.program


def _case(row: tuple[Any, ...]) -> CaseRecord:
    prediction = row[_CASE_COLUMNS : _CASE_COLUMNS + _PREDICTION_COLUMNS]
    labels = row[_CASE_COLUMNS + _PREDICTION_COLUMNS :]
    return CaseRecord(
        name=row[0],
        uid=row[1],
        group=row[2],
        source=row[3],
        metadata=_from_json(row[4]),
        state=CaseState(row[5]),
        added=datetime.fromisoformat(row[6]),
        changed=datetime.fromisoformat(row[7]),
        prediction=None if prediction[0] is None else _prediction(prediction),
        labels=None if labels[0] is None else _label_version(labels),
    )


def _prediction(row: tuple[Any, ...]) -> PredictionRecord:
    number, created, model_id, model_sha256, program, scores, features = row
    return PredictionRecord(
        number=number,
        created=datetime.fromisoformat(created),
        provenance=Provenance(model_id, model_sha256, program),
        scores=_from_json(scores),
        features=struct.unpack(f"<{len(features) // 8}d", features),
    )


def _label_version(row: tuple[Any, ...]) -> LabelVersion:
    number, created, reviewer, started, based_on, model_id, model_sha256, program, changed, total, regions, notes = row
    return LabelVersion(
        number=number,
        created=datetime.fromisoformat(created),
        reviewer=reviewer,
        started=None if started is None else datetime.fromisoformat(started),
        based_on=based_on,
        provenance=Provenance(model_id, model_sha256, program),
        voxels_changed=None if changed is None else _from_json(changed),
        voxels_changed_total=total,
        regions_reviewed=tuple(_from_json(regions)),
        notes=notes,
    )


def _from_json(text: str) -> Any:
    # As json.loads, less the search for blanks around: of ten thousand cases, a third of the time.
    return _DECODER.raw_decode(text)[0]


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, allow_nan=False)
