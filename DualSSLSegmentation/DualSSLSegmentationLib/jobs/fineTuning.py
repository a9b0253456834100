"""Fine-tune from the corrected cases of a library: the worker does it, a front end shows curves and the comparison."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dualssl.registry.verdict import Verdict
from DualSSLSegmentationLib.jobs.engineJob import EngineJob
from DualSSLSegmentationLib.jobs.jobState import Ended, JobState
from DualSSLSegmentationLib.steps import Schedule, Steps

if TYPE_CHECKING:
    from dualssl.registry.verdict import PairedDifference
    from dualssl.worker.client import Progress, WorkerClient


@dataclass(frozen=True)
class FineTuneWish:
    """What a person asked for.

    Attributes:
        model: folder of the model to go on from.
        library: case library with corrected cases.
        registry: where the new version is kept; made, with the model as its first version, where there is none.
        output: folder of the run.
        device: `auto`, `cpu` or `cuda`.
        replay: dataset with the model's own labelled cases, or None.
        iterations: steps of training.
        prove: whether to compare with the parent on held-out cases.
        resume: go on with the run in `output`.
    """

    model: Path
    library: Path
    registry: Path
    output: Path
    device: str = "auto"
    replay: Path | None = None
    iterations: int = 200
    prove: bool = True
    resume: bool = False

    def params(self) -> dict[str, Any]:
        """As the worker takes them."""
        return {
            "model": str(self.model),
            "library": str(self.library),
            "registry": str(self.registry),
            "output": str(self.output),
            "device": self.device,
            "replay": None if self.replay is None else str(self.replay),
            "settings": {"iterations": self.iterations},
            "prove": self.prove,
            "resume": self.resume,
        }


@dataclass
class Curves:
    """What has been told of one training after the other.

    Attributes:
        stage: what is going on now.
        loss: of each training, by its stage, points (iteration, loss) in order.
        dice: the same for validation Dice, 0..1.
    """

    stage: str = ""
    loss: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    dice: dict[str, list[tuple[int, float]]] = field(default_factory=dict)

    def add(self, progress: Progress) -> None:
        """Take up what a worker told."""
        self.stage = progress.stage
        if progress.done is None:
            return
        for curve, figure in ((self.loss, progress.loss), (self.dice, progress.dice)):
            if figure is None:
                continue
            points = curve.setdefault(self.stage, [])
            # A validation's Dice is told again with every step until the next.
            if not points or (points[-1][0] < progress.done and not (curve is self.dice and points[-1][1] == figure)):
                points.append((progress.done, figure))


@dataclass(frozen=True)
class ComparisonRow:
    """One line of old against new.

    Attributes:
        name: of a structure or figure.
        old, new, change: with their unit.
        outcome: `better`, `worse` or `same`, by the sign of what matters.
    """

    name: str
    old: str
    new: str
    change: str
    outcome: str


@dataclass(frozen=True)
class Comparison:
    """Old against new model, for a table.

    Attributes:
        decision: `better`, `not proved` or `worse`.
        reason: one sentence.
        rows: Dice and HD95 of each structure and of the mean.
        cases: how many cases it rests on.
    """

    decision: str
    reason: str
    rows: tuple[ComparisonRow, ...]
    cases: int


def fineTune(
    client: WorkerClient,
    wish: FineTuneWish,
    schedule: Schedule,
    onState: Callable[[JobState], None],
    onCurves: Callable[[Curves], None],
    onEnd: Callable[[Ended], None],
) -> EngineJob:
    """Start a fine-tuning; its value is the worker's answer. Cancelled, it keeps its last checkpoint and can be resumed."""
    curves = Curves()

    def progress(told: Progress) -> None:
        curves.add(told)
        onCurves(curves)

    def prepare() -> Steps:
        yield "Preparing"
        return wish.params()

    return EngineJob(client, schedule, "finetune", prepare(), None, onState, onEnd, progress)


def comparisonOf(verdict: Mapping[str, Any]) -> Comparison:
    """A verdict as rows.

    Raises:
        RegistryError: it is none.
    """
    read = Verdict.from_json(dict(verdict))
    held = read.held_out
    structures = held.structures if len(held.structures) == 1 else (*held.structures, held.mean)
    rows: list[ComparisonRow] = []
    for structure in structures:
        rows.append(_row(f"{structure.name}: Dice", structure.dice, 100.0, "%", more=True))
        rows.append(_row(f"{structure.name}: HD95", structure.hd95, 1.0, "mm", more=False))
    return Comparison(read.decision, read.reason, tuple(rows), len(held.cases))


def _row(name: str, figure: PairedDifference, factor: float, unit: str, more: bool) -> ComparisonRow:
    gain = figure.difference if more else -figure.difference
    outcome = "same" if abs(factor * figure.difference) < 0.005 else ("better" if gain > 0 else "worse")
    return ComparisonRow(
        name,
        f"{factor * figure.parent:.2f} {unit}",
        f"{factor * figure.child:.2f} {unit}",
        f"{factor * figure.difference:+.2f} {unit}",
        outcome,
    )
