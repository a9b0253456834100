"""What a training run tells while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class TrainingProgress:
    """Told to the caller now and then.

    Attributes:
        iteration, iterations: steps done and in all.
        loss: total loss of the last step, or None before the first.
        dice: last validation Dice, or None.
        seconds_left: estimate, or None while too early to tell.
        note: a sentence worth showing, or empty.
    """

    iteration: int
    iterations: int
    loss: float | None = None
    dice: float | None = None
    seconds_left: float | None = None
    note: str = ""


OnProgress = Callable[[TrainingProgress], None]
