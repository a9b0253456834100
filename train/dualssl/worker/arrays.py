"""Volumes between worker and client: voxels in `.npy` files, their grid in the message. NumPy only; nothing is unpickled.

`ArrayFile` in the protocol is `{"file": PATH, "geometry": {"shape_kji": [k, j, i], "ijk_to_ras": 4x4 rows}}`.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dualssl.errors import VolumeError
from dualssl.files import atomic_write
from dualssl.geometry import Geometry
from dualssl.volumes.volume import Volume
from dualssl.worker.requests import absolute_path

if TYPE_CHECKING:
    from numpy.typing import NDArray


def geometry_json(geometry: Geometry) -> dict[str, Any]:
    """A grid as the protocol has it."""
    return {"shape_kji": list(geometry.shape), "ijk_to_ras": geometry.ijk_to_ras.tolist()}


def geometry_from_json(data: Any) -> Geometry:
    """Inverse of `geometry_json`.

    Raises:
        VolumeError: it is no grid.
    """
    try:
        k, j, i = (int(n) for n in data["shape_kji"])
        matrix = np.array(data["ijk_to_ras"], dtype=np.float64)
        if matrix.shape != (4, 4) or not np.array_equal(matrix[3], (0, 0, 0, 1)):
            raise ValueError("the matrix from voxels to RAS must have four rows of four, the last 0, 0, 0, 1")
        return Geometry.from_ijk_to_ras(matrix, (k, j, i))
    except (KeyError, TypeError, ValueError) as error:
        raise VolumeError(f"The volume does not say where it lies in space ({error}): hand it over again.") from error


def write_array(array: NDArray[Any], path: Path) -> None:
    """Write voxels as `.npy`, whole or not at all.

    Raises:
        OutputError: no space, no permission.
    """
    with atomic_write(path) as temporary:
        store_array(array, temporary)


def store_array(array: NDArray[Any], path: Path) -> None:
    """Write voxels as `.npy`, for callers that see to its wholeness themselves.

    Raises:
        OSError: with the system's number, which `numpy.save` does not give.
    """
    array = np.ascontiguousarray(array)
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        file.write(array.data)


def write_volume(volume: Volume, path: Path) -> dict[str, Any]:
    """Write a volume, and return the `ArrayFile` that says where it is.

    Raises:
        OutputError: no space, no permission.
    """
    write_array(volume.array, path)
    return {"file": str(path), "geometry": geometry_json(volume.geometry)}


def read_volume(data: Mapping[str, Any], what: str) -> Volume:
    """Read what an `ArrayFile` names.

    Args:
        data: the `ArrayFile`.
        what: for messages, such as `label map`.

    Returns:
        Voxels in the machine's own byte order; float64 and half precision become float32, as when a volume is read from a file.

    Raises:
        VolumeError: there is no such file, it holds no voxels, or others than the grid says.
        MemoryError: there is no room for them.
        RequestError: the path is relative.
    """
    geometry = geometry_from_json(data.get("geometry"))
    path = absolute_path(str(data.get("file", "")), "file")
    try:
        # Mapped, so that a header that promises more than the file holds takes no memory.
        mapped = np.lib.format.open_memmap(path, mode="r")
    except OSError as error:
        if error.errno == errno.ENOMEM:
            raise MemoryError from error
        raise VolumeError(f"The {what} in {path} cannot be read ({error.strerror or error}): start again.") from error
    except (ValueError, EOFError) as error:
        raise VolumeError(f"The {what} in {path} is no whole .npy file of numbers ({error}): start again.") from error
    if mapped.dtype.kind not in "biuf" or mapped.shape != geometry.shape:
        raise VolumeError(
            f"The {what} in {path} has {mapped.dtype} voxels of shape {mapped.shape}, its grid has shape {geometry.shape}: "
            "hand over a volume of numbers with its own grid."
        )
    kept = mapped.dtype.newbyteorder("=")
    if kept.kind == "f" and kept.itemsize != 4:
        kept = np.dtype(np.float32)
    # What float32 cannot hold becomes infinite, which whoever uses an image refuses.
    with np.errstate(over="ignore"):
        array = np.array(mapped, dtype=kept, order="C")
    return Volume(array, geometry)
