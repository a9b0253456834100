"""What `save_case` is given: a corrected case as parameters, read into one value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dualssl.cases import PredictionFiles
from dualssl.errors import DatasetError
from dualssl.labels import LabelTable
from dualssl.volumes.orient import on_grid
from dualssl.volumes.volume import Volume
from dualssl.worker.arrays import read_volume
from dualssl.worker.protocol import Code
from dualssl.worker.requests import Params, RequestError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dualssl.geometry import Geometry


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


def read_correction(params: Params) -> Correction:
    """Read the parameters of `save_case` and the volumes that they name.

    Raises:
        RequestError: a parameter is missing or of the wrong kind.
        DualSSLError: a volume cannot be read, or there are no structures.
    """
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


def on_known_image(given: Correction, stored: Sequence[Volume]) -> Correction | None:
    """A correction with all its volumes and places in the order of voxels of an image that is known already.

    Slicer reverses an axis of a left-handed volume when it loads it. The image is the same then, and so are the places of its
    labels; only their order is another one.

    Args:
        given: all of whose volumes are on the grid of its images.
        stored: the channels of the known image.

    Returns:
        The correction on the grid of `stored`; None where the images differ in their voxels or in where these lie.
    """
    own, grid = given.images[0].geometry, stored[0].geometry

    def there(volume: Volume) -> Volume:
        # Checked before, to a tolerance: all of a case is reordered in the same way.
        moved = on_grid(Volume(volume.array, own), grid)
        assert moved is not None
        return moved

    if len(stored) != len(given.images) or on_grid(given.images[0], grid) is None:
        return None
    images = [there(image) for image in given.images]
    if not all(np.array_equal(one.array, other.array) for one, other in zip(images, stored, strict=True)):
        return None
    prediction = given.prediction
    if prediction is not None:
        prediction = replace(
            prediction,
            labels=there(prediction.labels),
            entropy=None if prediction.entropy is None else there(prediction.entropy),
            kl=None if prediction.kl is None else there(prediction.kl),
        )
    return replace(
        given,
        images=images,
        labels=there(given.labels),
        prediction=prediction,
        edit_mask=None if given.edit_mask is None else there(given.edit_mask),
        regions_reviewed=[_region_on(region, own, grid) for region in given.regions_reviewed],
    )


def _region_on(region: Mapping[str, Any], own: Geometry, grid: Geometry) -> dict[str, Any]:
    """A region with the array indices that its places have on another grid; what else it holds stays, see `Region`."""
    moved = dict(region)
    try:
        if "centre_kji" in region:
            moved["centre_kji"] = _indices(region["centre_kji"], own, grid).tolist()
        if "start_kji" in region and "stop_kji" in region:
            corners = _indices([region["start_kji"], np.subtract(region["stop_kji"], 1)], own, grid)
            moved["start_kji"], moved["stop_kji"] = corners.min(axis=0).tolist(), (corners.max(axis=0) + 1).tolist()
    except (TypeError, ValueError) as error:
        raise RequestError(Code.invalid_params, f"A region in 'regions_reviewed' has no usable indices ({error}).") from error
    return moved


def _indices(kji: Any, own: Geometry, grid: Geometry) -> NDArray[np.intp]:
    return np.rint(grid.ras_to_kji(own.kji_to_ras(kji))).astype(np.intp)


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
