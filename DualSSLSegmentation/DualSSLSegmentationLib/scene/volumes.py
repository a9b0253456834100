"""Volume nodes and arrays: voxels as numpy arrays (k, j, i) with their `Geometry`, and back.

Geometry is that of the node itself. Its parent transform stays outside: what is made of a volume gets the same parent.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from vtk.util import numpy_support

from dualssl.errors import VolumeError
from dualssl.geometry import Geometry
from dualssl.volumes.compare import differences
from dualssl.volumes.volume import Volume


def geometryOf(volumeNode: Any) -> Geometry:
    """The grid of a volume node; its parent transform is not part of it.

    Raises:
        VolumeError: there are no voxels, or the node's axes span no space.
    """
    image = _imageOf(volumeNode)
    first, shape = _extentOf(image)
    matrix = vtk.vtkMatrix4x4()
    volumeNode.GetIJKToRASMatrix(matrix)
    try:
        grid = Geometry.from_ijk_to_ras(arrayOfMatrix(matrix), shape)
    except ValueError as error:
        raise VolumeError(
            f"Volume '{volumeNode.GetName()}' has no usable place in space ({error}): load it again or mend its geometry in "
            "the Volumes module."
        ) from error
    return grid if first == (0, 0, 0) else grid.cropped(first, shape)


def volumeOf(volumeNode: Any) -> Volume:
    """Voxels and grid of a scalar or label map volume. The array is a view of the node's memory: copy it to keep it.

    Raises:
        VolumeError: there are no voxels, several components a voxel, or a parent transform that is not linear.
    """
    image = _imageOf(volumeNode)
    components = image.GetNumberOfScalarComponents()
    if components != 1:
        raise VolumeError(
            f"Volume '{volumeNode.GetName()}' has {components} components a voxel (colours or vectors): choose a scalar "
            "volume, or convert it with the Vector to Scalar Volume module."
        )
    checkTransform(volumeNode)
    grid = geometryOf(volumeNode)
    return Volume(numpy_support.vtk_to_numpy(image.GetPointData().GetScalars()).reshape(grid.shape), grid)


def checkTransform(node: Any) -> None:
    """See that a node is under no transform or a linear one.

    Raises:
        VolumeError: the transform bends space, so that the node's grid is no grid in the world.
    """
    parent = node.GetParentTransformNode()
    if parent is not None and not parent.IsTransformToWorldLinear():
        raise VolumeError(
            f"'{node.GetName()}' is under the non-linear transform '{parent.GetName()}': harden the transform first (Data "
            "module, right click, Harden transform)."
        )


def checkSameGrid(what: str, grid: Geometry, expected: Geometry, imageName: str) -> None:
    """See that `grid` is the image's.

    Raises:
        VolumeError: it is not; the message says in what they differ.
    """
    if not grid.matches(expected):
        raise VolumeError(
            f"{what} differs from the image '{imageName}' in {differences(grid, expected)}: use what was made from this very "
            "image, or segment it again."
        )


def addScalarVolume(scene: Any, volume: Volume, name: str, like: Any) -> Any:
    """Add a scalar volume with a copy of the voxels, a display node, and the parent transform of `like`.

    The display shows the whole range of values. Slicer's own default reads a window from a histogram, which takes ten times as
    long as all the rest.

    Args:
        scene: where to.
        volume: any real dtype; float16 becomes float32, bool uint8.
        name: made unique in the scene.
        like: the volume node whose parent transform it gets.

    Returns:
        vtkMRMLScalarVolumeNode.

    Raises:
        VolumeError: `like` is under a transform that is not linear.
    """
    array = volume.array
    if array.dtype.kind == "f" and array.dtype.itemsize not in (4, 8):
        array = array.astype(np.float32)
    node = _addVolume(scene, "vtkMRMLScalarVolumeNode", array, volume.geometry, name, like)
    display = scene.CreateNodeByClass("vtkMRMLScalarVolumeDisplayNode")
    display.SetDefaultColorMap()
    display.SetAutoWindowLevel(False)
    low, high = float(array.min()), float(array.max())
    if np.isfinite([low, high]).all():
        display.SetWindowLevelMinMax(low, high)
    scene.AddNode(display)
    display.UnRegister(None)
    node.SetAndObserveDisplayNodeID(display.GetID())
    return node


def addHiddenLabelMap(scene: Any, volume: Volume, name: str, like: Any) -> Any:
    """Add a label map volume that no selector offers and no view shows, but that is saved with the scene.

    Args:
        scene: where to.
        volume: whole numbers; 64-bit ones become 32-bit, which is the most a label map can hold.
        name: made unique in the scene.
        like: the volume node whose parent transform it gets.

    Returns:
        vtkMRMLLabelMapVolumeNode without a display node.

    Raises:
        VolumeError: voxels are no whole numbers or too large, or `like` is under a transform that is not linear.
    """
    array = volume.array
    if array.dtype.kind not in "biu":
        raise VolumeError(f"The label map '{name}' has voxels of type {array.dtype}: use whole numbers.")
    if array.dtype.itemsize > 4:
        limits = np.iinfo(np.int32)
        if array.min() < limits.min or array.max() > limits.max:
            raise VolumeError(f"The label map '{name}' has values beyond {limits.max}: number its labels anew.")
        array = array.astype(np.int32)
    return _addVolume(scene, "vtkMRMLLabelMapVolumeNode", array, volume.geometry, name, like, hidden=True)


def contentId(volumeNode: Any) -> str:
    """A cheap identity of a node's voxels and grid within this run of the program: it changes when they are changed."""
    matrix = vtk.vtkMatrix4x4()
    volumeNode.GetIJKToRASMatrix(matrix)
    place = hashlib.sha256(arrayOfMatrix(matrix).tobytes()).hexdigest()[:16]
    image = volumeNode.GetImageData()
    # VTK counts modifications for all objects together: no two images have one time.
    time = "none" if image is None else image.GetMTime()
    return f"{volumeNode.GetID()}-{time}-{place}"


