"""The view that a person looks at is drawn first; the others follow when its picture is on its way to the page.

Views are drawn one after the other in the event loop, and no picture leaves while another view is being drawn. Without an order
a person would wait for all four of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from trame_slicer.views import ScheduledRenderStrategy

GAP_SECONDS = 0.03
"""After a picture of the view in front was drawn: as long as it takes to encode and send it."""
LONGEST_SECONDS = 0.25
"""No view waits longer, however often the one in front is drawn."""
IN_HAND_SECONDS = 1.0
"""So long after the mouse's last move in a view, that view is the one in front."""

_MOUSE = ("MouseMoveEvent", "LeftButtonPressEvent", "MouseWheelForwardEvent", "MouseWheelBackwardEvent")


class DrawingOrder:
    """Of all views of a page. In front is the view that the mouse is at work in, otherwise the largest.

    Args:
        loop: in which views are drawn.
        views: of trame-slicer, each with its way of being drawn.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, views: Iterable[Any]) -> None:
        self._loop = loop
        self._turns = [_Turn(self, view) for view in views]
        self._waiting: dict[_Turn, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def close(self) -> None:
        """Let the views be drawn as they were before."""
        if self._timer is not None:
            self._timer.cancel()
        self._waiting = {}
        for turn in self._turns:
            turn.close()

    def ask(self, turn: _Turn) -> None:
        """A view is to be drawn."""
        now = self._loop.time()
        if turn is self._front(now):
            turn.asked = True
            turn.draw()
            return
        self._waiting.setdefault(turn, now)
        self._look_later()

    def _front(self, now: float) -> _Turn:
        touched = max(self._turns, key=lambda turn: turn.touched)
        if now - touched.touched < IN_HAND_SECONDS:
            return touched
        return max(self._turns, key=lambda turn: turn.pixels)

    def _look_later(self) -> None:
        if self._timer is None:
            self._timer = self._loop.call_later(GAP_SECONDS, self._look)

    def _look(self) -> None:
        self._timer = None
        if not self._waiting:
            return
        now = self._loop.time()
        front = self._front(now)
        # By now another one may be in front.
        patient = now - min(self._waiting.values()) < LONGEST_SECONDS and front not in self._waiting
        if patient and (front.asked or now - front.drawn < GAP_SECONDS):
            self._look_later()
            return
        waiting, self._waiting = self._waiting, {}
        for turn in waiting:
            turn.draw()


class _Turn(ScheduledRenderStrategy):
    """How one view is drawn: as before, in its turn.

    Attributes:
        asked: whether it was told to draw, and has not drawn yet.
        drawn, touched: when it was drawn, and when the mouse last did something in it; by the loop's clock.
    """

    def __init__(self, order: DrawingOrder, view: Any) -> None:
        super().__init__()
        self._order = order
        # trame-slicer makes it with the view, and tells of it nowhere else.
        self._inner: ScheduledRenderStrategy = view._scheduled_render
        self._view = view
        self._window = view.render_window()
        self.asked = False
        self.drawn = self.touched = float("-inf")
        view.set_scheduled_render(self)
        self._observed = [(self._window, self._window.AddObserver("EndEvent", self._was_drawn))]
        interactor = view.interactor()
        self._observed += [(interactor, interactor.AddObserver(event, self._was_touched)) for event in _MOUSE]

    @property
    def pixels(self) -> int:
        """Of the view."""
        width, height = self._window.GetSize()
        return int(width * height)

    def schedule_render(self) -> None:
        self._order.ask(self)

    def did_render(self) -> None:
        self._inner.did_render()

    def draw(self) -> None:
        """Have it drawn as soon as the loop comes to it."""
        self._inner.schedule_render()

    def close(self) -> None:
        """Give the view back its way of being drawn."""
        self._view.set_scheduled_render(self._inner)
        for caller, number in self._observed:
            caller.RemoveObserver(number)
        self._observed = []

    def _was_drawn(self, *_event: Any) -> None:
        self.asked = False
        self.drawn = self._order._loop.time()

    def _was_touched(self, *_event: Any) -> None:
        self.touched = self._order._loop.time()
