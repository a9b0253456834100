"""`self_check`: a tiny case from end to end, and what this engine is made of."""

from __future__ import annotations

import platform
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from dualssl.errors import PredictionError
from dualssl.labels import LabelTable
from dualssl.model.folder import save_model
from dualssl.model.integrity import read_manifest
from dualssl.model.manifest import Manifest, NetworkSpec, Postprocessing, Preprocessing
from dualssl.networks.pair import DualNetwork
from dualssl.phantoms.case import generate_case
from dualssl.phantoms.settings import PhantomSettings
from dualssl.prediction.predictor import PredictionSettings
from dualssl.version import __version__
from dualssl.worker.arrays import geometry_json, read_volume, write_volume
from dualssl.worker.device_names import device_parameter
from dualssl.worker.jobs.predict import PredictRequest, segment
from dualssl.worker.networks import Networks
from dualssl.worker.requests import Params
from dualssl.worker.task import Task

_PACKAGES = ("torch", "monai", "lightning-fabric", "safetensors", "numpy", "scipy", "SimpleITK", "psutil")
_PHANTOM = PhantomSettings(cases=1, shape=(32, 40, 40), spacing=(2.4, 2.2, 2.2))


def self_check(task: Task, params: Params) -> dict[str, Any]:
    """Predict a generated case: `model` (a tiny one with random weights, made for it, where it is null), `device`.

    Returns:
        `versions` by package; `device`; `model_id`; `seconds`: `load` (of the networks), `predict` (with reading and writing)
        and `again` (with networks in memory); `regions`: how many were found; `threads` of torch.
    """
    model, device = params.optional_path("model"), device_parameter(params)
    params.end()
    # Networks of its own, so that those in use stay in memory.
    networks = Networks()
    try:
        with tempfile.TemporaryDirectory(prefix="dualssl-check-") as place:
            return _check(task, networks, model, device, Path(place))
    finally:
        networks.forget()


def _check(task: Task, networks: Networks, model: Path | None, device: str, place: Path) -> dict[str, Any]:
    if model is None:
        task.tell("Making a tiny model")
        model = _tiny_model(place / "model")
    channels = len(read_manifest(model).channel_names)
    image = write_volume(generate_case(_PHANTOM, 0).image, place / "image.npy")
    began = time.perf_counter()
    task.tell("Loading the model")
    networks.load(model, PredictionSettings(), device)
    loaded = time.perf_counter()
    results = []
    times = []
    for name in ("first", "second"):
        start = time.perf_counter()
        request = PredictRequest([image] * channels, model, device, None, place / name, PredictionSettings())
        results.append(segment(task, request, networks))
        times.append(time.perf_counter() - start)
    _refuse_nonsense(results[0], image)
    return {
        "versions": {"dualssl": __version__, "python": platform.python_version(), **_versions()},
        "device": results[0]["provenance"]["device"],
        "model_id": results[0]["provenance"]["model_id"],
        "seconds": {"load": round(loaded - began, 3), "predict": round(times[0], 3), "again": round(times[1], 3)},
        "regions": len(results[0]["regions"]),
        "threads": torch.get_num_threads(),
    }


def _tiny_model(folder: Path) -> Path:
    """A model of the phantoms' structures with weights by chance."""
    labels: LabelTable = _PHANTOM.labels
    spec = NetworkSpec(classes=labels.channels, width=2)
    manifest = Manifest(
        id="self-check",
        name="Self-check",
        labels=labels,
        channel_names=("MRI",),
        networks=spec,
        preprocessing=Preprocessing(),
        postprocessing=Postprocessing(),
        patch=(32, 32, 32),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        networks = DualNetwork(spec)
    save_model(folder, manifest, networks)
    return folder


def _refuse_nonsense(result: dict[str, Any], image: dict[str, Any]) -> None:
    """See that what came out can be read, has the image's grid, and says something where networks cannot be sure."""
    geometry = result["geometry"]
    maps = {name: read_volume({"file": path, "geometry": geometry}, name) for name, path in result["files"].items()}
    sound = geometry == geometry_json(maps["label"].geometry) and geometry["shape_kji"] == image["geometry"]["shape_kji"]
    if not (sound and maps["entropy"].array.min() >= 0.0 and maps["entropy"].array.max() <= 1.0):
        raise PredictionError("The engine computes nonsense on this device: choose another one, or install it anew.")


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not known"
    return found
