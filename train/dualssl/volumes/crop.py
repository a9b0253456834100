"""Parts of a volume: cut out with their place in space, and put back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dualssl.errors import VolumeError
from dualssl.volumes.volume import Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

Index = tuple[int, int, int]


def crop(volume: Volume, start: Index, shape: Index) -> tuple[Volume, Index]:
    """Cut a box out of a volume, clipped to its grid.

    Args:
        volume: the whole.
        start: first voxel (k, j, i), may lie outside.
        shape: size of the box (k, j, i).

    Returns:
        The part, which shares the volume's memory, and its first voxel in the volume, as `paste` wants it.

    Raises:
        VolumeError: the box and the volume have no voxel in common.
    """
    first = [max(0, s) for s in start]
    stop = [min(n, s + size) for n, s, size in zip(volume.geometry.shape, start, shape, strict=True)]
    if any(a >= b for a, b in zip(first, stop, strict=True)):
        raise VolumeError(
            f"The region of interest lies outside the image ({volume.geometry.describe()}): choose one that overlaps it."
        )
    corner = (first[0], first[1], first[2])
    size = (stop[0] - first[0], stop[1] - first[1], stop[2] - first[2])
    part = volume.array[first[0] : stop[0], first[1] : stop[1], first[2] : stop[2]]
    return Volume(part, volume.geometry.cropped(corner, size)), corner


def paste(array: NDArray[Any], start: Index, into_shape: Index, fill: float = 0) -> NDArray[Any]:
    """Put a part (k, j, i) back into an array of `into_shape` that is `fill` elsewhere.

    Raises:
        ValueError: the part does not fit there.
    """
    stop = [s + n for s, n in zip(start, array.shape, strict=True)]
    if any(s < 0 or e > n for s, e, n in zip(start, stop, into_shape, strict=True)):
        raise ValueError(f"a part of shape {array.shape} at {start} does not fit into shape {into_shape}")
    whole = np.full(into_shape, fill, array.dtype)
    whole[start[0] : stop[0], start[1] : stop[1], start[2] : stop[2]] = array
    return whole
