"""Regions of interest in the scene: placed around a structure, and as the box that prediction takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import vtk

from dualssl.errors import VolumeError
from dualssl.prediction.roi import RegionOfInterest
from dualssl.volumes.crop import clipped_box
from DualSSLSegmentationLib.scene.volumes import checkTransform, geometryOf

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dualssl.geometry import Geometry

Bounds = tuple[float, float, float, float, float, float]

_OURS = "DualSSL.region"
_LINE = (0.55, 0.95, 1.0)
"""Of a region's frame: unlike structures, entropy and KL."""


def roiBounds(roiNode: Any, image: Any) -> Bounds:
    """The box around a region of interest, in the RAS coordinates that the image's own matrix leads to.

    The region may be rotated, and it and the image may lie under different transforms: all eight corners are brought to the
    image's coordinates, and the box is drawn around them.

    Args:
        roiNode: vtkMRMLMarkupsROINode.
        image: volume node.

    Returns:
        r0, r1, a0, a1, s0, s1 in mm.

    Raises:
        VolumeError: the region has no size yet, or it or the image is under a transform that is not linear.
    """
    size = np.array(roiNode.GetSize())
    if roiNode.GetNumberOfDefinedControlPoints() < 1 or not (size > 0).all():
        raise VolumeError(f"The region of interest '{roiNode.GetName()}' has no size yet: place it first, or turn it off.")
    for node in (roiNode, image):
        checkTransform(node)
    toNode = roiNode.GetObjectToNodeMatrix()
    corners = np.array([_inImage(toNode, np.array(signs) * size / 2, roiNode, image) for signs in product((-1, 1), repeat=3)])
    low, high = corners.min(axis=0), corners.max(axis=0)
    return (float(low[0]), float(high[0]), float(low[1]), float(high[1]), float(low[2]), float(high[2]))


def _inImage(toNode: Any, place: Any, roiNode: Any, image: Any) -> list[float]:
    """A place in the region's own axes, mm from its centre, in the image's RAS coordinates."""
    world, own = [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]
    roiNode.TransformPointToWorld(toNode.MultiplyPoint((*place, 1.0))[:3], world)
    image.TransformPointFromWorld(world, own)
    return own


def regionGrid(image: Any, bounds: Bounds) -> Geometry | None:
    """The part of a volume's grid that a box takes, or None where the box lies outside.

    Args:
        image: volume node.
        bounds: as `roiBounds` gives them.

    Raises:
        VolumeError: the volume has no voxels.
    """
    grid = geometryOf(image)
    box = RegionOfInterest.from_ras_bounds(grid, bounds)
    start, stop = clipped_box(box.start, box.shape, grid.shape)
    k, j, i = (end - first for first, end in zip(start, stop, strict=True))
    return grid.cropped(start, (k, j, i)) if min(k, j, i) > 0 else None


def placeRegion(image: Any, size: Sequence[float] | None, around: Sequence[float] | None, region: Any = None) -> Any:
    """Place a region of interest in a volume, along the volume's own R, A, S axes and under its parent transform.

    The region is no larger than the volume, and moved rather than cut where it would reach beyond it.

    Args:
        image: volume node.
        size: mm along R, A, S; None takes half of the volume along each.
        around: world coordinates of its centre; None is the volume's centre.
        region: vtkMRMLMarkupsROINode to move there; None adds one.

    Returns:
        The region's node.

    Raises:
        VolumeError: the volume has no voxels, or is under a transform that is not linear.
    """
    checkTransform(image)
    low, high = _ends(geometryOf(image))
    reach = high - low
    lengths = reach / 2 if size is None else np.minimum(np.asarray(size, dtype=float), reach)
    centre = (low + high) / 2
    if around is not None:
        own = [0.0, 0.0, 0.0]
        image.TransformPointFromWorld(around, own)
        centre = np.clip(own, low + lengths / 2, high - lengths / 2)
    if region is None:
        region = _addRegion(image)
    setAdjustable(region, True)
    modifying = region.StartModify()
    region.SetAndObserveTransformNodeID(image.GetTransformNodeID())
    region.SetAndObserveObjectToNodeMatrix(vtk.vtkMatrix4x4())
    region.SetCenter(*map(float, centre))
    region.SetSize(*map(float, lengths))
    # The handle in the middle says where that is; a point on the structure would only hide it.
    region.SetNthControlPointVisibility(0, False)
    region.EndModify(modifying)
    return region


def isAdjustable(region: Any) -> bool:
    """Whether a region shows its handles and can be dragged."""
    display = region.GetDisplayNode()
    return display is not None and bool(display.GetHandlesInteractive()) and not region.GetLocked()


def setAdjustable(region: Any, adjustable: bool) -> None:
    """Give a region its handles, in slices and in 3D; or leave of it a frame in the slices that takes no clicks."""
    display = region.GetDisplayNode()
    region.SetLocked(not adjustable)
    if display is not None:
        display.SetHandlesInteractive(adjustable)
        display.SetVisibility3D(adjustable)


def isOurs(region: Any) -> bool:
    """Whether `placeRegion` added a region, rather than a person by other means."""
    return region.GetAttribute(_OURS) is not None


def watchRegion(region: Any, told: Callable[[], None]) -> Callable[[], None]:
    """Have a function called when a region may have another place or size.

    Args:
        region: vtkMRMLMarkupsROINode.
        told: called without arguments, many times while the region is dragged.

    Returns:
        Ends it.
    """
    events = (vtk.vtkCommand.ModifiedEvent, region.PointModifiedEvent, region.TransformModifiedEvent)
    tags = [region.AddObserver(event, lambda *_: told()) for event in events]

    def stop() -> None:
        for tag in tags:
            region.RemoveObserver(tag)

    return stop


def _ends(grid: Geometry) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least and greatest R, A, S of a grid, whole voxels at its ends."""
    corners = grid.kji_to_ras(list(product(*((-0.5, count - 0.5) for count in grid.shape))))
    return corners.min(axis=0), corners.max(axis=0)


def _addRegion(image: Any) -> Any:
    scene = image.GetScene()
    region = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", scene.GenerateUniqueName(f"Region of {image.GetName()}"))
    region.SetAttribute(_OURS, "placed")
    region.CreateDefaultDisplayNodes()
    display = region.GetDisplayNode()
    # The image is to be judged inside of it: a frame, no veil.
    display.SetFillVisibility(False)
    display.SetColor(*_LINE)
    display.SetSelectedColor(*_LINE)
    display.SetTranslationHandleVisibility(True)
    display.SetScaleHandleVisibility(True)
    # The engine takes boxes along the patient's axes.
    display.SetRotationHandleVisibility(False)
    display.SetPropertiesLabelVisibility(False)
    display.SetPointLabelsVisibility(False)
    return region
