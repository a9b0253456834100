"""Functions that are called later, by the application's event loop.

PythonQt's `QTimer.singleShot` keeps the function for ever, and with it the case and the images that it belongs to.
"""

from __future__ import annotations

from collections.abc import Callable

import qt


def soon(function: Callable[[], None]) -> None:
    """Call a function once whoever asks has returned."""
    later(0.0, function)


def later(seconds: float, function: Callable[[], None]) -> None:
    """Call a function after a while."""
    alarm = _idle.pop() if _idle else _Alarm()
    _set.add(alarm)
    alarm.set(seconds, function)


class _Alarm:
    """A timer that is used again: deleted from within its own signal it would take the application with it."""

    def __init__(self) -> None:
        self._function: Callable[[], None] | None = None
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.connect("timeout()", self._rings)

    def set(self, seconds: float, function: Callable[[], None]) -> None:
        self._function = function
        self._timer.start(int(1000 * seconds))

    def _rings(self) -> None:
        function, self._function = self._function, None
        _set.discard(self)
        _idle.append(self)
        if function is not None:
            function()


_set: set[_Alarm] = set()
_idle: list[_Alarm] = []
