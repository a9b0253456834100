"""From volumes to network input and back on the input's exact grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from dualssl.errors import VolumeError
from dualssl.geometry import Geometry
from dualssl.volumes.compare import differences
from dualssl.volumes.normalise import IntensityTransform, affine_for, apply
from dualssl.volumes.orient import Orientation
from dualssl.volumes.resample import (
    resample_image,
    resample_label_map,
    resample_map,
    resample_nearest,
    resample_probabilities_to,
    resampled_geometry,
)
from dualssl.volumes.volume import Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dualssl.model.manifest import Preprocessing

SAME_SPACING = 0.01


@dataclass(frozen=True)
class Prepared:
    """Network input and the way back.

    Attributes:
        image: float32, shape (channels, k, j, i), axes growing towards S, P, L, normalised.
        geometry: the grid of `image`.
        source: the grid of the input volumes, on which results end.
        orientation: from the input's order of axes to the image's.
    """

    image: NDArray[np.float32]
    geometry: Geometry
    source: Geometry
    orientation: Orientation

    @property
    def oriented(self) -> Geometry:
        """The input grid with its axes in canonical order, before any resampling."""
        return self.orientation.of_geometry(self.source)

    @property
    def resampled(self) -> bool:
        """Whether the image lies on a grid of other spacing than the input; if not, the way back is exact."""
        return self.geometry != self.oriented

    def restore_map(self, array: NDArray[Any], order: Literal["linear", "nearest"] = "linear") -> NDArray[Any]:
        """Bring a map (k, j, i) from the model's grid to the input's.

        Args:
            array: on `geometry`.
            order: `linear` for maps of numbers, `nearest` for labels. Both are exact if nothing was resampled.

        Returns:
            Shape `source.shape`; float32 if it had to be interpolated, else of the array's dtype.
        """
        if self.resampled:
            interpolate = resample_map if order == "linear" else resample_nearest
            array = interpolate(array, self.geometry, self.oriented)
        return self.orientation.restore(array)

    def restore_labels(self, class_maps: Callable[[int], NDArray[Any]], classes: int) -> NDArray[np.uint8]:
        """Label map on the input's grid of the most probable class.

        Args:
            class_maps: gives the probability map (k, j, i) on `geometry` of class 0, 1, ..., one at a time.
            classes: number of classes, background included.

        Returns:
            uint8, shape `source.shape`; ties go to the lower label.
        """
        return self.orientation.restore(resample_probabilities_to(class_maps, classes, self.geometry, self.oriented))


def prepare(
    volumes: Sequence[Volume], preprocessing: Preprocessing, transforms: Sequence[IntensityTransform] | None = None
) -> Prepared:
    """Orient, resample and normalise the channels of a case.

    Args:
        volumes: one a channel, all on one grid.
        preprocessing: the model's way. Its spacing counts along the canonical axes; within 1 % of it nothing is resampled.
        transforms: intensity transforms a channel, for crops that are normalised as the image they are from; None finds
            them from the volumes, before resampling.

    Raises:
        VolumeError: wrong number of channels, different grids, or a constant image.
    """
    _check_channels(volumes, preprocessing)
    source = volumes[0].geometry
    for number, volume in enumerate(volumes[1:], start=2):
        if not volume.geometry.matches(source):
            raise VolumeError(
                f"Channel {number} differs from channel 1 in {differences(volume.geometry, source)}: resample it to the "
                "grid of channel 1."
            )
    if transforms is None:
        transforms = intensity_transforms(volumes, preprocessing)
    orientation = Orientation.of(source)
    oriented = orientation.of_geometry(source)
    grid = _model_grid(oriented, preprocessing.spacing)
    image = np.empty((len(volumes), *grid.shape), np.float32)
    for channel, (volume, transform) in enumerate(zip(volumes, transforms, strict=True)):
        resampled = Volume(orientation.apply(volume.array), oriented)
        if grid != oriented:
            resampled = resample_image(resampled, grid)
        apply(resampled.array, transform, out=image[channel])
    return Prepared(image, grid, source, orientation)


def intensity_transforms(volumes: Sequence[Volume], preprocessing: Preprocessing) -> list[IntensityTransform]:
    """What normalises each channel, found from all of its voxels.

    Raises:
        VolumeError: wrong number of channels, or a constant image.
    """
    _check_channels(volumes, preprocessing)
    return [
        affine_for(volume.array, kind, f"Channel {number}" if len(volumes) > 1 else "The image")
        for number, (volume, kind) in enumerate(zip(volumes, preprocessing.normalisation, strict=True), start=1)
    ]


def prepare_label_map(volume: Volume, prepared: Prepared) -> NDArray[np.uint8]:
    """Bring a case's label map to the grid of its prepared image.

    Returns:
        uint8, shape (k, j, i) of the image.

    Raises:
        VolumeError: the label map does not lie on the input grid.
    """
    if not volume.geometry.matches(prepared.source):
        raise VolumeError(
            f"The label map differs from its image in {differences(volume.geometry, prepared.source)}: resample it to the "
            "image's grid."
        )
    oriented = Volume(prepared.orientation.apply(volume.array), prepared.oriented)
    if prepared.resampled:
        oriented = resample_label_map(oriented, prepared.geometry)
    return oriented.array.astype(np.uint8, copy=False)


def _check_channels(volumes: Sequence[Volume], preprocessing: Preprocessing) -> None:
    wanted = len(preprocessing.normalisation)
    if len(volumes) != wanted:
        raise VolumeError(f"The model takes {wanted} channel(s) and {len(volumes)} came: give one volume for each channel.")


def _model_grid(oriented: Geometry, spacing: tuple[float, float, float] | None) -> Geometry:
    if spacing is None:
        return oriented
    if all(abs(own - wanted) <= SAME_SPACING * wanted for own, wanted in zip(oriented.spacing, spacing, strict=True)):
        return oriented
    return resampled_geometry(oriented, spacing)
