"""Observers of VTK objects that end with the widget that made them, as the connections of Slicer's own widgets do."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import vtk
from PySide6 import QtCore
from shiboken6 import isValid

import guard


class VtkConnections:
    """The observers of one widget.

    Args:
        owner: the widget; nothing is called any more once its C++ object is gone.
    """

    def __init__(self, owner: QtCore.QObject) -> None:
        self._owner = weakref.ref(owner)
        self._tags: list[tuple[Any, int]] = []
        tags = self._tags
        owner.destroyed.connect(lambda *_: _removeAll(tags))

    def add(self, observed: Any, event: int | str, method: Callable[..., None], node: bool = False) -> None:
        """Call a method of the widget at an event of a VTK object.

        Args:
            observed: the VTK object.
            event: number or name of the event.
            method: of the widget; it is called without arguments, or with the node that the event is about.
            node: whether the event carries a node.
        """
        name = method.__name__

        def onEvent(_caller: Any, _event: str, data: Any = None) -> None:
            owner = self._owner()
            if owner is None or not isValid(owner):
                return
            try:
                getattr(owner, name)(*([data] if node else []))
            except Exception:
                guard.log.addException("slot", f"Exception in {type(owner).__name__}.{name}:")

        if node:
            onEvent.CallDataType = vtk.VTK_OBJECT
        self._tags.append((observed, observed.AddObserver(event, onEvent)))

    def remove(self, observed: Any) -> None:
        """Observe a VTK object no more."""
        for entry in [e for e in self._tags if e[0] is observed]:
            self._tags.remove(entry)
            observed.RemoveObserver(entry[1])

    def removeAll(self) -> None:
        """Observe nothing any more."""
        _removeAll(self._tags)


def _removeAll(tags: list[tuple[Any, int]]) -> None:
    for observed, tag in tags:
        observed.RemoveObserver(tag)
    tags.clear()
