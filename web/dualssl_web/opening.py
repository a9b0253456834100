"""A volume from the disk in the scene. What takes long happens beside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dualssl.errors import VolumeError
from dualssl.volumes.names import volume_name
from dualssl.volumes.read import read_volume
from dualssl.volumes.volume import Volume
from dualssl_web.access.confinement import confined
from dualssl_web.volume_headers import data_file, ending_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WINDOW_PERCENTILES = (0.5, 99.5)
_SAMPLED_VOXELS = 500_000
_COPIES = 3
"""So many times a volume is in memory while it is opened: as ITK's image, as array, as the scene's."""


@dataclass(frozen=True)
class Opened:
    """A volume that was read.

    Attributes:
        volume: voxels of a type that the scene can hold, and their grid.
        name: of the case.
        window: lowest and highest value to show.
    """

    volume: Volume
    name: str
    window: tuple[float, float]


async def open_volume(scene: Any, path: Path, roots: Iterable[Path]) -> Any:
    """Read a volume file or DICOM folder and add it to a scene.

    Args:
        scene: vtkMRMLScene.
        path: file or folder.
        roots: folders that may be read from.

    Returns:
        vtkMRMLScalarVolumeNode.

    Raises:
        VolumeError: it is outside the roots, no volume that can be shown, or too large for the memory that is free.
    """
    opened = await asyncio.to_thread(read_confined, path, tuple(roots))
    return add_to_scene(scene, opened)


def read_confined(path: Path, roots: tuple[Path, ...]) -> Opened:
    """Read a volume; for a thread of its own.

    Raises:
        VolumeError: as `open_volume`.
    """
    real = confined(path, roots)
    try:
        if real.is_dir():
            for entry in real.iterdir():
                if entry.is_symlink():
                    confined(entry, roots)
        elif real.is_file():
            _check_file(real, roots)
    except OSError as error:
        raise VolumeError(f"{path} cannot be read ({error.strerror or error}): check its permissions.") from error
    volume = _for_scene(read_volume(real))
    return Opened(volume, volume_name(path), _window(volume.array))


def add_to_scene(scene: Any, opened: Opened) -> Any:
    """Add a volume that was read to a scene, with a display node; on the event loop.

    Returns:
        vtkMRMLScalarVolumeNode.
    """
    import vtk

    from DualSSLSegmentationLib.scene.volumes import fillImage, matrixOfArray

    image = vtk.vtkImageData()
    fillImage(image, opened.volume.array)
    display = scene.CreateNodeByClass("vtkMRMLScalarVolumeDisplayNode")
    display.SetDefaultColorMap()
    display.SetAutoWindowLevel(False)
    display.SetWindowLevelMinMax(*opened.window)
    scene.AddNode(display)
    display.UnRegister(None)
    # Complete before it is added: whoever hears of the new node sees its voxels.
    node = scene.CreateNodeByClass("vtkMRMLScalarVolumeNode")
    node.SetName(scene.GenerateUniqueName(opened.name))
    node.SetIJKToRASMatrix(matrixOfArray(opened.volume.geometry.ijk_to_ras))
    node.SetAndObserveImageData(image)
    node.SetAndObserveDisplayNodeID(display.GetID())
    scene.AddNode(node)
    node.UnRegister(None)
    return node


def _check_file(path: Path, roots: tuple[Path, ...]) -> None:
    if not ending_of(path.name):
        # Else ITK would try all its readers, some of which follow names that stand in a file.
        raise VolumeError(f"{path} is no NRRD, NIfTI or MetaImage file by its name: choose such a file or a DICOM folder.")
    elsewhere = data_file(path)
    if elsewhere is not None:
        confined(path.parent / elsewhere, roots)
    _check_room(path)


def _check_room(path: Path) -> None:
    """A header can promise any number of voxels; one that is not true must not take all memory."""
    import psutil
    import SimpleITK as sitk  # noqa: N813

    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        # `read_volume` says it better.
        return
    size = prod(reader.GetSize()) * reader.GetNumberOfComponents()
    needed = _COPIES * size * _bytes_a_voxel(sitk.GetPixelIDValueAsString(reader.GetPixelID()))
    free = psutil.virtual_memory().available
    if needed > free:
        raise VolumeError(
            f"{path} needs {needed / 1e9:.1f} GB of memory and {free / 1e9:.1f} GB are free: close other programs or crop the "
            "volume."
        )


def _bytes_a_voxel(kind: str) -> int:
    """By ITK's name of a type, such as `16-bit signed integer`."""
    bits = kind.split("-bit")[0].split()[-1]
    return int(bits) // 8 if bits.isdigit() else 8


def _for_scene(volume: Volume) -> Volume:
    """VTK's readers and filters know no 64-bit whole numbers on every system."""
    array = volume.array
    if array.dtype.kind in "iu" and array.dtype.itemsize == 8:
        limits = np.iinfo(np.int32)
        fits = limits.min <= array.min() and array.max() <= limits.max
        return Volume(array.astype(np.int32 if fits else np.float32), volume.geometry)
    return volume


def _window(array: NDArray[Any]) -> tuple[float, float]:
    """What to show: all but the darkest and brightest few voxels, of a sample of them."""
    flat = array.reshape(-1)
    sample = flat[:: max(1, flat.size // _SAMPLED_VOXELS)]
    low, high = (float(value) for value in np.percentile(sample, _WINDOW_PERCENTILES))
    if low < high:
        return low, high
    low, high = float(array.min()), float(array.max())
    return (low, high) if low < high else (low, low + 1.0)
