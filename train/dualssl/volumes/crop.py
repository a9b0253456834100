"""Parts of a volume: cut out with their place in space, and put back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from dualssl.errors import VolumeError
from dualssl.volumes.volume import Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

Index = tuple[int, int, int]
Scalar = TypeVar("Scalar", bound=np.generic)


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
    corner, stop = clipped_box(start, shape, volume.geometry.shape)
    if any(a >= b for a, b in zip(corner, stop, strict=True)):
        raise VolumeError(
            f"The region of interest lies outside the image ({volume.geometry.describe()}): choose one that overlaps it."
        )
    size = (stop[0] - corner[0], stop[1] - corner[1], stop[2] - corner[2])
    part = volume.array[tuple(map(slice, corner, stop))]
    return Volume(part, volume.geometry.cropped(corner, size)), corner


def crop_padded(array: NDArray[Scalar], start: Index, shape: Index) -> NDArray[Scalar]:
    """Cut a box out of an array and fill what lies outside with the nearest voxel of the array.

    Training and prediction see the same beyond an image's border, and image and label map go on alike, so that what is learned
    there is no contradiction.

    Args:
        array: (channels, k, j, i).
        start: first voxel (k, j, i), may lie outside; box and array must have a voxel in common.
        shape: size of the box (k, j, i).

    Returns:
        The box (channels, *shape); a view where it lies inside the array.
    """
    low, high = clipped_box(start, shape, array.shape[1:])
    block = array[(slice(None), *map(slice, low, high))]
    if block.shape[1:] == tuple(shape):
        return block
    outside = [(a - s, s + n - b) for a, b, s, n in zip(low, high, start, shape, strict=True)]
    return np.pad(block, [(0, 0), *outside], mode="edge")


def clipped_box(start: Sequence[int], shape: Sequence[int], into: Sequence[int]) -> tuple[Index, Index]:
    """The part of a box that lies inside a grid of shape `into` (k, j, i): its first voxel and the index beyond its last.

    Where box and grid have no voxel in common, some index beyond the last is no larger than the first.
    """
    k, j, i = (max(s, 0) for s in start)
    stop_k, stop_j, stop_i = (min(s + n, size) for s, n, size in zip(start, shape, into, strict=True))
    return (k, j, i), (stop_k, stop_j, stop_i)


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
