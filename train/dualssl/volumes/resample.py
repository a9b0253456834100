"""Resampling between grids: images and maps linearly, label maps class by class, bounded in memory.

Outside the source grid the border voxel's value goes on, so that no dark rim appears. Grids that only differ in spacing and
position, the usual case, are interpolated one axis after the other; others (rotated against each other) in general.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import floor, log, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from dualssl.geometry import Geometry
from dualssl.volumes.volume import Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

SLAB_VOXELS = 1 << 20
ANTI_ALIASING_FROM = 1.5
# Interpolated probabilities that differ by less are equal but for rounding; the lower label then stands.
TIE = 1e-6


def resampled_geometry(geometry: Geometry, spacing_kji: tuple[float, float, float]) -> Geometry:
    """The grid of another spacing that covers the same field of view.

    The first voxel's outer corner stays where it is (not its centre); the far end moves by at most half a new voxel.

    Args:
        geometry: the grid to cover.
        spacing_kji: mm along (k, j, i).
    """
    counts = [max(1, floor(n * s / t + 0.5)) for n, s, t in zip(geometry.shape, geometry.spacing, spacing_kji, strict=True)]
    # Index of the new first centre on the old grid, per axis k, j, i: corner at -0.5, plus half a new voxel.
    first = [-0.5 + 0.5 * t / s for s, t in zip(geometry.spacing, spacing_kji, strict=True)]
    centre = geometry.ijk_to_lps @ np.array([first[2], first[1], first[0], 1.0])
    return replace(
        geometry,
        shape=(counts[0], counts[1], counts[2]),
        spacing=(float(spacing_kji[0]), float(spacing_kji[1]), float(spacing_kji[2])),
        origin=(float(centre[0]), float(centre[1]), float(centre[2])),
    )


def resample_image(volume: Volume, to: Geometry) -> Volume:
    """Interpolate an image linearly on another grid.

    Axes that become coarser than 1.5 times are smoothed first (see `smoothing_sigma`).

    Returns:
        `volume` itself if it lies on that grid already, else a float32 volume on `to`.
    """
    if volume.geometry.matches(to):
        return volume
    return Volume(resample_map(volume.array, volume.geometry, to), to)


def resample_map(array: NDArray[Any], source: Geometry, target: Geometry) -> NDArray[np.float32]:
    """Interpolate an array (k, j, i) on `source` linearly at the voxels of `target`; a copy if both are one grid."""
    out = np.empty(target.shape, np.float32)
    for slab, values in _linear_slabs(array, source, target):
        out[slab] = values
    return out


def resample_nearest(array: NDArray[Any], source: Geometry, target: Geometry) -> NDArray[Any]:
    """Values of the nearest voxels of an array (k, j, i) on `source` at the voxels of `target`, in the array's dtype."""
    matrix, offset = _index_mapping(source, target)
    if not _is_separable(matrix, target):
        from scipy import ndimage

        return np.asarray(ndimage.affine_transform(array, matrix, offset, target.shape, array.dtype, order=0, mode="nearest"))
    picks = []
    for axis in range(3):
        positions = matrix[axis, axis] * np.arange(target.shape[axis]) + offset[axis]
        picks.append(np.clip(np.floor(positions + 0.5), 0, source.shape[axis] - 1).astype(np.intp))
    return array[np.ix_(*picks)]


def resample_label_map(volume: Volume, to: Geometry) -> Volume:
    """Bring a label map to another grid: each class's mask linearly, then the largest; ties go to the lower label.

    Boundaries come out smoother and less shifted than with nearest neighbours. One class is in memory at a time.

    Returns:
        `volume` itself if it lies on that grid already, else a label map of the same dtype on `to`.
    """
    if volume.geometry.matches(to):
        return volume
    values = np.unique(volume.array)
    indices = _largest(lambda n: volume.array == values[n], len(values), volume.geometry, to)
    return Volume(values[indices], to)


def resample_probabilities_to(
    class_maps: Callable[[int], NDArray[Any]], classes: int, source: Geometry, target: Geometry
) -> NDArray[np.uint8]:
    """Label map on `target` of the most probable class of maps on `source`, each interpolated linearly.

    Args:
        class_maps: gives the map (k, j, i) of class 0, 1, ...; called once a class, in order, one map alive at a time.
        classes: number of classes, at most 256.
        source: the maps' grid.
        target: the label map's grid. If it is `source`, this is the plain arg max.

    Returns:
        uint8 labels of shape `target.shape`; ties go to the lower label.
    """
    return _largest(class_maps, classes, source, target)


