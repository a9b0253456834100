"""A volume: voxels and where they lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dualssl.geometry import Geometry


@dataclass(frozen=True)
class Volume:
    """One scalar image or label map.

    Attributes:
        array: voxels, shape (k, j, i), any real dtype.
        geometry: the grid; `geometry.shape == array.shape`.
    """

    array: NDArray[Any]
    geometry: Geometry

    def __post_init__(self) -> None:
        if tuple(self.array.shape) != tuple(self.geometry.shape):
            raise ValueError(f"array of shape {self.array.shape} on a grid of shape {self.geometry.shape}")
