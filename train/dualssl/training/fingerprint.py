"""What the labelled cases say about how images should be prepared and results cleaned."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from dualssl.case_files import read_case
from dualssl.dataset import Dataset
from dualssl.errors import DatasetError
from dualssl.model.manifest import Normalisation, Postprocessing, Preprocessing
from dualssl.volumes.orient import orient

Shape = tuple[int, int, int]
_NEARLY_SQUARE = 1.4
PATCH_VOXELS = 112 * 112 * 80
"""Voxels of a default patch at most: those of the left-atrium protocol."""


@dataclass(frozen=True)
class Fingerprint:
    """Drawn from the labelled cases.

    Attributes:
        preprocessing: median spacing; z-score for MR and others, for CT the window of the structures' intensities.
        postprocessing: structures that are one piece in every labelled case keep only their largest piece.
        median_shape: of the cases on the prepared grid, (k, j, i).
    """

    preprocessing: Preprocessing
    postprocessing: Postprocessing
    median_shape: Shape

    def at_spacing(self, spacing: tuple[float, float, float]) -> Fingerprint:
        """The same, but with images resampled to `spacing`, mm along (k, j, i)."""
        own = self.preprocessing.spacing
        if own is None:
            raise ValueError("a fingerprint knows the spacing of its cases")
        shape = [max(1, round(n * s / t)) for n, s, t in zip(self.median_shape, own, spacing, strict=True)]
        return replace(
            self,
            preprocessing=replace(self.preprocessing, spacing=spacing),
            median_shape=(shape[0], shape[1], shape[2]),
        )


_ONE_PIECE = 0.999
"""A structure counts as one piece if its largest component holds this share of its voxels."""


def take_fingerprint(dataset: Dataset, labelled: tuple[str, ...]) -> Fingerprint:
    """Read the labelled cases of `dataset` once.

    Raises:
        VolumeError, DatasetError: a file cannot be used, or no labelled voxel is there.
    """
    spacings, extents = [], []
    intensities: list[list[np.ndarray]] = [[] for _ in dataset.channel_names]
    one_piece = dict.fromkeys(range(1, dataset.labels.channels), True)
    for case in labelled:
        channels, label_volume = read_case(dataset, case, labelled=True)
        label_map = label_volume.array
        _, geometry, _ = orient(channels[0].array, channels[0].geometry)
        spacings.append(geometry.spacing)
        extents.append(np.multiply(geometry.shape, geometry.spacing))
        foreground = label_map > 0
        for values, volume in zip(intensities, channels, strict=True):
            values.append(volume.array[foreground].ravel()[::10].astype(np.float32))
        for value in one_piece:
            one_piece[value] &= _is_one_piece(label_map == value)
    if not any(len(v) for v in intensities[0]):
        raise DatasetError("No labelled case has a labelled voxel: check the label maps of the labelled list.")
    spacing = tuple(float(s) for s in np.median(np.array(spacings), axis=0))
    shape = tuple(round(float(n)) for n in np.median(np.array(extents), axis=0) / np.array(spacing))
    return Fingerprint(
        Preprocessing(
            spacing=(spacing[0], spacing[1], spacing[2]),
            normalisation=tuple(
                _normalisation(name, np.concatenate(values))
                for name, values in zip(dataset.channel_names, intensities, strict=True)
            ),
        ),
        Postprocessing(tuple(value for value, one in one_piece.items() if one)),
        (shape[0], shape[1], shape[2]),
    )


def _normalisation(channel: str, foreground: np.ndarray) -> Normalisation:
    if channel.strip().upper() in {"CT", "CBCT"}:
        low, high = np.percentile(foreground, (0.5, 99.5))
        if high > low:
            return Normalisation("window", float(low), float(high))
    return Normalisation("zscore")


def _is_one_piece(mask: np.ndarray) -> bool:
    pieces, count = ndimage.label(mask)
    return count <= 1 or bool(np.bincount(pieces.ravel())[1:].max() >= _ONE_PIECE * mask.sum())


def default_patch(median_shape: Shape, multiple: int = 16) -> Shape:
    """A patch that holds as much of a median case as `PATCH_VOXELS` allow, its sides multiples of `multiple`."""
    sides = [max(multiple, -(-n // multiple) * multiple) for n in median_shape]
    while np.prod(sides) > PATCH_VOXELS:
        longest = int(np.argmax(sides))
        sides[longest] -= multiple
    if all(n == multiple for n in sides):
        sides[2] = 2 * multiple
    # Square in the plane wherever it is nearly so: only then can patches be turned by 90 degrees.
    if max(sides[1:]) <= _NEARLY_SQUARE * min(sides[1:]):
        sides[1] = sides[2] = min(sides[1:])
    return sides[0], sides[1], sides[2]
