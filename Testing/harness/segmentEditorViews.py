"""How the segment editor's stand-in takes the mouse of the slice views for its active effect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import guard
from slicerApplication import qtApplication

_EVENTS = ("LeftButtonPressEvent", "MouseMoveEvent", "LeftButtonReleaseEvent")


class EditorViews:
    """Observers of the slice views' interactors; they come before the views' own."""

    def __init__(self) -> None:
        self._tags: list[tuple[Any, int]] = []

    def observe(self, logics: list[Any], activeEffect: Callable[[], Any]) -> None:
        """Give the mouse in the views of some slice logics to whatever effect is active."""
        self.remove()
        manager = qtApplication().layoutManager()
        for name in manager.sliceViewNames() if manager is not None else ():
            view = manager.sliceWidget(name).view
            for event in _EVENTS if view.logic in logics else ():
                self._observe(view, event, activeEffect)

    def _observe(self, view: Any, event: str, activeEffect: Callable[[], Any]) -> None:
        def onEvent(interactor: Any, _event: str) -> None:
            effect = activeEffect()
            try:
                taken = effect is not None and effect.processEvent(event, view)
            except Exception:
                guard.log.addException("slot", f"Exception in the effect at {event}:")
                return
            if taken:
                # Nobody after the effect gets the event: a stroke does not change the contrast as well.
                interactor.GetCommand(tag).AbortFlagOn()

        tag = view.interactor.AddObserver(event, onEvent, 1.0)
        self._tags.append((view.interactor, tag))

    def remove(self) -> None:
        """Give the mouse back."""
        for interactor, tag in self._tags:
            interactor.RemoveObserver(tag)
        self._tags.clear()
