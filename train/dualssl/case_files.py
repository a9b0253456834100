"""The files of a case, read and checked: its channels and, where it is labelled, its label map. Needs no torch."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, overload

from dualssl.volumes.read import check_image, read_label_map, read_volume

if TYPE_CHECKING:
    from dualssl.labels import LabelTable
    from dualssl.volumes.volume import Volume

LEFT, EDITED, UNSEEN = 0, 1, 255
"""Marks of an edit mask: a person looked and left the voxel as predicted, changed it, or did not look at it.

The last is far from the values of structures, so that a label map is not taken for an edit mask.
"""
MARKS = (LEFT, EDITED, UNSEEN)


class CaseFiles(Protocol):
    """Where the files of cases lie: a dataset folder, a case library, or several of them together."""

    @property
    def name(self) -> str:
        """What people call the collection."""

    @property
    def labels(self) -> LabelTable:
        """The structures that its label maps may hold."""

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Modality of each image channel."""

    def image_paths(self, case: str) -> tuple[Path, ...]:
        """Files of the channels of `case`, in order."""

    def label_path(self, case: str) -> Path:
        """File of the label map of `case`."""

    def edit_mask_path(self, case: str) -> Path | None:
        """File of the edit mask of `case`, `MARKS` on the image's grid, or None where none is kept."""


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
def read_case(dataset: CaseFiles, name: str, labelled: Literal[True]) -> tuple[list[Volume], Volume]: ...
@overload
def read_case(dataset: CaseFiles, name: str, labelled: Literal[False]) -> tuple[list[Volume], None]: ...
@overload
def read_case(dataset: CaseFiles, name: str, labelled: bool) -> tuple[list[Volume], Volume | None]: ...
def read_case(dataset: CaseFiles, name: str, labelled: bool) -> tuple[list[Volume], Volume | None]:
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


def read_edit_mask(dataset: CaseFiles, name: str, label: Volume) -> Volume | None:
    """Read which voxels of a case a person changed, and which nobody answers for.

    Args:
        dataset: where the files are.
        name: of the case.
        label: its label map.

    Returns:
        uint8 on the grid of `label`: `LEFT`, `EDITED` or `UNSEEN`; None where no edit mask is kept.

    Raises:
        VolumeError: the file cannot be used.
    """
    path = dataset.edit_mask_path(name)
    return None if path is None else read_label_map(path, MARKS, label.geometry)
