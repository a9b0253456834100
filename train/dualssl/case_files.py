"""The files of a case, read and checked: its channels and, where it is labelled, its label map. Needs no torch."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

from dualssl.volumes.read import check_image, read_label_map, read_volume

if TYPE_CHECKING:
    from dualssl.dataset import Dataset
    from dualssl.volumes.volume import Volume


def read_images(paths: Iterable[Path], series_uid: str | None = None) -> list[Volume]:
    """Read the channels of a case and check each.

    Args:
        paths: one file or DICOM folder for each channel.
        series_uid: which series of a DICOM folder that holds several.

    Raises:
        VolumeError: as `read_volume` and `check_image`; names the file.
    """
    images = []
    for path in paths:
        volume = read_volume(path, series_uid)
        check_image(volume, path)
        images.append(volume)
    return images


@overload
def read_case(dataset: Dataset, name: str, labelled: Literal[True]) -> tuple[list[Volume], Volume]: ...
@overload
def read_case(dataset: Dataset, name: str, labelled: Literal[False]) -> tuple[list[Volume], None]: ...
@overload
def read_case(dataset: Dataset, name: str, labelled: bool) -> tuple[list[Volume], Volume | None]: ...
def read_case(dataset: Dataset, name: str, labelled: bool) -> tuple[list[Volume], Volume | None]:
    """Read a case of a dataset.

    Args:
        dataset: where the files are.
        name: of the case.
        labelled: whether to read its label map; if not, that file is not touched.

    Returns:
        The channels, and the label map (uint8, on the first channel's grid) or None.

    Raises:
        VolumeError: a file cannot be used.
    """
    images = read_images(dataset.image_paths(name))
    if not labelled:
        return images, None
    return images, read_label_map(dataset.label_path(name), range(dataset.labels.channels), images[0].geometry)
