"""Cases from a library into a folder of another format, and back: voxels, geometry and newest labels."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dualssl.case_files import read_images
from dualssl.cases import layout
from dualssl.cases.exchange.folders import Content, Format, FoundCase, FoundCases, WrittenCase
from dualssl.cases.library import CaseLibrary
from dualssl.cases.names import check_case_name, name_key
from dualssl.cases.records import CaseRecord
from dualssl.cases.states import CaseState
from dualssl.errors import LibraryError
from dualssl.files import atomic_folder, json_text
from dualssl.volumes.read import read_label_map

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ExportReport:
    """Names of the cases that were written, with and without labels."""

    labelled: tuple[str, ...]
    unlabelled: tuple[str, ...]


@dataclass(frozen=True)
class ImportReport:
    """Names of the cases that were added, of those that got labels, and of those that were there already."""

    added: tuple[str, ...]
    labelled: tuple[str, ...]
    skipped: tuple[str, ...]


def export_cases(
    library: CaseLibrary, form: Format, output: Path, state: CaseState | None = None, on_case: Progress | None = None
) -> ExportReport:
    """Write a folder, whole or not at all. Neither metadata nor groups leave the library.

    Args:
        library: where the cases are.
        form: the format.
        output: new or empty.
        state: only cases in it; None takes all that are not excluded.
        on_case: told the number of cases done and of all.

    Raises:
        LibraryError: there is no such case, or a file is missing or damaged.
        OutputError: `output` holds something, or cannot be written.
    """
    cases = [case for case in library.cases(state) if state is not None or case.state is not CaseState.excluded]
    if not cases:
        which = "that is not excluded" if state is None else f"in state '{state.value}'"
        raise LibraryError(f"The library {library.folder} has no case {which}: there is nothing to export.")
    content = Content(
        name=library.folder.resolve().name,
        labels=library.labels,
        channel_names=library.channel_names,
        labelled=tuple(case.name for case in cases if case.labels is not None),
        unlabelled=tuple(case.name for case in cases if case.labels is None),
    )
    with atomic_folder(output) as temporary:
        for done, case in enumerate(cases):
            if on_case is not None:
                on_case(done, len(cases))
            _export_case(library, form, case, temporary)
        for path, data in form.texts(content).items():
            text = data if isinstance(data, str) else json_text(data)
            (temporary / path).write_text(text, encoding="utf-8", newline="\n")
        if on_case is not None:
            on_case(len(cases), len(cases))
    return ExportReport(content.labelled, content.unlabelled)


def import_cases(
    library: CaseLibrary,
    form: Format,
    folder: Path,
    reviewer: str,
    skip_existing: bool = False,
    on_case: Progress | None = None,
) -> ImportReport:
    """Add the cases of a folder; those with labels become `corrected`.

    All that can be seen without reading voxels is checked before the first case is added. After an error, what was added stays;
    `skip_existing` goes on from there.

    Args:
        library: where the cases go.
        form: the format.
        folder: of that format.
        reviewer: who answers for the labels.
        skip_existing: leave out cases whose name is in the library, rather than refuse; those that wait there, as an import
            that was stopped can leave one, get the folder's labels.
        on_case: told the number of cases done and of all.

    Raises:
        LibraryError, DatasetError: the folder is not of this format or does not fit the library, or a name is taken.
        VolumeError: a file cannot be used.
        OutputError: no space, no permission.
    """
    library.require_writable()
    found = form.read(folder)
    _check_fit(library, found, folder)
    if not reviewer.strip() and any(case.labels is not None for case in found.cases):
        raise LibraryError(
            f"The labels of {folder} name no reviewer: say who answers for them.", command_line="--reviewer NAME"
        )
    known = {name_key(case.name): case for case in library.cases()}
    taken = [case.name for case in found.cases if name_key(case.name) in known]
    if taken and not skip_existing:
        raise LibraryError(
            f"The library has {len(taken)} of the {len(found.cases)} cases of {folder} already, such as '{taken[0]}': "
            "leave these out, or rename them.",
            command_line="--skip-existing",
        )
    added, labelled = [], []
    for done, case in enumerate(found.cases):
        if on_case is not None:
            on_case(done, len(found.cases))
        there = known.get(name_key(case.name))
        if there is None:
            _add(library, case, reviewer)
            added.append(case.name)
        elif case.labels is not None and there.state is CaseState.waiting:
            _label(library, there.name, case.labels, reviewer)
        else:
            continue
        if case.labels is not None:
            labelled.append(case.name)
    if on_case is not None:
        on_case(len(found.cases), len(found.cases))
    return ImportReport(tuple(added), tuple(labelled), tuple(taken))


def _export_case(library: CaseLibrary, form: Format, case: CaseRecord, folder: Path) -> None:
    written = WrittenCase(case.name, len(library.channel_names), case.labels is not None)
    targets = {layout.image_file(n): form.image_path(written, n) for n in range(written.channels)}
    if case.labels is not None:
        targets[layout.labels_file(case.labels.number)] = form.label_path(case.name)
    for file, target in targets.items():
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(library.file_path(case.name, file), path)


def _check_fit(library: CaseLibrary, found: FoundCases, folder: Path) -> None:
    """See that every case could be one of the library's, as far as names tell."""
    if not found.cases:
        raise LibraryError(f"{folder} holds no case: name a folder with images in this format.")
    if found.labels is not None and found.labels.names != library.labels.names:
        raise LibraryError(
            f"{folder} has the structures {', '.join(found.labels.names)}, the library has "
            f"{', '.join(library.labels.names)}: import what has the library's structures in the same order."
        )
    names: set[str] = set()
    for case in found.cases:
        check_case_name(case.name)
        if name_key(case.name) in names:
            raise LibraryError(f"{folder} has two cases called '{case.name}': rename one of them.")
        names.add(name_key(case.name))
        if len(case.images) != len(library.channel_names):
            raise LibraryError(
                f"Case '{case.name}' of {folder} has {len(case.images)} channel(s), the library's cases have "
                f"{len(library.channel_names)} ({', '.join(library.channel_names)}): import cases with these."
            )
        for path in (*case.images, *((case.labels,) if case.labels is not None else ())):
            if not path.exists():
                raise LibraryError(f"{path} does not exist, but {folder} names it: add the file; nothing has been imported.")


def _add(library: CaseLibrary, case: FoundCase, reviewer: str) -> None:
    images = read_images(case.images)
    # Read before the case is added: a bad label map leaves no case without labels behind.
    values = range(library.labels.channels)
    labels = None if case.labels is None else read_label_map(case.labels, values, images[0].geometry)
    library.add_case(case.name, images)
    if labels is not None:
        library.save_correction(case.name, labels, reviewer=reviewer, notes="imported")


def _label(library: CaseLibrary, name: str, path: Path, reviewer: str) -> None:
    labels = read_label_map(path, range(library.labels.channels), library.geometry(name))
    library.save_correction(name, labels, reviewer=reviewer, notes="imported")
