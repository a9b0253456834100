"""Where the index and the folders of a library disagree, and how each disagreement is mended without losing anything."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

from dualssl.cases import index, layout, notes
from dualssl.cases.adoption import adopt_case, adopt_labels, adopt_prediction, saved_again
from dualssl.cases.contents import LibraryContents
from dualssl.cases.records import CaseRecord, StoredFile
from dualssl.cases.store import is_left_behind, set_aside
from dualssl.files import write_json


class ProblemKind(str, Enum):
    """What can be wrong with a library."""

    no_index = "no index"
    leftover = "leftover"
    orphan = "orphan"
    note = "note"
    missing = "missing"
    damaged = "damaged"


@dataclass(frozen=True)
class Finding:
    """A disagreement, and how to end it.

    Attributes:
        kind: what is wrong.
        case: whose, or None.
        path: of the file or folder.
        message: a sentence.
        mend: ends it, inside a transaction; None if nothing here can.
    """

    kind: ProblemKind
    case: str | None
    path: Path
    message: str
    mend: Callable[[], object] | None = None


def look_at_library(library: LibraryContents) -> list[Finding]:
    """What belongs to no case: its description, scraps, and what killed processes left in `incoming/`."""
    folder = library.folder
    found = [_scrap(None, path) for path in (*layout.scraps(folder), *layout.scraps(folder / layout.CASES))]
    wanted = notes.description_note(library.labels, library.channel_names, index.library_value(library.database, "created"))
    description = folder / layout.DESCRIPTION
    if notes.read_note(description) != wanted:
        found.append(_wrong_note(None, description, partial(_write_note, description, wanted)))
    incoming = folder / layout.INCOMING
    for path in sorted(incoming.iterdir()) if incoming.is_dir() else ():
        if is_left_behind(path):
            message = f"{path} was left by a write that did not end."
            found.append(Finding(ProblemKind.leftover, None, path, message, partial(_clear_leftover, library, path)))
    return found


def look_for_unknown_cases(library: LibraryContents) -> list[Path]:
    """Folders of cases that the index does not know."""
    known = set(index.case_names(library.database))
    cases = library.folder / layout.CASES
    paths = sorted(cases.iterdir()) if cases.is_dir() else []
    return [path for path in paths if path.is_dir() and path.name not in known and not path.name.startswith(".")]


def look_at_unknown_case(library: LibraryContents, path: Path) -> list[Finding]:
    """The folder of a case, if it is still there and the index still does not know it."""
    if index.find_case(library.database, path.name) is not None or not path.is_dir():
        return []
    message = f"{path} is the folder of a case that the index does not know."
    return [Finding(ProblemKind.orphan, path.name, path, message, partial(adopt_case, library, path))]


def look_at_case(library: LibraryContents, name: str) -> list[Finding]:
    """Notes that differ from the index, and versions and predictions that it does not know. Volumes are not read."""
    case = index.find_case(library.database, name)
    if case is None:
        return []
    folder = layout.case_folder(library.folder, name)
    if not folder.is_dir():
        return [_missing_folder(library, case, folder)]
    scraps = [path for part in (folder, folder / layout.LABELS, folder / layout.PREDICTIONS) for path in layout.scraps(part)]
    return [
        *(_scrap(name, path) for path in scraps),
        *_unknown_labels(library, name, folder),
        *_unknown_predictions(library, name, folder),
        *_wrong_notes(library, name, folder),
    ]


def _missing_folder(library: LibraryContents, case: CaseRecord, folder: Path) -> Finding:
    removed = _in_trash(library, case)
    if removed is not None:
        message = f"{folder} is missing, it was moved to {removed} by a removal that did not end."
        return Finding(ProblemKind.missing, case.name, folder, message, partial(removed.replace, folder))
    message = f"{folder} is missing: put it back from a copy, or remove the case."
    return Finding(ProblemKind.missing, case.name, folder, message)


def _in_trash(library: LibraryContents, case: CaseRecord) -> Path | None:
    for path in (library.folder / layout.TRASH).glob(f"*/{case.name}"):
        note = notes.read_note(path / layout.CASE_NOTE)
        if note is not None and note.get("uid") == case.uid:
            return path
    return None


def _unknown_labels(library: LibraryContents, name: str, folder: Path) -> list[Finding]:
    known = {version.number for version in index.label_versions_of(library.database, name)}
    found = []
    for number in sorted(layout.label_numbers(folder) - known):
        path = folder / layout.labels_file(number)
        again = saved_again(library, name, folder, number)
        if again is None:
            message = f"{path} is a label version that the index does not know."
        else:
            message = f"{path} was left by a write that did not end, its labels were saved again as version {again}."
        mend = partial(adopt_labels, library, name, folder, number)
        found.append(Finding(ProblemKind.orphan, name, path, message, mend))
    return found


def _unknown_predictions(library: LibraryContents, name: str, folder: Path) -> list[Finding]:
    known = {record.number for record in index.predictions_of(library.database, name)}
    found = []
    for number in sorted(layout.prediction_numbers(folder) - known):
        path = folder / layout.prediction_folder(number)
        message = f"{path} is a prediction that the index does not know."
        mend = partial(adopt_prediction, library, name, folder, number)
        found.append(Finding(ProblemKind.orphan, name, path, message, mend))
    return found


def _wrong_notes(library: LibraryContents, name: str, folder: Path) -> list[Finding]:
    # All are mended together from what the index says at that time: taking in an orphan changes what a note must say.
    mend = partial(_write_notes, library, name, folder)
    wrong = [path for path, wanted in _wanted_notes(library, name, folder).items() if notes.read_note(path) != wanted]
    return [_wrong_note(name, path, mend) for path in wrong]


def _wanted_notes(library: LibraryContents, name: str, folder: Path) -> dict[Path, dict[str, Any]]:
    """What every note of a case must say."""
    case = library.case(name)
    files = list(index.files_of(library.database, name).values())

    def below(start: str) -> list[StoredFile]:
        return [file for file in files if file.path.startswith(start)]

    images = [file for file in files if "/" not in file.path]
    wanted = {
        folder / layout.CASE_NOTE: notes.case_note(case, index.case_geometry(library.database, name), images),
        folder / layout.STATE_NOTE: notes.state_note(case),
    }
    for version in index.label_versions_of(library.database, name):
        # Up to the dot: what follows tells the label map and its edit mask apart.
        own = below(layout.labels_file(version.number).partition(".")[0] + ".")
        wanted[folder / layout.labels_note(version.number)] = notes.labels_note(name, version, own)
    for record in index.predictions_of(library.database, name):
        path = folder / layout.prediction_note(record.number)
        # Without its folder it has lost its volumes as well, which the checksums tell.
        if path.parent.is_dir():
            own = below(layout.prediction_folder(record.number) + "/")
            wanted[path] = notes.prediction_note(name, record, own)
    return wanted


def _write_notes(library: LibraryContents, name: str, folder: Path) -> None:
    for path, wanted in _wanted_notes(library, name, folder).items():
        if notes.read_note(path) != wanted:
            _write_note(path, wanted)


def _wrong_note(case: str | None, path: Path, mend: Callable[[], object]) -> Finding:
    return Finding(ProblemKind.note, case, path, f"{path} is missing or does not say what the index says.", mend)


def _write_note(path: Path, wanted: dict[str, Any]) -> None:
    path.parent.mkdir(exist_ok=True)
    write_json(path, wanted)


def _scrap(case: str | None, path: Path) -> Finding:
    message = f"{path} was left by a write that did not end."
    return Finding(ProblemKind.leftover, case, path, message, partial(path.unlink, missing_ok=True))


def _clear_leftover(library: LibraryContents, path: Path) -> None:
    """Delete what can be made again; whole volumes of a correction are somebody's work and go to `recovered/`."""
    if path.name.startswith("correction-") and any((path / name).exists() for name in ("labels.nrrd", "edits.nrrd")):
        note = notes.read_note(path / "correction.json") or {}
        set_aside(library.folder, layout.RECOVERED, str(note.get("case", "labels")), *sorted(path.iterdir()))
    shutil.rmtree(path)
