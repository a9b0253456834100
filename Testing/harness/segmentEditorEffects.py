"""The effects of the segment editor's stand-in: Paint, Erase and Threshold, through the C++ that the desktop's effects use.

What an effect changes goes through vtkSlicerSegmentEditorLogic: masking, overwrite mode, undo and events are the real ones.
The brush is written here: a disc in the slice (or a sphere), voxels whose centre lies in it; a stroke is applied when the
button goes up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from PySide6 import QtCore, QtWidgets
from vtkmodules.util.numpy_support import vtk_to_numpy

from pythonqtMembers import scripted

_Logic = slicer.vtkSlicerSegmentEditorLogic
# Of the view's height, as Slicer's default brush.
_RELATIVE_DIAMETER = 0.03


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


@dataclass(frozen=True)
class _Brush:
    """A disc across a slice's normal, as thick as the slices are apart; without a thickness a sphere. In millimetres."""

    radius: float
    normal: NDArray[np.float64]
    thickness: float | None

    def covers(self, away: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether points (..., 3), from the centre, lie in the brush."""
        distance2 = (away**2).sum(-1)
        if self.thickness is None:
            return distance2 <= self.radius**2
        along = away @ self.normal
        return (np.abs(along) <= self.thickness / 2) & (distance2 - along**2 <= self.radius**2)


class BrushEffect(qSlicerSegmentEditorAbstractEffect):
    """Paint and Erase."""

    def __init__(self, effectName: str, logic: Any, choose: Callable[[str], None], parent: QtCore.QObject) -> None:
        super().__init__(effectName, logic, choose, parent)
        self._stroke: list[tuple[float, float, float]] = []
        self._painting = False

    def makeOptions(self, parent: QtWidgets.QWidget) -> QtWidgets.QWidget:
        """The size of the brush, in millimetres."""
        options = super().makeOptions(parent)
        form = QtWidgets.QFormLayout(options)
        size = QtWidgets.QDoubleSpinBox(options)
        size.setObjectName(f"{self.effectName}BrushDiameter")
        size.setRange(0.0, 500.0)
        size.setSpecialValueText("3% of the view")
        size.setValue(self.doubleParameter("BrushAbsoluteDiameter") if self.node is not None else 0.0)
        size.valueChanged.connect(lambda value: self.setCommonParameter("BrushAbsoluteDiameter", value))
        form.addRow("Diameter (mm):", size)
        return options

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
        matrix = slicer.util.arrayFromVTKMatrix(toWorld)
        inverse = np.linalg.inv(matrix)
        first = np.array(modifier.GetExtent()[::2])
        radius = self._diameter(view) / 2
        brush = _Brush(
            radius=radius,
            normal=slicer.util.arrayFromVTKMatrix(view.sliceNode.GetSliceToRAS())[:3, 2],
            thickness=None if self.integerParameter("BrushSphere") else self._sliceSpacing(view),
        )
        inside = np.zeros(modifier.GetDimensions()[::-1], bool)
        # How far a millimetre in any direction reaches along each axis of the grid.
        reach = np.linalg.norm(inverse[:3, :3], axis=1) * max(radius, self._sliceSpacing(view))
        for centre in self._dense(radius):
            place = inverse[:3, :3] @ centre + inverse[:3, 3] - first
            low = np.clip(np.floor(place - reach), 0, modifier.GetDimensions()).astype(int)
            high = np.clip(np.ceil(place + reach) + 1, 0, modifier.GetDimensions()).astype(int)
            i, j, k = (np.arange(a, b) for a, b in zip(low, high, strict=True))
            grid = np.stack(np.meshgrid(k, j, i, indexing="ij")[::-1], axis=-1) + first
            points = grid @ matrix[:3, :3].T + matrix[:3, 3]
            inside[low[2] : high[2], low[1] : high[1], low[0] : high[0]] |= brush.covers(points - np.array(centre))
        return inside

    def _sliceSpacing(self, view: Any) -> float:
        return max(float(self.logic.GetSliceSpacing(view.sliceNode, view.logic)), 1e-3)

    def _diameter(self, view: Any) -> float:
        absolute = self.doubleParameter("BrushAbsoluteDiameter")
        return absolute if absolute > 0 else _RELATIVE_DIAMETER * view.sliceNode.GetFieldOfView()[1]

    def _dense(self, radius: float) -> list[tuple[float, ...]]:
        """The stroke with points between those of the mouse, so that a fast one has no gaps."""
        dense: list[tuple[float, ...]] = [self._stroke[0]]
        for before, after in zip(self._stroke, self._stroke[1:], strict=False):
            steps = max(1, int(np.linalg.norm(np.subtract(after, before)) / max(0.4 * radius, 1e-3)))
            dense += [tuple(np.add(before, np.subtract(after, before) * (n + 1) / steps)) for n in range(steps)]
        return dense


@dataclass(frozen=True)
class ThresholdScript:
    """What Slicer's Threshold, which is written in Python, shows of itself."""

    onApply: Callable[[], None]


class ThresholdEffect(qSlicerSegmentEditorAbstractEffect):
    """Threshold: the selected segment becomes the voxels of the image in a range."""

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
        return ThresholdScript(self.onApply)

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
