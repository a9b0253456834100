"""The files of a case, read and checked: its channels and, where it is labelled, its label map. Needs no torch."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, overload

import numpy as np

from dualssl.errors import VolumeError
from dualssl.volumes.crop import Index, crop
from dualssl.volumes.read import check_image, read_label_map, read_volume

if TYPE_CHECKING:
    from dualssl.labels import LabelTable
    from dualssl.volumes.volume import Volume

LEFT, EDITED, OUTSIDE, UNSEEN = 0, 1, 254, 255
"""Marks of an edit mask: a person left the voxel as predicted, or changed it; it is outside of the box that was segmented; or
nobody looked at it.

A model that only knows cut-outs segments a box, with intensities normalised over it. For training and for scores such a case is
that box alone. The last two are far from the values of structures, so that a label map is not taken for an edit mask.
"""
MARKS = (LEFT, EDITED, OUTSIDE, UNSEEN)


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
        The channels, and the label map (uint8, on the first channel's grid) or None. Of a labelled case that was segmented in a
        region, see `OUTSIDE`, all of them are cut to it.

    Raises:
        VolumeError: a file cannot be used.
    """
    if not labelled:
        return read_images(dataset.image_paths(name)), None
    images, label, _ = read_marked_case(dataset, name)
    return images, label


def read_marked_case(dataset: CaseFiles, name: str) -> tuple[list[Volume], Volume, Volume | None]:
    """Read a labelled case, and which of its voxels a person changed and which nobody answers for.

    Args:
        dataset: where the files are.
        name: of the case.

    Returns:
        Channels and label map as `read_case`, and the edit mask on their grid, uint8 of `LEFT`, `EDITED` and `UNSEEN`; None
        where no edit mask is kept.

    Raises:
        VolumeError: a file cannot be used.
    """
    images = read_images(dataset.image_paths(name))
    grid = images[0].geometry
    label = read_label_map(dataset.label_path(name), range(dataset.labels.channels), grid)
    path = dataset.edit_mask_path(name)
    if path is None:
        return images, label, None
    marks = read_label_map(path, MARKS, grid)
    box = _box_of_region(marks, path)
    if box is None:
        return images, label, marks
    start, shape = box
    return [crop(image, start, shape)[0] for image in images], crop(label, start, shape)[0], crop(marks, start, shape)[0]


def _box_of_region(marks: Volume, path: Path) -> tuple[Index, Index] | None:
    """First voxel and shape (k, j, i) of the box that is not `OUTSIDE`; None where that is all of it."""
    within = marks.array != OUTSIDE
    if within.all():
        return None
    bounds = []
    for axis in range(3):
        found = np.flatnonzero(within.any(axis=tuple(other for other in range(3) if other != axis)))
        if len(found) == 0:
            raise VolumeError(f"All of {path} lies outside the region that was segmented: correct the case again.")
        bounds.append((int(found[0]), int(found[-1]) + 1))
    (k0, k1), (j0, j1), (i0, i1) = bounds
    if not within[k0:k1, j0:j1, i0:i1].all():
        raise VolumeError(f"The part of {path} inside the region that was segmented is no box: correct the case again.")
    return (k0, j0, i0), (k1 - k0, j1 - j0, i1 - i0)
