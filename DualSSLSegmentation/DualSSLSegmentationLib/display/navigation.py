"""Where slice views are: brought to a region, with its outline in them; and the place at which they cross."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import vtk
from numpy.typing import NDArray
from vtk.util import numpy_support

from DualSSLSegmentationLib.scene.helperNodes import addHelper, removeHelper
from DualSSLSegmentationLib.scene.labelBoxes import Box, boxesOf
from DualSSLSegmentationLib.scene.volumes import arrayOfMatrix, contentId

if TYPE_CHECKING:
    from dualssl.review import PlacedRegion
    from DualSSLSegmentationLib.scene.caseNodes import SegmentedCase

# A light line between dark ones: it stands out on both overlays, on black and on white, in colour and in grey.
_STROKES = (("halo", (0.0, 0.0, 0.0), 5), ("line", (1.0, 1.0, 1.0), 2))  # name, colour, width in pixels


def jumpTo(region: PlacedRegion, sliceNodes: Iterable[Any], image: Any = None) -> None:
    """Centre slice views on a region: the slice goes through it, and it lies in the middle. Zoom and orientation stay.

    Args:
        region: where to.
        sliceNodes: vtkMRMLSliceNodes of the views, of any orientation.
        image: the volume in whose coordinates the region was found; it may be under a transform. None: world coordinates.
    """
    world = [0.0, 0.0, 0.0]
    if image is None:
        world = list(region.centre_ras)
    else:
        image.TransformPointToWorld(region.centre_ras, world)
    for sliceNode in sliceNodes:
        modifying = sliceNode.StartModify()
        sliceNode.JumpSliceByCentering(*world)
        sliceNode.EndModify(modifying)


def crossing(sliceNodes: Iterable[Any]) -> tuple[float, float, float] | None:
    """The world coordinates of the place that is in all slices, or None where fewer than three of them cross.

    Args:
        sliceNodes: vtkMRMLSliceNodes of the views, of any orientation.
    """
    planes = [arrayOfMatrix(node.GetSliceToRAS()) for node in sliceNodes]
    if len(planes) < 3:
        return None
    normals = np.array([plane[:3, 2] for plane in planes])
    if np.linalg.matrix_rank(normals, tol=1e-3) < 3:
        return None
    offsets = np.array([plane[:3, 2] @ plane[:3, 3] for plane in planes])
    r, a, s = np.linalg.lstsq(normals, offsets, rcond=None)[0]
    return float(r), float(a), float(s)


class RegionOutline:
    """The border of one region at a time, in all slice views and nowhere else."""

    def __init__(self) -> None:
        self._model: Any = None
        # Of the map that was last looked at: from then on a region costs no look at the whole volume.
        self._boxes: tuple[str, dict[int, Box]] = ("", {})

    @property
    def node(self) -> Any:
        """The vtkMRMLModelNode of the outline, or None while there is none."""
        return self._model if self._model is not None and self._model.GetScene() is not None else None

    def show(self, case: SegmentedCase, regionId: int) -> bool:
        """Outline a region instead of the one that is outlined.

        Args:
            case: whose region map says which voxels are the region's.
            regionId: its number there.

        Returns:
            Whether there is something to see: False where the region map was deleted or has no such region.
        """
        regionMap = case.regionMap
        border = None if regionMap is None or regionMap.GetImageData() is None else self._borderOf(regionMap, regionId)
        if border is None:
            self.hide()
            return False
        if self.node is None or self.node.GetScene() is not regionMap.GetScene():
            self.hide()
            self._model = _addModel(regionMap.GetScene())
        modifying = self._model.StartModify()
        self._model.SetAndObserveMesh(border)
        self._model.SetAndObserveTransformNodeID(regionMap.GetTransformNodeID())
        self._model.EndModify(modifying)
        return True

    def hide(self) -> None:
        """Take the outline away; nothing of it stays in the scene."""
        model, self._model = self._model, None
        if model is not None:
            removeHelper(model)

    def _borderOf(self, regionMap: Any, regionId: int) -> Any:
        """Border of a region as a mesh in the map's own RAS coordinates, or None where the map has no such region."""
        values, content = _valuesOf(regionMap), contentId(regionMap)
        if self._boxes[0] != content:
            self._boxes = content, boxesOf(values)
        box = self._boxes[1].get(regionId)
        return None if box is None else _borderIn(regionMap, values[box] == regionId, box)


def _addModel(scene: Any) -> Any:
    model = addHelper(scene, "vtkMRMLModelNode", "DualSSL region outline")
    for name, color, width in _STROKES:  # in this order: what comes later is drawn on top
        display = addHelper(scene, "vtkMRMLModelDisplayNode", f"DualSSL region outline {name}")
        display.SetVisibility2D(True)
        display.SetVisibility3D(False)
        display.SetColor(*color)
        display.SetSliceIntersectionThickness(width)
        model.AddAndObserveDisplayNodeID(display.GetID())
    return model


def _valuesOf(regionMap: Any) -> NDArray[Any]:
    image = regionMap.GetImageData()
    i, j, k = image.GetDimensions()
    values: NDArray[Any] = numpy_support.vtk_to_numpy(image.GetPointData().GetScalars()).reshape(k, j, i)
    return values


def _borderIn(regionMap: Any, member: NDArray[np.bool_], box: Box) -> Any:
    """Border of the voxels of a mask, which is that of a box of the map, in the map's own RAS coordinates."""
    contour = vtk.vtkFlyingEdges3D()
    contour.SetInputData(_paddedImage(member, [axis.start for axis in box], regionMap.GetImageData().GetExtent()))
    contour.SetValue(0, 0.5)
    contour.ComputeNormalsOff()
    contour.ComputeScalarsOff()
    toRas = vtk.vtkMatrix4x4()
    regionMap.GetIJKToRASMatrix(toRas)
    transform = vtk.vtkTransform()
    transform.SetMatrix(toRas)
    moved = vtk.vtkTransformPolyDataFilter()
    moved.SetInputConnection(contour.GetOutputPort())
    moved.SetTransform(transform)
    moved.Update()
    return moved.GetOutput()


def _paddedImage(member: NDArray[np.bool_], start: list[int], extent: tuple[int, ...]) -> Any:
    """A mask as an image in voxel coordinates, with one voxel of background around it so that its border is closed.

    Args:
        member: (k, j, i).
        start: array index (k, j, i) of its first voxel in the whole map.
        extent: of the whole map.
    """
    padded = np.ascontiguousarray(np.pad(member, 1), dtype=np.uint8)
    k, j, i = padded.shape
    image = vtk.vtkImageData()
    image.SetDimensions(i, j, k)
    image.SetOrigin(start[2] - 1 + extent[0], start[1] - 1 + extent[2], start[0] - 1 + extent[4])
    image.GetPointData().SetScalars(numpy_support.numpy_to_vtk(padded.reshape(-1), deep=True))
    return image
