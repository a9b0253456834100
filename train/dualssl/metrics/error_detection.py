"""Does uncertainty point at errors? Areas under the ROC and the precision-recall curve of "this voxel is wrong"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dualssl.metrics.band import foreground_band
from dualssl.metrics.ranking import TieGroups
from dualssl.metrics.voxels import check_bins, chosen_voxels, empty_bins, voxels_in

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["ErrorDetection", "ErrorHistogram", "detect_errors", "foreground_band"]

DEFAULT_BINS = 2048


@dataclass(frozen=True)
class ErrorDetection:
    """How well a map ranks wrong voxels above right ones.

    Attributes:
        auroc: probability that a wrong voxel has the higher value than a right one, ties counted half; 0.5 is chance.
        auprc: average precision; chance is the share of errors, `error_rate`.
        voxels: how many were judged.
        errors: how many of them were wrong.

    Where nothing can be ranked (no error, errors only, no voxel), both areas are None.
    """

    auroc: float | None
    auprc: float | None
    voxels: int
    errors: int

    @classmethod
    def of_groups(cls, errors: NDArray[np.int64], voxels: NDArray[np.int64]) -> ErrorDetection:
        """From the counts in groups of equal value, the highest value first.

        Args:
            errors: wrong voxels in each group (g,).
            voxels: all voxels in each group (g,).
        """
        wrong, total = int(errors.sum()), int(voxels.sum())
        right = total - wrong
        if wrong == 0 or right == 0:
            return cls(None, None, total, wrong)
        right_in_group = (voxels - errors).astype(np.float64)
        # Mann-Whitney's U: for each wrong voxel, the right ones below it and half of those level with it.
        right_below = right - np.cumsum(right_in_group)
        auroc = float(np.sum(errors * (right_below + 0.5 * right_in_group)) / (float(wrong) * right))
        # Average precision: precision at the end of each group, weighed by the recall that the group adds.
        reached = np.cumsum(voxels)
        precision = np.cumsum(errors) / np.maximum(reached, 1)
        auprc = float(np.sum(precision * errors) / wrong)
        return cls(auroc, auprc, total, wrong)

    @property
    def error_rate(self) -> float | None:
        """Share of wrong voxels, the average precision of a map that knows nothing; None if no voxel was judged."""
        return self.errors / self.voxels if self.voxels else None

    def to_json(self) -> dict[str, float | int | None]:
        """Plain data."""
        return {
            "auroc": self.auroc,
            "auprc": self.auprc,
            "error_rate": self.error_rate,
            "voxels": self.voxels,
            "errors": self.errors,
        }


def detect_errors(uncertainty: ArrayLike, errors: ArrayLike, band: ArrayLike | None = None) -> ErrorDetection:
    """Exact areas of one case.

    Args:
        uncertainty: a map (k, j, i) of any unit; only its order counts.
        errors: where the prediction is wrong, same shape.
        band: voxels to judge, same shape, e.g. `foreground_band`; all of them if None.

    Raises:
        ValueError: the shapes differ, or the map is not finite inside the band.
    """
    values, wrong = voxels_in(uncertainty, errors, band)
    groups = TieGroups.descending(values)
    return ErrorDetection.of_groups(groups.sums(wrong), groups.sizes)


class ErrorHistogram:
    """Pools the voxels of many cases in bins of equal width over 0..1; voxels of one bin count as ties.

    For a map without upper bound, such as a KL divergence, add `1 - exp(-map)`: the order of its voxels stays.
    """

    def __init__(self, bins: int = DEFAULT_BINS) -> None:
        """Start empty.

        Raises:
            ValueError: fewer than one bin.
        """
        self.voxels = empty_bins(bins)
        self.errors = empty_bins(bins)

    def add(self, uncertainty: ArrayLike, errors: ArrayLike, band: ArrayLike | None = None) -> None:
        """Count the voxels of a case; arguments as for `detect_errors`.

        Raises:
            ValueError: the shapes differ, or a value in the band lies outside 0..1 (NaN does) by more than rounding.
        """
        bins = len(self.voxels)
        for values, wrong in chosen_voxels(uncertainty, errors, band):
            if not np.all((values >= -1e-2) & (values <= 1.0 + 1e-2)):
                raise ValueError("an uncertainty lies outside 0..1: scale the map first")
            index = np.clip((values * bins).astype(np.int64), 0, bins - 1)
            self.voxels += np.bincount(index, minlength=bins)
            self.errors += np.bincount(index[wrong], minlength=bins)

    def merge(self, other: ErrorHistogram) -> None:
        """Add everything that `other` has counted.

        Raises:
            ValueError: the numbers of bins differ.
        """
        check_bins(self.voxels, other.voxels)
        self.voxels += other.voxels
        self.errors += other.errors

    @property
    def result(self) -> ErrorDetection:
        """The areas over all voxels counted so far."""
        return ErrorDetection.of_groups(self.errors[::-1], self.voxels[::-1])
