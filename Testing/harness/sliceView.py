"""Slice and 3D views of the application, drawn without a window: real view nodes, logics and displayable managers.

A stand-in is only what holds them together (the view widgets of Qt) and that a view draws when it is asked for its pixels, not
when something in it changed. `needsRender` tells whether the application would have drawn.
"""

from __future__ import annotations

from typing import Any

import slicer
import vtk

from offscreenView import OffscreenView

ORIENTATIONS = {"Red": "Axial", "Yellow": "Sagittal", "Green": "Coronal"}
_LAYOUT_COLORS = {"Red": (0.95, 0.29, 0.20), "Yellow": (0.93, 0.84, 0.30), "Green": (0.43, 0.69, 0.29)}

# As the view widgets and the modules of the application register them.
_SLICE_MANAGERS = (
    "vtkMRMLVolumeGlyphSliceDisplayableManager",
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager",
    "vtkMRMLOrientationMarkerDisplayableManager",
    "vtkMRMLRulerDisplayableManager",
    "vtkMRMLScalarBarDisplayableManager",
    "vtkMRMLColorLegendDisplayableManager",
    "vtkMRMLMarkupsDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLTransformsDisplayableManager2D",
    "vtkMRMLLinearTransformsDisplayableManager",
)
_THREE_D_MANAGERS = (
    "vtkMRMLCameraDisplayableManager",
    "vtkMRMLViewDisplayableManager",
    "vtkMRMLModelDisplayableManager",
    "vtkMRMLThreeDReformatDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager3D",
    "vtkMRMLOrientationMarkerDisplayableManager",
    "vtkMRMLRulerDisplayableManager",
    "vtkMRMLColorLegendDisplayableManager",
    "vtkMRMLMarkupsDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager3D",
    "vtkMRMLTransformsDisplayableManager3D",
    "vtkMRMLLinearTransformsDisplayableManager",
    "vtkMRMLVolumeRenderingDisplayableManager",
)


