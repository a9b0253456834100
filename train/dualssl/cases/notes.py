"""The JSON notes beside the volumes. The index can be made anew from them, so they say all that it says."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from dualssl.cases.index import geometry_from_json
from dualssl.cases.names import check_case_name
from dualssl.cases.records import CaseRecord, LabelVersion, PredictionRecord, StoredFile, time_text
from dualssl.cases.states import CaseState
from dualssl.errors import LibraryError
from dualssl.geometry import Geometry
from dualssl.labels import LabelTable

FORMAT_VERSION = 1


def description_note(labels: LabelTable, channel_names: Iterable[str], created: str) -> dict[str, Any]:
    """What `library.json` holds."""
    return {
        "format_version": FORMAT_VERSION,
        "program": "dualssl case library",
        "created": created,
        "labels": labels.to_json(),
        "channel_names": list(channel_names),
    }


def case_note(case: CaseRecord, geometry: Geometry, files: Iterable[StoredFile]) -> dict[str, Any]:
    """What `case.json` holds: all that never changes."""
    return {
        "format_version": FORMAT_VERSION,
        "name": case.name,
        "uid": case.uid,
        "group": case.group,
        "source": case.source,
        "metadata": dict(case.metadata),
        "added": time_text(case.added),
        "geometry": json.loads(json.dumps(asdict(geometry))),
        "files": _listed(files),
    }


def state_note(case: CaseRecord) -> dict[str, Any]:
    """What `state.json` holds."""
    return {"format_version": FORMAT_VERSION, "state": case.state.value, "changed": time_text(case.changed)}


def labels_note(case: str, version: LabelVersion, files: Iterable[StoredFile]) -> dict[str, Any]:
    """What the note of a label version holds."""
    return _numbered(case, version.to_json(), files)


def prediction_note(case: str, record: PredictionRecord, files: Iterable[StoredFile]) -> dict[str, Any]:
    """What the note of a prediction holds."""
    return _numbered(case, record.to_json(), files)


def read_note(path: Path) -> dict[str, Any] | None:
    """The content of a note; None if there is none, or it is no JSON object."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None


def case_from_note(data: Mapping[str, Any] | None) -> tuple[CaseRecord, Geometry, tuple[StoredFile, ...]] | None:
    """The case, in state `waiting`, its grid and files; None where the note is not whole."""
    try:
        files = _files(data)
        assert data is not None
        check_case_name(data["name"])
        added = datetime.fromisoformat(data["added"])
        case = CaseRecord(
            name=data["name"],
            uid=str(data["uid"]),
            group=str(data["group"]),
            source=None if data["source"] is None else str(data["source"]),
            metadata={str(key): str(value) for key, value in data["metadata"].items()},
            state=CaseState.waiting,
            added=added,
            changed=added,
        )
        return case, geometry_from_json(data["geometry"]), files
    except (KeyError, TypeError, ValueError, AttributeError, LibraryError):
        return None


def labels_from_note(data: Mapping[str, Any] | None) -> tuple[LabelVersion, tuple[StoredFile, ...]] | None:
    """A label version and its files; None where the note is not whole."""
    try:
        files = _files(data)
        assert data is not None
        return LabelVersion.from_json(data), files
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def prediction_from_note(data: Mapping[str, Any] | None) -> tuple[PredictionRecord, tuple[StoredFile, ...]] | None:
    """A prediction and its files; None where the note is not whole."""
    try:
        files = _files(data)
        assert data is not None
        return PredictionRecord.from_json(data), files
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def state_from_note(data: Mapping[str, Any] | None) -> tuple[CaseState, datetime] | None:
    """State, and since when; None where the note is not whole."""
    try:
        return (CaseState(data["state"]), datetime.fromisoformat(data["changed"])) if data is not None else None
    except (KeyError, TypeError, ValueError):
        return None


def _numbered(case: str, data: dict[str, Any], files: Iterable[StoredFile]) -> dict[str, Any]:
    return {"format_version": FORMAT_VERSION, "case": case, **data, "files": _listed(files)}


def _listed(files: Iterable[StoredFile]) -> list[dict[str, Any]]:
    # In one order, so that equal content is equal text.
    return [file.to_json() for file in sorted(files, key=lambda file: file.path)]


def _files(data: Mapping[str, Any] | None) -> tuple[StoredFile, ...]:
    if data is None or data["format_version"] != FORMAT_VERSION:
        raise ValueError("no note of this format")
    return tuple(StoredFile.from_json(file) for file in data["files"])
