"""A region of interest in the scene as the box that prediction takes."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from dualssl.errors import VolumeError
from DualSSLSegmentationLib.scene.volumes import checkTransform

Bounds = tuple[float, float, float, float, float, float]


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
