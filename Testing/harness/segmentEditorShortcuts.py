"""The keys that the segment editor takes while its shortcuts are installed: 0 to 9, Escape, Space, Z, Y, Q and W."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6 import QtGui, QtWidgets


class EditorShortcuts:
    """The shortcuts of a segment editor.

    Args:
        editor: whose methods they call.
        place: the widget in whose window they act.
        effects: names of the effects, for the keys 1, 2, ...
    """

    def __init__(self, editor: Any, place: QtWidgets.QWidget, effects: list[str]) -> None:
        self._place = place
        self._shortcuts: list[QtGui.QShortcut] = []
        for number in range(1, 11):
            name = effects[number - 1] if number <= len(effects) else ""
            self._add(str(number % 10), lambda name=name: editor.toggleEffect(name))
        self._add("Esc", lambda: editor.setActiveEffectByName(""))
        self._add("Space", lambda: editor.toggleEffect("last"))
        slots = {"Z": editor.undo, "Ctrl+Z": editor.undo, "Y": editor.redo, "Ctrl+Y": editor.redo}
        for keys, slot in {**slots, "Q": editor.selectPreviousSegment, "W": editor.selectNextSegment}.items():
            self._add(keys, slot)

    def _add(self, keys: str, slot: Callable[[], None]) -> None:
        shortcut = QtGui.QShortcut(QtGui.QKeySequence(keys), self._place)
        shortcut.activated.connect(slot)
        self._shortcuts.append(shortcut)

    def remove(self) -> None:
        """Give the keys back."""
        for shortcut in self._shortcuts:
            shortcut.setEnabled(False)
            shortcut.setParent(None)
            shortcut.deleteLater()
        self._shortcuts.clear()
