"""When views have been drawn: VTK's windows say so themselves, in the application as in the harness."""

from __future__ import annotations

import time
from time import perf_counter, process_time
from typing import Any

import slicer
from module_speed.timings import Timing

SIZE = 500
"""Width and height of a view in pixels."""
QUIET_SECONDS = 0.03
"""Nothing was drawn for so long: all has been drawn. A view draws at most 60 times a second."""


def turn_for(seconds: float) -> None:
    """Let the event loop run for some time."""
    end = perf_counter() + seconds
    while perf_counter() < end:
        slicer.app.processEvents()
        time.sleep(0.001)


class DrawingClock:
    """How long the views of the layout have been drawn so far."""

    def __init__(self) -> None:
        self._sum = (0.0, 0.0)
        self._began: tuple[float, float] | None = None
        manager = slicer.app.layoutManager()
        views = [manager.sliceWidget(name).sliceView() for name in manager.sliceViewNames()]
        views += [manager.threeDWidget(number).threeDView() for number in range(manager.threeDViewCount)]
        for view in views:
            window = view.renderWindow()
            window.AddObserver("StartEvent", self._starts)
            window.AddObserver("EndEvent", self._ends)

    def __call__(self) -> tuple[float, float]:
        """Seconds by the clock on the wall, and of processor time."""
        return self._sum

    def _starts(self, _caller: Any, _event: str) -> None:
        self._began = perf_counter(), process_time()

    def _ends(self, _caller: Any, _event: str) -> None:
        if self._began is not None:
            wall, cpu = self._began
            self._sum = self._sum[0] + perf_counter() - wall, self._sum[1] + process_time() - cpu
            self._began = None


class DrawnViews:
    """The views of the layout, of one size, and when each was last drawn.

    Args:
        names: of the slice views that are drawn; the others and the 3D view are hidden. None leaves all there are.

    Attributes:
        frames: how often the views were drawn.
    """

    def __init__(self, names: tuple[str, ...] | None = None) -> None:
        manager = slicer.app.layoutManager()
        slices = {name: manager.sliceWidget(name) for name in manager.sliceViewNames()}
        self.frames = 0
        self._last = Timing(0.0, 0.0)
        self._drawn: set[int] = set()
        self._observed: list[tuple[Any, int]] = []
        self._shown = [widget for name, widget in slices.items() if names is None or name in names]
        self._hidden = [] if names is None else [widget for name, widget in slices.items() if name not in names]
        if names is not None:
            self._hidden.append(manager.threeDWidget(0))
        for widget in self._hidden:
            widget.visible = False
        for number, widget in enumerate(self._shown):
            view = widget.sliceView()
            view.setFixedSize(SIZE, SIZE)
            window = view.renderWindow()
            self._observed.append((window, window.AddObserver("EndEvent", self._drew(number))))
        turn_for(0.3)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the first view in pixels."""
        width, height = self._shown[0].sliceView().renderWindow().GetSize()
        return int(width), int(height)

    def time_until_drawn(self, change: Any, seconds: float = 5.0) -> Timing:
        """How long it takes from a change until the last frame that follows from it has been drawn, in every slice view.

        Raises:
            RuntimeError: a view was not drawn.
        """
        self._drawn = set()
        began, cpu = perf_counter(), process_time()
        change()
        while len(self._drawn) < len(self._shown) or perf_counter() - self._last.wall < QUIET_SECONDS:
            slicer.app.processEvents()
            if perf_counter() - began > seconds:
                raise RuntimeError(f"only {len(self._drawn)} of {len(self._shown)} views were drawn")
            time.sleep(0.0005)
        return Timing(self._last.wall - began, self._last.cpu - cpu)

    def close(self) -> None:
        """Show all views again, and watch no longer."""
        for window, number in self._observed:
            window.RemoveObserver(number)
        for widget in self._hidden:
            widget.visible = True
        self._observed = []
        turn_for(0.1)

    def _drew(self, number: int) -> Any:
        def drew(_caller: Any, _event: str) -> None:
            self.frames += 1
            self._drawn.add(number)
            self._last = Timing(perf_counter(), process_time())

        return drew