class SliceView(OffscreenView):
    """A slice view as the layout has it: "Red" (axial), "Yellow" (sagittal) or "Green" (coronal).

    Args:
        name: name in the layout; a further name needs an orientation.
        orientation: name of an orientation preset; None: that of the name.
        size: width and height in pixels.

    Attributes:
        sliceNode: the real vtkMRMLSliceNode.
        compositeNode: the real vtkMRMLSliceCompositeNode.
        logic: the real vtkMRMLSliceLogic, known to the application logic.
    """

    def __init__(self, name: str = "Red", orientation: str | None = None, size: tuple[int, int] = (500, 500)) -> None:
        factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        super().__init__(factory, _SLICE_MANAGERS, vtk.vtkInteractorStyleUser(), size)
        self.name = name
        self._imageMapper = vtk.vtkImageMapper()
        self._imageMapper.SetColorWindow(255)
        self._imageMapper.SetColorLevel(127.5)
        self._imageActor = self._addImageActor()
        self.logic = self._makeLogic(name)
        self.sliceNode = self.logic.GetSliceNode()
        self.compositeNode = self.logic.GetSliceCompositeNode()
        self._applyLayout(orientation or ORIENTATIONS[name])
        self.managers.SetMRMLDisplayableNode(self.sliceNode)
        self.interactorObserver = slicer.vtkMRMLSliceViewInteractorStyle()
        self.interactorObserver.SetSliceLogic(self.logic)
        self.interactorObserver.SetDisplayableManagers(self.managers)
        self.interactorObserver.SetInteractor(self.interactor)
        self._onLogicModified()

    def _addImageActor(self) -> Any:
        actor = vtk.vtkActor2D()
        actor.SetMapper(self._imageMapper)
        actor.GetProperty().SetDisplayLocationToBackground()
        actor.VisibilityOff()
        self.renderer.AddViewProp(actor)
        self.renderer.GetActiveCamera().ParallelProjectionOn()
        return actor

    def _makeLogic(self, name: str) -> Any:
        logic = slicer.vtkMRMLSliceLogic()
        logic.SetMRMLApplicationLogic(self.application.applicationLogic)
        logic.SetMRMLScene(self.application.scene)
        kept = self.application.scene.GetNodeByID(f"vtkMRMLSliceNode{name}")
        if kept is None:
            logic.AddSliceNode(name)
        else:
            logic.SetSliceNode(kept)  # of an earlier view: the scene keeps view nodes when it is closed
        self.application.applicationLogic.GetSliceLogics().AddItem(logic)
        self._logicTag = logic.AddObserver(vtk.vtkCommand.ModifiedEvent, self._onLogicModified)
        return logic

    def _applyLayout(self, orientation: str) -> None:
        self.sliceNode.SetOrientation(orientation)
        self.sliceNode.SetDefaultOrientation(orientation)
        self.sliceNode.SetLayoutLabel(self.name[0])
        self.sliceNode.SetLayoutColor(*_LAYOUT_COLORS.get(self.name, (0.5, 0.5, 0.5)))
        self.sliceNode.SetMappedInLayout(1)
        self.logic.ResizeSliceNode(*self.size)

    def _onLogicModified(self, *_: Any) -> None:
        connection = self.logic.GetImageDataConnection()
        self._imageMapper.SetInputConnection(connection)
        self._imageActor.SetVisibility(connection is not None)
        self._onRenderRequested()

    def show(self, background: Any = None, foreground: Any = None, label: Any = None) -> None:
        """Show volumes in the layers (None: the layer is empty) and fit the view to them."""
        for volume, setLayer in (
            (background, self.compositeNode.SetBackgroundVolumeID),
            (foreground, self.compositeNode.SetForegroundVolumeID),
            (label, self.compositeNode.SetLabelVolumeID),
        ):
            setLayer(volume.GetID() if volume is not None else None)
        self.fit()

    def fit(self) -> None:
        """Fit the field of view to all layers."""
        self.logic.ResizeSliceNode(*self.size)
        self.logic.FitSliceToAll()
        self.logic.SnapSliceOffsetToIJK()

    def resize(self, width: int, height: int) -> None:
        """Make the view so large."""
        super().resize(width, height)
        self.logic.ResizeSliceNode(width, height)

    def jumpTo(self, ras: tuple[float, float, float]) -> None:
        """Centre the view at a point in patient space."""
        self.sliceNode.JumpSliceByCentering(*ras)

    def pixelOf(self, ras: tuple[float, float, float]) -> tuple[int, int]:
        """Row and column in `pixels()` of a point in patient space, projected onto the slice."""
        toRas = self.sliceNode.GetXYToRAS()
        fromRas = vtk.vtkMatrix4x4()
        vtk.vtkMatrix4x4.Invert(toRas, fromRas)
        x, y, _, _ = fromRas.MultiplyPoint((*ras, 1.0))
        return round(self.size[1] - 1 - y), round(x)

    def rasOf(self, row: float, column: float) -> tuple[float, float, float]:
        """The point in patient space shown at a row and a column of `pixels()`."""
        r, a, s, _ = self.sliceNode.GetXYToRAS().MultiplyPoint((column, self.size[1] - 1 - row, 0.0, 1.0))
        return r, a, s

    def close(self) -> None:
        """Take the view out of the application; its nodes stay in the scene, as nodes of a hidden view do."""
        if not self._closed:
            self.interactorObserver.SetInteractor(None)
            self.interactorObserver.SetDisplayableManagers(None)
            self.logic.RemoveObserver(self._logicTag)
            self.application.applicationLogic.GetSliceLogics().RemoveItem(self.logic)
            super().close()
            self.logic.SetMRMLScene(None)


class ThreeDView(OffscreenView):
    """A 3D view.

    Attributes:
        viewNode: the real vtkMRMLViewNode.
        logic: the real vtkMRMLViewLogic.
    """

    def __init__(self, name: str = "1", size: tuple[int, int] = (500, 500)) -> None:
        factory = slicer.vtkMRMLThreeDViewDisplayableManagerFactory.GetInstance()
        super().__init__(factory, _THREE_D_MANAGERS, vtk.vtkInteractorStyle3D(), size)
        self.name = name
        self.logic = slicer.vtkMRMLViewLogic()
        self.logic.SetMRMLApplicationLogic(self.application.applicationLogic)
        self.logic.SetMRMLScene(self.application.scene)
        self.viewNode = self._viewNode(name)
        self.viewNode.SetMappedInLayout(1)
        self.application.applicationLogic.GetViewLogics().AddItem(self.logic)
        self.managers.SetMRMLDisplayableNode(self.viewNode)

    def _viewNode(self, name: str) -> Any:
        # The node of an earlier view stays in the scene when that is closed.
        return self.application.scene.GetNodeByID(f"vtkMRMLViewNode{name}") or self.logic.AddViewNode(name)

    def resetCamera(self) -> None:
        """Look at all that is shown."""
        self.renderer.ResetCamera()
        self.renderer.ResetCameraClippingRange()

    def close(self) -> None:
        """Take the view out of the application; its nodes stay in the scene."""
        if not self._closed:
            self.application.applicationLogic.GetViewLogics().RemoveItem(self.logic)
            super().close()
            self.logic.SetMRMLScene(None)
