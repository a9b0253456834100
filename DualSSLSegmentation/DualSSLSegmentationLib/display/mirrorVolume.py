"""A volume node that shows another one's voxels in its own way.

The slice views get this one, not the case's own volume. So what a person set for the volume itself stays, and a scene that is
saved meanwhile holds no layer of ours: this node is never saved, and no other node can get its id.
"""

from __future__ import annotations

from typing import Any

import vtk

from DualSSLSegmentationLib.display.colorTables import useScale
from DualSSLSegmentationLib.scene.helperNodes import addHelper, removeHelper

_NO_LIMIT = 1e9  # as upper threshold: far above any value that is shown


class MirrorVolume:
    """There from the beginning until `remove`; it follows its source's voxels, grid and transform.

    Attributes:
        source: the vtkMRMLScalarVolumeNode that is shown.
        node: the node that shows it; it has the source's voxels, not a copy of them.
    """

    def __init__(self, source: Any, kind: str, threshold: float) -> None:
        self.source = source
        scene = source.GetScene()
        display = addHelper(scene, "vtkMRMLScalarVolumeDisplayNode", f"DualSSL {kind} overlay display")
        # Before there are voxels: the automatic range would be worked out from a histogram of all of them.
        display.SetAutoThreshold(False)
        display.SetApplyThreshold(True)
        display.SetThreshold(threshold, _NO_LIMIT)
        display.SetInterpolate(True)
        useScale(display, kind)
        self.node = addHelper(scene, "vtkMRMLScalarVolumeNode", f"DualSSL {kind} overlay", self.idOf(kind)[1])
        self.node.SetAndObserveDisplayNodeID(display.GetID())
        self._tag: int | None = source.AddObserver(vtk.vtkCommand.ModifiedEvent, self._follow)
        self._follow()

    @staticmethod
    def idOf(kind: str) -> tuple[str, str]:
        """The id that such a node has in any scene, and the singleton tag that it follows from."""
        tag = f"DualSSLOverlay-{kind}"
        return f"vtkMRMLScalarVolumeNode{tag}", tag

    @property
    def shown(self) -> bool:
        """Whether the node is still in the scene."""
        return self.node.GetScene() is not None

    def setThreshold(self, threshold: float) -> None:
        """Paint nothing below this value."""
        self.node.GetDisplayNode().SetLowerThreshold(threshold)

    def remove(self) -> None:
        """Take the node out of the scene; a second call does nothing."""
        if self._tag is not None:
            self.source.RemoveObserver(self._tag)
            self._tag = None
        # The views' logics keep the node for some time: not the voxels as well.
        self.node.SetAndObserveImageData(None)
        removeHelper(self.node)

    def _follow(self, *_: Any) -> None:
        source, node = self.source, self.node
        if node.GetScene() is None:
            return
        modifying = node.StartModify()
        matrix = vtk.vtkMatrix4x4()
        source.GetIJKToRASMatrix(matrix)
        node.SetIJKToRASMatrix(matrix)
        if node.GetTransformNodeID() != source.GetTransformNodeID():
            node.SetAndObserveTransformNodeID(source.GetTransformNodeID())
        if node.GetImageData() is not source.GetImageData():
            node.SetAndObserveImageData(source.GetImageData())
        node.EndModify(modifying)
