"""Take into a library's index what only its folders know: whole cases, predictions and label versions.

Everything here is called inside a transaction. What cannot be taken in goes to `recovered/`; nothing is deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from dualssl.cases import index, layout, notes
from dualssl.cases.contents import LibraryContents
from dualssl.cases.library import store_state
from dualssl.cases.records import StoredFile
from dualssl.cases.states import settled_state
from dualssl.cases.store import fault, set_aside
from dualssl.errors import LibraryError
from dualssl.files import write_json


def adopt_case(library: LibraryContents, folder: Path) -> None:
    """Tell the index of a case, its predictions and its labels; a folder without a usable note goes to `recovered/`."""
    known = notes.case_from_note(notes.read_note(folder / layout.CASE_NOTE))
    if known is None or known[0].name != folder.name or not _fits(library, known[2]):
        set_aside(library.folder, layout.RECOVERED, folder.name, folder)
        return
    case, grid, files = known
    # From the start, so that nothing is written over the note before all is taken in.
    recorded = notes.state_from_note(notes.read_note(folder / layout.STATE_NOTE))
    if recorded is not None:
        case = replace(case, state=recorded[0], changed=recorded[1])
    try:
        index.insert_case(library.database, case, grid, files)
    except LibraryError:
        # The same case, or its name in other capitals, is in the library.
        set_aside(library.folder, layout.RECOVERED, folder.name, folder)
        return
    for number in sorted(layout.label_numbers(folder)):
        adopt_labels(library, case.name, folder, number)
    for number in sorted(layout.prediction_numbers(folder)):
        adopt_prediction(library, case.name, folder, number)
    _restore_state(library, case.name, case.changed)


def _restore_state(library: LibraryContents, name: str, changed: datetime) -> None:
    """The state that a case came in with, if its data allow it; else the one that its data give."""
    case = library.case(name)
    state = settled_state(case.state, case.prediction is not None, case.labels is not None)
    index.update_state(library.database, name, state, changed)
    case = replace(case, state=state, changed=changed)
    write_json(layout.case_folder(library.folder, name) / layout.STATE_NOTE, notes.state_note(case))


def _fits(library: LibraryContents, files: Sequence[StoredFile]) -> bool:
    """Whether a case has the library's channels."""
    wanted = {layout.image_file(channel) for channel in range(len(library.channel_names))}
    return {file.path for file in files} == wanted


def saved_again(library: LibraryContents, name: str, folder: Path, number: int) -> int | None:
    """The later version that has the very volumes of one that the index does not know; None if there is none.

    So it is where a save that failed was repeated. Only a later version counts: whoever saves once more what an earlier one
    holds may mean it.
    """
    known = notes.labels_from_note(notes.read_note(folder / layout.labels_note(number)))
    if known is None:
        return None
    content = {_kind(file): file.sha256 for file in known[1]}
    files = index.files_of(library.database, name)
    for version in index.label_versions_of(library.database, name):
        paths = (layout.labels_file(version.number), layout.edits_file(version.number))
        own = [files[path] for path in paths if path in files]
        same = version.number > number and content == {_kind(file): file.sha256 for file in own}
        if same and all(fault(folder, file) is None for file in own):
            return version.number
    return None


def _kind(file: StoredFile) -> str:
    """What follows a version's number in the name of its file: it tells label map and edit mask apart."""
    return file.path.partition(".")[2]


def adopt_labels(library: LibraryContents, name: str, folder: Path, number: int) -> None:
    """Tell the index of a label version that is whole and was not saved again; else its files go to `recovered/`."""
    known = notes.labels_from_note(notes.read_note(folder / layout.labels_note(number)))
    needed = layout.labels_file(number)
    allowed = {needed, layout.edits_file(number)}
    new = saved_again(library, name, folder, number) is None
    if new and known is not None and known[0].number == number and _whole(folder, known[1], allowed, needed):
        index.insert_label_version(library.database, name, known[0], known[1])
        settle_state(library, name)
        return
    paths = (layout.labels_file(number), layout.edits_file(number), layout.labels_note(number))
    set_aside(library.folder, layout.RECOVERED, name, *(folder / path for path in paths))


def adopt_prediction(library: LibraryContents, name: str, folder: Path, number: int) -> None:
    """Tell the index of a prediction that is whole; else it goes to `recovered/`."""
    known = notes.prediction_from_note(notes.read_note(folder / layout.prediction_note(number)))
    allowed = {layout.prediction_file(number, kind) for kind in ("labels", "entropy", "kl")}
    needed = layout.prediction_file(number, "labels")
    if known is not None and known[0].number == number and _whole(folder, known[1], allowed, needed):
        index.insert_prediction(library.database, name, known[0], known[1])
        settle_state(library, name)
        return
    set_aside(library.folder, layout.RECOVERED, name, folder / layout.prediction_folder(number))


def _whole(folder: Path, files: Sequence[StoredFile], allowed: set[str], needed: str) -> bool:
    """Whether a note names the right files, and all are as they were stored. Paths from a note are not to be trusted."""
    paths = {file.path for file in files}
    return needed in paths <= allowed and all(fault(folder, file) is None for file in files)


def settle_state(library: LibraryContents, name: str) -> None:
    """Bring a case's state in line with its data; inside a transaction."""
    case = index.find_case(library.database, name)
    if case is not None:
        store_state(library, case, settled_state(case.state, case.prediction is not None, case.labels is not None))
