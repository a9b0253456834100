"""Watches that the two networks stay two: without disagreement there is no cross-checking and no conflict map."""

from __future__ import annotations

from collections.abc import Callable

_SMOOTHING = 0.9
_FIRST = 5
_COLLAPSED = 0.25


class DisagreementMonitor:
    """Follows 1 - Dice between the networks' labels while they are fine-tuned, and warns once if it all but vanishes.

    Some loss of disagreement is what training is for. A collapse is a smoothed disagreement below a quarter of what it was at
    the start: measured on the training's own batches, so that it costs nothing.

    Args:
        warn: told a sentence.
    """

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._first: list[float] = []
        self._smoothed: float | None = None
        self.collapsed = False

    @property
    def start(self) -> float | None:
        """Disagreement over the first records, or None before there are enough."""
        return sum(self._first) / _FIRST if len(self._first) == _FIRST else None

    @property
    def now(self) -> float | None:
        """Smoothed disagreement, or None before the first record."""
        return self._smoothed

    def watch(self, iteration: int, parts: dict[str, float]) -> None:
        """Take in a recorded step; the hook of a training loop."""
        disagreement = 1.0 - parts["agreement"]
        if len(self._first) < _FIRST:
            self._first.append(disagreement)
        before = disagreement if self._smoothed is None else self._smoothed
        self._smoothed = _SMOOTHING * before + (1.0 - _SMOOTHING) * disagreement
        start = self.start
        if start is not None and not self.collapsed and self._smoothed < _COLLAPSED * start:
            self.collapsed = True
            self._warn(
                f"By iteration {iteration} the two networks disagree on {100 * self._smoothed:.1f} % of what they segment, "
                f"{100 * start:.1f} % at the start: they are becoming one, and conflict maps of this model will say little."
            )
