"""Find what is wrong with a library, and repair what can be: nothing that may be somebody's work is ever deleted."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from dualssl.cases import index, layout
from dualssl.cases.adoption import settle_state
from dualssl.cases.database import DamagedIndexError, create_database, damaged_index
from dualssl.cases.library import CaseLibrary
from dualssl.cases.notes import description_note, read_note
from dualssl.cases.records import StoredFile
from dualssl.cases.store import fault, set_aside
from dualssl.cases.structure import (
    Finding,
    ProblemKind,
    look_at_case,
    look_at_library,
    look_at_unknown_case,
    look_for_unknown_cases,
)
from dualssl.errors import DatasetError, LibraryError
from dualssl.files import atomic_write, output_error
from dualssl.labels import LabelTable

_PREDICTION = re.compile(r"predictions/(\d+)/.*")


@dataclass(frozen=True)
class Problem:
    """Something that was wrong.

    Attributes:
        kind: what.
        case: whose, or None.
        path: of the file or folder.
        message: a sentence.
        repaired: whether it is right now.
    """

    kind: ProblemKind
    case: str | None
    path: Path
    message: str
    repaired: bool

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "kind": self.kind.value,
            "case": self.case,
            "path": str(self.path),
            "message": self.message,
            "repaired": self.repaired,
        }


@dataclass(frozen=True)
class CheckReport:
    """What a check found.

    Attributes:
        cases: number of cases in the library.
        files: number of volumes whose checksum was compared.
        problems: everything that was wrong.
    """

    cases: int
    files: int
    problems: tuple[Problem, ...]

    @property
    def remaining(self) -> tuple[Problem, ...]:
        """What is still wrong."""
        return tuple(problem for problem in self.problems if not problem.repaired)


def check_library(folder: Path, repair: bool = False, on_case: Callable[[int, int], None] | None = None) -> CheckReport:
    """Compare a library's index, notes and volumes with each other. Others may work with the library meanwhile.

    Repairing makes a lost or damaged index anew from the notes, and notes from the index; takes in whole cases, predictions and
    label versions that the index does not know; moves damaged predictions to `recovered/`, as well as label maps of which too
    little is known or that were saved again; deletes only what a killed process left half-written. Damaged images and label
    maps cannot be made again and are reported.

    Args:
        folder: of the library.
        repair: whether to change anything.
        on_case: told the number of cases done and of all.

    Raises:
        LibraryError: there is no library, it is of a newer version, or `repair` is asked for where nothing can be written.
        OutputError: a repair could not be written.
    """
    problems: list[Problem] = []
    library = _opened(folder, repair, problems)
    if library is None:
        return CheckReport(0, 0, tuple(problems))
    with library:
        if repair:
            library.require_writable()
        problems += _settle(library, repair, partial(look_at_library, library))
        for path in look_for_unknown_cases(library):
            # Each in a transaction of its own: taking in a large library must not keep others waiting.
            problems += _settle(library, repair, partial(look_at_unknown_case, library, path))
        names = index.case_names(library.database)
        files = 0
        for done, name in enumerate(names):
            if on_case is not None:
                on_case(done, len(names))
            problems += _settle(library, repair, partial(look_at_case, library, name))
            count, wrong = _check_volumes(library, repair, name)
            files += count
            problems += wrong
        if on_case is not None:
            on_case(len(names), len(names))
    return CheckReport(len(names), files, tuple(problems))


def _opened(folder: Path, repair: bool, problems: list[Problem]) -> CaseLibrary | None:
    """The library, with a new index if it needs one; None if it cannot be opened."""
    path = folder / layout.INDEX
    try:
        library = CaseLibrary.open(folder)
        try:
            _check_index(library)
        except BaseException:
            library.close()
            raise
        return library
    except DamagedIndexError as error:
        if not repair:
            problems.append(Problem(ProblemKind.no_index, None, path, str(error), repaired=False))
            return None
        try:
            _make_index(folder)
        except LibraryError as second:
            problems.append(Problem(ProblemKind.no_index, None, path, str(second), repaired=False))
            return None
        problems.append(Problem(ProblemKind.no_index, None, path, str(error), repaired=True))
        return CaseLibrary.open(folder)


def _check_index(library: CaseLibrary) -> None:
    """See that SQLite finds its file in order.

    Raises:
        DamagedIndexError: it does not.
    """
    verdict = library.database.rows("PRAGMA integrity_check(1)")
    if verdict != [("ok",)]:
        raise damaged_index(library.database.path, str(verdict[0][0]))
    if library.database.rows("PRAGMA foreign_key_check"):
        raise damaged_index(library.database.path, "it names cases that it does not hold")


def _make_index(folder: Path) -> None:
    """Exchange the index for an empty one with the library's labels and channels; the old one goes to `recovered/`."""
    note = read_note(folder / layout.DESCRIPTION) or {}
    try:
        labels = LabelTable.from_json(note["labels"])
        wanted = description_note(labels, [str(name) for name in note["channel_names"]], str(note["created"]))
    except (KeyError, TypeError, ValueError, IndexError, DatasetError) as error:
        raise LibraryError(
            f"{folder} lost its index, and {layout.DESCRIPTION}, from which it would be made anew, is missing or damaged: put "
            "back a copy of either."
        ) from error
    parts = [folder / f"{layout.INDEX}{ending}" for ending in ("", "-wal", "-shm", "-journal")]
    if any(part.exists() for part in parts):
        set_aside(folder, layout.RECOVERED, "index", *parts)
    with atomic_write(folder / layout.INDEX) as temporary:
        create_database(temporary, wanted)


