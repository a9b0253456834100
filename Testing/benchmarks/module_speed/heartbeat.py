"""How long the application stands still: the longest time between two turns of its event loop.

In between nobody's click is answered. That time holds everything that a turn does: what the module computes, what Slicer does
for it, and the drawing of the views, which Slicer does the same when a person scrolls; so it is told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter, process_time

IDLE_SECONDS = 0.002
"""A turn of less processor time did nothing."""


@dataclass
class Blocked:
    """The longest turns of the event loop within one step, seconds.

    Attributes:
        wall: by the clock on the wall. On a busy machine other programs are in it.
        cpu: the most processor time that this process used in one turn, over all its threads.
        own: as `wall`, without the drawing of views.
        own_cpu: as `cpu`, without the drawing of views.
        total: how long the whole step took, wall.
        work: processor time of all turns in which something was done.
        turns: how often the loop turned.
    """

    wall: float = 0.0
    cpu: float = 0.0
    own: float = 0.0
    own_cpu: float = 0.0
    total: float = 0.0
    work: float = 0.0
    turns: int = 0


class Heartbeat:
    """Beats whenever the event loop has turned.

    Args:
        wall, cpu: clocks, in seconds.
        drawn: how long views have been drawn so far, seconds by both clocks.
    """

    def __init__(
        self,
        wall: Callable[[], float] = perf_counter,
        cpu: Callable[[], float] = process_time,
        drawn: Callable[[], tuple[float, float]] = lambda: (0.0, 0.0),
    ) -> None:
        self._wall = wall
        self._cpu = cpu
        self._drawn = drawn
        self._step: Blocked | None = None
        self._last = self._now()

    def _now(self) -> tuple[float, float, float, float]:
        return self._wall(), self._cpu(), *self._drawn()

    def rest(self, pause: Callable[[], None]) -> None:
        """End a turn, and rest before the next one; the rest is nobody's."""
        self._beat()
        pause()
        self._last = self._now()

    @contextmanager
    def step(self) -> Iterator[Blocked]:
        """Watch what happens inside; the result is complete afterwards."""
        self._last = began = self._now()
        self._step = found = Blocked()
        try:
            yield found
            self._beat()
        finally:
            self._step = None
            found.total = self._wall() - began[0]

    def _beat(self) -> None:
        before, self._last = self._last, self._now()
        if self._step is None:
            return
        wall, cpu, drawn, drawn_cpu = (now - then for now, then in zip(self._last, before, strict=True))
        self._step.wall = max(self._step.wall, wall)
        self._step.cpu = max(self._step.cpu, cpu)
        self._step.own = max(self._step.own, wall - drawn)
        self._step.own_cpu = max(self._step.own_cpu, cpu - drawn_cpu)
        self._step.turns += 1
        # Looking whether there is anything to do is not the module's work.
        if cpu > IDLE_SECONDS:
            self._step.work += cpu
