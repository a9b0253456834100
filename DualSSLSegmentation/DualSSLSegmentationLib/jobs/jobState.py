"""What a front end shows of work that goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dualssl.worker.protocol import Progress


@dataclass(frozen=True)
class JobState:
    """Where a job stands.

    Attributes:
        text: what goes on, for a person.
        fraction: 0..1, or None while it cannot be told.
        secondsLeft: estimate, or None.
        running: False at the end.
    """

    text: str
    fraction: float | None = None
    secondsLeft: float | None = None
    running: bool = True

    @classmethod
    def ofProgress(cls, progress: Progress) -> JobState:
        """From what a worker tells."""
        fraction = min(1.0, progress.done / progress.total) if progress.done is not None and progress.total else None
        return cls(progress.note or progress.stage, fraction, progress.seconds_left)

    def timeText(self) -> str:
        """The time left in words, or an empty text."""
        if self.secondsLeft is None:
            return ""
        seconds = round(self.secondsLeft)
        if seconds < 90:
            return f"about {max(1, seconds)} s left"
        return f"about {round(seconds / 60)} min left"


@dataclass(frozen=True)
class Ended:
    """How a job ended.

    Attributes:
        ok: whether it did what was asked.
        cancelled: whether a person stopped it.
        message: for a person; empty where nothing need be said.
        detail: for whoever looks into a fault.
        value: what it gave.
    """

    ok: bool
    message: str = ""
    cancelled: bool = False
    detail: str = ""
    value: Any = None
