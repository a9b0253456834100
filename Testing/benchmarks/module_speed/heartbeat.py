"""How long the application stands still: the longest time between two turns of its event loop.

In between nobody's click is answered. That time holds everything that a turn does: what the module computes, what Slicer does
for it, and drawing.
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
        total: how long the whole step took, wall.
        work: processor time of all turns in which something was done.
        turns: how often the loop turned.
    """

    wall: float = 0.0
    cpu: float = 0.0
    total: float = 0.0
    work: float = 0.0
    turns: int = 0


class Heartbeat:
    """Beats whenever the event loop has turned.

    Args:
        wall, cpu: clocks, in seconds.
    """

    def __init__(self, wall: Callable[[], float] = perf_counter, cpu: Callable[[], float] = process_time) -> None:
        self._wall = wall
        self._cpu = cpu
        self._step: Blocked | None = None
        self._last = (0.0, 0.0)

    def rest(self, pause: Callable[[], None]) -> None:
        """End a turn, and rest before the next one; the rest is nobody's."""
        self._beat()
        pause()
        self._last = self._wall(), self._cpu()

    @contextmanager
    def step(self) -> Iterator[Blocked]:
        """Watch what happens inside; the result is complete afterwards."""
        self._last = began = self._wall(), self._cpu()
        self._step = found = Blocked()
        try:
            yield found
            self._beat()
        finally:
            self._step = None
            found.total = self._wall() - began[0]

    def _beat(self) -> None:
        before, self._last = self._last, (self._wall(), self._cpu())
        if self._step is not None:
            self._step.wall = max(self._step.wall, self._last[0] - before[0])
            self._step.cpu = max(self._step.cpu, self._last[1] - before[1])
            self._step.turns += 1
            # Looking whether there is anything to do is not the module's work.
            if self._last[1] - before[1] > IDLE_SECONDS:
                self._step.work += self._last[1] - before[1]
