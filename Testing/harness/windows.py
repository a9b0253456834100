"""The windows of the application: three slice views and a 3D view, a panel for a module, and a main window around them.

`open()` makes `slicer.app.layoutManager()`, `slicer.util.mainWindow()` and the classes of Slicer's widgets in `slicer` answer
as in the application; `close()` takes all of it back.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import slicer
import vtk
from PySide6 import QtCore, QtWidgets

import pythonqt
import sampleDataModule
import slicerCore
from mrmlWidget import qMRMLWidget
from pythonqtMembers import scripted
from pythonqtObject import classFor, wrap
from pythonqtSignal import connections
from qmrml import qMRMLNodeComboBox
from segmentEditorWidget import qMRMLSegmentEditorWidget
from slicerApplication import qSlicerApplication, qtApplication
from sliceView import SliceView, ThreeDView
from viewWidgets import qMRMLSliceWidget, qMRMLThreeDWidget

WIDGET_CLASSES = (qMRMLWidget, qMRMLNodeComboBox, qMRMLSegmentEditorWidget, qMRMLSliceWidget, qMRMLThreeDWidget)
_PANEL_WIDTH = 420
# So long events are taken from the queue before `turnUntil` looks again; the last of them may take longer.
_SLICE_MS = 10


class qSlicerLayoutManager(QtCore.QObject):
    """The views by their names, in the four-up layout."""

    layoutChanged = QtCore.Signal(int)

    def __init__(self, slices: list[qMRMLSliceWidget], threeD: list[qMRMLThreeDWidget]) -> None:
        super().__init__()
        self._slices = {widget.view.name: widget for widget in slices}
        self._threeD = threeD
        self._layout = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView

    @scripted
    def sliceViewNames(self) -> list[str]:
        """Names of the slice views."""
        return list(self._slices)

    @scripted
    def sliceWidget(self, name: str) -> Any:
        """A slice view, None where there is none of the name."""
        return self._slices.get(name)

    @scripted
    def threeDWidget(self, which: int | str) -> Any:
        """A 3D view by its number or name."""
        found = [w for i, w in enumerate(self._threeD) if which in (i, w.view.name, f"View{w.view.name}")]
        return found[0] if found else None

    @scripted
    def mrmlSliceLogics(self) -> Any:
        """The real slice logics, as a vtkCollection."""
        logics = vtk.vtkCollection()
        for widget in self._slices.values():
            logics.AddItem(widget.view.logic)
        return logics

    @scripted
    def resetSliceViews(self) -> None:
        """Fit each slice view to what it shows."""
        for widget in self._slices.values():
            widget.view.fit()

    @scripted
    def resetThreeDViews(self) -> None:
        """Look at all that the 3D views show."""
        for widget in self._threeD:
            widget.view.resetCamera()

    @scripted
    def setLayout(self, layout: int) -> None:
        """Remember another layout; the views stay as they are."""
        self._layout = layout
        self.layoutChanged.emit(layout)

    layout = QtCore.Property(int, lambda self: self._layout, setLayout)
    threeDViewCount = QtCore.Property(int, lambda self: len(self._threeD))


class qSlicerModuleSelectorToolBar(QtWidgets.QToolBar):
    """Chooses the module that is shown."""

    moduleSelected = QtCore.Signal(str)

    def __init__(self, parent: QtWidgets.QWidget) -> None:
        super().__init__(parent)
        self._selected = ""

    @scripted
    def selectModule(self, name: str) -> None:
        """Show a module."""
        if name != self._selected:
            self._selected = name
            self.moduleSelected.emit(name)

    selectedModule = QtCore.Property(str, lambda self: self._selected)


class qSlicerMainWindow(QtWidgets.QMainWindow):
    """A panel on the left, the views on the right."""

    def __init__(self, views: list[QtWidgets.QWidget]) -> None:
        super().__init__()
        self.setObjectName("qSlicerMainWindow")
        self.setWindowTitle("3D Slicer")
        self.panel = QtWidgets.QScrollArea(self)
        self.panel.setWidgetResizable(True)
        self.panel.setFixedWidth(_PANEL_WIDTH)
        grid = QtWidgets.QWidget(self)
        places = QtWidgets.QGridLayout(grid)
        for index, view in enumerate(views):
            places.addWidget(view, index // 2, index % 2)
        whole = QtWidgets.QWidget(self)
        row = QtWidgets.QHBoxLayout(whole)
        row.addWidget(self.panel)
        row.addWidget(grid, 1)
        self.setCentralWidget(whole)
        self._selector = qSlicerModuleSelectorToolBar(self)
        self.addToolBar(self._selector)
        self.resize(1400, 900)

    @scripted
    def moduleSelector(self) -> Any:
        """Chooses the module that is shown."""
        return self._selector


class Windows:
    """The windows of the application.

    Args:
        withMainWindow: False: as the application started without a main window: no views, no window.

    Attributes:
        application: PySide's application object, `slicer.app` undressed.
        mainWindow: the main window, or None.
        layoutManager: the views, or None.
        sliceViews: the drawn slice views by name.
        threeDView: the drawn 3D view, or None.
        longestTurn: the longest that one event kept `turnUntil` from the next, in seconds; set it to 0 before what is measured.
    """

    def __init__(self, withMainWindow: bool = True) -> None:
        pythonqt.install()
        self.application: qSlicerApplication = qtApplication()
        self.core = slicerCore.application()
        self.mainWindow: qSlicerMainWindow | None = None
        self.layoutManager: qSlicerLayoutManager | None = None
        self.sliceViews: dict[str, SliceView] = {}
        self.threeDView: ThreeDView | None = None
        self.longestTurn = 0.0
        self._closed = False
        if withMainWindow:
            self._makeMainWindow()
        self.application.windows = self
        self.application.testing = True
        sampleDataModule.install()
        slicer.app = wrap(self.application)
        for widgetClass in WIDGET_CLASSES:
            setattr(slicer, widgetClass.__name__, classFor(widgetClass))

    def _makeMainWindow(self) -> None:
        self.sliceViews = {name: SliceView(name) for name in ("Red", "Green", "Yellow")}
        self.threeDView = ThreeDView("1")
        slices = [qMRMLSliceWidget(view) for view in self.sliceViews.values()]
        threeD = qMRMLThreeDWidget(self.threeDView)
        self.layoutManager = qSlicerLayoutManager(slices, [threeD])
        red, green, yellow = slices
        self.mainWindow = qSlicerMainWindow([red, threeD, green, yellow])
        self.mainWindow.show()
        self.turn()

    def turn(self) -> None:
        """Let the event loop do what waits, once."""
        self.application.processEvents()
        self.application.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete)

    def turnUntil(self, condition: Callable[[], bool], seconds: float = 10.0) -> bool:
        """Let the event loop run until something is so; False where it is not after some seconds."""
        end = time.monotonic() + seconds
        while not condition():
            begin = time.monotonic()
            if begin > end:
                return False
            self.application.processEvents(QtCore.QEventLoop.ProcessEventsFlag.AllEvents, _SLICE_MS)
            self.longestTurn = max(self.longestTurn, time.monotonic() - begin - _SLICE_MS / 1000)
            time.sleep(0.001)
        return True

    def picture(self, path: Any) -> None:
        """Write a picture of the main window."""
        assert self.mainWindow is not None
        self.turn()
        self.mainWindow.grab().save(str(path))

    def close(self) -> None:
        """Take all windows away; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        for view in self.sliceViews.values():
            view.close()
        if self.threeDView is not None:
            self.threeDView.close()
        if self.mainWindow is not None:
            self.mainWindow.close()
            self.mainWindow.deleteLater()
        for window in self.application.topLevelWidgets():
            window.close()
            window.deleteLater()
        self.turn()
        self.mainWindow = self.layoutManager = None
        self.application.windows = None
        for connected in (self.application, self.application.moduleManager()):
            connections.removeAll(connected)
        sampleDataModule.uninstall()
        QtCore.QSettings().clear()
        slicer.app = self.core.app
        for widgetClass in WIDGET_CLASSES:
            delattr(slicer, widgetClass.__name__)
