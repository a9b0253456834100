"""What slice and 3D views drawn without a window have in common."""

from __future__ import annotations

import atexit
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import vtk_to_numpy

import slicerCore

_openViews: weakref.WeakSet[OffscreenView] = weakref.WeakSet()


def closeAllViews() -> None:
    """Close the views that are still open: at exit a view must be gone before the scene that it watches."""
    for view in list(_openViews):
        view.close()


atexit.register(closeAllViews)


class OffscreenView:
    """A render window of some size with displayable managers in it.

    Attributes:
        renderer: what the displayable managers draw with.
        renderWindow: the window, never shown.
        interactor: takes mouse events; an event's y counts from the bottom, as in VTK.
        needsRender: a displayable manager asked for a render since the last one.
        onRenderRequested: called when one does.
        renders: how often the view was drawn.
    """

    def __init__(self, factory: Any, managers: tuple[str, ...], style: Any, size: tuple[int, int]) -> None:
        self.application = slicerCore.application()
        self.renderer = vtk.vtkRenderer()
        self.renderWindow = vtk.vtkRenderWindow()
        self.renderWindow.SetOffScreenRendering(1)
        self.renderWindow.ShowWindowOff()
        self.renderWindow.SetMultiSamples(0)
        self.renderWindow.SetSize(*size)
        self.renderWindow.AddRenderer(self.renderer)
        self.interactor = vtk.vtkGenericRenderWindowInteractor()
        self.interactor.SetRenderWindow(self.renderWindow)
        self.interactor.SetInteractorStyle(style)
        self.interactor.Initialize()
        self.needsRender = True
        self.onRenderRequested: Callable[[], None] = lambda: None
        self.renders = 0
        self._closed = False
        _openViews.add(self)
        self.managers = self._makeManagers(factory, managers)

    def _makeManagers(self, factory: Any, names: tuple[str, ...]) -> Any:
        for name in names:
            if not factory.IsDisplayableManagerRegistered(name):
                factory.RegisterDisplayableManager(name)
        group = slicer.vtkMRMLDisplayableManagerGroup()
        group.Initialize(factory, self.renderer)
        group.AddObserver(vtk.vtkCommand.UpdateEvent, self._onRenderRequested)
        return group

    def _onRenderRequested(self, *_: Any) -> None:
        self.needsRender = True
        self.onRenderRequested()

    def manager(self, className: str) -> Any:
        """A displayable manager of the view by its class name."""
        return self.managers.GetDisplayableManagerByClassName(className)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        width, height = self.renderWindow.GetSize()
        return width, height

    def resize(self, width: int, height: int) -> None:
        """Make the view so large."""
        self.renderWindow.SetSize(width, height)
        self.interactor.UpdateSize(width, height)
        self.needsRender = True

    def render(self) -> None:
        """Draw the view now."""
        self.renderWindow.Render()
        self.needsRender = False
        self.renders += 1

    def pixels(self) -> NDArray[np.uint8]:
        """Draw the view and read it.

        Returns:
            (height, width, 3) uint8 RGB, the first row at the top.
        """
        self.render()
        width, height = self.size
        values = vtk.vtkUnsignedCharArray()
        self.renderWindow.GetPixelData(0, 0, width - 1, height - 1, 0, values, 0)
        return vtk_to_numpy(values).reshape(height, width, 3)[::-1].copy()

    def close(self) -> None:
        """Give the window and the displayable managers back; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self.onRenderRequested = lambda: None
        self.managers.SetMRMLDisplayableNode(None)
        self.managers.RemoveAllObservers()
        self.interactor.SetInteractorStyle(None)
        self.renderWindow.Finalize()
