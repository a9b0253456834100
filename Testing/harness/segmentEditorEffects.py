"""The effects of the segment editor's stand-in: Paint, Erase and Threshold, through the C++ that the desktop's effects use.

What an effect changes goes through vtkSlicerSegmentEditorLogic: masking, overwrite mode, undo and events are the real ones.
Which voxels a brush covers is in segmentEditorBrush.py; a stroke is applied when the button goes up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from PySide6 import QtCore, QtWidgets
from shiboken6 import isValid
from vtkmodules.util.numpy_support import vtk_to_numpy

import guard
from pythonqtMembers import scripted
from segmentEditorBrush import Brush, Grid, strokeVoxels

_Logic = slicer.vtkSlicerSegmentEditorLogic
# What a relative diameter is a part of: the height of a screen, in pixels.
_SCREEN_HEIGHT = 1080


class qSlicerSegmentEditorAbstractEffect(QtCore.QObject):
    """An effect of the segment editor.

    Args:
        effectName: its name.
        logic: the real logic that changes the segmentation.
        choose: makes another effect, or none (""), the active one.
    """

    def __init__(self, effectName: str, logic: Any, choose: Callable[[str], None], parent: QtCore.QObject) -> None:
        super().__init__(parent)
        self.effectName = effectName
        self.logic = logic
        self.choose = choose

    # Parameters of all effects and their values where the segment editor node has none.
    defaults: ClassVar[dict[str, str]] = {}

    def setDefaults(self) -> None:
        """Write the parameters that the segment editor node does not have yet."""
        for parameter, value in self.defaults.items():
            if self.node.GetAttribute(parameter) is None:
                self.node.SetAttribute(parameter, value)

    def makeOptions(self, parent: QtWidgets.QWidget) -> QtWidgets.QWidget:
        """The widgets of its options."""
        return QtWidgets.QWidget(parent)

    def processEvent(self, _event: str, _view: Any) -> bool:
        """Take an event of a slice view; True: nobody else gets it."""
        return False

    @property
    def node(self) -> Any:
        """The segment editor node, which keeps the parameters."""
        return self.logic.GetSegmentEditorNode()

    @scripted
    def setParameter(self, parameter: str, value: Any) -> None:
        """Set a parameter of this effect."""
        self.node.SetAttribute(f"{self.effectName}.{parameter}", str(value))

    @scripted
    def setCommonParameter(self, parameter: str, value: Any) -> None:
        """Set a parameter of all effects."""
        self.node.SetAttribute(parameter, str(value))

    @scripted
    def parameter(self, name: str) -> str:
        """A parameter of this effect, else of all effects."""
        return self.node.GetAttribute(f"{self.effectName}.{name}") or self.node.GetAttribute(name) or ""

    @scripted
    def doubleParameter(self, name: str) -> float:
        """As `parameter`, a number."""
        return float(self.parameter(name) or 0.0)

    @scripted
    def integerParameter(self, name: str) -> int:
        """As `parameter`, a whole number."""
        return int(self.doubleParameter(name))

    name = QtCore.Property(str, lambda self: self.effectName)

    def modify(self, mask: NDArray[np.bool_], mode: int) -> None:
        """Change the selected segment by a mask on the modifier label map's grid, as one step of undo."""
        segmentation, segmentId = self.logic.GetSegmentationNode(), self.node.GetSelectedSegmentID()
        if segmentation is None or not segmentId:
            return
        self.logic.SaveStateForUndo()
        modifier = self.logic.GetModifierLabelmap()
        voxelsOf(modifier)[mask] = 1
        modifier.Modified()
        self.logic.ModifySegmentByLabelmap(segmentation, segmentId, modifier, mode, False, False)


def voxelsOf(image: Any) -> NDArray[Any]:
    """The voxels of an image of VTK (k, j, i); a view."""
    return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])


