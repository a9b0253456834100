"""What prediction costs beside the networks: normalising, tiling, blending, uncertainty, largest component."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from dualssl.benchmarking.figure import Figure, Target
from dualssl.benchmarking.subjects import (
    LEFT_ATRIUM_PATCH,
    LEFT_ATRIUM_SHAPE,
    Shape,
    benchmark_manifest,
    benchmark_pair,
    random_image,
)
from dualssl.benchmarking.timing import Ratio, time_in_turns
from dualssl.geometry import Geometry
from dualssl.prediction.precision import memory_format_for
from dualssl.prediction.predictor import PredictionSettings, Predictor
from dualssl.prediction.windows import WindowPlan
from dualssl.volumes.volume import Volume

TARGET = Target("at most", 1.2)


@dataclass(frozen=True)
class PredictionOverheadSettings:
    """Size of the case and of the training patch (k, j, i), base widths, measured runs of each side."""

    shape: Shape = LEFT_ATRIUM_SHAPE
    patch: Shape = LEFT_ATRIUM_PATCH
    widths: tuple[int, ...] = (8, 16)
    repeats: int = 9


def prediction_overhead(settings: PredictionOverheadSettings) -> list[Figure]:
    """Prediction of a case against the bare forward passes of its windows, for each width."""
    return [_overhead(width, settings) for width in settings.widths]


def bare_passes(predictor: Predictor, plan: WindowPlan) -> Callable[[], None]:
    """The forward passes that `plan` asks for and nothing else: same networks, number format, memory order and size."""
    inputs: list[Tensor] = [
        torch.randn((1, predictor.manifest.networks.in_channels, *plan.window))
        .to(device=predictor.device, dtype=predictor.dtype)
        .contiguous(memory_format=memory_format_for(predictor.device))
        for _ in range(plan.count)
    ]

    def run() -> None:
        with torch.inference_mode():
            for window in inputs:
                predictor.networks(window)

    return run


def _overhead(width: int, settings: PredictionOverheadSettings) -> Figure:
    manifest = benchmark_manifest(width, settings.patch)
    predictor = Predictor(benchmark_pair(width), manifest, PredictionSettings(device="cpu"))
    volume = Volume(random_image(settings.shape)[0], Geometry(settings.shape))
    plan = predictor.plan(settings.shape)
    calls: dict[str, Callable[[], object]] = {
        "predict_s": lambda: predictor.predict([volume]),
        "bare_passes_s": bare_passes(predictor, plan),
    }
    times = time_in_turns(calls, settings.repeats)
    ratio = Ratio.of(times["predict_s"], times["bare_passes_s"])
    parts = predictor.predict([volume]).seconds
    return Figure(
        name=f"prediction_overhead_width_{width}",
        description="prediction of a case, warm, array in memory, over the bare forward passes of the same windows",
        value=ratio.median,
        unit="x",
        target=TARGET,
        samples=times,
        details={
            "width": width,
            "shape_kji": list(settings.shape),
            "window_kji": list(plan.window),
            "windows": plan.count,
            "device": predictor.describe_device(),
            "ratio": ratio.to_json(),
            "one_prediction_s": {key: round(value, 4) for key, value in vars(parts).items()},
        },
    )
