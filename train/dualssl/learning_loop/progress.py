"""What a learning loop tells while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dualssl.training.progress import TrainingProgress


@dataclass(frozen=True)
class LoopProgress:
    """Told before each case that is predicted, corrected or scored, and now and then in training.

    Attributes:
        stage: what goes on, for people.
        done, total: cases or steps; 0 of 0 where they are not known yet.
        training: of the training that goes on, else None.
    """

    stage: str
    done: int = 0
    total: int = 0
    training: TrainingProgress | None = None


OnLoopProgress = Callable[[LoopProgress], None]