class BrushEffect(qSlicerSegmentEditorAbstractEffect):
    """Paint and Erase."""

    def __init__(self, effectName: str, logic: Any, choose: Callable[[str], None], parent: QtCore.QObject) -> None:
        super().__init__(effectName, logic, choose, parent)
        self._stroke: list[tuple[float, float, float]] = []
        self._painting = False

    defaults: ClassVar[dict[str, str]] = {
        "BrushAbsoluteDiameter": "5.0",
        "BrushRelativeDiameter": "3.0",
        "BrushDiameterIsRelative": "1",
        "BrushSphere": "0",
    }

    def makeOptions(self, parent: QtWidgets.QWidget) -> QtWidgets.QWidget:
        """The size of the brush in millimetres; Slicer begins with 3% of the screen's height."""
        options = super().makeOptions(parent)
        form = QtWidgets.QFormLayout(options)
        size = QtWidgets.QDoubleSpinBox(options)
        size.setObjectName(f"{self.effectName}BrushDiameter")
        size.setRange(0.0, 500.0)
        size.setSpecialValueText("3% of the screen")
        size.setValue(
            0.0 if self.integerParameter("BrushDiameterIsRelative") else self.doubleParameter("BrushAbsoluteDiameter")
        )
        size.valueChanged.connect(self._onDiameter)
        form.addRow("Diameter (mm):", size)
        return options

    def _onDiameter(self, millimetres: float) -> None:
        self.setCommonParameter("BrushDiameterIsRelative", int(millimetres == 0.0))
        if millimetres > 0:
            self.setCommonParameter("BrushAbsoluteDiameter", millimetres)

    def processEvent(self, event: str, view: Any) -> bool:
        """A stroke goes from the press of the left button to its release."""
        interactor = view.interactor
        if event == "LeftButtonPressEvent" and not interactor.GetShiftKey():
            self._painting = True
            self._stroke = [self._place(view)]
        elif event == "MouseMoveEvent" and self._painting:
            self._stroke.append(self._place(view))
        elif event == "LeftButtonReleaseEvent" and self._painting:
            self._painting = False
            self._apply(view)
        else:
            return False
        return True

    def _place(self, view: Any) -> tuple[float, float, float]:
        x, y = view.interactor.GetEventPosition()
        r, a, s, _ = view.sliceNode.GetXYToRAS().MultiplyPoint((x, y, 0.0, 1.0))
        return r, a, s

    def _apply(self, view: Any) -> None:
        self.logic.ResetModifierLabelmapToDefault()
        erase = self.effectName == "Erase"
        everywhere = erase and self.integerParameter("EraseAllSegments") == 1
        mode = _Logic.ModificationModeRemove if erase else _Logic.ModificationModeAdd
        self.modify(self._brushed(view), _Logic.ModificationModeRemoveAll if everywhere else mode)

    def _brushed(self, view: Any) -> NDArray[np.bool_]:
        modifier = self.logic.GetModifierLabelmap()
        toWorld = vtk.vtkMatrix4x4()
        _Logic.ImageToWorldMatrix(modifier, self.logic.GetSegmentationNode(), toWorld)
        spacing = max(float(self.logic.GetSliceSpacing(view.sliceNode, view.logic)), 1e-3)
        brush = Brush(
            radius=self._diameter(view) / 2,
            normal=slicer.util.arrayFromVTKMatrix(view.sliceNode.GetSliceToRAS())[:3, 2],
            thickness=None if self.integerParameter("BrushSphere") else spacing,
        )
        grid = Grid(slicer.util.arrayFromVTKMatrix(toWorld), modifier.GetExtent())
        return strokeVoxels(self._stroke, brush, grid)

    def _diameter(self, view: Any) -> float:
        if not self.integerParameter("BrushDiameterIsRelative"):
            return self.doubleParameter("BrushAbsoluteDiameter")
        pixel = float(np.linalg.norm(slicer.util.arrayFromVTKMatrix(view.sliceNode.GetXYToSlice())[:3, 1]))
        return self.doubleParameter("BrushRelativeDiameter") / 100 * _SCREEN_HEIGHT * pixel


@dataclass(frozen=True)
class ThresholdScript:
    """What Slicer's Threshold, which is written in Python, shows of itself."""

    onApply: Callable[[], None]
    removeSliceCompositeObservers: Callable[[], None]


class ThresholdEffect(qSlicerSegmentEditorAbstractEffect):
    """Threshold: the selected segment becomes the voxels of the image in a range."""

    def __init__(self, effectName: str, logic: Any, choose: Callable[[str], None], parent: QtCore.QObject) -> None:
        super().__init__(effectName, logic, choose, parent)
        self._watched: list[tuple[Any, int]] = []

    def layoutChanged(self, composites: list[Any]) -> None:
        """Watch the slice views, even while another effect is in hand: as in Slicer nothing ends it with the editor."""
        self.removeSliceCompositeObservers()
        self._watched = [(node, node.AddObserver("ModifiedEvent", self._onCompositeModified)) for node in composites]

    def removeSliceCompositeObservers(self) -> None:
        """Watch them no more."""
        for node, tag in self._watched:
            node.RemoveObserver(tag)
        self._watched = []

    def _onCompositeModified(self, _caller: Any, _event: str) -> None:
        if not isValid(self):
            guard.log.add("observer", "The Threshold effect of a segment editor that is gone still watches the slice views.")

    def makeOptions(self, parent: QtWidgets.QWidget) -> QtWidgets.QWidget:
        """The range, and a button that applies it."""
        options = super().makeOptions(parent)
        form = QtWidgets.QFormLayout(options)
        for parameter in ("MinimumThreshold", "MaximumThreshold"):
            number = QtWidgets.QDoubleSpinBox(options)
            number.setObjectName(parameter)
            number.setRange(-1e6, 1e6)
            number.setValue(self.doubleParameter(parameter) if self.node is not None else 0.0)
            number.valueChanged.connect(lambda value, parameter=parameter: self.setParameter(parameter, value))
            form.addRow(parameter, number)
        apply = QtWidgets.QPushButton("Apply", options)
        apply.setObjectName("ThresholdApply")
        apply.clicked.connect(lambda _checked: self.onApply())
        form.addRow(apply)
        return options

    @scripted
    def self(self) -> ThresholdScript:
        """The Python object behind the effect: `effect.self().onApply()`."""
        return ThresholdScript(self.onApply, self.removeSliceCompositeObservers)

    def onApply(self) -> None:
        """Apply the range, and leave the effect."""
        self.logic.ResetModifierLabelmapToDefault()
        self.logic.UpdateAlignedSourceVolume()
        image = voxelsOf(self.logic.GetAlignedSourceVolume())
        low, high = self.doubleParameter("MinimumThreshold"), self.doubleParameter("MaximumThreshold")
        self.modify((image >= low) & (image <= high), _Logic.ModificationModeSet)
        self.choose("")


def makeEffects(
    logic: Any, choose: Callable[[str], None], parent: QtCore.QObject
) -> dict[str, qSlicerSegmentEditorAbstractEffect]:
    """All effects, in the order of the segment editor's buttons."""
    kinds: dict[str, type[qSlicerSegmentEditorAbstractEffect]] = {
        "Threshold": ThresholdEffect,
        "Paint": BrushEffect,
        "Erase": BrushEffect,
    }
    return {name: kind(name, logic, choose, parent) for name, kind in kinds.items()}
