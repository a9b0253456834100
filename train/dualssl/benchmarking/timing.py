"""Times that can be compared although the machine is not quiet: taken in turns, divided pair by pair."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter

Times = dict[str, list[float]]


def time_in_turns(
    calls: Mapping[str, Callable[[], object]],
    repeats: int,
    warm_ups: int = 1,
    clock: Callable[[], float] = perf_counter,
) -> Times:
    """Run all calls once, then all once more, and so on: A B A B ..., so that a slow minute slows all of them.

    Args:
        calls: what to run, by name.
        repeats: measured runs of each.
        warm_ups: runs of each before, not measured.
        clock: gives seconds.

    Returns:
        Seconds of every measured run by name, in order of time.
    """
    if repeats < 1:
        raise ValueError(f"a benchmark needs at least one repeat, not {repeats}")
    times: Times = {name: [] for name in calls}
    # Garbage of one call is not to be collected on another's time.
    gc.collect()
    gc.disable()
    try:
        for turn in range(-warm_ups, repeats):
            for name, call in calls.items():
                began = clock()
                result = call()
                seconds = clock() - began
                del result
                if turn >= 0:
                    times[name].append(seconds)
    finally:
        gc.enable()
    return times


@dataclass(frozen=True)
class Ratio:
    """How many times as long one call takes as another.

    Attributes:
        median, lowest, highest: of the ratios of runs that followed on each other.
        of_fastest: fastest run by fastest run: other load on the machine only ever adds.
    """

    median: float
    lowest: float
    highest: float
    of_fastest: float

    @classmethod
    def of(cls, dividend: Sequence[float], divisor: Sequence[float]) -> Ratio:
        """Of two series of times, equally long, taken in turns."""
        ratios = [a / b for a, b in zip(dividend, divisor, strict=True)]
        return cls(median(ratios), min(ratios), max(ratios), min(dividend) / min(divisor))

    def to_json(self) -> dict[str, float]:
        """Plain data, rounded to what times can bear."""
        return {key: round(value, 4) for key, value in vars(self).items()}
