"""A person at the segment editor: strokes, undo and redo through the C++ behind the desktop's effects."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
from vtk.util.numpy_support import vtk_to_numpy

_Logic = slicer.vtkSlicerSegmentEditorLogic


class SegmentEditor:
    """The segment editor on a segmentation and its image.

    Attributes:
        node: vtkMRMLSegmentEditorNode.
        logic: vtkSlicerSegmentEditorLogic.
    """

    def __init__(self, segmentationNode: Any, image: Any) -> None:
        scene = segmentationNode.GetScene()
        self.node = slicer.vtkMRMLSegmentEditorNode()
        scene.AddNode(self.node)
        self.logic = _Logic()
        self.logic.SetMRMLScene(scene)
        self.logic.SetSegmentEditorNode(self.node)
        self.logic.SetSegmentationNode(segmentationNode)
        self.logic.SetSourceVolumeNode(image)
        self.logic.SetMaximumNumberOfUndoStates(10)  # as the desktop's widget does
        self.segmentationNode = segmentationNode

    def select(self, segmentId: str) -> None:
        """Choose the segment that strokes are made with."""
        self.node.SetSelectedSegmentID(segmentId)

    def paint(self, where: Any) -> None:
        """Add voxels to the selected segment. `where` indexes an array (k, j, i) of the image's grid."""
        self._stroke(where, _Logic.ModificationModeAdd)

    def erase(self, where: Any) -> None:
        """Remove voxels from the selected segment."""
        self._stroke(where, _Logic.ModificationModeRemove)

    def eraseAll(self, where: Any) -> None:
        """Remove voxels from all segments."""
        self._stroke(where, _Logic.ModificationModeRemoveAll)

    def threshold(self, where: Any) -> None:
        """Replace the whole selected segment, as Threshold's Apply does."""
        self._stroke(where, _Logic.ModificationModeSet)

    def clear(self, segmentId: str) -> None:
        """Empty a segment, as the Data module and Logical operators do."""
        self.logic.SaveStateForUndo()
        slicer.vtkSlicerSegmentationsModuleLogic.ClearSegment(self.segmentationNode, segmentId)

    def undo(self) -> None:
        """One step back."""
        self.logic.Undo()

    def redo(self) -> None:
        """One step forward."""
        self.logic.Redo()

    @property
    def canUndo(self) -> bool:
        """Whether there is a step back."""
        return bool(self.logic.CanUndo())

    @property
    def canRedo(self) -> bool:
        """Whether there is a step forward."""
        return bool(self.logic.CanRedo())

    def saveState(self, _segmentationNode: Any = None) -> None:
        """Keep the segmentation as it is, for undo."""
        self.logic.SaveStateForUndo()

    def _stroke(self, where: Any, mode: int) -> None:
        self.logic.SaveStateForUndo()
        self.logic.ResetModifierLabelmapToDefault()
        modifier = self.logic.GetModifierLabelmap()
        voxels = vtk_to_numpy(modifier.GetPointData().GetScalars()).reshape(modifier.GetDimensions()[::-1])
        voxels[where] = np.uint8(1)
        self.logic.ModifySegmentByLabelmap(
            self.segmentationNode, self.node.GetSelectedSegmentID(), modifier, mode, False, False
        )
