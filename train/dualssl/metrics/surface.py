"""Distances between the surfaces of two masks.

The surface of a mask is those of its voxels that have a background voxel, or the image's border, on one of their six
sides; a distance is measured between voxel centres. Nothing here is ever NaN: an empty mask against one that is not
counts as the worst value there is, so that a missed structure cannot improve a mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dualssl.metrics.band import bounding_box
from dualssl.metrics.overlap import as_masks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

VOXELS = (1.0, 1.0, 1.0)
"""Spacing that makes every distance a number of voxels."""


@dataclass(frozen=True, eq=False)
class SurfaceDistances:
    """How far each surface voxel of one mask lies from the other mask's surface, in the unit of the spacing (mm).

    Attributes:
        prediction_to_truth: one distance for each surface voxel of the prediction; empty if the prediction is empty.
        truth_to_prediction: the same the other way.
        diagonal: length of the image's diagonal, from outer corner to outer corner: the distance that stands for "no
            surface to measure to" where one mask alone is empty.
    """

    prediction_to_truth: NDArray[np.float64]
    truth_to_prediction: NDArray[np.float64]
    diagonal: float

    @property
    def hd95(self) -> float:
        """The larger of the two directed 95th percentiles (linear interpolation between ranks).

        Both masks empty: 0. One alone empty: the image's diagonal.
        """
        if self._degenerate is not None:
            return self._degenerate
        there = np.percentile(self.prediction_to_truth, 95.0)
        back = np.percentile(self.truth_to_prediction, 95.0)
        return float(max(there, back))

    @property
    def assd(self) -> float:
        """Average symmetric surface distance: the mean over the voxels of both surfaces pooled.

        Both masks empty: 0. One alone empty: the image's diagonal.
        """
        if self._degenerate is not None:
            return self._degenerate
        total = self.prediction_to_truth.sum() + self.truth_to_prediction.sum()
        return float(total / (self.prediction_to_truth.size + self.truth_to_prediction.size))

    def surface_dice(self, tolerance: float) -> float:
        """Share of both surfaces' voxels that lie at most `tolerance` (in the unit of the spacing) from the other.

        After Nikolov et al. 2018 (arXiv 1809.04430), with voxels in place of surface elements. Both masks empty: 1.
        One alone empty: 0.

        Raises:
            ValueError: the tolerance is negative.
        """
        if tolerance < 0:
            raise ValueError(f"a tolerance of {tolerance} makes no sense: give 0 or more")
        if self._degenerate is not None:
            return 0.0 if self._degenerate else 1.0
        near = np.count_nonzero(self.prediction_to_truth <= tolerance)
        near += np.count_nonzero(self.truth_to_prediction <= tolerance)
        return float(near / (self.prediction_to_truth.size + self.truth_to_prediction.size))

    @property
    def _degenerate(self) -> float | None:
        """The distance where a mask is empty, None where both have a surface."""
        empty = (self.prediction_to_truth.size == 0, self.truth_to_prediction.size == 0)
        if all(empty):
            return 0.0
        return self.diagonal if any(empty) else None


@dataclass(frozen=True, eq=False)
class SurfacePair:
    """The surface voxels of two masks on one grid, found once and measured in as many units as wanted.

    Attributes:
        prediction, truth: indices (n, 3) along (k, j, i) of the surface voxels; n = 0 for an empty mask.
        shape: of the image, (k, j, i).
    """

    prediction: NDArray[np.intp]
    truth: NDArray[np.intp]
    shape: tuple[int, ...]

    @classmethod
    def of_masks(cls, prediction: ArrayLike, truth: ArrayLike) -> SurfacePair:
        """Find both surfaces.

        Raises:
            ValueError: the shapes differ.
        """
        p, t = as_masks(prediction, truth)
        return cls(_surface_voxels(p), _surface_voxels(t), p.shape)

    def distances(self, spacing: tuple[float, float, float]) -> SurfaceDistances:
        """Measure with `spacing` in mm along (k, j, i), or with `VOXELS` in voxels."""
        scale = np.asarray(spacing, dtype=float)
        diagonal = float(np.linalg.norm(np.asarray(self.shape) * scale))
        if len(self.prediction) == 0 or len(self.truth) == 0:
            # No other surface to measure to: every voxel of the one that there is lies as far away as can be.
            return SurfaceDistances(np.full(len(self.prediction), diagonal), np.full(len(self.truth), diagonal), diagonal)
        p, t = self.prediction * scale, self.truth * scale
        return SurfaceDistances(_nearest(p, t), _nearest(t, p), diagonal)


def surface_distances(prediction: ArrayLike, truth: ArrayLike, spacing: tuple[float, float, float]) -> SurfaceDistances:
    """Distances between the surfaces of two masks, in both directions.

    Args:
        prediction, truth: masks (k, j, i) of one shape.
        spacing: mm along (k, j, i), or `VOXELS` for distances in voxels.

    Raises:
        ValueError: the shapes differ.
    """
    return SurfacePair.of_masks(prediction, truth).distances(spacing)


def hd95(prediction: ArrayLike, truth: ArrayLike, spacing: tuple[float, float, float]) -> float:
    """95th percentile Hausdorff distance in mm; see `SurfaceDistances.hd95`."""
    return surface_distances(prediction, truth, spacing).hd95


def assd(prediction: ArrayLike, truth: ArrayLike, spacing: tuple[float, float, float]) -> float:
    """Average symmetric surface distance in mm; see `SurfaceDistances.assd`."""
    return surface_distances(prediction, truth, spacing).assd


def surface_dice(prediction: ArrayLike, truth: ArrayLike, spacing: tuple[float, float, float], tolerance_mm: float) -> float:
    """Surface Dice at a tolerance in mm; see `SurfaceDistances.surface_dice`."""
    return surface_distances(prediction, truth, spacing).surface_dice(tolerance_mm)


def _surface_voxels(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Indices (n, 3) of the mask's voxels with a background voxel, or nothing, on one of their six sides."""
    box = bounding_box(mask)
    if box is None:
        return np.empty((0, mask.ndim), dtype=np.intp)
    part = mask[box]
    inner = np.ones(part.shape, dtype=bool)
    for axis in range(part.ndim):
        view, values = np.moveaxis(inner, axis, 0), np.moveaxis(part, axis, 0)
        # The box is tight: what lies beyond its faces is background or the end of the image.
        view[0] = view[-1] = False
        view[1:] &= values[:-1]
        view[:-1] &= values[1:]
    return np.argwhere(part & ~inner) + np.array([s.start for s in box])


def _nearest(points: NDArray[np.float64], targets: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of each point to the nearest target."""
    from scipy.spatial import cKDTree

    # A k-d tree grows with the surfaces; a distance transform grows with the box that holds both, which one stray
    # false positive stretches over the whole image. Median splits are slow on the many equal coordinates of a grid.
    tree = cKDTree(targets, balanced_tree=False)
    return np.asarray(tree.query(points)[0], dtype=np.float64)
