"""`save_case`: a corrected case into a library, with the prediction that it came from and who answers for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dualssl.cases import CaseLibrary, LabelVersion, PredictionFiles
from dualssl.cases.names import check_case_name
from dualssl.cases.validation import (
    check_channels,
    checked_label_map,
    checked_map,
    checked_mask,
    checked_regions,
    checked_scores,
)
from dualssl.errors import LibraryError
from dualssl.worker.jobs.correction import Correction, on_known_image, read_correction
from dualssl.worker.requests import Params
from dualssl.worker.task import Task


def save_case(task: Task, params: Params) -> dict[str, Any]:
    """Save a corrected case as a new version of a case that is known, or as a new case.

    `library`, `create`, `case`, `group`, `images`, `channel_names` (for a new library), `labels_table`, `labels`, `prediction`
    (`label`, `entropy`, `kl`, `model_id`, `model_sha256`, `scores`) or null, `edit_mask` or null, `reviewer`, `started`,
    `regions_reviewed`, `notes`. What can be found wrong is found before anything is stored. A cancel counts until then.

    A case keeps the grid of its image, as it came first: what comes later is brought to that grid, where it is the same image
    with its voxels in another order, and refused where it is another image.

    Returns:
        `case`, `version`, `state`, `voxels_changed` (by structure, or None), `voxels_changed_total`, `library`.
    """
    task.tell("Reading the correction")
    given = read_correction(params)
    _check(given)
    task.tell("Saving the case")
    with _opened(given) as library:
        version = _store(library, given)
        state = library.case(given.case).state
    return {
        "case": given.case,
        "version": version.number,
        "state": state.value,
        "voxels_changed": version.voxels_changed,
        "voxels_changed_total": version.voxels_changed_total,
        "library": str(given.library),
    }


def _check(given: Correction) -> None:
    """What `CaseLibrary` asks of each part, before the first is stored."""
    grid, name = given.images[0].geometry, given.case
    check_case_name(name)
    check_channels(name, given.images, given.channel_names)
    checked_regions(given.regions_reviewed)
    if not given.reviewer.strip():
        raise LibraryError(f"The labels for case '{name}' name no reviewer: say who answers for them.")
    checked_label_map(given.labels, f"label map for case '{name}'", given.structures, grid)
    if given.edit_mask is not None:
        checked_mask(given.edit_mask, f"edit mask for case '{name}'", grid)
    if given.prediction is not None:
        checked_scores(given.prediction.scores, name)
        checked_label_map(given.prediction.labels, f"prediction for case '{name}'", given.structures, grid)
        for kind, volume in (("entropy", given.prediction.entropy), ("KL", given.prediction.kl)):
            if volume is not None:
                checked_map(volume, f"{kind} map for case '{name}'", grid)


def _opened(given: Correction) -> CaseLibrary:
    if given.create and _is_free(given.library):
        return CaseLibrary.create(given.library, given.structures, given.channel_names)
    library = CaseLibrary.open(given.library)
    if library.labels.names != given.structures.names:
        library.close()
        raise LibraryError(
            f"The library {given.library} is for {', '.join(library.labels.names)}, the case has the structures "
            f"{', '.join(given.structures.names)}: choose the library of these structures, or a new one."
        )
    return library


def _store(library: CaseLibrary, given: Correction) -> LabelVersion:
    library.require_writable()
    if given.case in {case.name for case in library.cases()}:
        given = _of_known_case(library, given)
    else:
        library.add_case(given.case, given.images, group=given.group)
    return library.save_correction(
        given.case,
        given.labels,
        reviewer=given.reviewer,
        edit_mask=given.edit_mask,
        based_on=None if given.prediction is None else _stored_prediction(library, given.case, given.prediction),
        started=given.started,
        regions_reviewed=given.regions_reviewed,
        notes=given.notes,
    )


def _of_known_case(library: CaseLibrary, given: Correction) -> Correction:
    """The correction on the grid of the case in the library."""
    moved = on_known_image(given, library.read_images(given.case))
    if moved is None:
        raise LibraryError(
            f"Case '{given.case}' is in the library {given.library} already, with another image: save this one under another "
            "name."
        )
    return moved


def _stored_prediction(library: CaseLibrary, case: str, prediction: PredictionFiles) -> int:
    """Number of the prediction in the library: of the newest, where it is the same, else of a new one."""
    newest = library.case(case).prediction
    if newest is not None and newest.provenance.model_sha256 == prediction.model_sha256:
        stored = library.read_prediction(case, newest.number)
        if np.array_equal(stored.labels.array, prediction.labels.array):
            return newest.number
    return library.add_prediction(case, prediction).number


def _is_free(folder: Path) -> bool:
    return not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
