"""Whole clinical volumes: the memory that prediction takes, and whether its time grows as the volume does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from statistics import median

from dualssl.benchmarking.figure import Figure, Target
from dualssl.benchmarking.memory_probe import ProbeAnswer, ProbeRequest, probe_in_new_process
from dualssl.benchmarking.subjects import LEFT_ATRIUM_PATCH, Shape

MEMORY_TARGET = Target("at most", 4.0)
GROWTH_TARGET = Target("at most", 1.25)

Probe = Callable[[ProbeRequest], ProbeAnswer]


@dataclass(frozen=True)
class MemoryAndScalingSettings:
    """The volume and the training patch (k, j, i), base widths, and how often each size is predicted.

    Beside the whole volume its half and its quarter along k are predicted.
    """

    shape: Shape = (256, 512, 512)
    patch: Shape = LEFT_ATRIUM_PATCH
    widths: tuple[int, ...] = (8,)
    repeats: int = 2


def memory_and_scaling(settings: MemoryAndScalingSettings, probe: Probe = probe_in_new_process) -> list[Figure]:
    """Peak of memory above the loaded networks, and growth of the time per voxel from a quarter to the whole volume.

    Args:
        settings: sizes.
        probe: predicts one volume; each time in a process of its own.

    Raises:
        PredictionError: a process failed.
    """
    figures: list[Figure] = []
    for width in settings.widths:
        figures += _figures(width, settings, probe)
    return figures


def parts_of(shape: Shape) -> tuple[Shape, Shape, Shape]:
    """A quarter, a half and the whole of `shape`, cut along k."""
    k, j, i = shape
    return (k // 4, j, i), (k // 2, j, i), shape


def time_per_voxel(shape: Shape, answers: Sequence[ProbeAnswer]) -> float:
    """Median seconds of a prediction, divided by the voxels of its volume."""
    return median(answer.seconds for answer in answers) / prod(shape)


def _figures(width: int, settings: MemoryAndScalingSettings, probe: Probe) -> list[Figure]:
    shapes = parts_of(settings.shape)
    answers: dict[Shape, list[ProbeAnswer]] = {shape: [] for shape in shapes}
    for _ in range(settings.repeats):
        for shape in shapes:
            answers[shape].append(probe(ProbeRequest(shape, settings.patch, width)))
    quarter, half, whole = shapes
    names = {quarter: "quarter", half: "half", whole: "whole"}
    peaks = {f"{names[s]}_gb": [answer.peak_bytes / 1e9 for answer in answers[s]] for s in shapes}
    seconds = {f"{names[s]}_s": [answer.seconds for answer in answers[s]] for s in shapes}
    common = {"width": width, "shape_kji": list(whole), "patch_kji": list(settings.patch)}
    return [
        Figure(
            f"memory_width_{width}",
            "peak resident memory of a prediction above the loaded networks, the int16 volume and all results included",
            max(peaks["whole_gb"]),
            "GB",
            MEMORY_TARGET,
            peaks,
            {**common, "method": answers[whole][0].method},
        ),
        Figure(
            f"time_growth_width_{width}",
            "time per voxel of the whole volume over that of a quarter of it; 1 is linear",
            time_per_voxel(whole, answers[whole]) / time_per_voxel(quarter, answers[quarter]),
            "x",
            GROWTH_TARGET,
            seconds,
            {
                **common,
                "ns_per_voxel": {names[s]: round(1e9 * time_per_voxel(s, answers[s]), 3) for s in shapes},
                # Windows do not fit every size equally well: this is how many voxels are computed for each of the volume.
                "computed_per_voxel": {names[s]: round(answers[s][0].window_voxels / prod(s), 4) for s in shapes},
                "windows": {names[s]: answers[s][0].windows for s in shapes},
            },
        ),
    ]
