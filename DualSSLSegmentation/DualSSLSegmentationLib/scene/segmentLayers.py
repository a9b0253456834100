"""The layers of a segmentation: images that one or several segments share, brought to other grids and back.

A layer is a vtkOrientedImageData; each of its segments owns one of its values. Its extent may be smaller or larger than the
image's, and where a person chose another geometry for editing, its whole lattice differs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from vtk.util import numpy_support

from dualssl.errors import VolumeError
from dualssl.geometry import Geometry
from DualSSLSegmentationLib.scene.volumes import arrayOfMatrix, fillImage, matrixOfArray

LATTICE_TOLERANCE = 1e-2
"""In voxels: how far a grid's far corner may lie beside another's lattice to be taken as on it."""


@dataclass(frozen=True, eq=False)
class Layer:
    """One image of a segmentation.

    Attributes:
        image: vtkOrientedImageData; may be empty.
        segmentIds: whose it is.
    """

    image: Any
    segmentIds: tuple[str, ...]


def binaryLabelmap() -> str:
    """Slicer's name of the representation by voxels."""
    return slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()


def closedSurface() -> str:
    """Slicer's name of the representation by surfaces."""
    return slicer.vtkSegmentationConverter.GetSegmentationClosedSurfaceRepresentationName()


def layersOf(segmentationNode: Any) -> tuple[Layer, ...]:
    """All layers; the voxels are made first where the segmentation consists of something else, such as surfaces.

    Raises:
        VolumeError: they cannot be made.
    """
    segmentation, name = segmentationNode.GetSegmentation(), binaryLabelmap()
    if segmentation.GetNumberOfSegments() == 0:
        return ()
    if not segmentation.ContainsRepresentation(name) and not segmentationNode.CreateBinaryLabelmapRepresentation():
        raise VolumeError(
            f"The segments of '{segmentationNode.GetName()}' cannot be turned into voxels: choose Binary labelmap as the "
            "source representation in the Segmentations module."
        )
    return tuple(
        Layer(segmentation.GetLayerDataObject(number, name), tuple(segmentation.GetSegmentIDsForLayer(number, name)))
        for number in range(segmentation.GetNumberOfLayers(name))
    )


def isEmpty(image: Any) -> bool:
    """Whether a vtkOrientedImageData holds no voxel."""
    return image is None or image.IsEmpty() or image.GetPointData().GetScalars() is None


def gridOf(image: Any) -> Geometry:
    """The grid of a vtkOrientedImageData that is not empty; voxel 0 is the first of its extent."""
    i0, i1, j0, j1, k0, k1 = image.GetExtent()
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    grid = Geometry.from_ijk_to_ras(arrayOfMatrix(matrix), (k1 - k0 + 1, j1 - j0 + 1, i1 - i0 + 1))
    return grid.cropped((k0, j0, i0), grid.shape)


def arrayOf(image: Any) -> NDArray[Any]:
    """Voxels (k, j, i) of a vtkOrientedImageData that is not empty; a view."""
    i0, i1, j0, j1, k0, k1 = image.GetExtent()
    return numpy_support.vtk_to_numpy(image.GetPointData().GetScalars()).reshape((k1 - k0 + 1, j1 - j0 + 1, i1 - i0 + 1))


def orientedImage(array: NDArray[Any], grid: Geometry) -> Any:
    """A vtkOrientedImageData with a copy of an array (k, j, i) on a grid; its extent begins at 0."""
    image = slicer.vtkOrientedImageData()
    fillImage(image, array)
    image.SetGeometryFromImageToWorldMatrix(matrixOfArray(grid.ijk_to_ras))
    return image


