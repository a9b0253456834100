"""Prediction against the published protocol on the same image: how much faster, and whether the labels are as good."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from dualssl.benchmarking.figure import Figure, Target
from dualssl.benchmarking.subjects import (
    LEFT_ATRIUM_PATCH,
    LEFT_ATRIUM_SHAPE,
    Shape,
    benchmark_manifest,
    benchmark_pair,
    random_image,
)
from dualssl.benchmarking.timing import time_in_turns
from dualssl.case_files import read_case
from dualssl.dataset import Dataset
from dualssl.geometry import Geometry
from dualssl.metrics.overlap import dice
from dualssl.model.manifest import Manifest
from dualssl.networks.pair import DualNetwork
from dualssl.prediction.components import keep_largest_components
from dualssl.prediction.predictor import PredictionSettings, Predictor
from dualssl.prediction.reference import PUBLISHED_STRIDES, predict_like_published, published_starts
from dualssl.volumes.preprocess import prepare
from dualssl.volumes.volume import Volume

SPEED_TARGET = Target("at least", 10.0)
DICE_TARGET = Target("at most", 0.3)


@dataclass(frozen=True)
class PublishedProtocolSettings:
    """Random case for the speed.

    Attributes:
        shape, patch: of the case and of the published windows (k, j, i).
        width: base width.
        repeats: measured runs of our prediction.
        windows: of the published protocol to compute, the time being scaled by their number; None computes all of them once.
    """

    shape: Shape = LEFT_ATRIUM_SHAPE
    patch: Shape = LEFT_ATRIUM_PATCH
    width: int = 16
    repeats: int = 5
    windows: int | None = None


@dataclass(frozen=True)
class LabelledCases:
    """A model and cases with a person's labels, for the Dice of both ways."""

    networks: DualNetwork
    manifest: Manifest
    dataset: Dataset
    cases: Sequence[str]


def published_speed(settings: PublishedProtocolSettings) -> Figure:
    """How many times faster a whole prediction is than the published protocol's passes and averaging alone."""
    pair = benchmark_pair(settings.width)
    manifest = benchmark_manifest(settings.width, settings.patch)
    predictor = Predictor(pair, manifest, PredictionSettings(device="cpu"))
    image = random_image(settings.shape)
    volume = Volume(image[0], Geometry(settings.shape))
    whole = len(published_starts(settings.shape, settings.patch))
    part = image if settings.windows is None else part_with_windows(image, settings.patch, settings.windows)
    computed = len(published_starts(_shape_of(part), settings.patch))
    ours = time_in_turns({"predict_s": lambda: predictor.predict([volume])}, settings.repeats)["predict_s"]
    # One pass to warm up, so that the first of few windows is not charged with what happens only once.
    predict_like_published(pair, part_with_windows(image, settings.patch, 1), settings.patch)
    began = perf_counter()
    predict_like_published(pair, part, settings.patch)
    seconds = perf_counter() - began
    # The second half of our runs comes after: the machine may have slowed down or sped up in the minutes between.
    ours += time_in_turns({"predict_s": lambda: predictor.predict([volume])}, settings.repeats, warm_ups=0)["predict_s"]
    scaled = seconds * whole / computed
    return Figure(
        name="published_protocol_speed_up",
        description="published protocol (float32, constant blending, strides 18/18/4) over prediction of the same image",
        value=scaled / median(ours),
        unit="x",
        target=SPEED_TARGET,
        samples={"predict_s": ours, "published_s": [seconds]},
        details={
            "width": settings.width,
            "shape_kji": list(settings.shape),
            "patch_kji": list(settings.patch),
            "strides_kji": list(PUBLISHED_STRIDES),
            "published_windows": whole,
            "published_windows_computed": computed,
            "published_scaled_s": round(scaled, 3),
            "device": predictor.describe_device(),
        },
    )


def published_dice(subject: LabelledCases) -> list[Figure]:
    """Dice of both ways on labelled cases, and the speed-up on them.

    Both ways end with the model's own post-processing on the image's own grid, so that what differs is the protocol alone.
    """
    predictor = Predictor(subject.networks, subject.manifest, PredictionSettings(device="cpu"))
    # A copy, since the published way changes the memory order of the networks it is given.
    published = copy.deepcopy(subject.networks)
    names = ("dice", "published_dice", "predict_s", "published_s")
    samples: dict[str, list[float]] = {name: [] for name in names}
    for case in subject.cases:
        values = _both_ways(predictor, published, subject, case)
        for name, value in zip(names, values, strict=True):
            samples[name].append(value)
    difference = 100.0 * abs(float(np.mean(samples["dice"])) - float(np.mean(samples["published_dice"])))
    details = {"model": subject.manifest.id, "cases": list(subject.cases), "width": subject.manifest.networks.width}
    return [
        Figure(
            "published_protocol_dice_difference",
            "mean Dice over structures and cases of prediction and of the published protocol, absolute difference",
            difference,
            "points",
            DICE_TARGET,
            {name: samples[name] for name in names[:2]},
            details,
        ),
        Figure(
            "published_protocol_speed_up_on_cases",
            "published protocol over prediction, total time on the same cases, files excluded",
            sum(samples["published_s"]) / sum(samples["predict_s"]),
            "x",
            SPEED_TARGET,
            {name: samples[name] for name in names[2:]},
            details,
        ),
    ]


def part_with_windows(image: NDArray[np.float32], patch: Shape, windows: int) -> NDArray[np.float32]:
    """A corner of `image` (channels, k, j, i) that holds `windows` of the published windows, or as many as fit along k."""
    k, j, i = patch
    return image[:, : k + (windows - 1) * PUBLISHED_STRIDES[0], :j, :i]


def _both_ways(
    predictor: Predictor, published: DualNetwork, subject: LabelledCases, case: str
) -> tuple[float, float, float, float]:
    """Dice and published Dice (0..1, mean over structures), seconds and published seconds of one case."""
    channels, label_map = read_case(subject.dataset, case, labelled=True)
    truth, labels = label_map.array, subject.manifest.labels
    predictor.predict(channels)  # warms up for this size
    began = perf_counter()
    label = predictor.predict(channels).label
    middle = perf_counter()
    prepared = prepare(channels, subject.manifest.preprocessing)
    probability = predict_like_published(published, prepared.image, subject.manifest.patch)
    if prepared.resampled:
        other = prepared.restore_labels(lambda c: probability[c], labels.channels)
    else:
        other = prepared.restore_map(probability.argmax(axis=0).astype(np.uint8), "nearest")
    keep_largest_components(other, subject.manifest.postprocessing.largest_component)
    ended = perf_counter()
    ours, theirs = (
        float(np.mean([dice(found == value, truth == value) for value in range(1, labels.channels)]))
        for found in (label, other)
    )
    return ours, theirs, middle - began, ended - middle


def _shape_of(image: NDArray[np.float32]) -> Shape:
    return image.shape[1], image.shape[2], image.shape[3]