def arrayOfMatrix(matrix: Any) -> NDArray[np.float64]:
    """A vtkMatrix4x4 as an array (4, 4) of rows."""
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def matrixOfArray(array: NDArray[np.float64]) -> Any:
    """An array (4, 4) of rows as a vtkMatrix4x4."""
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy([float(value) for value in np.asarray(array).ravel()])
    return matrix


def fillImage(image: Any, array: NDArray[Any], first: tuple[int, int, int] = (0, 0, 0)) -> None:
    """Give a vtkImageData the extent and a copy of the voxels of an array (k, j, i) that begins at voxel `first` (k, j, i)."""
    stored = np.ascontiguousarray(array, dtype=np.uint8 if array.dtype == bool else array.dtype.newbyteorder("="))
    extent = [
        bound for start, n in zip(reversed(first), reversed(stored.shape), strict=True) for bound in (start, start + n - 1)
    ]
    scalars = numpy_support.numpy_to_vtk(stored.reshape(-1), deep=True)
    scalars.SetName("ImageScalars")
    image.SetExtent(extent)
    image.GetPointData().SetScalars(scalars)


def _addVolume(
    scene: Any, className: str, array: NDArray[Any], grid: Geometry, name: str, like: Any, hidden: bool = False
) -> Any:
    checkTransform(like)
    image = vtk.vtkImageData()
    fillImage(image, array)
    # Complete before it is added: whoever hears of the new node sees its voxels.
    node = scene.CreateNodeByClass(className)
    node.SetName(scene.GenerateUniqueName(name))
    node.SetHideFromEditors(hidden)
    node.SetIJKToRASMatrix(matrixOfArray(grid.ijk_to_ras))
    node.SetAndObserveImageData(image)
    scene.AddNode(node)
    node.UnRegister(None)
    node.SetAndObserveTransformNodeID(like.GetTransformNodeID())
    return node


def transformBetween(source: Any, target: Any) -> NDArray[np.float64]:
    """4x4 matrix from the RAS of one node's own space to that of another's, as their parent transforms say.

    Raises:
        VolumeError: one of the transforms is not linear.
    """
    checkTransform(source)
    checkTransform(target)
    matrix = vtk.vtkMatrix4x4()
    slicer.vtkMRMLTransformNode.GetMatrixTransformBetweenNodes(
        source.GetParentTransformNode(), target.GetParentTransformNode(), matrix
    )
    return arrayOfMatrix(matrix)


def _imageOf(volumeNode: Any) -> Any:
    image = volumeNode.GetImageData()
    if image is None or image.GetNumberOfPoints() == 0 or image.GetPointData().GetScalars() is None:
        raise VolumeError(f"Volume '{volumeNode.GetName()}' has no image data: load it again, or choose another volume.")
    return image


def _extentOf(image: Any) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """First voxel and shape, both (k, j, i)."""
    i0, i1, j0, j1, k0, k1 = image.GetExtent()
    return (k0, j0, i0), (k1 - k0 + 1, j1 - j0 + 1, i1 - i0 + 1)
