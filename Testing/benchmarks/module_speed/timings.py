"""Times of repeated runs, and the figures they make: median, 90th percentile and worst, wall clock beside processor time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from dualssl.benchmarking.figure import Figure, Target


@dataclass(frozen=True)
class Timing:
    """One run, seconds: by the clock on the wall, and processor time of the application's process over all its threads."""

    wall: float
    cpu: float


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that at least this share (0..1) of them does not exceed (nearest rank)."""
    if not values:
        raise ValueError("there is no percentile of nothing")
    ordered = sorted(values)
    rank = -int(-share * len(ordered) // 1)
    return ordered[max(rank, 1) - 1]


def summary(values: Sequence[float]) -> dict[str, float]:
    """Median, 90th percentile and worst of some seconds, in milliseconds."""
    return {
        "median_ms": round(1000 * median(values), 1),
        "p90_ms": round(1000 * percentile(values, 0.9), 1),
        "worst_ms": round(1000 * max(values), 1),
    }


def timing_figure(
    name: str, description: str, timings: Sequence[Timing], limit_ms: float | None, details: dict[str, Any] | None = None
) -> Figure:
    """The median by the wall clock as a figure, with all the rest beside it.

    Args:
        name: stable key.
        description: what was timed, one sentence.
        timings: of all runs.
        limit_ms: what the median has to keep; None where it is only reported.
        details: what else a reader needs.
    """
    wall, cpu = [timing.wall for timing in timings], [timing.cpu for timing in timings]
    return Figure(
        name=name,
        description=description,
        value=1000 * median(wall),
        unit="ms",
        target=None if limit_ms is None else Target("at most", limit_ms),
        samples={"wall_s": wall, "cpu_s": cpu},
        details={"wall": summary(wall), "cpu": summary(cpu), **(details or {})},
    )