def _settle(library: CaseLibrary, repair: bool, look: Callable[[], list[Finding]]) -> list[Problem]:
    """Look, and if there is something, look again while no other process writes: a write that goes on is no problem."""
    findings = look()
    if not findings:
        return []
    if library.read_only:
        return [_problem(finding, repaired=False) for finding in findings]
    with library.database.writing():
        problems = []
        for finding in look():
            mended = repair and finding.mend is not None
            if mended and finding.mend is not None:
                try:
                    finding.mend()
                except OSError as error:
                    raise output_error(finding.path, error) from error
            problems.append(_problem(finding, repaired=mended))
    return problems


def _problem(finding: Finding, repaired: bool) -> Problem:
    return Problem(finding.kind, finding.case, finding.path, finding.message, repaired)


def _check_volumes(library: CaseLibrary, repair: bool, name: str) -> tuple[int, list[Problem]]:
    """Compare the checksums of a case's volumes: how many there are, and what is wrong."""
    folder = layout.case_folder(library.folder, name)
    if not folder.is_dir():
        return 0, []
    files = index.files_of(library.database, name)
    wrong = [file for file in files.values() if fault(folder, file) is not None]
    if not wrong:
        return len(files), []
    if library.read_only:
        return len(files), [_volume_problem(folder, name, file, repaired=False) for file in wrong]
    problems = []
    with library.database.writing():
        # Under the lock: the case may have been removed, or a prediction set aside, since the files were listed.
        for file in wrong:
            if file.path in index.files_of(library.database, name) and fault(folder, file) is not None:
                problem = _volume_problem(folder, name, file, repaired=False)
                repaired = repair and _set_prediction_aside(library, name, file)
                problems.append(Problem(problem.kind, name, problem.path, problem.message, repaired))
    return len(files), problems


def _volume_problem(folder: Path, name: str, file: StoredFile, repaired: bool) -> Problem:
    wrong = fault(folder, file) or "is damaged"
    kind = ProblemKind.missing if wrong == "is missing" else ProblemKind.damaged
    if _PREDICTION.fullmatch(file.path):
        remedy = "let the case be predicted again"
    elif file.path.startswith(f"{layout.LABELS}/"):
        remedy = "put back a good copy, or correct the case again; earlier versions are not touched"
    else:
        remedy = "put back a good copy, or remove the case and add it again"
    return Problem(kind, name, folder / file.path, f"{folder / file.path} {wrong}: {remedy}.", repaired)


def _set_prediction_aside(library: CaseLibrary, name: str, file: StoredFile) -> bool:
    """Move a damaged prediction to `recovered/`, so that the case waits for a new one; False for any other file."""
    match = _PREDICTION.fullmatch(file.path)
    if match is None:
        return False
    number = int(match[1])
    start = layout.prediction_folder(number)
    paths = [path for path in index.files_of(library.database, name) if path.startswith(f"{start}/")]
    index.delete_prediction(library.database, name, number, paths)
    set_aside(library.folder, layout.RECOVERED, name, layout.case_folder(library.folder, name) / start)
    settle_state(library, name)
    return True
