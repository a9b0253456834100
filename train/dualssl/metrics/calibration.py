"""Whether a probability of 0.9 is right nine times out of ten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dualssl.metrics.voxels import check_bins, chosen_voxels, empty_bins

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

DEFAULT_BINS = 15


class Reliability:
    """Histograms from which the expected calibration error follows; cases are added one after the other.

    Bins are of equal width over 0..1, closed above: a confidence on an edge belongs to the bin below it.
    """

    def __init__(self, bins: int = DEFAULT_BINS) -> None:
        """Start empty.

        Raises:
            ValueError: fewer than one bin.
        """
        self.counts = empty_bins(bins)
        self._correct = empty_bins(bins)
        self._confidence: NDArray[np.float64] = np.zeros(bins, dtype=np.float64)

    def add(self, confidence: ArrayLike, correct: ArrayLike, band: ArrayLike | None = None) -> None:
        """Count the voxels of a case.

        Args:
            confidence: probability of the predicted class (k, j, i), 0..1.
            correct: whether the predicted class is the true one, same shape.
            band: voxels to count, same shape; all of them if None.

        Raises:
            ValueError: the shapes differ, or a confidence lies outside 0..1 (NaN does).
        """
        bins = len(self.counts)
        for values, right in chosen_voxels(confidence, correct, band):
            # Softmax in half precision sums to a little more than 1.
            if not np.all((values >= -1e-3) & (values <= 1.0 + 1e-2)):
                raise ValueError("a confidence lies outside 0..1")
            index = np.clip(np.ceil(values * bins).astype(np.int64) - 1, 0, bins - 1)
            self.counts += np.bincount(index, minlength=bins)
            self._correct += np.bincount(index[right], minlength=bins)
            self._confidence += np.bincount(index, weights=np.clip(values, 0.0, 1.0), minlength=bins)

    def merge(self, other: Reliability) -> None:
        """Add everything that `other` has counted.

        Raises:
            ValueError: the numbers of bins differ.
        """
        check_bins(self.counts, other.counts)
        self.counts += other.counts
        self._correct += other._correct
        self._confidence += other._confidence

    @property
    def accuracy(self) -> NDArray[np.float64]:
        """Share of correct voxels in each bin (bins,); 0 where a bin is empty."""
        return self._correct / np.maximum(self.counts, 1)

    @property
    def confidence(self) -> NDArray[np.float64]:
        """Mean confidence in each bin (bins,); 0 where a bin is empty."""
        return self._confidence / np.maximum(self.counts, 1)

    @property
    def ece(self) -> float | None:
        """Expected calibration error: sum over bins of (voxels in bin / all voxels) · |accuracy - confidence|.

        After Guo et al. 2017 (arXiv 1706.04599). None if no voxel was counted.
        """
        total = int(self.counts.sum())
        if total == 0:
            return None
        return float(np.abs(self._correct - self._confidence).sum() / total)

    def to_json(self) -> dict[str, Any]:
        """Plain data for a reliability diagram; `accuracy` and `confidence` are None in empty bins."""
        filled = self.counts > 0
        return {
            "ece": self.ece,
            "edges": [float(e) for e in np.linspace(0.0, 1.0, len(self.counts) + 1)],
            "voxels": [int(n) for n in self.counts],
            "accuracy": [float(v) if f else None for v, f in zip(self.accuracy, filled, strict=True)],
            "confidence": [float(v) if f else None for v, f in zip(self.confidence, filled, strict=True)],
        }


def expected_calibration_error(
    confidence: ArrayLike, correct: ArrayLike, band: ArrayLike | None = None, bins: int = DEFAULT_BINS
) -> float | None:
    """Expected calibration error of one case; see `Reliability`."""
    reliability = Reliability(bins)
    reliability.add(confidence, correct, band)
    return reliability.ece
