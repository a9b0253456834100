"""A folder of DICOM slices as one volume."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dualssl.errors import VolumeError

MAGIC = b"DICM"
MAGIC_AT = 128


def read_series(folder: Path, series_uid: str | None = None) -> Any:
    """Read the slices of one series, ordered by their position, not by file name.

    Args:
        folder: holds the files, whatever their names; files that are not DICOM are passed over.
        series_uid: which series, where there are several.

    Returns:
        A SimpleITK image.

    Raises:
        VolumeError: no series, several and none chosen, no such series, a slice that is damaged, missing or twice there.
    """
    import SimpleITK as sitk  # noqa: N813

    files = {uid: sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), uid) for uid in _series(folder)}
    if not files:
        raise VolumeError(f"{folder} holds no DICOM series: name a volume file or the folder that holds the slices.")
    if series_uid is None:
        if len(files) > 1:
            listing = ", ".join(f"{uid} ({len(names)} files)" for uid, names in sorted(files.items()))
            raise VolumeError(
                f"{folder} holds {len(files)} DICOM series: {listing}; choose one by its UID or move it to a "
                "folder of its own.",
                command_line="--series UID",
            )
        series_uid = next(iter(files))
    elif series_uid not in files:
        raise VolumeError(f"{folder} holds no series {series_uid}: choose one of {', '.join(sorted(files))}.")
    _check_all_taken(folder, {Path(name).name for names in files.values() for name in names})
    names = files[series_uid]
    _check_positions(folder, names)
    reader = sitk.ImageSeriesReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileNames(names)
    return reader.Execute()


def is_dicom(file: Path) -> bool:
    """Whether a file begins as DICOM files do (part 10 of the standard, section 7.1)."""
    with file.open("rb") as content:
        content.seek(MAGIC_AT)
        return content.read(len(MAGIC)) == MAGIC


def _series(folder: Path) -> tuple[str, ...]:
    import SimpleITK as sitk  # noqa: N813

    return tuple(sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(folder)))


def _check_all_taken(folder: Path, taken: set[str]) -> None:
    """GDCM leaves out files that it cannot parse, such as truncated ones, and would deliver a volume without them."""
    for file in sorted(folder.iterdir()):
        if file.name in taken or file.name == "DICOMDIR" or not file.is_file():
            continue
        if is_dicom(file):
            raise VolumeError(f"{file} is a damaged DICOM file or holds no image: copy it again from its source, or remove it.")


def _check_positions(folder: Path, names: tuple[str, ...]) -> None:
    """Slices must follow each other at one distance: ITK only warns and spreads the rest evenly over the gap."""
    import SimpleITK as sitk  # noqa: N813

    if len(names) < 2:
        return
    positions: list[float] = []
    normal: np.ndarray = np.zeros(3)
    for name in names:
        reader = sitk.ImageFileReader()
        reader.SetImageIO("GDCMImageIO")
        reader.SetFileName(name)
        reader.ReadImageInformation()
        if not positions:
            normal = np.array(reader.GetDirection()).reshape(3, 3)[:, 2]
        positions.append(float(normal @ np.array(reader.GetOrigin()[:3])))
    gaps = np.abs(np.diff(positions))
    usual = float(np.median(gaps))
    # Positions are often rounded to a tenth of a millimetre, hence the wide margin.
    odd = np.flatnonzero(np.abs(gaps - usual) > 0.5 * usual)
    if usual == 0 or len(odd):
        first = int(odd[0]) if len(odd) else 0
        raise VolumeError(
            f"The DICOM slices in {folder} are not evenly spaced ({gaps[first]:.4g} mm between {Path(names[first]).name} "
            f"and {Path(names[first + 1]).name}, usually {usual:.4g} mm): add the missing slices or remove double ones."
        )
