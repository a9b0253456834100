"""All benchmarks one after the other, and the record they leave."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from dualssl.benchmarking.figure import Figure
from dualssl.benchmarking.memory_and_scaling import MemoryAndScalingSettings, memory_and_scaling
from dualssl.benchmarking.prediction_overhead import PredictionOverheadSettings, prediction_overhead
from dualssl.benchmarking.published_protocol import (
    LabelledCases,
    PublishedProtocolSettings,
    published_dice,
    published_speed,
)
from dualssl.benchmarking.training_step import TrainingStepSettings, training_step

Section = tuple[str, Callable[[], list[Figure]]]


@dataclass(frozen=True)
class SuiteSettings:
    """Sizes of every benchmark; the defaults are those for which the targets hold.

    Attributes:
        quick: whether sizes were cut: the targets then say little.
        prediction, published, training, memory: of each benchmark.
    """

    quick: bool = False
    prediction: PredictionOverheadSettings = field(default_factory=PredictionOverheadSettings)
    published: PublishedProtocolSettings = field(default_factory=PublishedProtocolSettings)
    training: TrainingStepSettings = field(default_factory=TrainingStepSettings)
    memory: MemoryAndScalingSettings = field(default_factory=MemoryAndScalingSettings)


QUICK = SuiteSettings(
    quick=True,
    prediction=PredictionOverheadSettings(repeats=3),
    published=PublishedProtocolSettings(repeats=1, windows=2),
    training=TrainingStepSettings(patch=(48, 64, 64), width=8, repeats=3),
    memory=MemoryAndScalingSettings(shape=(128, 256, 256), repeats=1),
)


def sections(settings: SuiteSettings, cases: LabelledCases | None = None) -> Iterator[Section]:
    """The benchmarks, each as its title and what runs it.

    Args:
        settings: sizes.
        cases: a model and labelled cases for the Dice against the published protocol, or None to leave that out.
    """
    yield "prediction over bare passes", lambda: prediction_overhead(settings.prediction)
    yield "prediction against the published protocol", lambda: [published_speed(settings.published)]
    if cases is not None:
        yield "Dice against the published protocol", lambda: published_dice(cases)
    yield "training step over bare passes", lambda: training_step(settings.training)
    yield "memory and time of large volumes", lambda: memory_and_scaling(settings.memory)


def record(
    settings: SuiteSettings, machine: dict[str, Any], created: datetime, figures: Sequence[Figure], complete: bool
) -> dict[str, Any]:
    """The record as plain data.

    Args:
        settings: sizes.
        machine: from `describe_machine`.
        created: when the benchmark began.
        figures: so far.
        complete: whether these are all.
    """
    return {
        "benchmark": "prediction and training",
        "created": created.isoformat(timespec="seconds"),
        "quick": settings.quick,
        "complete": complete,
        "machine": machine,
        "settings": {key: value for key, value in asdict(settings).items() if key != "quick"},
        "figures": [figure.to_json() for figure in figures],
    }
