"""A box inside a volume, to which prediction is confined."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from dualssl.geometry import Geometry

Index = tuple[int, int, int]


@dataclass(frozen=True)
class RegionOfInterest:
    """A box of voxels.

    Attributes:
        start: first voxel (k, j, i); may lie outside the volume, to which the box is clipped.
        shape: number of voxels along (k, j, i).
    """

    start: Index
    shape: Index

    def __post_init__(self) -> None:
        if any(n < 1 for n in self.shape):
            raise ValueError(f"a region of interest needs at least one voxel along every axis, not shape {self.shape}")

    @classmethod
    def from_ras_bounds(cls, geometry: Geometry, bounds: tuple[float, float, float, float, float, float]) -> RegionOfInterest:
        """The smallest box of voxels that holds every voxel centre inside a box along the patient axes.

        Args:
            geometry: of the volume; on an oblique grid the box of voxels reaches beyond the bounds.
            bounds: right, anterior and superior limits in RAS mm, as Slicer's `GetRASBounds`: least and greatest R, A, S.
        """
        corners = list(product(bounds[0:2], bounds[2:4], bounds[4:6]))
        kji = geometry.ras_to_kji(corners)
        # A hair of tolerance, so that bounds through voxel centres keep those voxels whatever the rounding.
        first = np.ceil(kji.min(axis=0) - 1e-6).astype(int)
        last = np.maximum(np.floor(kji.max(axis=0) + 1e-6).astype(int), first)
        k, j, i = (int(n) for n in last - first + 1)
        return cls((int(first[0]), int(first[1]), int(first[2])), (k, j, i))
