"""An event loop that turns when a test says so."""

from __future__ import annotations

from collections.abc import Callable


class EventTurns:
    """Called with a function, as the application's `schedule`; `turn` calls what was waiting.

    Attributes:
        scheduled: how many functions were scheduled so far.
    """

    def __init__(self) -> None:
        self.scheduled = 0
        self._waiting: list[Callable[[], None]] = []

    def __call__(self, function: Callable[[], None]) -> None:
        self.scheduled += 1
        self._waiting.append(function)

    def turn(self) -> int:
        """Call all that waits, not what that schedules in its turn.

        Returns:
            How many functions were called.
        """
        waiting, self._waiting = self._waiting, []
        for function in waiting:
            function()
        return len(waiting)
