"""A crop placed into a larger volume, as a scanner would have delivered it, and the boxes in which to look for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from dualssl.prediction.roi import RegionOfInterest
from dualssl.volumes.volume import Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dualssl.geometry import Geometry

Fill = Literal["edge", "mirror", "noise"]
FILLS: tuple[Fill, ...] = ("edge", "mirror", "noise")
"""What surrounds the crop: its outermost voxels repeated; its own content mirrored at each face, again and again (the structure
too, so that a second one may be found); or noise with the mean and the spread of its outermost voxels."""

Index = tuple[int, int, int]


@dataclass(frozen=True)
class Placed:
    """A case in a larger volume.

    Attributes:
        channels: the image, one volume a channel.
        truth: label map on the same grid; background around the crop.
        region: where the crop is.
    """

    channels: tuple[Volume, ...]
    truth: NDArray[np.uint8]
    region: RegionOfInterest

    def region_with_margin(self, margin_mm: float) -> RegionOfInterest:
        """The crop's box, larger by about `margin_mm` on every side; it may reach outside the volume."""
        pads = pad_voxels(self.channels[0].geometry, margin_mm)
        k, j, i = (s - p for s, p in zip(self.region.start, pads, strict=True))
        n, m, q = (s + 2 * p for s, p in zip(self.region.shape, pads, strict=True))
        return RegionOfInterest((k, j, i), (n, m, q))


def place(channels: Sequence[Volume], truth: NDArray[np.uint8], pad_mm: float, fill: Fill, seed: int) -> Placed:
    """Put a case into a volume that is larger by `pad_mm`, rounded to whole voxels, on every side.

    Args:
        channels: of the case, all on one grid.
        truth: its label map (k, j, i).
        pad_mm: 0 leaves it as it is.
        fill: what surrounds it, see `FILLS`.
        seed: of the noise.
    """
    grid = channels[0].geometry
    pads = pad_voxels(grid, pad_mm)
    k, j, i = (n + 2 * p for n, p in zip(grid.shape, pads, strict=True))
    around = grid.cropped((-pads[0], -pads[1], -pads[2]), (k, j, i))
    widths = [(p, p) for p in pads]
    random = np.random.default_rng(seed)
    images = [Volume(_surrounded(volume.array, widths, fill, random), around) for volume in channels]
    return Placed(tuple(images), np.pad(truth, widths), RegionOfInterest(pads, grid.shape))


def pad_voxels(grid: Geometry, pad_mm: float) -> Index:
    """Voxels along (k, j, i) that come closest to a distance in mm."""
    k, j, i = (round(pad_mm / spacing) for spacing in grid.spacing)
    return k, j, i


def border_of(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """The outermost voxels (n,) of an array."""
    inner = tuple(slice(1, -1) for _ in array.shape)
    mask = np.ones(array.shape, dtype=bool)
    mask[inner] = False
    return array[mask]


def _surrounded(
    array: NDArray[np.generic], widths: list[tuple[int, int]], fill: Fill, random: np.random.Generator
) -> NDArray[np.generic]:
    if fill == "edge":
        return np.pad(array, widths, mode="edge")
    if fill == "mirror":
        return np.pad(array, widths, mode="symmetric")
    border = border_of(array).astype(np.float64)
    shape = tuple(n + before + after for n, (before, after) in zip(array.shape, widths, strict=True))
    noise = random.normal(border.mean(), border.std(), shape)
    if np.issubdtype(array.dtype, np.integer):
        limits = np.iinfo(array.dtype)  # type: ignore[type-var]
        noise = np.clip(np.rint(noise), limits.min, limits.max)
    whole = noise.astype(array.dtype)
    whole[tuple(slice(before, before + n) for n, (before, _) in zip(array.shape, widths, strict=True))] = array
    return whole
