"""Volumes from disk, checked so that what comes after need not ask."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dualssl.errors import VolumeError
from dualssl.geometry import Geometry
from dualssl.volumes.compare import differences
from dualssl.volumes.complete import check_complete
from dualssl.volumes.crop import paste
from dualssl.volumes.dicom import is_dicom, read_series
from dualssl.volumes.segmentation import Segment, parse_segments
from dualssl.volumes.volume import Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray


def read_volume(path: Path, series_uid: str | None = None) -> Volume:
    """Read an image from NRRD, NIfTI, MetaImage or a folder of DICOM slices.

    Args:
        path: file or folder.
        series_uid: which series of a DICOM folder that holds several.

    Returns:
        The stored dtype is kept, except that float64 becomes float32.

    Raises:
        VolumeError: missing, truncated, not a volume, of more or fewer than three dimensions, a single slice, colour or
            complex voxels, a place in space that is none, NaN or infinity.
    """
    image = _read(path, series_uid)
    volume = _volume(image, path)
    # Not for label maps: of a structure in one slice, a segmentation that was cropped to its content has no other.
    if volume.geometry.shape[0] == 1:
        raise VolumeError(f"{path} holds a single slice: use a volume of several slices.")
    _check_finite(volume.array, path)
    return volume


def check_image(volume: Volume, path: Path) -> None:
    """Refuse an image that no network can work on; `path` is only named.

    Raises:
        VolumeError: NaN or infinity, or one value everywhere.
    """
    _check_finite(volume.array, path)
    if volume.array.min() == volume.array.max():
        raise VolumeError(f"{path} has the value {volume.array.flat[0]} in every voxel: use an image that shows something.")


def read_label_map(path: Path, label_values: Collection[int], like: Geometry | None = None) -> Volume:
    """Read a label map from any format of `read_volume` or from a segmentation (`.seg.nrrd`).

    A segmentation that Slicer cropped to its content is filled up to the grid of `like`.

    Args:
        path: file.
        label_values: what may occur beside 0, each at most 255.
        like: the grid it must lie on, its image's.

    Returns:
        uint8 label map, on `like` where given.

    Raises:
        VolumeError: as `read_volume`; overlapping segments; values that are no whole numbers or not in `label_values`;
            another grid than `like`.
    """
    image = _read(path, None)
    if image.GetNumberOfComponentsPerPixel() > 1 and parse_segments(_fields(image)):
        raise VolumeError(
            f"{path} has segments that overlap, in {image.GetNumberOfComponentsPerPixel()} layers: save it from Slicer "
            "as one label map without overlap."
        )
    volume = _volume(image, path)
    _check_finite(volume.array, path)
    _check_values(volume.array, {0, *label_values}, path)
    labels = Volume(volume.array.astype(np.uint8, copy=False), volume.geometry)
    if like is None:
        return labels
    if parse_segments(_fields(image)):
        labels = _filled_up(labels, like)
    if not labels.geometry.matches(like):
        raise VolumeError(
            f"{path} differs from its image in {differences(labels.geometry, like)}: save it on the image's grid."
        )
    return labels


def read_segmentation(path: Path) -> tuple[Volume, tuple[Segment, ...]]:
    """Read a segmentation of one layer (`.seg.nrrd`): its label map as stored, and what its segments are.

    Raises:
        VolumeError: as `read_volume`, or the file describes no segments.
    """
    image = _read(path, None)
    segments = parse_segments(_fields(image))
    if not segments:
        raise VolumeError(f"{path} describes no segments: use a segmentation that Slicer or this program saved.")
    return _volume(image, path), segments


def _read(path: Path, series_uid: str | None) -> Any:
    """A SimpleITK image of three dimensions with complete data."""
    import SimpleITK as sitk  # noqa: N813

    if not path.exists():
        raise VolumeError(f"{path} does not exist: check the name and the folder.")
    with _without_itk_warnings():
        try:
            if path.is_dir():
                return read_series(path, series_uid)
            reader = sitk.ImageFileReader()
            reader.SetFileName(str(path))
            reader.ReadImageInformation()
            _check_kind(reader, path)
            check_complete(path)
            image = reader.Execute()
        except (RuntimeError, OSError) as error:
            cause = str(error).strip().splitlines()[-1].removeprefix("sitk::ERROR: ")
            if "determinant" in str(error):  # followed by the matrix, whose last row would say nothing
                cause = "its axes depend on each other"
            raise VolumeError(
                f"{path} is truncated, damaged or no volume ({cause}): use an intact NRRD, NIfTI, MetaImage or DICOM."
            ) from error
    return image[:, :, :, 0] if image.GetDimension() == 4 else image


def _check_kind(reader: Any, path: Path) -> None:
    """Judge a file by its header, before its voxels take memory."""
    size = reader.GetSize()
    kind = _pixel_type(reader.GetPixelID())
    if "complex" in kind:
        raise VolumeError(f"{path} has complex voxels: save their magnitude as an image.")
    if len(size) < 3:
        raise VolumeError(f"{path} is a 2D image: use a volume of three dimensions.")
    if size[2] == 1 and is_dicom(path):
        raise VolumeError(f"{path} is a single DICOM slice: name the folder that holds the whole series.")
    if len(size) > 4 or (len(size) == 4 and size[3] > 1):
        raise VolumeError(
            f"{path} has {len(size)} dimensions ({' x '.join(str(n) for n in size)}): save one of its volumes as a 3D file."
        )


def _volume(image: Any, path: Path) -> Volume:
    import SimpleITK as sitk  # noqa: N813

    components = image.GetNumberOfComponentsPerPixel()
    if components > 1:
        raise VolumeError(
            f"{path} has {components} numbers in each voxel, a colour or vector image: save one channel as an image."
        )
    array = sitk.GetArrayFromImage(image)
    if array.dtype == np.float64:
        # What float32 cannot hold becomes infinite, which the caller refuses.
        with np.errstate(over="ignore"):
            array = array.astype(np.float32)
    d = image.GetDirection()
    spacing, origin = image.GetSpacing(), image.GetOrigin()
    try:
        geometry = Geometry(
            shape=array.shape,
            spacing=(spacing[2], spacing[1], spacing[0]),
            origin=(origin[0], origin[1], origin[2]),
            direction=((d[0], d[1], d[2]), (d[3], d[4], d[5]), (d[6], d[7], d[8])),
        )
    except ValueError as error:
        raise VolumeError(
            f"{path} does not say where it lies in space ({error}): correct its header or export it again."
        ) from error
    return Volume(array, geometry)


def _fields(image: Any) -> dict[str, str]:
    return {key: image.GetMetaData(key) for key in image.GetMetaDataKeys() if key.startswith("Segment")}


def _pixel_type(pixel_id: int) -> str:
    import SimpleITK as sitk  # noqa: N813

    return str(sitk.GetPixelIDValueAsString(pixel_id))


def _check_finite(array: NDArray[Any], path: Path) -> None:
    if array.dtype.kind != "f":
        return
    bad = int(array.size - np.count_nonzero(np.isfinite(array)))
    if bad:
        raise VolumeError(f"{path} has NaN or infinity in {bad} of {array.size} voxels: replace these by numbers.")


def _check_values(array: NDArray[Any], allowed: set[int], path: Path) -> None:
    if array.dtype.kind == "f":
        fractions = np.count_nonzero(array != np.rint(array))
        if fractions:
            raise VolumeError(
                f"{path} has values that are no whole numbers in {fractions} voxels: use a label map, not an image."
            )
    found = {int(value) for slab in array for value in np.unique(slab)}
    unknown = sorted(found - allowed)
    if unknown:
        shown = ", ".join(str(value) for value in unknown[:8]) + (" ..." if len(unknown) > 8 else "")
        raise VolumeError(
            f"{path} has label value(s) {shown} where only {', '.join(str(v) for v in sorted(allowed))} are known: correct "
            "it or add these labels to dataset.json."
        )


def _filled_up(labels: Volume, like: Geometry) -> Volume:
    """A cropped label map on the whole grid `like`, if it is a part of it; else as it was."""
    corner = np.rint(like.ras_to_kji(labels.geometry.kji_to_ras((0, 0, 0)))).astype(int)
    start = (int(corner[0]), int(corner[1]), int(corner[2]))
    inside = all(s >= 0 and s + n <= w for s, n, w in zip(start, labels.array.shape, like.shape, strict=True))
    if inside and like.cropped(start, labels.geometry.shape).matches(labels.geometry):
        return Volume(paste(labels.array, start, like.shape), like)
    return labels


@contextmanager
def _without_itk_warnings() -> Iterator[None]:
    """ITK prints on stderr what the errors here already say."""
    import SimpleITK as sitk  # noqa: N813

    shown = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(shown)
