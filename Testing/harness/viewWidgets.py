"""The widgets around slice and 3D views: they show what sliceView.py draws, and give it the mouse.

A widget draws its view when Qt paints it and something asked for a render since. Mouse events, also those of QtTest, go to the
view's interactor as VTK events, so the real interactor styles and the segment editor's effects get them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from mrmlWidget import qMRMLWidget
from pythonqtMembers import scripted
from sliceView import OffscreenView, SliceView, ThreeDView

_BUTTONS = {
    QtCore.Qt.MouseButton.LeftButton: "LeftButton",
    QtCore.Qt.MouseButton.RightButton: "RightButton",
    QtCore.Qt.MouseButton.MiddleButton: "MiddleButton",
}


class _ViewWidget(QtWidgets.QWidget):
    """A widget that shows a view of sliceView.py."""

    def __init__(self, view: OffscreenView, fit: Callable[[int, int], None], parent: QtWidgets.QWidget | None) -> None:
        super().__init__(parent)
        self.view = view
        self._fit = fit
        self._picture: QtGui.QImage | None = None
        self.setMinimumSize(60, 60)
        self.setMouseTracking(True)
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.StrongFocus)
        view.onRenderRequested = self.update

    def paintEvent(self, _event: QtGui.QPaintEvent) -> None:
        """Show the view; it is drawn anew only where something asked for it, and while drawing is not paused."""
        paused = QtWidgets.QApplication.instance().renderPauses > 0
        if self._picture is None or (self.view.needsRender and not paused):
            pixels = self.view.pixels()
            height, width, _ = pixels.shape
            self._picture = QtGui.QImage(pixels.tobytes(), width, height, 3 * width, QtGui.QImage.Format.Format_RGB888).copy()
        painter = QtGui.QPainter(self)
        painter.drawImage(0, 0, self._picture)
        painter.end()

    def resizeEvent(self, event: QtGui.QResizeEvent) -> None:
        """The view is as large as its widget."""
        self._fit(event.size().width(), event.size().height())
        self._picture = None

    def _tell(self, event: QtGui.QSinglePointEvent, name: str) -> None:
        keys = event.modifiers()
        shift = bool(keys & QtCore.Qt.KeyboardModifier.ShiftModifier)
        control = bool(keys & QtCore.Qt.KeyboardModifier.ControlModifier)
        position = event.position().toPoint()
        interactor = self.view.interactor
        interactor.SetEventInformation(position.x(), self.height() - 1 - position.y(), int(control), int(shift))
        interactor.InvokeEvent(name)

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        """A press, to VTK."""
        self._tell(event, f"{_BUTTONS.get(event.button(), 'LeftButton')}PressEvent")

    def mouseReleaseEvent(self, event: QtGui.QMouseEvent) -> None:
        """A release, to VTK."""
        self._tell(event, f"{_BUTTONS.get(event.button(), 'LeftButton')}ReleaseEvent")

    def mouseMoveEvent(self, event: QtGui.QMouseEvent) -> None:
        """A move, to VTK."""
        self._tell(event, "MouseMoveEvent")

    def wheelEvent(self, event: QtGui.QWheelEvent) -> None:
        """The wheel, to VTK."""
        self._tell(event, "MouseWheelForwardEvent" if event.angleDelta().y() > 0 else "MouseWheelBackwardEvent")

    @scripted
    def renderWindow(self) -> Any:
        """VTK's window."""
        return self.view.renderWindow

    @scripted
    def interactor(self) -> Any:
        """VTK's interactor."""
        return self.view.interactor

    @scripted
    def interactorStyle(self) -> Any:
        """VTK's interactor style."""
        return self.view.interactor.GetInteractorStyle()

    @scripted
    def scheduleRender(self) -> None:
        """Draw the view at the next turn of the event loop."""
        self.view.needsRender = True
        self.update()

    @scripted
    def forceRender(self) -> None:
        """Draw the view now."""
        self.view.render()
        self._picture = None
        self.update()

    @scripted
    def displayableManagerByClassName(self, name: str) -> Any:
        """A displayable manager of the view."""
        return self.view.manager(name)


class qMRMLSliceView(_ViewWidget):
    """The picture of a slice view."""

    def __init__(self, view: SliceView, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(view, view.resize, parent)

    @scripted
    def mrmlSliceNode(self) -> Any:
        """The slice node."""
        return self.view.sliceNode


class qMRMLThreeDView(_ViewWidget):
    """The picture of a 3D view."""

    def __init__(self, view: ThreeDView, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(view, view.resize, parent)

    @scripted
    def mrmlViewNode(self) -> Any:
        """The view node."""
        return self.view.viewNode

    @scripted
    def resetCamera(self) -> None:
        """Look at all that is shown."""
        self.view.resetCamera()
        self.scheduleRender()

    @scripted
    def resetFocalPoint(self) -> None:
        """Look at the centre of what is shown."""
        self.resetCamera()


class qMRMLSliceWidget(qMRMLWidget):
    """A slice view with its frame; the controller bar above it is not there."""

    def __init__(self, view: SliceView, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = view
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._sliceView = qMRMLSliceView(view, self)
        layout.addWidget(self._sliceView)

    @scripted
    def sliceView(self) -> QtWidgets.QWidget:
        """The widget that shows the slice."""
        return self._sliceView

    @scripted
    def sliceLogic(self) -> Any:
        """The real vtkMRMLSliceLogic."""
        return self.view.logic

    @scripted
    def mrmlSliceNode(self) -> Any:
        """The slice node."""
        return self.view.sliceNode

    @scripted
    def mrmlSliceCompositeNode(self) -> Any:
        """The slice composite node."""
        return self.view.compositeNode

    @scripted
    def interactorStyle(self) -> Any:
        """VTK's interactor style."""
        return self._sliceView.interactorStyle()


class qMRMLThreeDWidget(qMRMLWidget):
    """A 3D view with its frame; the controller bar above it is not there."""

    def __init__(self, view: ThreeDView, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = view
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._threeDView = qMRMLThreeDView(view, self)
        layout.addWidget(self._threeDView)

    @scripted
    def threeDView(self) -> QtWidgets.QWidget:
        """The widget that shows the scene."""
        return self._threeDView

    @scripted
    def mrmlViewNode(self) -> Any:
        """The view node."""
        return self.view.viewNode

    @scripted
    def viewLogic(self) -> Any:
        """The real vtkMRMLViewLogic."""
        return self.view.logic
