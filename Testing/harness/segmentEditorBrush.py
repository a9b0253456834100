"""The brush of the segment editor's stand-in: which voxels a stroke covers.

As in Slicer the brush is moved to the voxel nearest to each point of the stroke: the smallest brush covers one voxel. A fast
stroke has no gaps.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Point = Sequence[float]


@dataclass(frozen=True)
class Brush:
    """A disc across a slice's normal, as thick as the slices are apart; without a thickness a sphere. In millimetres."""

    radius: float
    normal: NDArray[np.float64]
    thickness: float | None

    def covers(self, away: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether points (..., 3), from the centre, lie in the brush."""
        distance2 = (away**2).sum(-1)
        if self.thickness is None:
            return distance2 <= self.radius**2
        along = away @ self.normal
        return (np.abs(along) <= self.thickness / 2) & (distance2 - along**2 <= self.radius**2)


@dataclass(frozen=True)
class Grid:
    """Where the voxels of a label map lie.

    Attributes:
        toWorld: (4, 4) matrix from indices (i, j, k) to the patient.
        extent: first and last index along i, j and k, as VTK has it.
    """

    toWorld: NDArray[np.float64]
    extent: tuple[int, ...]

    @property
    def first(self) -> NDArray[np.int64]:
        """The first indices."""
        return np.array(self.extent[::2])

    @property
    def size(self) -> NDArray[np.int64]:
        """How many voxels there are along i, j and k."""
        return np.array(self.extent[1::2]) - self.first + 1


def strokeVoxels(stroke: Sequence[Point], brush: Brush, grid: Grid) -> NDArray[np.bool_]:
    """The voxels (k, j, i) that a stroke through some points in the patient covers."""
    toIndex = np.linalg.inv(grid.toWorld)
    inside = np.zeros(tuple(grid.size[::-1]), bool)
    # How far a millimetre in any direction reaches along each axis of the grid.
    reach = np.linalg.norm(toIndex[:3, :3], axis=1) * max(brush.radius, brush.thickness or 0.0)
    for point in _withoutGaps(stroke, brush.radius):
        centre = np.rint(toIndex[:3, :3] @ point + toIndex[:3, 3]) - grid.first
        low = np.clip(np.floor(centre - reach), 0, grid.size).astype(int)
        high = np.clip(np.ceil(centre + reach) + 1, 0, grid.size).astype(int)
        i, j, k = (np.arange(a, b) for a, b in zip(low, high, strict=True))
        away = np.stack(np.meshgrid(k, j, i, indexing="ij")[::-1], axis=-1) - centre
        inside[low[2] : high[2], low[1] : high[1], low[0] : high[0]] |= brush.covers(away @ grid.toWorld[:3, :3].T)
    return inside


def _withoutGaps(stroke: Sequence[Point], radius: float) -> list[Point]:
    dense: list[Point] = [stroke[0]]
    for before, after in itertools.pairwise(stroke):
        steps = max(1, int(np.linalg.norm(np.subtract(after, before)) / max(0.4 * radius, 1e-3)))
        dense += [np.add(before, np.subtract(after, before) * (n + 1) / steps) for n in range(steps)]
    return dense