def onGrid(array: NDArray[Any], grid: Geometry, target: Geometry) -> NDArray[Any]:
    """Label values of `array` (k, j, i) on `grid`, taken to another grid: nearest voxel, 0 outside, dtype kept.

    On one lattice voxels are only moved, also where axes are reversed or exchanged: Slicer reverses an axis of a left-handed
    volume when it loads it, but not of a segmentation. Elsewhere its own resampling is used, the one behind its export.

    Raises:
        VolumeError: resampling failed.
    """
    same = _alignment(grid, target)
    if same is not None:
        return _placed(np.flip(array.transpose(same.axes), same.reversed), same.start, target.shape)
    result = slicer.vtkOrientedImageData()
    reference = orientedImage(np.zeros(target.shape, np.uint8), target)
    resample = slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage
    if not resample(orientedImage(array, grid), reference, result):
        raise VolumeError("Labels could not be brought to another grid: check the geometry of image and segmentation.")
    return np.zeros(target.shape, array.dtype) if isEmpty(result) else arrayOf(result).astype(array.dtype)


@dataclass(frozen=True)
class _Alignment:
    """How an array's axes become those of a target on the same lattice; all in the order k, j, i.

    Attributes:
        axes: for each axis of the target, the array's.
        reversed: axes of the target along which the array then runs backwards.
        start: where the first voxel of the array, so turned, lies in the target; may be outside.
    """

    axes: tuple[int, ...]
    reversed: tuple[int, ...]
    start: tuple[int, ...]


def _alignment(grid: Geometry, target: Geometry) -> _Alignment | None:
    """How `grid` lies in `target`, or None where its voxels do not lie on those of the target's lattice."""
    matrix = np.linalg.inv(target.ijk_to_ras) @ grid.ijk_to_ras
    # From here on in the arrays' order of axes.
    steps, offset = matrix[2::-1, 2::-1], matrix[2::-1, 3]
    signs = np.rint(steps)
    # How far the voxel at the far end lies from the one that whole steps lead to.
    drift = np.abs(steps - signs) @ np.asarray(grid.shape, dtype=float)
    turned = np.array_equal(np.abs(signs).sum(axis=0), np.ones(3)) and np.array_equal(np.abs(signs).sum(axis=1), np.ones(3))
    if not turned or np.any(np.abs(offset - np.rint(offset)) + drift > LATTICE_TOLERANCE):
        return None
    axes = tuple(int(axis) for axis in np.abs(signs).argmax(axis=1))
    backwards = tuple(a for a in range(3) if signs[a, axes[a]] < 0)
    start = tuple(int(np.rint(offset[a])) - (grid.shape[axes[a]] - 1 if a in backwards else 0) for a in range(3))
    return _Alignment(axes, backwards, start)


def _placed(array: NDArray[Any], start: tuple[int, ...], shape: tuple[int, int, int]) -> NDArray[Any]:
    """An array of `shape` (k, j, i) with `array` at `start`, cut to fit, 0 elsewhere."""
    result = np.zeros(shape, array.dtype)
    inside, taken = [], []
    for first, size, whole in zip(start, array.shape, shape, strict=True):
        low, high = max(0, first), min(whole, first + size)
        if low >= high:
            return result
        inside.append(slice(low, high))
        taken.append(slice(low - first, high - first))
    result[tuple(inside)] = array[tuple(taken)]
    return result


def covering(grid: Geometry, other: Geometry) -> Geometry:
    """The lattice of `grid` over all that `grid` and `other` cover."""
    corners = np.array(np.meshgrid(*[(0.0, n - 1.0) for n in other.shape], indexing="ij")).reshape(3, -1).T
    kji = grid.ras_to_kji(other.kji_to_ras(corners))
    first = np.minimum(np.floor(kji.min(axis=0) + LATTICE_TOLERANCE), 0).astype(int)
    last = np.maximum(np.ceil(kji.max(axis=0) - LATTICE_TOLERANCE), np.asarray(grid.shape) - 1).astype(int)
    k, j, i = (int(n) for n in last - first + 1)
    return grid.cropped((int(first[0]), int(first[1]), int(first[2])), (k, j, i))


def inSpace(grid: Geometry, matrix: NDArray[np.float64]) -> Geometry:
    """A grid as seen from another coordinate system; `matrix` (4, 4) leads there from the grid's RAS."""
    if np.array_equal(matrix, np.eye(4)):
        return grid
    return Geometry.from_ijk_to_ras(matrix @ grid.ijk_to_ras, grid.shape)
