"""Orientation: every image is brought to one order of axes before a network sees it, and results are taken back.

Only axes are swapped and reversed, nothing is interpolated, so the way back is exact. An oblique grid stays oblique: its
axes only get the order and sign that lie closest to the patient's.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np

from dualssl.geometry import Geometry
from dualssl.volumes.volume import Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

Axes = tuple[int, int, int]
Flips = tuple[bool, bool, bool]


@dataclass(frozen=True)
class Orientation:
    """How a grid's array axes map to canonical ones, along which k, j, i grow towards S, P, L.

    Attributes:
        axes: for each canonical axis (k, j, i) the array axis it is taken from, counted without channel axes.
        flips: for each canonical axis whether it runs against that array axis.
    """

    axes: Axes
    flips: Flips

    @classmethod
    def of(cls, geometry: Geometry) -> Orientation:
        """The orientation that brings `geometry` closest to canonical axes.

        Among all assignments of array axes to patient axes the one with the largest sum of absolute cosines is taken;
        signs follow. A left-handed grid becomes right-handed: the largest trace belongs to a rotation.
        """
        return cls._closest(np.asarray(geometry.direction), np.eye(3))

    @classmethod
    def towards(cls, geometry: Geometry, target: Geometry) -> Orientation:
        """The orientation that brings `geometry` closest to the axes of `target`.

        Whether the two then are one grid `of_geometry` tells.
        """
        return cls._closest(np.asarray(geometry.direction), np.asarray(target.direction))

    @classmethod
    def _closest(cls, direction: NDArray[np.float64], wanted: NDArray[np.float64]) -> Orientation:
        """The orientation whose axes lie closest to the columns (i, j, k) of `wanted`."""
        # Rows: wanted axes k, j, i; columns: array axes k, j, i.
        cosines = (wanted.T @ direction)[::-1, ::-1]
        best = max(permutations(range(3)), key=lambda axes: sum(abs(cosines[row, axes[row]]) for row in range(3)))
        axes: Axes = (best[0], best[1], best[2])
        return cls(axes, (bool(cosines[0, axes[0]] < 0), bool(cosines[1, axes[1]] < 0), bool(cosines[2, axes[2]] < 0)))

    def apply(self, array: NDArray[Any]) -> NDArray[Any]:
        """Reorder the last three axes of `array` (..., k, j, i) to canonical order.

        Returns:
            A contiguous array; the input itself if there is nothing to reorder.
        """
        lead = array.ndim - 3
        moved = array.transpose(*range(lead), *(lead + axis for axis in self.axes))
        return np.ascontiguousarray(moved[(..., *self._reversed_slices())])

    def restore(self, array: NDArray[Any]) -> NDArray[Any]:
        """Exact inverse of `apply`: the last three axes of `array` back in the order of the input grid."""
        lead = array.ndim - 3
        flipped = array[(..., *self._reversed_slices())]
        back = np.argsort(self.axes)
        return np.ascontiguousarray(flipped.transpose(*range(lead), *(lead + int(axis) for axis in back)))

    def of_geometry(self, geometry: Geometry) -> Geometry:
        """The grid on which `apply` puts an array of `geometry`: same voxels in space, canonical order of axes."""
        direction = np.asarray(geometry.direction)
        signs = np.where(self.flips, -1.0, 1.0)
        # Canonical axis number -> column of the direction matrix, whose columns are in the order i, j, k.
        columns = [direction[:, 2 - self.axes[n]] * signs[n] for n in (2, 1, 0)]
        first = [0.0, 0.0, 0.0]
        for axis, flip in zip(self.axes, self.flips, strict=True):
            if flip:
                first[axis] = geometry.shape[axis] - 1.0
        corner = geometry.ijk_to_lps @ np.array([first[2], first[1], first[0], 1.0])
        k, j, i = self.axes
        rows = [(float(x) + 0.0, float(y) + 0.0, float(z) + 0.0) for x, y, z in np.stack(columns, axis=1)]
        return Geometry(
            shape=(geometry.shape[k], geometry.shape[j], geometry.shape[i]),
            spacing=(geometry.spacing[k], geometry.spacing[j], geometry.spacing[i]),
            origin=(float(corner[0]), float(corner[1]), float(corner[2])),
            direction=(rows[0], rows[1], rows[2]),
        )

    def _reversed_slices(self) -> tuple[slice, slice, slice]:
        k, j, i = (slice(None, None, -1) if flip else slice(None) for flip in self.flips)
        return k, j, i


def orient(array: NDArray[Any], geometry: Geometry) -> tuple[NDArray[Any], Geometry, Orientation]:
    """Bring an array (..., k, j, i) on `geometry` to canonical order of axes.

    Returns:
        The array, its grid, and the orientation whose `restore` is the way back.
    """
    orientation = Orientation.of(geometry)
    return orientation.apply(array), orientation.of_geometry(geometry), orientation


def on_grid(volume: Volume, grid: Geometry, tolerance_mm: float = 1e-2) -> Volume | None:
    """The same voxels at the same places, in the order of another grid that has its voxels there too.

    Programs differ in the order in which they hold one image: Slicer reverses an axis of a left-handed volume on loading.

    Args:
        volume: to be reordered; nothing is interpolated.
        grid: whose order is wanted.
        tolerance_mm: by which the corners may differ, as of `Geometry.matches`.

    Returns:
        A volume on exactly `grid`, whose array may be that of `volume`; None where the grids are not the same points.
    """
    if volume.geometry.matches(grid, tolerance_mm):
        return Volume(volume.array, grid)
    orientation = Orientation.towards(volume.geometry, grid)
    if not orientation.of_geometry(volume.geometry).matches(grid, tolerance_mm):
        return None
    return Volume(orientation.apply(volume.array), grid)
