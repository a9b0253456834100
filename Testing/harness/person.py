"""The person at the module: clicks, types, chooses and waits, and sees what the panel says."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtTest import QTest

from moduleHost import OpenedModule
from qmrml import qMRMLNodeComboBox
from windows import Windows

_LEFT = QtCore.Qt.MouseButton.LeftButton
# While nothing happens here the core is the engine's.
_REST_SECONDS = 0.02


class Person:
    """Uses an opened module as a person does: only what can be seen and is enabled can be clicked.

    Args:
        module: which was opened.
        windows: the application's windows.
    """

    def __init__(self, module: OpenedModule, windows: Windows) -> None:
        self.module = module
        self.windows = windows

    @property
    def panels(self) -> Any:
        """The module's own panels."""
        return self.module.widget.panels

    @property
    def workspace(self) -> Any:
        """What the panels drive."""
        return self.module.widget.logic.application.workspace

    def turn(self, times: int = 5) -> None:
        """Let what waits happen."""
        for _ in range(times):
            self.windows.turn()
            time.sleep(_REST_SECONDS / 4)

    def waitUntil(self, condition: Callable[[], Any], seconds: float = 60.0) -> None:
        """Let the application run until something is so."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"it never came; the panel says: {self.says()}"
            self.windows.turn()
            time.sleep(_REST_SECONDS)

    def widget(self, name: str) -> Any:
        """A widget of the panel by its objectName."""
        assert self.module.panel is not None
        found = self.module.panel.findChild(QtWidgets.QWidget, name)
        assert found is not None, f"the panel has no '{name}'"
        return found

    def unfold(self, name: str) -> None:
        """Open the section that a widget is in."""
        for part in self.panels.parts:
            section = part.section.qtObject_
            if section.isAncestorOf(self.widget(name)) and part.section.collapsed:
                part.section.collapsed = False
                self.turn()

    def see(self, name: str) -> Any:
        """Bring a widget into view; returns it."""
        self.unfold(name)
        widget = self.widget(name)
        if self.windows.mainWindow is not None:
            self.windows.mainWindow.panel.ensureWidgetVisible(widget)
        self.turn(2)
        assert widget.isVisible(), f"'{name}' is not seen"
        return widget

    def click(self, name: str) -> None:
        """Click a button or check box in its middle (check boxes: at their box)."""
        widget = self.see(name)
        assert widget.isEnabled(), f"'{name}' is disabled: {widget.toolTip()}"
        place = widget.rect().center()
        if isinstance(widget, QtWidgets.QCheckBox | QtWidgets.QRadioButton):
            place.setX(10)
        QTest.mouseClick(widget, _LEFT, pos=place)
        self.turn()

    def type(self, name: str, text: str) -> None:
        """Type a text in place of what a line holds."""
        line = self.see(name)
        assert line.isEnabled(), f"'{name}' is disabled"
        line.selectAll()
        QTest.keyClick(line, QtCore.Qt.Key.Key_Delete)
        QTest.keyClicks(line, text)
        self.turn()

    def choose(self, name: str, text: str) -> None:
        """Choose an entry of a list by its text."""
        widget = self.see(name)
        box = widget.findChild(QtWidgets.QComboBox) if isinstance(widget, qMRMLNodeComboBox) else widget
        index = box.findText(text)
        assert index >= 0, f"'{name}' has no '{text}', only {[box.itemText(n) for n in range(box.count())]}"
        box.setCurrentIndex(index)
        box.activated.emit(index)
        self.turn()

    def clickRow(self, name: str, line: int) -> None:
        """Click a line of a table."""
        table = self.see(name)
        table.scrollToItem(table.item(line, 0))
        QTest.mouseClick(table.viewport(), _LEFT, pos=table.visualItemRect(table.item(line, 0)).center())
        self.turn()

    def reads(self, name: str) -> list[list[str]]:
        """The texts of a table, line by line."""
        table = self.widget(name)
        lines, columns = range(table.rowCount()), range(table.columnCount())
        return [["" if (item := table.item(n, c)) is None else item.text() for c in columns] for n in lines]

    def paint(self, view: str = "Red", at: tuple[float, float] = (0.5, 0.5)) -> None:
        """One click with the active effect into a slice view; `at` is a share of its width and height."""
        widget = slicerWidget(self.windows, view)
        place = QtCore.QPoint(int(at[0] * widget.width()), int(at[1] * widget.height()))
        QTest.mouseMove(widget, place)
        QTest.mousePress(widget, _LEFT, pos=place)
        QTest.mouseRelease(widget, _LEFT, pos=place)
        self.turn()

    def says(self) -> dict[str, str]:
        """What the labels of the panel say now."""
        assert self.module.panel is not None
        labels = self.module.panel.findChildren(QtWidgets.QLabel)
        return {label.objectName(): label.text() for label in labels if label.objectName() and label.text()}

    def picture(self, path: Any, width: int = 420) -> None:
        """Write a picture of the whole panel, also of what would have to be scrolled to."""
        panel = self.module.panel
        assert panel is not None
        self.turn()
        height = max(panel.sizeHint().height(), panel.height())
        picture = QtGui.QPixmap(width, height)
        picture.fill(QtGui.QColor("#f0f0f0"))
        size = panel.size()
        panel.resize(width, height)
        self.turn(2)
        panel.render(picture)
        panel.resize(size)
        picture.save(str(path))


def slicerWidget(windows: Windows, view: str) -> Any:
    """The widget of a slice view that takes the mouse."""
    assert windows.layoutManager is not None
    return windows.layoutManager.sliceWidget(view).sliceView()
