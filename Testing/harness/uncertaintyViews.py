"""Looking at uncertainty in the views: places of the sample case, colours on the screen, and what is in the scene for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from DualSSLSegmentationLib.display.colorTables import SCALES, colorsOf
from sampleCases import SHAPE, predictedArrays

PAINT_ALL_UNSURE = {"entropy": 0.2, "kl": 0.05}
"""Thresholds above what the sample case has where it is sure."""


def pointAt(case: Any, kji: ArrayLike) -> tuple[float, float, float]:
    """World coordinates of the centre of a voxel."""
    matrix = vtk.vtkMatrix4x4()
    case.image.GetIJKToRASMatrix(matrix)
    world = [0.0] * 3
    case.image.TransformPointToWorld(matrix.MultiplyPoint((*(float(index) for index in reversed(list(kji))), 1.0))[:3], world)
    return tuple(world)


def deepInside(mask: NDArray[np.bool_]) -> tuple[Any, ...]:
    """The voxel farthest from the border of a mask."""
    return np.unravel_index(ndimage.distance_transform_edt(mask).argmax(), mask.shape)


def unsure(case: Any) -> tuple[float, float, float]:
    """Where the mean is unsure: entropy 0.85, KL 0."""
    arrays = predictedArrays()
    return pointAt(case, deepInside((arrays.entropy == arrays.entropy.max()) & (arrays.kl == 0)))


def inConflict(case: Any) -> tuple[float, float, float]:
    """Where network A sees a bulge and B does not: KL 2.5, entropy below 0.4."""
    arrays = predictedArrays()
    return pointAt(case, deepInside((arrays.kl == arrays.kl.max()) & (arrays.entropy < 0.4)))


def sure(case: Any) -> tuple[float, float, float]:
    """In the middle of the ball: entropy 0.02, KL 0."""
    return pointAt(case, [n // 2 for n in SHAPE])


def colorAt(view: Any, ras: tuple[float, float, float]) -> NDArray[np.float64]:
    """Colour (3) 0..1 at a point, which the view is centred on."""
    view.jumpTo(ras)
    row, column = view.pixelOf(ras)
    return view.pixels()[row, column] / 255.0


def blended(below: ArrayLike, kind: str, value: float, opacity: float) -> NDArray[np.float64]:
    """The colour (3) that a value of a map has over what lies below it."""
    index = min(round(value / SCALES[kind].top * 255), 255)
    return (1 - opacity) * np.asarray(below) + opacity * colorsOf(kind)[index]


def assertColor(seen: ArrayLike, expected: ArrayLike) -> None:
    """Colours (3) 0..1 are the same but for rounding and interpolation."""
    np.testing.assert_allclose(seen, expected, atol=0.025)


def ourNodes(scene: Any) -> list[str]:
    """Names of the nodes that only help to show an overlay."""
    nodes = [scene.GetNthNode(n) for n in range(scene.GetNumberOfNodes())]
    return [n.GetName() for n in nodes if (n.GetName() or "").startswith("DualSSL") and not n.IsA("vtkMRMLColorTableNode")]


def layersOf(composite: Any) -> list[tuple[str | None, float]]:
    """Volume and opacity of all layers: background, foreground, label, then the additional ones."""
    indices = range(composite.Layer_Last + composite.GetNumberOfAdditionalLayers())
    return [(composite.GetNthLayerVolumeID(n), composite.GetNthLayerOpacity(n)) for n in indices]


def legendsIn(view: Any) -> dict[str, tuple[float, float]]:
    """Title and range of each colour legend that is seen in a view."""
    manager = view.manager("vtkMRMLColorLegendDisplayableManager")
    actors = [manager.GetColorLegendActor(node) for node in nodesOf("vtkMRMLColorLegendDisplayNode")]
    view.pixels()
    return {a.GetTitle(): a.GetLookupTable().GetTableRange() for a in actors if a is not None and a.GetVisibility()}


def nodesOf(className: str) -> list[Any]:
    """The scene's nodes of a class, in the order in which they came."""
    scene = slicer.mrmlScene
    return [scene.GetNthNodeByClass(n, className) for n in range(scene.GetNumberOfNodesByClass(className))]