def smoothing_sigma(factor: float) -> float:
    """Standard deviation, in source voxels, of the Gaussian before an axis is sampled `factor` times as coarsely.

    The point spread functions' widths at half maximum are taken as the voxel sizes, whose squares add: Cardoso et al.,
    Scale factor point spread function matching, MICCAI 2015. 0 up to a factor of 1.5.
    """
    return sqrt(factor * factor - 1.0) / (2.0 * sqrt(2.0 * log(2.0))) if factor > ANTI_ALIASING_FROM else 0.0


def _largest(class_maps: Callable[[int], NDArray[Any]], classes: int, source: Geometry, target: Geometry) -> NDArray[np.uint8]:
    if not 1 <= classes <= 256:
        raise ValueError(f"a uint8 label map holds 1 to 256 classes, not {classes}")
    margin = 0.0 if source.matches(target) else TIE
    best = np.full(target.shape, -np.inf, np.float32)
    labels = np.zeros(target.shape, np.uint8)
    for index in range(classes):
        for slab, values in _linear_slabs(class_maps(index), source, target):
            better = values > best[slab] + margin
            np.copyto(best[slab], values, where=better)
            labels[slab][better] = index
    return labels


def _linear_slabs(array: NDArray[Any], source: Geometry, target: Geometry) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Slabs along k of `array` on `target`, float32, so that what comes after needs no whole copy."""
    thickness = max(1, SLAB_VOXELS // (target.shape[1] * target.shape[2]))
    slabs = [slice(k, min(k + thickness, target.shape[0])) for k in range(0, target.shape[0], thickness)]
    if source.matches(target):
        for slab in slabs:
            yield slab, np.asarray(array[slab], np.float32)
        return
    matrix, offset = _index_mapping(source, target)
    array = _smoothed(array, matrix)
    if not _is_separable(matrix, target):
        from scipy import ndimage

        array = np.asarray(array, np.float32)
        for slab in slabs:
            shape = (slab.stop - slab.start, *target.shape[1:])
            shifted = offset + matrix[:, 0] * slab.start
            yield slab, ndimage.affine_transform(array, matrix, shifted, shape, np.float32, order=1, mode="nearest")
        return
    axes = [_neighbours(matrix[a, a], offset[a], target.shape[a], source.shape[a]) for a in range(3)]
    for slab in slabs:
        lower, upper, weight = axes[0]
        block = _between(array, lower[slab], upper[slab], weight[slab], axis=0)
        block = _between(block, *axes[1], axis=1)
        yield slab, _between(block, *axes[2], axis=2)


def _index_mapping(source: Geometry, target: Geometry) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Matrix and offset from array indices k, j, i of `target` to fractional ones of `source`."""
    ijk = np.linalg.inv(source.ijk_to_lps) @ target.ijk_to_lps
    return ijk[2::-1, 2::-1], ijk[2::-1, 3]


def _is_separable(matrix: NDArray[np.float64], target: Geometry) -> bool:
    """Whether the axes of both grids are parallel, up to a thousandth of a voxel over the whole grid."""
    drift = np.abs(matrix - np.diag(np.diag(matrix))) * (np.array(target.shape) - 1)
    return bool(np.all(drift < 1e-3))


def _neighbours(
    step: float, start: float, count: int, size: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Lower and upper voxel and the upper one's weight for `count` positions along an axis of `size` voxels."""
    positions = np.clip(step * np.arange(count) + start, 0.0, size - 1.0)
    lower = np.floor(positions).astype(np.intp)
    return lower, np.minimum(lower + 1, size - 1), (positions - lower).astype(np.float32)


def _between(
    array: NDArray[Any], lower: NDArray[np.intp], upper: NDArray[np.intp], weight: NDArray[np.float32], axis: int
) -> NDArray[np.float32]:
    low = np.take(array, lower, axis).astype(np.float32, copy=False)
    if not weight.any():
        return low
    high = np.take(array, upper, axis).astype(np.float32, copy=False)
    high -= low
    high *= weight.reshape([-1 if a == axis else 1 for a in range(3)])
    high += low
    return high


def _smoothed(array: NDArray[Any], matrix: NDArray[np.float64]) -> NDArray[Any]:
    """Anti-aliasing along the source axes that `target` samples coarsely; the array itself where none is."""
    sigmas = [smoothing_sigma(float(np.linalg.norm(matrix[axis]))) for axis in range(3)]
    if not any(sigmas):
        return array
    from scipy import ndimage

    return np.asarray(ndimage.gaussian_filter(np.asarray(array, np.float32), sigmas, mode="nearest"))
