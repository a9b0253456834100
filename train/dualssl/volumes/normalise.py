"""Intensities to network input: one scale and offset an image, found once and applied to any part of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dualssl.errors import ModelError, VolumeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dualssl.model.manifest import Normalisation

SLAB_VOXELS = 1 << 20


@dataclass(frozen=True)
class IntensityTransform:
    """`value * scale + offset`, then clipped.

    Attributes:
        scale, offset: of the affine map.
        clip: lowest and highest result, or None.
    """

    scale: float
    offset: float
    clip: tuple[float, float] | None = None


def affine_for(array: NDArray[Any], normalisation: Normalisation, name: str = "The image") -> IntensityTransform:
    """The transform that normalises a whole image, to be applied to it or to crops of it.

    Z-score uses the population's standard deviation; sums are in float64, slab by slab.

    Args:
        array: the whole image, shape (k, j, i), any real dtype.
        normalisation: the kind and its two numbers.
        name: what an error calls the image, e.g. its file.

    Raises:
        VolumeError: the image has one value everywhere, or its two percentiles are the same value.
        ModelError: the model's window or percentiles are not in ascending order.
    """
    if array.min() == array.max():
        raise VolumeError(f"{name} has the value {array.flat[0]} in every voxel: use an image that shows something.")
    if normalisation.kind == "zscore":
        mean = _sum(array, lambda part: part) / array.size
        variance = _sum(array, lambda part: np.square(part - mean)) / array.size
        scale = 1.0 / float(np.sqrt(variance))
        return IntensityTransform(scale, -mean * scale)
    low, high = normalisation.low, normalisation.high
    if not low < high:
        raise ModelError(f"The model's {normalisation.kind} runs from {low} to {high}: give a lower and a higher number.")
    if normalisation.kind == "percentile":
        at = np.percentile(array, [low, high])
        if not at[0] < at[1]:
            raise VolumeError(
                f"{name} has the value {at[0]:g} at both percentiles {low:g} and {high:g}: it is almost constant, use "
                "an image that shows something."
            )
        low, high = float(at[0]), float(at[1])
    scale = 1.0 / (high - low)
    return IntensityTransform(scale, -low * scale, (0.0, 1.0))


def apply(array: NDArray[Any], transform: IntensityTransform, out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """Transform an image or a part of it.

    Args:
        array: any shape and real dtype.
        transform: from `affine_for`.
        out: where to write, of the same shape; may be `array` itself. None makes a new array.
    """
    if out is None:
        out = np.empty(array.shape, np.float32)
    for part in _slabs(array):
        values = array[part].astype(np.float64)
        values *= transform.scale
        values += transform.offset
        if transform.clip is not None:
            np.clip(values, *transform.clip, out=values)
        out[part] = values
    return out


def normalise(array: NDArray[Any], normalisation: Normalisation, name: str = "The image") -> NDArray[np.float32]:
    """Normalise a whole image (k, j, i) to float32; errors as in `affine_for`."""
    return apply(array, affine_for(array, normalisation, name))


def _slabs(array: NDArray[Any]) -> Iterator[slice]:
    thickness = max(1, SLAB_VOXELS * array.shape[0] // array.size)
    for start in range(0, array.shape[0], thickness):
        yield slice(start, start + thickness)


def _sum(array: NDArray[Any], term: Any) -> float:
    return float(sum(float(term(array[part].astype(np.float64)).sum()) for part in _slabs(array)))
