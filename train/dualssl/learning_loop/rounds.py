"""One round of a loop: where its files are, and the record that it leaves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dualssl.learning_loop.records import Kind, Record, Stopwatch
from dualssl.learning_loop.reviews import FOLDER, Review
from dualssl.model.folder import read_manifest

if TYPE_CHECKING:
    from dualssl.learning_loop.plan import Order
    from dualssl.learning_loop.scores import ModelScores

TRAINING = "training"
"""The step of a stopwatch that is the training; all others are predictions, corrections and scores."""


@dataclass(frozen=True)
class Round:
    """One round of one order.

    Attributes:
        order: of the loop.
        names: all cases that are corrected by its end.
        folder: of the round, inside that of the order.
        seen: folder of the model whose predictions the reader corrects.
    """

    order: Order
    names: tuple[str, ...]
    folder: Path
    seen: Path

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.order.name}, {len(self.names)} corrected"

    @property
    def reviews(self) -> Path:
        """Folder of what the reader did, shared by the rounds of an order."""
        return self.folder.parent / FOLDER

    def review(self, name: str) -> Path:
        """File of what the reader did with a case."""
        return self.reviews / f"{name}.json"


@dataclass(frozen=True)
class BothScores:
    """Of one model: on the validation cases, and on those that the first model learned from."""

    validation: ModelScores
    old: ModelScores


def frozen_record(scores: BothScores) -> Record:
    """The record of the first model."""
    return Record(
        kind="frozen",
        order=None,
        cases=0,
        names=(),
        voxels_corrected=0,
        errors_before=0,
        errors_after=0,
        dice=scores.validation.mean_dice,
        hd95=scores.validation.mean_hd95,
        dice_by_case=scores.validation.dice,
        old_dice=scores.old.mean_dice,
        old_dice_base=scores.old.mean_dice,
        seconds_training=0.0,
        seconds_total=0.0,
        device="",
    )


def round_record(kind: Kind, this: Round, model: Path, scores: BothScores, frozen: Record, watch: Stopwatch) -> Record:
    """The record of a trained model.

    Args:
        kind: how it was trained.
        this: its round, of which every case was reviewed.
        model: its folder.
        scores: of it.
        frozen: record of the first model.
        watch: of its steps.

    Raises:
        TrainingError: a review is missing or damaged.
    """
    reviews = [Review.read(this.review(name)) for name in this.names]
    provenance = read_manifest(model).provenance
    # A killed process has not told the stopwatch of its time, but its checkpoints knew.
    training = max(watch.seconds(TRAINING), 3600.0 * float(provenance.get("hours") or 0.0))
    return Record(
        kind=kind,
        order=this.order.name,
        cases=len(this.names),
        names=this.names,
        voxels_corrected=sum(review.voxels_changed for review in reviews),
        errors_before=sum(review.errors_before for review in reviews),
        errors_after=sum(review.errors_after for review in reviews),
        dice=scores.validation.mean_dice,
        hd95=scores.validation.mean_hd95,
        dice_by_case=scores.validation.dice,
        old_dice=scores.old.mean_dice,
        old_dice_base=frozen.old_dice,
        seconds_training=round(training, 3),
        seconds_total=round(training + watch.total(TRAINING), 3),
        device=str(provenance.get("device") or ""),
    )
