"""What a training run tells while it goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

_log = logging.getLogger(__name__)


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


class Reporter:
    """Passes on what a run tells, and lets a warning be told between two steps.

    Args:
        on_progress: the listener, or None for nobody; an exception it raises ends the run after a checkpoint.
        iterations: of the run.
    """

    def __init__(self, on_progress: OnProgress | None, iterations: int) -> None:
        self._on_progress = on_progress
        self._told = TrainingProgress(0, iterations)

    def tell(self, progress: TrainingProgress) -> None:
        """Pass on `progress`."""
        self._told = replace(progress, note="")
        if self._on_progress is not None:
            self._on_progress(progress)

    def warn(self, text: str) -> None:
        """Log a sentence, and pass it on with the figures told last."""
        _log.warning(text)
        self.tell(replace(self._told, note=text))
