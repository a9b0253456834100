"""A short descriptor of a case, for distances between cases: what the image shows where something was segmented.

It is made from the image and its prediction, not from the networks' features, which prediction streams window by window and
does not keep. Nothing in it changes when background is padded around the image: intensities are compared with those near
the foreground, never with those of the whole image, and sums run over the foreground and a band around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log, log1p, pi
from typing import TYPE_CHECKING

import numpy as np

from dualssl.metrics.band import bounding_box, foreground_band
from dualssl.review.case_scores import BAND_VOXELS

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from dualssl.geometry import Geometry
    from dualssl.metrics.band import Box
    from dualssl.prediction.results import Prediction
    from dualssl.review.case_scores import CaseScores
    from dualssl.volumes.volume import Volume

PERCENTILES = (10.0, 50.0, 90.0)


def case_descriptor(images: Sequence[Volume], prediction: Prediction, scores: CaseScores) -> tuple[float, ...]:
    """Describe a case.

    Args:
        images: the channels, as they were predicted.
        prediction: on the images' grid.
        scores: of this prediction.

    Returns:
        For each channel the 10th, 50th and 90th percentile of the intensity in the predicted foreground, then in the band
        around it, less the median of both together and divided by their 10th to 90th percentile; then ln(volume in ml), the
        axes of the ellipsoid of equal moments (mm, longest first), how elongated it is (longest / middle), how flat
        (middle / shortest) and how well the foreground fills it (0..1), ln(1 + entropy) and ln(1 + KL) of `scores`. Empty
        where nothing was segmented: there is nothing to describe.

    Raises:
        ValueError: an image does not have the prediction's shape.
    """
    arrays = [image.array for image in images]
    if any(array.shape != prediction.label.shape for array in arrays):
        raise ValueError(f"images of shapes {[a.shape for a in arrays]} and a prediction of shape {prediction.label.shape}")
    foreground = prediction.label != 0
    around = bounding_box(foreground, margin=BAND_VOXELS)
    tight = bounding_box(foreground)
    if around is None or tight is None:
        return ()
    box = _common(around, content_box(arrays, foreground))
    inside = foreground[box]
    band = foreground_band(inside, BAND_VOXELS) & ~inside
    intensities = [value for array in arrays for value in _intensities(array[box], inside, band)]
    shape = _shape(foreground[tight], prediction.geometry)
    return (*intensities, *shape, log1p(scores.entropy), log1p(scores.kl))


def content_box(images: Sequence[NDArray[Any]], foreground: NDArray[np.bool_]) -> Box:
    """The image without the padding around it.

    Takes off outermost planes, from all six sides, as long as each channel has one value in the whole plane and no
    foreground lies in it. Whatever constant an image is padded with, the same box of voxels remains.

    Args:
        images: the channels (k, j, i).
        foreground: mask (k, j, i).

    Returns:
        One slice an axis; at least one voxel.
    """
    first, stop = [0] * foreground.ndim, list(foreground.shape)
    found = True
    while found:
        found = False
        for axis in range(foreground.ndim):
            for at_end in (False, True):
                plane = tuple(slice(a, b) for a, b in zip(first, stop, strict=True))
                end = slice(stop[axis] - 1, stop[axis]) if at_end else slice(first[axis], first[axis] + 1)
                plane = (*plane[:axis], end, *plane[axis + 1 :])
                if stop[axis] - first[axis] == 1 or not _is_padding(images, foreground, plane):
                    continue
                found = True
                if at_end:
                    stop[axis] -= 1
                else:
                    first[axis] += 1
    return tuple(slice(a, b) for a, b in zip(first, stop, strict=True))


def _is_padding(images: Sequence[NDArray[Any]], foreground: NDArray[np.bool_], plane: Box) -> bool:
    return not foreground[plane].any() and all(bool((a[plane] == a[plane].flat[0]).all()) for a in images)


def _common(one: Box, other: Box) -> Box:
    return tuple(slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(one, other, strict=True))


def _intensities(image: NDArray[Any], inside: NDArray[np.bool_], band: NDArray[np.bool_]) -> list[float]:
    """Percentiles inside and in the band, in proportion to the spread of both together."""
    foreground = image[inside].astype(np.float32)
    # Where the foreground fills the image there is no band: nothing is known that differs from the foreground.
    surroundings = image[band].astype(np.float32) if band.any() else foreground
    low, median, high = np.percentile(np.concatenate([foreground, surroundings]), PERCENTILES)
    spread = high - low if high > low else 1.0
    found = [*np.percentile(foreground, PERCENTILES), *np.percentile(surroundings, PERCENTILES)]
    return [float((value - median) / spread) for value in found]


def _shape(foreground: NDArray[np.bool_], geometry: Geometry) -> list[float]:
    """ln(ml), three axes in mm, elongation, flatness and fill of a mask (k, j, i) that holds at least one voxel.

    A solid ellipsoid with semi-axis a has the second moment a² / 5 along it.
    """
    scale = geometry.ijk_to_lps[:3, :3]
    moments = scale @ _second_moments(foreground)[::-1, ::-1] @ scale.T
    semi_axes = np.sqrt(5.0 * np.linalg.eigvalsh(moments)[::-1])
    long, middle, short = (float(a) for a in semi_axes)
    ml = int(np.count_nonzero(foreground)) * geometry.voxel_ml
    ellipsoid_ml = 4.0 / 3.0 * pi * long * middle * short / 1000.0
    return [log(ml), 2 * long, 2 * middle, 2 * short, long / middle, middle / short, ml / ellipsoid_ml]


def _second_moments(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Covariance (3, 3) of the positions in a mask, in voxels, order k, j, i; each voxel counts as a cube.

    Found from the mask's projections: lists of the positions would take many times the memory of a large mask.
    """
    total = int(np.count_nonzero(mask))
    moments = np.zeros((3, 3))
    for a, b in ((0, 1), (0, 2), (1, 2)):
        counts = np.count_nonzero(mask, axis=3 - a - b) / total
        x = np.arange(mask.shape[a], dtype=np.float64)
        y = np.arange(mask.shape[b], dtype=np.float64)
        x -= counts.sum(axis=1) @ x
        y -= counts.sum(axis=0) @ y
        moments[a, b] = moments[b, a] = x @ counts @ y
        moments[a, a] = counts.sum(axis=1) @ x**2
        moments[b, b] = counts.sum(axis=0) @ y**2
    # The variance of a cube of side 1 along each axis; without it a single slice would have no thickness.
    return moments + np.eye(3) / 12.0
