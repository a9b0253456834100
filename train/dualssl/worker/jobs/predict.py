"""`predict`: a volume's segmentation with its uncertainty, as arrays in a folder; `prepare` and `devices` come before it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dualssl.cases.records import PROGRAM
from dualssl.errors import OutputError, VolumeError
from dualssl.files import atomic_folder, output_error
from dualssl.geometry import Geometry
from dualssl.model.fit import check_channel_count
from dualssl.model.integrity import read_manifest
from dualssl.prediction.predictor import PredictionSettings, RoiStatistics
from dualssl.prediction.results import Prediction
from dualssl.prediction.roi import RegionOfInterest
from dualssl.review import CaseScores, ReviewRegions, find_regions, region_label_map, score_case
from dualssl.volumes.read import check_image
from dualssl.volumes.volume import Volume
from dualssl.worker.arrays import geometry_json, read_volume, store_array
from dualssl.worker.device_names import device_parameter, known_devices
from dualssl.worker.networks import Loaded, Networks
from dualssl.worker.protocol import Code
from dualssl.worker.requests import Params, RequestError
from dualssl.worker.task import Stage, Task

_ARRAYS = ("label", "label_a", "label_b", "entropy", "kl")

Bounds = tuple[float, float, float, float, float, float]


@dataclass(frozen=True)
class PredictRequest:
    """What `predict` is asked.

    Attributes:
        images: an `ArrayFile` for each channel.
        model: folder.
        device: as the protocol has it.
        bounds: box in RAS mm, least and greatest R, A, S; None for the whole volume.
        output: folder for the arrays, empty or new.
        settings: how to predict; their device is not looked at.
    """

    images: list[dict[str, Any]]
    model: Path
    device: str
    bounds: Bounds | None
    output: Path
    settings: PredictionSettings


def predict(task: Task, params: Params) -> dict[str, Any]:
    """Segment one volume: `images`, `model`, `device`, `roi`, `output`, `overlap`, `roi_statistics`.

    Returns:
        `geometry`; `files`: label, label_a, label_b (uint8), entropy, kl (float32), region_map (the regions' ids); `regions`,
        `scores`, `provenance`, `labels`; `seconds` of the prediction; `warm`: whether the networks were in memory.
    """
    request = _request(params)
    _refuse_occupied(request.output)
    check_channel_count(read_manifest(request.model), len(request.images))
    return segment(task, request, task.networks)


def prepare(task: Task, params: Params) -> dict[str, Any]:
    """Bring a model into memory, so that the first prediction need not: `model`, `device`."""
    model, device = params.path("model"), device_parameter(params)
    params.end()
    task.tell("Loading the model")
    loaded = task.networks.load(model, PredictionSettings(), device)
    return {"model_id": loaded.predictor.manifest.id, "device": loaded.predictor.describe_device(), "warm": loaded.warm}


def devices(task: Task, params: Params) -> list[dict[str, Any]]:  # noqa: ARG001 - as every job
    """Where this computer can compute, the device that `auto` means first."""
    params.end()
    return known_devices()


def segment(task: Task, request: PredictRequest, networks: Networks) -> dict[str, Any]:
    """Carry out a request that has been read; see `predict`.

    Raises:
        JobCancelledError: somebody cancelled; then nothing is in the output folder.
        DualSSLError: what is wrong, and what to do.
    """
    task.tell("Reading the volume")
    volumes = [_image(image, number, len(request.images)) for number, image in enumerate(request.images, start=1)]
    grid = volumes[0].geometry
    roi = None if request.bounds is None else RegionOfInterest.from_ras_bounds(grid, request.bounds)
    task.tell("Loading the model")
    loaded = networks.load(request.model, request.settings, request.device)
    windows = Stage(task, "Segmenting")

    def show(done: int, total: int) -> bool:
        windows.tell(done, total)
        return True

    prediction = loaded.predictor.predict(volumes, roi, show)
    task.tell("Finding what to review")
    scores, regions = _reviewed(task, prediction, grid, request.output)
    return {
        "geometry": geometry_json(grid),
        "files": {name: str(request.output / f"{name}.npy") for name in (*_ARRAYS, "region_map")},
        "regions": [region.to_json() for region in regions],
        "scores": scores.to_json(),
        "provenance": _provenance(request, loaded, prediction),
        "labels": loaded.predictor.manifest.labels.to_json(),
        "seconds": _seconds(prediction),
        "warm": loaded.warm,
    }


def overlap_parameter(params: Params) -> float:
    """The parameter `overlap`.

    Raises:
        RequestError: it is no share that windows can overlap by.
    """
    overlap = params.number("overlap", 0.25)
    if not 0.0 <= overlap <= 0.9:
        raise RequestError(Code.invalid_params, f"'overlap' must be between 0 and 0.9, not {overlap}.")
    return overlap


def _request(params: Params) -> PredictRequest:
    request = PredictRequest(
        images=params.objects("images"),
        model=params.path("model"),
        device=device_parameter(params),
        bounds=_bounds(params),
        output=params.path("output"),
        settings=PredictionSettings(overlap=overlap_parameter(params), roi_statistics=_statistics(params)),
    )
    params.end()
    if not request.images:
        raise RequestError(Code.invalid_params, "'images' must hold a volume for each channel.")
    return request


def _statistics(params: Params) -> RoiStatistics:
    known: tuple[RoiStatistics, ...] = ("auto", "image", "roi")
    choice = params.choice("roi_statistics", known, "auto")
    return next(name for name in known if name == choice)


def _bounds(params: Params) -> Bounds | None:
    numbers = params.numbers("roi", 6)
    if numbers is None:
        return None
    r0, r1, a0, a1, s0, s1 = numbers
    if not (r0 < r1 and a0 < a1 and s0 < s1):
        raise VolumeError("The region of interest is empty: draw it around the structure.")
    return r0, r1, a0, a1, s0, s1


def _refuse_occupied(output: Path) -> None:
    """See before the work that the result can come into being."""
    try:
        occupied = output.exists() and (not output.is_dir() or any(output.iterdir()))
    except OSError as error:
        raise output_error(output, error) from error
    if occupied:
        raise OutputError(f"{output} holds something already: name a new folder for the result.")


def _image(data: dict[str, Any], number: int, count: int) -> Volume:
    what = "volume" if count == 1 else f"channel {number} of the volume"
    volume = read_volume(data, what)
    if volume.geometry.shape[0] == 1:
        raise VolumeError(f"The {what} holds a single slice: use a volume of several slices.")
    check_image(volume, Path(f"The {what}"))
    return volume


def _reviewed(task: Task, prediction: Prediction, grid: Geometry, output: Path) -> tuple[CaseScores, ReviewRegions]:
    """Find what to review and write all arrays, which get their names at once; most of the one is done during the other."""
    # The front end reads it at once; after a power cut it would segment again.
    with atomic_folder(output, durable=False) as temporary, ThreadPoolExecutor(1) as beside:
        scores = beside.submit(
            score_case, prediction.entropy, prediction.kl, prediction.label, prediction.label_a, prediction.label_b
        )
        stored = beside.submit(_store, {name: getattr(prediction, name) for name in _ARRAYS}, temporary)
        regions = find_regions(prediction.entropy, prediction.kl, prediction.label, grid)
        task.tell("Handing over the result")
        ids = region_label_map(regions)
        _store({"region_map": ids.astype(np.uint8 if len(regions) <= 255 else np.int16)}, temporary)
        stored.result()
        found = scores.result()
        # The last moment at which a cancel leaves nothing behind.
        task.check()
    return found, regions


def _store(arrays: dict[str, NDArray[Any]], folder: Path) -> None:
    for name, array in arrays.items():
        store_array(array, folder / f"{name}.npy")


def _provenance(request: PredictRequest, loaded: Loaded, prediction: Prediction) -> dict[str, Any]:
    manifest = loaded.predictor.manifest
    return {
        "model_id": manifest.id,
        "model_sha256": loaded.sha256,
        "model_name": manifest.name,
        "model_folder": str(request.model),
        "channels": list(manifest.channel_names),
        "device": prediction.device,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "seconds": _seconds(prediction),
        "roi": None if request.bounds is None else list(request.bounds),
        "normalised_over": prediction.normalised_over,
        "program": PROGRAM,
    }


def _seconds(prediction: Prediction) -> float:
    parts = prediction.seconds
    return round(parts.prepare + parts.networks + parts.restore, 3)
