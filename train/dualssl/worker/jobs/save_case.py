"""`save_case`: a corrected case into a library, with the prediction that it came from and who answers for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
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
from dualssl.errors import DatasetError, LibraryError
from dualssl.labels import LabelTable
from dualssl.volumes.volume import Volume
from dualssl.worker.arrays import read_volume
from dualssl.worker.protocol import Code
from dualssl.worker.requests import Params, RequestError
from dualssl.worker.task import Task


@dataclass(frozen=True)
class Correction:
    """What is to be saved; see `save_case` for the names.

    Attributes:
        library: folder.
        create: whether to make the library if there is none.
        case, group: names; no group stands for the case's own.
        images: the channels.
        channel_names: of the images, for a new library.
        structures: the labels of the model that predicted.
        labels: corrected label map.
        prediction: the first prediction, or None.
        edit_mask: 1 where a person changed something, or None where that is not known.
        reviewer, started, regions_reviewed, notes: as `CaseLibrary.save_correction` has them.
    """

    library: Path
    create: bool
    case: str
    group: str | None
    images: list[Volume]
    channel_names: tuple[str, ...]
    structures: LabelTable
    labels: Volume
    prediction: PredictionFiles | None
    edit_mask: Volume | None
    reviewer: str
    started: datetime | None
    regions_reviewed: list[dict[str, Any]]
    notes: str


def save_case(task: Task, params: Params) -> dict[str, Any]:
    """Save a corrected case as a new version of a case that is known, or as a new case.

    `library`, `create`, `case`, `group`, `images`, `channel_names` (for a new library), `labels_table`, `labels`, `prediction`
    (`label`, `entropy`, `kl`, `model_id`, `model_sha256`, `scores`) or null, `edit_mask` or null, `reviewer`, `started`,
    `regions_reviewed`, `notes`. What can be found wrong is found before anything is stored. A cancel counts until then.

    Returns:
        `case`, `version`, `state`, `voxels_changed` (by structure, or None), `voxels_changed_total`, `library`.
    """
    task.tell("Reading the correction")
    given = _read(params)
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


def _read(params: Params) -> Correction:
    prediction, mask = params.object("prediction"), params.object("edit_mask")
    images = params.objects("images")
    if not images:
        raise RequestError(Code.invalid_params, "'images' must hold a volume for each channel.")
    given = Correction(
        library=params.path("library"),
        create=params.flag("create", False),
        case=params.text("case"),
        group=params.text("group") if params.has("group") else None,
        images=[read_volume(image, "volume") for image in images],
        channel_names=params.texts("channel_names") or _numbered(len(images)),
        structures=_table(params.objects("labels_table")),
        labels=read_volume(params.required_object("labels"), "corrected label map"),
        prediction=None if prediction is None else _prediction(prediction),
        edit_mask=None if mask is None else read_volume(mask, "edit mask"),
        reviewer=params.text("reviewer"),
        started=_time(params.text("started")) if params.has("started") else None,
        regions_reviewed=params.objects("regions_reviewed"),
        notes=params.text("notes", ""),
    )
    params.end()
    return given


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
        _refuse_other_image(library, given)
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


def _refuse_other_image(library: CaseLibrary, given: Correction) -> None:
    stored = library.read_images(given.case)
    same = len(stored) == len(given.images) and all(map(_equal, stored, given.images))
    if not same:
        raise LibraryError(
            f"Case '{given.case}' is in the library {given.library} already, with another image: save this one under another "
            "name."
        )


def _equal(one: Volume, other: Volume) -> bool:
    return one.geometry.matches(other.geometry) and bool(np.array_equal(one.array, other.array))


def _stored_prediction(library: CaseLibrary, case: str, prediction: PredictionFiles) -> int:
    """Number of the prediction in the library: of the newest, where it is the same, else of a new one."""
    newest = library.case(case).prediction
    if newest is not None and newest.provenance.model_sha256 == prediction.model_sha256:
        stored = library.read_prediction(case, newest.number)
        if np.array_equal(stored.labels.array, prediction.labels.array):
            return newest.number
    return library.add_prediction(case, prediction).number


def _prediction(data: Mapping[str, Any]) -> PredictionFiles:
    params = Params(data)
    scores = params.object("scores") or {}
    maps = {name: params.object(name) for name in ("entropy", "kl")}
    read = {name: None if map_ is None else read_volume(map_, f"{name} map") for name, map_ in maps.items()}
    prediction = PredictionFiles(
        labels=read_volume(params.required_object("label"), "predicted label map"),
        entropy=read["entropy"],
        kl=read["kl"],
        model_id=params.text("model_id") if params.has("model_id") else None,
        model_sha256=params.text("model_sha256") if params.has("model_sha256") else None,
        # A score that was not finite came as null.
        scores={name: value for name, value in scores.items() if value is not None},
    )
    params.end()
    return prediction


def _table(data: Sequence[dict[str, Any]]) -> LabelTable:
    try:
        table = LabelTable.from_json(list(data))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise RequestError(Code.invalid_params, f"'labels_table' is no table of labels ({error!r}).") from error
    if not len(table):
        raise DatasetError("The case has no structure: segment it with a model first.")
    return table


def _time(text: str) -> datetime:
    try:
        # Python 3.10 does not know the Z of UTC.
        return datetime.fromisoformat(text.removesuffix("Z") + ("+00:00" if text.endswith("Z") else ""))
    except ValueError as error:
        raise RequestError(Code.invalid_params, f"'started' must be a time in ISO 8601, not '{text}'.") from error


def _numbered(count: int) -> tuple[str, ...]:
    return ("image",) if count == 1 else tuple(f"image {number}" for number in range(1, count + 1))


def _is_free(folder: Path) -> bool:
    return not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
