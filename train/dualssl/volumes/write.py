"""Volumes and segmentations to disk: complete or not at all."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dualssl.errors import OutputError, VolumeError
from dualssl.files import atomic_write
from dualssl.geometry import Geometry
from dualssl.labels import LabelTable
from dualssl.volumes.complete import check_complete
from dualssl.volumes.segmentation import segmentation_fields
from dualssl.volumes.volume import Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

# One file each; formats of two files (.nhdr, .mhd, .hdr) cannot be replaced in one step.
SUFFIXES = (".nrrd", ".nii", ".nii.gz", ".mha")
COMPRESSION_LEVEL = 2
CHUNK_VOXELS = 1 << 20

_NRRD_TYPES = {
    "uint8": "uint8",
    "int8": "int8",
    "uint16": "uint16",
    "int16": "int16",
    "uint32": "uint32",
    "int32": "int32",
    "uint64": "uint64",
    "int64": "int64",
    "float32": "float",
    "float64": "double",
}


def write_volume(volume: Volume, path: Path) -> None:
    """Write a volume; the format follows from the suffix (.nrrd compressed, .nii, .nii.gz, .mha).

    The file appears complete or not at all; an older one is replaced at the last moment. Equal volumes give equal bytes.

    Args:
        volume: any real dtype; bool is written as uint8, float16 as float32.
        path: in a folder that exists.

    Raises:
        OutputError: no space, no permission, no such folder, or a format that cannot be written.
    """
    suffix = next((s for s in sorted(SUFFIXES, key=len, reverse=True) if path.name.lower().endswith(s)), None)
    if suffix is None:
        raise OutputError(f"Cannot write {path}: use a file name that ends in {', '.join(SUFFIXES)}.")
    if suffix == ".nrrd":
        _write_nrrd(volume, path, {})
        return
    with atomic_write(path) as temporary:
        try:
            _write_with_itk(volume, temporary)
            check_complete(temporary)
        except (RuntimeError, VolumeError) as error:
            # ITK names no cause, and for NIfTI it does not even notice; a full disk is the likely one.
            raise OutputError(
                f"{path} could not be written whole: free some space, or choose another folder or a .nrrd file."
            ) from error


def write_segmentation(label_map: Volume, labels: LabelTable, path: Path) -> None:
    """Write a label map as `.seg.nrrd`, which 3D Slicer opens as a segmentation with names, colours and terminology.

    Every label becomes a segment, also one without voxels.

    Args:
        label_map: whole numbers 0..len(labels).
        labels: the segments.
        path: ends in `.seg.nrrd`.

    Raises:
        OutputError: as `write_volume`.
        ValueError: a voxel's value is not in the table; nobody would see it in Slicer.
    """
    if not path.name.lower().endswith(".seg.nrrd"):
        raise OutputError(f"Cannot write the segmentation {path}: use a file name that ends in .seg.nrrd.")
    if label_map.array.min() < 0 or label_map.array.max() > len(labels):
        raise ValueError(f"the label map has values outside 0..{len(labels)}")
    array = label_map.array.astype(np.uint8 if len(labels) < 256 else np.uint16, copy=False)
    _write_nrrd(Volume(array, label_map.geometry), path, segmentation_fields(labels, label_map.geometry))


def _write_nrrd(volume: Volume, path: Path, fields: Mapping[str, str]) -> None:
    # Written here, not by ITK: its writer does not notice a disk that is full at the very end of a file.
    array = _storable(volume.array)
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        file.write(_nrrd_header(array, volume.geometry, fields).encode("utf-8"))
        # 16 + MAX_WBITS asks for a gzip wrapper, which zlib writes without a time stamp.
        packer = zlib.compressobj(COMPRESSION_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
        thickness = max(1, CHUNK_VOXELS // (array.shape[1] * array.shape[2]))
        for start in range(0, array.shape[0], thickness):
            part = np.ascontiguousarray(array[start : start + thickness], array.dtype.newbyteorder("<"))
            file.write(packer.compress(part.data))
        file.write(packer.flush())


def _nrrd_header(array: NDArray[Any], geometry: Geometry, fields: Mapping[str, str]) -> str:
    """Header of format version 4 (https://teem.sourceforge.net/nrrd/format.html), axes fastest first: i, j, k."""
    axes = np.asarray(geometry.direction) * np.asarray(geometry.spacing[::-1])
    lines = [
        "NRRD0004",
        f"type: {_NRRD_TYPES[array.dtype.name]}",
        "dimension: 3",
        "space: left-posterior-superior",
        "sizes: " + " ".join(str(n) for n in array.shape[::-1]),
        "space directions: " + " ".join(_vector(axes[:, column]) for column in range(3)),
        "kinds: domain domain domain",
        "endian: little",
        "encoding: gzip",
        "space origin: " + _vector(np.asarray(geometry.origin)),
        *(f"{key}:={_escaped(value)}" for key, value in fields.items()),
    ]
    return "\n".join(lines) + "\n\n"


def _vector(values: NDArray[np.float64]) -> str:
    return "(" + ",".join(repr(float(v) + 0.0) for v in values) + ")"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\r", " ").replace("\n", "\\n")


def _write_with_itk(volume: Volume, path: Path) -> None:
    import SimpleITK as sitk  # noqa: N813

    image = sitk.GetImageFromArray(_storable(volume.array))
    geometry = volume.geometry
    image.SetSpacing(geometry.spacing[::-1])
    image.SetOrigin(geometry.origin)
    image.SetDirection([v for row in geometry.direction for v in row])
    sitk.WriteImage(image, str(path), useCompression=path.suffix != ".nii")


def _storable(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype == np.bool_:
        return array.astype(np.uint8)
    return array.astype(np.float32) if array.dtype == np.float16 else array
